//! The second look: before and after must be equal but for the keys set.

use granit_parser::ScalarStyle;

use edgectl_model::Prefix;

use crate::certificate;
use crate::check::Flavor;
use crate::error::SyntaxError;
use crate::inject::Injection;
use crate::tree::{Data, Document, Id};

/// A tree without places. No `Debug`: scalars can be passwords.
enum Value {
    Scalar { text: String, plain: bool, tag: Option<String>, anchor: usize },
    Mapping { entries: Vec<(Value, Value)>, tag: Option<String>, anchor: usize },
    Sequence { items: Vec<Value>, tag: Option<String>, anchor: usize },
    Alias(usize),
}

/// Whether `after` differs from `before` in nothing but what `injection` sets.
pub(crate) fn only_sets(
    before: &str,
    after: &str,
    injection: &Injection,
) -> Result<bool, SyntaxError> {
    let (old, new) = (Document::parse(before)?, Document::parse(after)?);
    if old.second.is_some() || new.second.is_some() {
        return Ok(false);
    }
    let rest = |document: &Document| {
        let value = document.root.map(|root| value_of(document, root));
        value.and_then(|root| strip(root, injection))
    };
    Ok(match (rest(&old), rest(&new)) {
        (None, None) => true,
        (Some(old), Some(new)) => same(&old, &new),
        _ => false,
    })
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

/// What is left of a value; nothing where it is empty or null.
type Strip<'a> = dyn Fn(Value) -> Option<Value> + 'a;

/// The root without what the injection sets.
fn strip(root: Value, injection: &Injection) -> Option<Value> {
    match injection.flavor {
        Flavor::Palette => without(root, &["stylus"], &strip_stylus(injection)),
        Flavor::Kairos | Flavor::CloudInit => {
            without(root, &["edgectl"], &|own| without(own, &["registry"], &strip_own(injection)))
        }
    }
}

fn strip_own<'a>(injection: &'a Injection) -> impl Fn(Value) -> Option<Value> + 'a {
    move |registry| {
        let keys = ["domain", "username", "password", "insecure"];
        let registry = without(registry, &keys, &|_| None)?;
        let registry = without(registry, &["rules"], &|rules| strip_rules(rules, injection))?;
        without(registry, &["certificates"], &|list| strip_certificate(list, injection))
    }
}

fn strip_stylus<'a>(injection: &'a Injection) -> impl Fn(Value) -> Option<Value> + 'a {
    move |stylus| {
        let stylus = without(stylus, &["registryCredentials"], &|credentials| {
            let keys = ["domain", "username", "password", "insecure"];
            without(credentials, &keys, &|_| None)
        })?;
        let stylus = without(stylus, &["externalRegistries"], &|registries| {
            without(registries, &["registryMappingRules"], &|rules| strip_rules(rules, injection))
        })?;
        without(stylus, &["site"], &|site| {
            without(site, &["caCerts"], &|list| strip_certificate(list, injection))
        })
    }
}

fn strip_rules(rules: Value, injection: &Injection) -> Option<Value> {
    let is_ours = |key: &Value| match key {
        Value::Scalar { text, .. } => Prefix::parse(text)
            .is_ok_and(|source| injection.rules.iter().any(|rule| rule.source == source)),
        _ => false,
    };
    match rules {
        Value::Mapping { mut entries, tag, anchor } => {
            entries.retain(|(key, _)| !is_ours(key));
            unless_empty(Value::Mapping { entries, tag, anchor })
        }
        other => unless_empty(other),
    }
}

fn strip_certificate(list: Value, injection: &Injection) -> Option<Value> {
    let ours = injection.ca_pem.as_deref().and_then(certificate::pem);
    let is_ours = |item: &Value| match item {
        Value::Scalar { text, .. } => ours.is_some() && certificate::pem(text) == ours,
        _ => false,
    };
    match list {
        Value::Sequence { mut items, tag, anchor } => {
            items.retain(|item| !is_ours(item));
            unless_empty(Value::Sequence { items, tag, anchor })
        }
        other => unless_empty(other),
    }
}

/// `value` with the values of `keys` passed through `strip`.
fn without(value: Value, keys: &[&str], strip: &Strip<'_>) -> Option<Value> {
    let Value::Mapping { entries, tag, anchor } = value else { return unless_empty(value) };
    let mut left = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let is_meant = matches!(&key, Value::Scalar { text, .. } if keys.contains(&text.as_str()));
        match is_meant {
            true => left.extend(strip(value).map(|value| (key, value))),
            false => left.push((key, value)),
        }
    }
    unless_empty(Value::Mapping { entries: left, tag, anchor })
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
