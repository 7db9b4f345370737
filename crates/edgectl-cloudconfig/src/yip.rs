//! What Kairos' engine (yip) runs as Go templates: files after they are decoded,
//! commands, variables and host names, also of cloud-init's own keys.

use std::collections::BTreeSet;

use crate::check::Flavor;
use crate::tree::{Data, Document, Id};

/// What becomes of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    /// It is taken as it is.
    Never,
    /// Some of what is in it is run as a template.
    Around,
    /// It is run as a template, or all that is in it.
    Template,
}

/// What becomes of every node of a document, by its number.
pub(crate) fn runs(text: &str, document: &Document) -> Vec<Run> {
    let mut search =
        Search { document, runs: vec![Run::Never; document.nodes.len()], seen: BTreeSet::new() };
    if let Some(root) = document.root.filter(|_| Flavor::of(text, document) != Flavor::CloudInit) {
        search.below(root, Place::Root);
    }
    search.runs
}

/// A text without what yip's engine takes for a written `{{`.
pub(crate) fn without_escapes(text: &str) -> String {
    const ESCAPED: [&str; 4] = [r#"{{ "{{" }}"#, "{{ `{{` }}", r#"{{"{{"}}"#, r#"{{ "{" }}"#];
    ESCAPED.iter().fold(text.to_owned(), |text, escaped| text.replace(escaped, ""))
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Root,
    Stages,
    Steps,
    Step,
    Files,
    File,
    Template,
}

impl Place {
    /// Where the value of a key stands.
    fn of_key(self, key: &str) -> Option<Self> {
        match (self, key) {
            (Self::Root, "stages") => Some(Self::Stages),
            (Self::Root, "write_files") | (Self::Step, "files") => Some(Self::Files),
            (Self::Root, "runcmd" | "hostname")
            | (Self::Step, "commands" | "environment" | "hostname")
            | (Self::File, "content") => Some(Self::Template),
            (Self::Stages, _) => Some(Self::Steps),
            (Self::Template, _) => Some(Self::Template),
            _ => None,
        }
    }

    /// Where an item of a list stands.
    fn of_item(self) -> Option<Self> {
        match self {
            Self::Steps => Some(Self::Step),
            Self::Files => Some(Self::File),
            Self::Template => Some(Self::Template),
            _ => None,
        }
    }
}

struct Search<'a> {
    document: &'a Document,
    runs: Vec<Run>,
    /// Aliases may lead in circles.
    seen: BTreeSet<(Id, Place)>,
}

impl Search<'_> {
    fn below(&mut self, id: Id, place: Place) {
        let document = self.document;
        let Some(id) = document.resolve(id) else { return };
        if !self.seen.insert((id, place)) {
            return;
        }
        match place {
            Place::Root => {}
            Place::Template => self.runs[id] = Run::Template,
            _ if self.runs[id] == Run::Never => self.runs[id] = Run::Around,
            _ => {}
        }
        match &document.node(id).data {
            Data::Mapping { entries, .. } => {
                for (key, value) in entries {
                    let name = document.node(*key).scalar().map_or("", |(name, _)| name);
                    match name {
                        "<<" => self.below(*value, place),
                        name => {
                            if let Some(place) = place.of_key(name) {
                                self.below(*value, place);
                            }
                        }
                    }
                }
            }
            Data::Sequence { items, .. } => {
                let place_of_items = place.of_item();
                for item in items {
                    if let Some(place) = place_of_items {
                        self.below(*item, place);
                    }
                }
            }
            _ => {}
        }
    }
}
