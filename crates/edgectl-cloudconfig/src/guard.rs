//! The second look: before and after must be equal but for the keys set.

use granit_parser::ScalarStyle;

use crate::error::SyntaxError;
use crate::target::{Leaf, Named, Seg, Target};
use crate::tree::{Data, Document, Id};

/// A tree without places. No `Debug`: scalars can be passwords.
enum Value {
    Scalar { text: String, plain: bool, tag: Option<String>, anchor: usize },
    Mapping { entries: Vec<(Value, Value)>, tag: Option<String>, anchor: usize },
    Sequence { items: Vec<Value>, tag: Option<String>, anchor: usize },
    Alias(usize),
}

/// Whether `after` differs from `before` in nothing but the targets.
pub(crate) fn only_sets(
    before: &str,
    after: &str,
    targets: &[Target],
) -> Result<bool, SyntaxError> {
    Ok(differ_in_targets(&Document::parse(before)?, &Document::parse(after)?, targets))
}

/// The same of texts that were read before.
pub(crate) fn differ_in_targets(old: &Document, new: &Document, targets: &[Target]) -> bool {
    if old.second.is_some() || new.second.is_some() {
        return false;
    }
    let wanted: Vec<Wanted<'_>> =
        targets.iter().map(|t| Wanted { path: &t.path, leaf: &t.leaf }).collect();
    let rest = |document: &Document| {
        let value = document.root.map(|root| value_of(document, root));
        value.and_then(|root| strip(root, &wanted))
    };
    match (rest(old), rest(new)) {
        (None, None) => true,
        (Some(old), Some(new)) => same(&old, &new),
        _ => false,
    }
}

fn value_of(document: &Document, id: Id) -> Value {
    let node = document.node(id);
    let (tag, anchor) = (node.tag.clone(), node.anchor);
    match &node.data {
        Data::Scalar { text, style } => {
            let plain = *style == ScalarStyle::Plain;
            Value::Scalar { text: text.clone(), plain, tag, anchor }
        }
        Data::Mapping { entries, .. } => {
            let pair =
                |(key, value): &(Id, Id)| (value_of(document, *key), value_of(document, *value));
            Value::Mapping { entries: entries.iter().map(pair).collect(), tag, anchor }
        }
        Data::Sequence { items, .. } => {
            let items = items.iter().map(|item| value_of(document, *item)).collect();
            Value::Sequence { items, tag, anchor }
        }
        Data::Alias(anchor) => Value::Alias(*anchor),
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (
            Value::Scalar { text, plain, tag, anchor },
            Value::Scalar { text: text_b, plain: plain_b, tag: tag_b, anchor: anchor_b },
        ) => text == text_b && plain == plain_b && tag == tag_b && anchor == anchor_b,
        (
            Value::Mapping { entries, tag, anchor },
            Value::Mapping { entries: entries_b, tag: tag_b, anchor: anchor_b },
        ) => {
            let pairs = || entries.iter().zip(entries_b);
            entries.len() == entries_b.len()
                && (tag, anchor) == (tag_b, anchor_b)
                && pairs().all(|((k, v), (k_b, v_b))| same(k, k_b) && same(v, v_b))
        }
        (
            Value::Sequence { items, tag, anchor },
            Value::Sequence { items: items_b, tag: tag_b, anchor: anchor_b },
        ) => {
            items.len() == items_b.len()
                && (tag, anchor) == (tag_b, anchor_b)
                && items.iter().zip(items_b).all(|(item, item_b)| same(item, item_b))
        }
        (Value::Alias(a), Value::Alias(b)) => a == b,
        _ => false,
    }
}

/// What is meant below some value.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    path: &'a [Seg],
    leaf: &'a Leaf,
}

/// What is left of a value without the targets; nothing where it is empty or
/// null.
fn strip(value: Value, wanted: &[Wanted<'_>]) -> Option<Value> {
    unless_empty(match value {
        Value::Mapping { entries, tag, anchor } => {
            let entries = entries.into_iter().filter_map(|(key, value)| {
                let below = below_key(&key, wanted);
                Some((key, strip_value(value, &below)?))
            });
            Value::Mapping { entries: entries.collect(), tag, anchor }
        }
        Value::Sequence { items, tag, anchor } => {
            let items = items.into_iter().filter_map(|item| strip_item(item, wanted));
            Value::Sequence { items: items.collect(), tag, anchor }
        }
        other => other,
    })
}

fn strip_value(value: Value, below: &[Wanted<'_>]) -> Option<Value> {
    let is_target = |wanted: &Wanted<'_>| wanted.path.is_empty() && !wanted.leaf.is_item();
    match below {
        [] => Some(value),
        below if below.iter().any(is_target) => None,
        below => strip(value, below),
    }
}

/// What names an item goes with the rest of it.
fn strip_item(item: Value, wanted: &[Wanted<'_>]) -> Option<Value> {
    let is_ours = |wanted: &Wanted<'_>| match &item {
        Value::Scalar { text, .. } => wanted.path.is_empty() && wanted.leaf.is_same_item(text),
        _ => false,
    };
    if wanted.iter().any(is_ours) {
        return None;
    }
    let below: Vec<(&'static str, Wanted<'_>)> = wanted
        .iter()
        .filter_map(|wanted| match wanted.path {
            [Seg::Item { key, is }, path @ ..] if is_named(&item, key, is) => {
                Some((*key, Wanted { path, leaf: wanted.leaf }))
            }
            _ => None,
        })
        .collect();
    let Some((name, _)) = below.first() else { return Some(item) };
    let below_item: Vec<Wanted<'_>> = below.iter().map(|(_, wanted)| *wanted).collect();
    match strip(item, &below_item)? {
        Value::Mapping { mut entries, tag, anchor } => {
            entries.retain(|(key, _)| !matches!(key, Value::Scalar { text, .. } if text == name));
            unless_empty(Value::Mapping { entries, tag, anchor })
        }
        other => Some(other),
    }
}

fn is_named(item: &Value, name: &str, is: &Named) -> bool {
    let Value::Mapping { entries, .. } = item else { return false };
    entries.iter().any(|pair| match pair {
        (Value::Scalar { text: key, .. }, Value::Scalar { text, .. }) => key == name && is.is(text),
        _ => false,
    })
}

fn below_key<'a>(key: &Value, wanted: &[Wanted<'a>]) -> Vec<Wanted<'a>> {
    let Value::Scalar { text, .. } = key else { return Vec::new() };
    let below = wanted.iter().filter_map(|wanted| match wanted.path {
        [Seg::Key(own), path @ ..] if own == text => Some(Wanted { path, leaf: wanted.leaf }),
        _ => None,
    });
    below.collect()
}

fn unless_empty(value: Value) -> Option<Value> {
    let is_empty = match &value {
        Value::Scalar { text, plain, tag, .. } => {
            *plain && tag.is_none() && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
        }
        Value::Mapping { entries, .. } => entries.is_empty(),
        Value::Sequence { items, .. } => items.is_empty(),
        Value::Alias(_) => false,
    };
    (!is_empty).then_some(value)
}
