//! The walk over a tree that hands each of its nodes to the rules.

use std::collections::HashSet;

use edgectl_model::{Role, Tier};

use super::inherited::Inherited;
use super::names::{Says, says};
use super::plausible::{Look, is_template, look};
use super::table::{ENVIRONMENT, IMAGE_KEY, REFERENCE, Rule};
use super::{args, embedded, objects, parts, pieces, pods, schema};
use crate::collect::{Book, Kind, Scope};
use crate::macros::has_macro;
use crate::tree::{Data, Node};

/// Longest key in a path, in bytes.
const MAX_KEY: usize = 128;
/// Longest path.
const MAX_PATH: usize = 2048;

/// A walk over one document.
pub(crate) struct Walk<'w, 's> {
    pub(crate) book: &'w mut Book,
    pub(crate) scope: Scope<'s>,
    /// Nothing found here is surer than this.
    pub(crate) ceiling: Tier,
    /// Texts in texts may still go so deep.
    pub(crate) texts_left: usize,
    /// Whether containers were seen.
    pub(crate) has_pods: bool,
    /// What a surer rule has taken already, by address.
    claimed: HashSet<usize>,
    /// The path to where the walk is.
    pub(super) path: String,
}

/// What is known of a node from what is around it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Context<'n> {
    /// The key that leads here.
    pub(crate) key: &'n str,
    /// What that key says, or the one around it.
    pub(crate) says: Option<Says>,
    pub(crate) inherited: Inherited<'n>,
    /// The kind of the object around it.
    pub(crate) kind: &'n str,
}

impl<'w, 's> Walk<'w, 's> {
    pub(crate) fn new(book: &'w mut Book, scope: Scope<'s>) -> Self {
        Self {
            book,
            scope,
            ceiling: Tier::Certain,
            texts_left: 4,
            has_pods: false,
            claimed: HashSet::new(),
            path: String::new(),
        }
    }

    /// Goes through a node and everything below it.
    pub(crate) fn node<'n>(&mut self, node: &'n Node, context: Context<'n>) {
        match &node.data {
            _ if self.is_claimed(node) => {}
            Data::Mapping(_) => objects::mapping(self, node, context),
            Data::Sequence(items) => {
                args::look_at(self, context.key, items);
                parts::look_at_variables(self, items);
                for (index, item) in items.iter().enumerate() {
                    self.at_index(index, |walk| walk.node(item, context));
                }
            }
            Data::Scalar { .. } => self.scalar(node, context),
        }
    }

    /// Goes through the entries of a mapping, after the rules that look at it
    /// as a whole.
    pub(crate) fn entries<'n>(&mut self, node: &'n Node, context: Context<'n>) {
        let inherited = context.inherited.below(node);
        let context = Context { inherited, ..context };
        pods::look_at(self, node, context.kind);
        parts::look_at(self, node, context);
        self.variable(node);
        for (key, value) in node.entries() {
            let name = key.scalar().unwrap_or("?");
            let says = says(name).or_else(|| pieces::lent(name, context));
            let context = Context { key: name, says, ..context };
            self.at_key(name, |walk| match name {
                // Their values can't be references.
                "labels" | "matchLabels" | "nodeSelector" => {}
                _ => walk.node(value, context),
            });
        }
    }

    /// A variable or parameter: `name` and `value`.
    fn variable(&mut self, node: &Node) {
        let Some(name) = node.get("name").and_then(Node::scalar) else { return };
        let said = says(name);
        for key in ["value", "default", "defaultValue"] {
            let Some(value) = node.get(key) else { continue };
            self.at_key(key, |walk| {
                walk.value(value, said);
                for (index, item) in value.items().iter().enumerate() {
                    walk.at_index(index, |walk| walk.value(item, said));
                }
            });
        }
    }

    /// The value of a variable; a whole reference needs no name that says so.
    fn value(&mut self, node: &Node, said: Option<Says>) {
        match (said, node.text()) {
            (Some(said), _) => self.believe(node, said, ENVIRONMENT),
            (None, Some(text)) if look(text) == Some(Look::Full) => {
                self.take(node, text, ENVIRONMENT);
            }
            _ => {}
        }
    }

    fn scalar(&mut self, node: &Node, context: Context<'_>) {
        if let Some(said) = context.says {
            self.believe(node, said, IMAGE_KEY);
        }
        let Some(text) = node.text().filter(|_| !self.is_claimed(node)) else { return };
        if embedded::is_text(text) {
            embedded::look_at(self, node);
        } else if look(text) == Some(Look::Full) {
            self.take(node, text, REFERENCE);
        }
    }

    /// Takes the images of a scalar whose name says that it holds some.
    pub(crate) fn believe(&mut self, node: &Node, said: Says, rule: Rule) {
        let Some(text) = node.text().filter(|_| !self.is_claimed(node)) else { return };
        if has_macro(text) {
            if said == Says::Image {
                self.take(node, text, rule);
            }
            return;
        }
        // Running text, or a text of its own.
        if embedded::is_structured(text) || (embedded::is_text(text) && !pieces::is_list(text)) {
            return;
        }
        for piece in pieces::of(text) {
            match look(piece) {
                Some(seen) if pieces::is_believed(seen, said) => self.take(node, piece, rule),
                Some(Look::Bare) if said == Says::Image && piece.len() == text.len() => {
                    self.take(node, piece, REFERENCE);
                }
                _ => {}
            }
        }
    }

    /// Takes `text` for an image that stands at this node.
    pub(crate) fn take(&mut self, node: &Node, text: &str, rule: Rule) {
        if is_template(text) && !has_macro(text) {
            return;
        }
        self.claim(node);
        let tier = rule.tier.max(self.ceiling);
        let kind = Kind { rule: rule.id, tier, role: Role::Workload, declared: false };
        self.book.take(&self.scope, node, &self.path, text, kind);
    }

    /// Takes `text` for an image that stands at a place without a node.
    pub(crate) fn take_at(&mut self, line: u64, column: u64, text: &str, rule: Rule) {
        let tier = rule.tier.max(self.ceiling);
        let kind = Kind { rule: rule.id, tier, role: Role::Workload, declared: false };
        self.book.take(&self.scope, &Node::at_place(line, column), &self.path, text, kind);
    }

    /// Marks a node as explained.
    pub(crate) fn claim(&mut self, node: &Node) {
        self.claimed.insert(address(node));
    }

    /// Whether a surer rule has taken a node.
    pub(crate) fn is_claimed(&self, node: &Node) -> bool {
        !self.claimed.is_empty() && self.claimed.contains(&address(node))
    }

    /// Does something one key further down.
    pub(crate) fn at_key<R>(&mut self, key: &str, act: impl FnOnce(&mut Self) -> R) -> R {
        let length = self.path.len();
        if length < MAX_PATH {
            if length > 0 {
                self.path.push('.');
            }
            match key.len() > MAX_KEY {
                true => self.path.extend(key.chars().take(MAX_KEY / 4).chain(['…'])),
                false => self.path.push_str(key),
            }
        }
        let result = act(self);
        self.path.truncate(length);
        result
    }

    /// Does something at an item of a list.
    pub(crate) fn at_index<R>(&mut self, index: usize, act: impl FnOnce(&mut Self) -> R) -> R {
        let length = self.path.len();
        if length < MAX_PATH {
            self.path.push_str(&format!("[{index}]"));
        }
        let result = act(self);
        self.path.truncate(length);
        result
    }

    /// Goes through the schemas of a custom resource definition.
    pub(crate) fn definition(&mut self, node: &Node) {
        let ceiling = std::mem::replace(&mut self.ceiling, Tier::Possible);
        schema::look_at(self, node, None);
        self.ceiling = ceiling;
    }
}

/// Nodes don't move during a walk.
fn address(node: &Node) -> usize {
    std::ptr::from_ref(node).addr()
}
