//! Takes texts that should be images, and keeps the books.

use std::collections::BTreeMap;

use edgectl_model::{Found, Reference, Role, Tier};

use crate::layer::Layer;
use crate::macros::Macros;
use crate::report::{DiscoveredImage, Problem, Severity};
use crate::rules::KnownFields;
use crate::tree::Node;

/// What agent mode says in place of an operating system image; never a legal
/// reference, because of its upper case.
const NO_IMAGE: &str = "NA";

/// Places that are held. Real catalogues have thousands; what names more is
/// made to fill the memory, or should be searched in parts.
const MAX_PLACES: usize = 50_000;

/// How an image was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) rule: &'static str,
    pub(crate) tier: Tier,
    pub(crate) role: Role,
    pub(crate) declared: bool,
}

/// One image at one place, before places are joined.
pub(crate) struct Sighting {
    pub(crate) reference: Reference,
    pub(crate) kind: Kind,
    /// Number of the pack over all inputs.
    pub(crate) pack: usize,
    pub(crate) found: Found,
    pub(crate) column: u64,
    /// It stands in values, which may belong to what is switched off.
    pub(crate) is_value: bool,
}

/// All that was seen so far.
#[derive(Default)]
pub(crate) struct Book {
    /// Fields that are known beyond the built-in table.
    pub(crate) known: KnownFields,
    pub(crate) sightings: Vec<Sighting>,
    pub(crate) problems: Vec<Problem>,
}

/// A text that is being searched, and what to call it.
pub(crate) struct Scope<'a> {
    pub(crate) file: &'a str,
    pub(crate) layer: &'a Layer<'a>,
    /// Path of the text itself, with what separates it from paths inside.
    pub(crate) base: String,
    pub(crate) object: String,
    pub(crate) pack: usize,
    pub(crate) macros: &'a Macros<'a>,
}

impl Scope<'_> {
    /// The same, for a text inside this one.
    pub(crate) fn inside<'b>(&'b self, layer: &'b Layer<'b>, base: String) -> Scope<'b> {
        let Scope { file, object, pack, macros, .. } = self;
        Scope { file, layer, base, object: object.clone(), pack: *pack, macros }
    }

    /// A place of this text, as the lock has it.
    pub(crate) fn found(&self, node: &Node, path: &str, rule: &str) -> (Found, u64) {
        let (line, column) = self.layer.place(node.line(), node.column());
        let found = Found {
            file: self.file.to_owned(),
            line,
            path: format!("{}{path}", self.base),
            object: self.object.clone(),
            rule: rule.to_owned(),
        };
        (found, column)
    }
}

impl Book {
    /// Takes `text` for an image, after its macros are filled in. What isn't
    /// one is a problem, unless it was only likely to be one.
    pub(crate) fn take(
        &mut self,
        scope: &Scope<'_>,
        node: &Node,
        path: &str,
        text: &str,
        kind: Kind,
    ) {
        let text = match scope.macros.resolve(text) {
            Ok(text) => text,
            Err(name) => {
                let message = format!("nothing in the profile says what the macro `{name}` means");
                return self.error(scope, node, path, "unresolved-macro", message);
            }
        };
        if text.trim() == NO_IMAGE {
            return;
        }
        match Reference::parse(text.trim()) {
            Ok(_) if self.sightings.len() >= MAX_PLACES => self.refuse_more(scope, node, path),
            Ok(reference) => {
                let (found, column) = scope.found(node, path, kind.rule);
                let pack = scope.pack;
                self.sightings.push(Sighting {
                    reference,
                    kind,
                    pack,
                    found,
                    column,
                    is_value: false,
                });
            }
            Err(_) if kind.tier > Tier::Certain => {}
            Err(error) => self.error(scope, node, path, "bad-reference", error.to_string()),
        }
    }

    /// Said once: every further place would say the same.
    fn refuse_more(&mut self, scope: &Scope<'_>, node: &Node, path: &str) {
        const RULE: &str = "too-many-places";
        if self.problems.iter().all(|problem| problem.rule != RULE) {
            let message = format!(
                "more than {MAX_PLACES} places name an image, and those from here on are not \
                 searched; give fewer inputs at once"
            );
            self.error(scope, node, path, RULE, message);
        }
    }

    pub(crate) fn error(
        &mut self,
        scope: &Scope<'_>,
        node: &Node,
        path: &str,
        rule: &'static str,
        message: String,
    ) {
        self.report(Severity::Error, scope, node, path, rule, message);
    }

    pub(crate) fn warn(
        &mut self,
        scope: &Scope<'_>,
        node: &Node,
        path: &str,
        rule: &'static str,
        message: String,
    ) {
        self.report(Severity::Warning, scope, node, path, rule, message);
    }

    pub(crate) fn inform(
        &mut self,
        scope: &Scope<'_>,
        node: &Node,
        path: &str,
        rule: &'static str,
        message: String,
    ) {
        self.report(Severity::Info, scope, node, path, rule, message);
    }

    fn report(
        &mut self,
        severity: Severity,
        scope: &Scope<'_>,
        node: &Node,
        path: &str,
        rule: &'static str,
        message: String,
    ) {
        let (Found { file, line, path, object, .. }, column) = scope.found(node, path, rule);
        self.problems.push(Problem { severity, file, line, column, path, object, rule, message });
    }

    /// The images, each with all its places.
    pub(crate) fn into_images(self) -> BTreeMap<Reference, DiscoveredImage> {
        let mut images: BTreeMap<Reference, DiscoveredImage> = BTreeMap::new();
        for Sighting { reference, kind, found, .. } in self.sightings {
            let image = images.entry(reference).or_insert_with_key(|reference| DiscoveredImage {
                reference: reference.clone(),
                role: kind.role,
                tier: kind.tier,
                declared: false,
                found: Vec::new(),
            });
            // The operating system's image stays that, whoever else names it.
            image.role = image.role.max(kind.role);
            image.tier = image.tier.min(kind.tier);
            image.declared |= kind.declared;
            image.found.push(found);
        }
        for image in images.values_mut() {
            image.found.sort();
            image.found.dedup();
        }
        images
    }
}

/// The value of `key`, or of a key that must be a slip of the finger for it,
/// which is reported.
pub(crate) fn get_or_misspelt<'a>(
    book: &mut Book,
    scope: &Scope<'_>,
    node: &'a Node,
    path: &str,
    key: &str,
) -> Option<(&'a str, &'a Node)> {
    let entry = |wanted: &dyn Fn(&str) -> bool| {
        let named = |k: &'a Node| k.scalar().filter(|name| wanted(name));
        node.entries().iter().find_map(|(k, value)| Some((named(k)?, k, value)))
    };
    if let Some((name, _, value)) = entry(&|name| name == key) {
        return Some((name, value));
    }
    let is_slip = |name: &str| edgectl_model::did_you_mean(name, [key]).is_some();
    let (name, at, value) = entry(&is_slip)?;
    let message = format!("unknown key `{name}`; did you mean `{key}`?");
    book.warn(scope, at, &join(path, name), "misspelt-key", message);
    Some((name, value))
}

/// A path with one more key.
pub(crate) fn join(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        _ => format!("{path}.{key}"),
    }
}
