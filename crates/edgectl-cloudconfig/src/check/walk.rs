//! A walk over the file and its schema at once.

use crate::tree::{Data, Id};

use super::kind::Kind;
use super::schema::{Additional, SCHEMA, Schema};
use super::subject::Subject;

/// Deepest nesting that is looked at; aliases can nest without end.
const MAX_DEPTH: usize = 48;
/// Most nodes that are looked at; aliases can multiply without end.
const MAX_VISITS: usize = 200_000;

/// One value on the walk.
pub(super) struct Visit<'a> {
    /// What the value should be; none where its key is unknown.
    pub(super) schema: Option<&'a Schema>,
    /// The schema of the mapping around it.
    pub(super) parent: Option<&'a Schema>,
    /// Its key, where it has one.
    pub(super) key: Option<(Id, &'a str)>,
    /// The value, aliases resolved.
    pub(super) id: Id,
    pub(super) kind: Kind,
    pub(super) path: &'a str,
}

/// Calls `visit` for every value that the schema has an opinion on.
pub(super) fn walk(subject: &Subject<'_>, visit: &mut dyn FnMut(&Visit<'_>)) {
    let Some(root) = subject.document.root else { return };
    let mut walk = Walk { subject, visit, left: MAX_VISITS };
    walk.value(&Step { schema: &SCHEMA.schema, parent: None, key: None }, root, "", 0);
}

struct Walk<'a, 'v> {
    subject: &'a Subject<'a>,
    visit: &'v mut dyn FnMut(&Visit<'_>),
    left: usize,
}

struct Step<'a> {
    schema: &'a Schema,
    parent: Option<&'a Schema>,
    key: Option<(Id, &'a str)>,
}

impl Walk<'_, '_> {
    fn value(&mut self, step: &Step<'_>, id: Id, path: &str, depth: usize) {
        if self.left == 0 || depth > MAX_DEPTH {
            return;
        }
        self.left -= 1;
        let Some(id) = self.subject.document.resolve(id) else { return };
        let schema = SCHEMA.resolve(step.schema);
        let kind = Kind::of(self.subject.node(id));
        let Step { parent, key, .. } = *step;
        (self.visit)(&Visit { schema: Some(schema), parent, key, id, kind, path });
        if !schema.allows(kind) {
            return;
        }
        match &self.subject.node(id).data {
            Data::Mapping { .. } => self.entries(schema, id, path, depth),
            Data::Sequence { items, .. } => {
                let Some(items_schema) = &schema.items else { return };
                for (n, item) in items.iter().enumerate() {
                    let step = Step { schema: items_schema, parent: None, key: None };
                    self.value(&step, *item, &format!("{path}[{n}]"), depth + 1);
                }
            }
            _ => {}
        }
    }

    fn entries(&mut self, schema: &Schema, id: Id, path: &str, depth: usize) {
        let entries: Vec<(Id, &str, Id)> = self.subject.entries(id).collect();
        for (key, name, value) in entries {
            let path = match path {
                "" => name.to_owned(),
                _ => format!("{path}.{name}"),
            };
            let below = match (schema.properties.get(name), &schema.additional) {
                (Some(schema), _) => schema,
                (None, Additional::Like(schema)) => schema,
                // What it brings is looked at where it is written.
                (None, _) if name == "<<" => continue,
                (None, Additional::Allowed(false)) => {
                    self.unknown(schema, (key, name), value, &path);
                    continue;
                }
                (None, _) => continue,
            };
            let step = Step { schema: below, parent: Some(schema), key: Some((key, name)) };
            self.value(&step, value, &path, depth + 1);
        }
    }

    fn unknown(&mut self, parent: &Schema, key: (Id, &str), value: Id, path: &str) {
        let Some(id) = self.subject.document.resolve(value) else { return };
        let kind = Kind::of(self.subject.node(id));
        let parent = Some(parent);
        (self.visit)(&Visit { schema: None, parent, key: Some(key), id, kind, path });
    }
}
