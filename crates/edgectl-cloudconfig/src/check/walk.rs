//! A walk over the file and its schema at once.

use crate::secrets::shown_key;
use crate::tree::{Data, Id};

use super::fault::{Fault, faults};
use super::kind::Kind;
use super::schema::{OfKey, SCHEMA, Schema};
use super::subject::Subject;

/// Deepest nesting that is looked at; aliases can nest without end.
const MAX_DEPTH: usize = 48;
/// Most nodes that are looked at; aliases can multiply without end.
const MAX_VISITS: usize = 200_000;

/// One value on the walk.
pub(super) struct Visit<'a> {
    /// What the value should be; none where its key is unknown.
    pub(super) schema: Option<&'static Schema>,
    /// The schema of the mapping around it.
    pub(super) parent: Option<&'static Schema>,
    /// Its key, where it has one.
    pub(super) key: Option<(Id, &'a str)>,
    /// The value, aliases resolved.
    pub(super) id: Id,
    pub(super) kind: Kind,
    pub(super) path: String,
    pub(super) faults: Vec<Fault>,
}

impl Visit<'_> {
    /// Where it is said that something is missing: at the key, if there is
    /// nothing else to point at.
    pub(super) fn node(&self) -> Id {
        match (self.kind, self.key) {
            (Kind::Null, Some((key, _))) => key,
            _ => self.id,
        }
    }
}

/// Every value that the schema has an opinion on. Of the forms that a value may
/// have it is held against the one that it is likest.
pub(super) fn walk<'a>(subject: &Subject<'a>) -> Walked<'a> {
    let mut found = Vec::new();
    let mut walk = Walk { subject, left: MAX_VISITS, passed_over: None };
    if let Some(root) = subject.document.root {
        let step = Step { schema: &SCHEMA.schema, parent: None, key: None, depth: 0 };
        walk.value(step, root, "", &mut found);
    }
    Walked { visits: found, passed_over: walk.passed_over }
}

/// What a walk has found.
pub(super) struct Walked<'a> {
    pub(super) visits: Vec<Visit<'a>>,
    /// The first value that wasn't looked at, as there are too many.
    pub(super) passed_over: Option<Id>,
}

struct Walk<'s, 'a> {
    subject: &'s Subject<'a>,
    left: usize,
    passed_over: Option<Id>,
}

#[derive(Clone, Copy)]
struct Step<'a> {
    schema: &'static Schema,
    parent: Option<&'static Schema>,
    key: Option<(Id, &'a str)>,
    depth: usize,
}

impl<'a> Step<'a> {
    /// To what is inside.
    fn below(self, schema: &'static Schema) -> Self {
        Self { schema, parent: None, key: None, depth: self.depth + 1 }
    }
}

impl<'a> Walk<'_, 'a> {
    fn value(&mut self, step: Step<'a>, id: Id, path: &str, found: &mut Vec<Visit<'a>>) {
        if self.left == 0 || step.depth > MAX_DEPTH {
            self.passed_over.get_or_insert(id);
            return;
        }
        self.left -= 1;
        let Some(id) = self.subject.document.resolve(id) else { return };
        let schema = SCHEMA.resolve(step.schema);
        let step = Step { schema, ..step };
        let kind = Kind::of(self.subject.node(id));
        let Step { parent, key, .. } = step;
        let faults = faults(self.subject, schema, id, kind);
        let own = found.len();
        let path_of_own = path.to_owned();
        found.push(Visit {
            schema: Some(schema),
            parent,
            key,
            id,
            kind,
            path: path_of_own,
            faults,
        });
        if !schema.allows(kind) {
            return;
        }
        match &self.subject.node(id).data {
            Data::Mapping { .. } => self.entries(step, id, path, found),
            Data::Sequence { items, .. } => {
                for (n, item) in items.iter().enumerate() {
                    let Some(of_items) = &schema.items else { break };
                    self.value(step.below(of_items), *item, &format!("{path}[{n}]"), found);
                }
            }
            _ => {}
        }
        let (fitting, likest) = self.likest(step, id, path);
        found.extend(likest);
        if fitting > 1 && !schema.one_of.is_empty() {
            let asked = schema.one_of.iter().flat_map(|branch| &branch.required);
            found[own].faults.push(Fault::Ambiguous(asked.map(String::as_str).collect()));
        }
    }

    fn entries(&mut self, step: Step<'a>, id: Id, path: &str, found: &mut Vec<Visit<'a>>) {
        let parent = Some(step.schema);
        for (key, name, value) in self.subject.entries_with_merged(id) {
            let path = match path {
                "" => shown_key(name).to_owned(),
                _ => format!("{path}.{}", shown_key(name)),
            };
            let key = Some((key, name));
            match step.schema.of_key(name) {
                OfKey::Like(schema) => {
                    self.value(Step { parent, key, ..step.below(schema) }, value, &path, found);
                }
                OfKey::Unknown if name != "<<" => {
                    let Some(id) = self.subject.document.resolve(value) else { continue };
                    let kind = Kind::of(self.subject.node(id));
                    let faults = vec![Fault::UnknownKey];
                    found.push(Visit { schema: None, parent, key, id, kind, path, faults });
                }
                OfKey::Unknown | OfKey::Anything => {}
            }
        }
    }

    /// How many of the forms fit the value, and the visits of the likest.
    fn likest(&mut self, step: Step<'a>, id: Id, path: &str) -> (usize, Vec<Visit<'a>>) {
        let (mut fitting, mut least, mut likest) = (0, usize::MAX, Vec::new());
        for branch in step.schema.branches() {
            let mut visits = Vec::new();
            let step = Step { schema: branch, depth: step.depth + 1, ..step };
            self.value(step, id, path, &mut visits);
            let weight = weight(&visits);
            fitting += usize::from(weight == 0);
            if weight < least {
                (least, likest) = (weight, visits);
            }
        }
        match self.left {
            // Not all of them were looked at to the end.
            0 => (0, Vec::new()),
            _ => (fitting, likest),
        }
    }
}

/// How much speaks against a form: its own type more than all that is inside.
fn weight(visits: &[Visit<'_>]) -> usize {
    let is_other = visits.first().is_some_and(|visit| visit.faults.contains(&Fault::Type));
    let inside: usize = visits.iter().flat_map(|visit| &visit.faults).map(Fault::weight).sum();
    if is_other { MAX_VISITS } else { inside }
}
