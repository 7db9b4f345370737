//! User data that is a template of cloud-init's (`## template: jinja`), and no
//! YAML before that has run: read with words in place of what Jinja reads.

use std::ops::Range;

use crate::error::{Place, SyntaxError};
use crate::header::is_jinja_template;
use crate::holes::{self, Holes, Restored};
use crate::jinja::{length, next_opening};
use crate::lines;
use crate::tree::{Data, Document};

/// What Jinja reads.
pub(crate) const MARKS: [&str; 3] = ["{{", "{%", "{#"];

/// Such a text.
pub(crate) struct Template {
    pub(crate) holes: Holes,
    own: Restored,
}

impl Template {
    /// None where the text is YAML as it stands, or no template.
    pub(crate) fn of(text: &str) -> Result<Option<Self>, SyntaxError> {
        Ok(Self::each(text)?.next())
    }

    /// With words of several kinds, as what is put in could look like one.
    pub(crate) fn each(text: &str) -> Result<impl Iterator<Item = Self>, SyntaxError> {
        let marks = is_needed(text).then(|| holes::marks(text)).into_iter().flatten();
        let mut dug = marks.map(|mark| Holes::dig(text, mark)).peekable();
        if let Some(Err(error)) = dug.peek() {
            let place = Place::new(error.line, 1);
            return Err(SyntaxError { place, message: error.to_string() });
        }
        Ok(dug.filter_map(Result::ok).map(|holes| Self { own: holes.restored(&holes.text), holes }))
    }

    /// The text with words, which is YAML if the template is written so that
    /// each statement has a line of its own.
    pub(crate) fn text(&self) -> &str {
        &self.holes.text
    }

    /// A place of that text as one of the template.
    pub(crate) fn place(&self, place: Place) -> Place {
        let at = lines::at(self.text(), place);
        lines::place(&self.own.text, self.own.there(at))
    }

    /// An offset of the template as one of the text with words.
    pub(crate) fn back(&self, at: usize) -> Option<usize> {
        self.own.back(at)
    }
}

/// Whether Jinja makes something of a text.
pub(crate) fn is_template(text: &str) -> bool {
    is_jinja_template(text) && MARKS.iter().any(|mark| text.contains(mark))
}

/// Whether a text is a template and can't be read as it stands.
fn is_needed(text: &str) -> bool {
    is_template(text)
        && !Document::parse(text).is_ok_and(|document| has_only_values(text, &document))
}

/// Whether all that Jinja reads stands in values, from its beginning to its end:
/// `a {# b #}` is a value with a comment of YAML behind it.
pub(crate) fn has_only_values(text: &str, document: &Document) -> bool {
    let scalars = document.nodes.iter().filter(|node| matches!(node.data, Data::Scalar { .. }));
    let mut values: Vec<Range<usize>> = scalars.map(|node| node.range.clone()).collect();
    values.sort_by_key(|range| range.start);
    let mut at = 0;
    while let Some(start) = next_opening(&text[at..]).map(|next| at + next) {
        let Some(length) = length(&text[start..]) else { return false };
        let around = values.partition_point(|range| range.start <= start).checked_sub(1);
        if around.is_none_or(|around| start + length > values[around].end) {
            return false;
        }
        at = start + length;
    }
    true
}

/// The document of a text, of a template with words in it.
pub(crate) fn readable(text: &str) -> Option<Document> {
    let template = Template::of(text).ok()?;
    Document::parse(template.as_ref().map_or(text, |template| template.text())).ok()
}

/// Whose template a text looks like that is no YAML, by a line that says no more than what
/// to put there.
pub(crate) fn other_template(text: &str) -> Option<&'static str> {
    const OF_GO: [&str; 10] =
        [".", "$", "if ", "else", "end", "range ", "with ", "include ", "template ", "define "];
    const OF_TERRAFORM: [&str; 5] = ["if ", "else", "endif", "for ", "endfor"];
    let is_terraforms =
        |line: &str| match line.strip_prefix("%{") {
            Some(inside) => {
                let inside = inside.trim_start_matches('~').trim_start();
                OF_TERRAFORM.iter().any(|start| inside.starts_with(start))
            }
            // A shell's has more than a name in it, where it stands alone.
            None => line.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).is_some_and(
                |inside| inside.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.'),
            ),
        };
    let is_gos = |line: &str| {
        line.strip_prefix("{{").is_some_and(|inside| {
            let inside = inside.trim_start_matches('-').trim_start();
            OF_GO.iter().any(|start| inside.starts_with(start))
        })
    };
    let lines = || text.lines().map(str::trim);
    match () {
        () if is_template(text) => None,
        () if lines().any(is_terraforms) => Some("Terraform's or envsubst's"),
        () if lines().any(is_gos) => Some("Go's"),
        () if lines().any(|line| line.starts_with("<%")) => Some("Ruby's (ERB)"),
        () => None,
    }
}

/// What to do about a template that isn't YAML with its expressions put aside.
pub(crate) fn explained(message: &str) -> String {
    format!(
        "{message}; this is a template (`## template: jinja`), read as cloud-init runs it: give each \
         statement (`{{% … %}}`) a line of its own that begins with it, as it takes its line end \
         along and leaves the blanks before it, and put quotes around values with expressions"
    )
}
