//! One user data per site from one template (Jinja), with every value written
//! so that the YAML around it reads exactly that value, wherever it lands.
//!
//! What stands between `{{` and `}}` is first put aside for a word; the rest is
//! parsed as YAML, and the kind of scalar that each word is in decides how the
//! value is written there. The text with the words is user data like any
//! other, so a registry can be injected once for all sites.

mod align;
mod blame;
mod context;
mod engines;
mod number;
mod origin;
mod sites;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, StringInput};
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior, Value};
use thiserror::Error as ThisError;

use crate::envelope::is_archive;
use crate::header::is_jinja_template;
use crate::holes::{self, Holes, Put};
use crate::jinja;
use crate::mime::is_mime;
use crate::splice::Span;
use crate::trace::{self, Added, Traced};

use blame::{Blame, plain_message};
pub use sites::{SitesError, read_site_values};

use context::{Block, Context, Spot};
use number::Spelled;

/// Name of the one template in its environment.
const NAME: &str = "user-data";
/// The filter that writes values; nobody would call a filter that.
const FILTER: &str = "edgectl_write_value";
/// The same for the template as it was before it was edited.
const BARE: (&str, &str) = ("user-data-before", "edgectl_write_value_before");

/// A value of a site.
#[derive(Debug, Clone, PartialEq)]
pub enum SiteValue {
    /// A text.
    Text(String),
    /// A number, as it is spelled.
    Number(String),
    /// Nothing.
    Null,
    /// A truth value.
    Boolean(bool),
    /// Several values.
    List(Vec<SiteValue>),
    /// Named values.
    Mapping(BTreeMap<String, SiteValue>),
}

impl SiteValue {
    /// A number that is spelled so, and is written so.
    pub fn number(text: &str) -> Self {
        Self::Number(text.to_owned())
    }

    fn to_jinja(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(text.as_str()),
            Self::Number(text) => Spelled::value(text),
            Self::Null => Value::from(()),
            Self::Boolean(truth) => Value::from(*truth),
            Self::List(items) => items.iter().map(Self::to_jinja).collect(),
            // Pairs alone would be collected to a list.
            Self::Mapping(entries) => {
                let pairs = entries.iter().map(|(key, value)| (key.clone(), value.to_jinja()));
                Value::from(pairs.collect::<BTreeMap<String, Value>>())
            }
        }
    }
}

/// Why a template can't be used.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum TemplateError {
    /// The text isn't YAML once its expressions are words.
    #[error("line {line}, column {column}: {message}")]
    Yaml {
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// What the parser says.
        message: String,
    },
    /// User data of several parts, where a value's surroundings can't be told.
    #[error(
        "MIME multipart and cloud-config-archive can't be a template: what a value means inside of a part can't be told, and it could bring in keys of its own; make the template one cloud-config file (`#cloud-config`), and give the other parts to the host in another way, such as files of `write_files`"
    )]
    Parts,
    /// The text isn't a template.
    #[error("line {line}: {message}")]
    Template {
        /// Line, from 1; 0 where it can't be told.
        line: usize,
        /// What the engine says.
        message: String,
    },
}

/// Why the user data of a site can't be written.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[error("line {line}: {message}")]
pub struct RenderError {
    /// Line of the template, from 1; 0 where it can't be told.
    pub line: usize,
    /// What is wrong, and with which value.
    pub message: String,
}

/// A template, ready to be filled in.
pub struct SiteTemplate {
    environment: Environment<'static>,
    blame: Blame,
    /// What the edit has added.
    added: Vec<Span>,
}

impl std::fmt::Debug for SiteTemplate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Its text may hold passwords.
        f.debug_struct("SiteTemplate").finish_non_exhaustive()
    }
}

impl SiteTemplate {
    /// Reads a template. `edit` may change the text while words stand for its
    /// expressions, for example inject a registry.
    pub fn new<E: From<TemplateError>>(
        text: &str,
        edit: impl Fn(String) -> Result<String, E>,
    ) -> Result<Self, E> {
        if is_mime(text) || is_archive(text) {
            return Err(E::from(TemplateError::Parts));
        }
        let (holes, edited) = dug_and_edited(text, edit)?;
        Self::of(holes, &edited).map_err(E::from)
    }

    fn of(holes: Holes, edited: &Traced) -> Result<Self, TemplateError> {
        let mut environment = environment()?;
        let spots = |text: &str| context::spots(&context::quoted_parts(text, &holes)?, &holes);
        let own = spots(&edited.text)?;
        let (source, lines) = compiled(&mut environment, &holes, &edited.text, FILTER, &own)?;
        let before = bare(edited, &holes);
        if let Some((before, _)) = &before {
            // What reads the edited one may take marks that nobody sees here.
            let mut spots = spots(before)?;
            spots.iter_mut().zip(&own).for_each(|(spot, own)| spot.run = own.run);
            let (source, _) = compiled(&mut environment, &holes, before, BARE.1, &spots)?;
            // What is wrong with it is wrong with the edited one, too.
            let _ = environment.add_template_owned(BARE.0, source);
        }
        let blame = Blame { holes, lines };
        environment.add_template_owned(NAME, source).map_err(|error| TemplateError::Template {
            line: blame.line(&error),
            message: plain_message(&error),
        })?;
        Ok(Self { environment, blame, added: before.map(|(_, added)| added).unwrap_or_default() })
    }

    /// The user data of one site.
    pub fn render(&self, values: &BTreeMap<String, SiteValue>) -> Result<String, RenderError> {
        let told = |error: Error| RenderError {
            line: self.blame.line(&error),
            message: plain_message(&error),
        };
        let context: BTreeMap<&str, Value> =
            values.iter().map(|(key, value)| (key.as_str(), value.to_jinja())).collect();
        let text = self.environment.get_template(NAME).and_then(|t| t.render(&context));
        let text = text.map_err(told)?;
        Ok(self.traced(&text, &context).unwrap_or(text))
    }

    /// The line of the template that a path of keys is written in, as findings
    /// have it; none where a site's text has it from elsewhere.
    pub fn line_of(&self, path: &str) -> Option<usize> {
        origin::line_of(&self.blame.holes, path)
    }

    /// The text with a line that says where in it something was added.
    fn traced(&self, text: &str, context: &BTreeMap<&str, Value>) -> Option<String> {
        if self.added.is_empty() {
            return None;
        }
        let before = self.environment.get_template(BARE.0).ok()?.render(context).ok()?;
        Some(trace::write(text, &align::patch(&before, text, &self.added)?))
    }
}

/// The template before it was edited, and what was added, where that can be told.
fn bare(edited: &Traced, holes: &Holes) -> Option<(String, Vec<Span>)> {
    let Added::Exactly(patch) = edited.trace.as_ref()?.added(&edited.text) else { return None };
    let before = patch.undone(&edited.text)?;
    // A site's value that has gone would have to be kept.
    let is_kept = |span: &Span| !span.gone.contains(holes.mark());
    patch.spans.iter().all(is_kept).then_some((before, patch.spans))
}

fn environment() -> Result<Environment<'static>, TemplateError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(whitespace()?);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.add_filter("join", join);
    environment.add_filter("int", number::int);
    environment.add_filter("float", number::float);
    // These make something out of nothing, and nobody needs them here.
    for name in ["pprint", "escape", "e", "zip"] {
        environment.remove_filter(name);
    }
    Ok(environment)
}

/// A text with words as the engine takes it, and the lines in it of what the
/// words stand for.
fn compiled(
    environment: &mut Environment<'static>,
    holes: &Holes,
    text: &str,
    filter: &'static str,
    spots: &[Spot],
) -> Result<(String, Vec<(usize, usize)>), TemplateError> {
    let text = context::quoted_parts(text, holes)?;
    let is_jinja = is_jinja_template(&text);
    let mut lines = Vec::new();
    let source = holes.fill(&text, |number, put, before| {
        let line = before.matches('\n').count() + 1;
        lines.push((line, number));
        match put {
            Put::Expression(expression, _) => {
                format!("{{{{ ({expression}) | {filter}({number}) }}}}")
            }
            Put::Other(original) => jinja::inline(original),
            Put::Line(original) => original.clone(),
        }
    });
    let writers =
        Arc::new(Writers { spots: spots.to_vec(), is_jinja, expressions: holes.expressions() });
    environment
        .add_filter(filter, move |value: &Value, number: usize| writers.write(value, number));
    Ok((source, lines))
}

/// The template with words that the edited text has nothing else of: a password
/// that is put in could look like one.
fn dug_and_edited<E: From<TemplateError>>(
    text: &str,
    edit: impl Fn(String) -> Result<String, E>,
) -> Result<(Holes, Traced), E> {
    for mark in holes::marks(text) {
        let holes = Holes::dig(text, mark).map_err(|error| {
            E::from(TemplateError::Template { line: error.line, message: error.to_string() })
        })?;
        // Where what was added stands is another place in every site's text.
        let edited = trace::split(&edit(holes.text.clone())?);
        if holes.are_all_in(&edited.text) {
            return Ok((holes, edited));
        }
        if let Some(line) = holes.first_gone(&edited.text) {
            let message =
                "an expression stands where a value of the registry goes; take it out of there"
                    .to_owned();
            return Err(E::from(TemplateError::Template { line, message }));
        }
    }
    let message = "no word can be found that isn't in the user data".to_owned();
    Err(E::from(TemplateError::Template { line: 0, message }))
}

/// The engine's own, which takes what has no value for nothing.
fn join(
    state: &mut State<'_, '_>,
    value: &Value,
    joiner: Option<StringInput<'_>>,
    attribute: Option<&str>,
    kwargs: Kwargs,
) -> Result<Value, Error> {
    match value.is_undefined() {
        true => Err(Error::new(ErrorKind::UndefinedError, "what is joined has no value")),
        false => minijinja::filters::join(state, value, joiner, attribute, kwargs),
    }
}

/// Lines of statements leave nothing behind, and the last line keeps its end.
fn whitespace() -> Result<SyntaxConfig, TemplateError> {
    let mut builder = SyntaxConfig::builder();
    builder.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    builder
        .build()
        .map_err(|error| TemplateError::Template { line: 0, message: plain_message(&error) })
}

/// Whether an expression adds the blanks that its block adds by itself.
fn indents_twice(expression: &str, block: Block) -> bool {
    let width = expression.rsplit_once('|').map_or("", |(_, filter)| filter.trim());
    let width = width.strip_prefix("indent(").and_then(|rest| rest.split([',', ')']).next());
    let width = width.and_then(|width| width.trim_start_matches("width=").trim().parse().ok());
    block.indent > 0 && width == Some(block.column)
}

struct Writers {
    spots: Vec<Spot>,
    is_jinja: bool,
    expressions: Vec<String>,
}

impl Writers {
    fn write(&self, value: &Value, number: usize) -> Result<String, Error> {
        let expression = self.expressions.get(number).map_or("", |e| e.as_str());
        if value.is_undefined() {
            let message = format!("`{expression}` has no value");
            return Err(Error::new(ErrorKind::UndefinedError, message));
        }
        let spot = self.spots.get(number).copied().unwrap_or(Spot::comment(self.is_jinja));
        if let Context::Block(block) = spot.context
            && indents_twice(expression, block)
        {
            let message = format!(
                "`{expression}` would be indented twice: a block of text gets its own blanks \
                 before every line; write `indent({})` for it, or nothing for 0",
                block.column - block.indent
            );
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        }
        write::value(value, spot)
            .map_err(|why| Error::new(ErrorKind::InvalidOperation, format!("`{expression}` {why}")))
    }
}
