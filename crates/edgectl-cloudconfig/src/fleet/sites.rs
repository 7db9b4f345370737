//! Values of sites from YAML or JSON, numbers spelled as they are there.

use std::collections::BTreeMap;

use granit_parser::ScalarStyle;
use thiserror::Error;

use super::SiteValue;
use crate::error::Place;
use crate::tree::{Data, Document, Id, Node};

/// Deepest nesting; aliases can nest without end.
const MAX_DEPTH: usize = 64;
/// Most values, aliases written out.
const MAX_VALUES: usize = 5_000_000;

/// Why values of sites can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place}: {message}")]
pub struct SitesError {
    /// Where.
    pub place: Place,
    /// What is wrong there.
    pub message: String,
}

/// Reads the values of a site, or of several, from YAML or JSON.
///
/// What all readers of YAML take for the same number is one, and `true` and
/// `false` are truth values; whatever else has no quotes (`no`, `0123`, `1_000`,
/// `12:30`) is the text that it looks like.
pub fn read_site_values(text: &str) -> Result<SiteValue, SitesError> {
    let document = Document::parse(text)
        .map_err(|error| SitesError { place: error.place, message: error.message })?;
    if let Some(place) = document.second {
        return Err(error(place, "a second document starts here; keep one document per file"));
    }
    let mut reader = Reader { document: &document, left: MAX_VALUES };
    document.root.map_or(Ok(SiteValue::Null), |root| reader.value(root, 0))
}

fn error(place: Place, message: &str) -> SitesError {
    SitesError { place, message: message.to_owned() }
}

struct Reader<'a> {
    document: &'a Document,
    left: usize,
}

impl Reader<'_> {
    fn value(&mut self, id: Id, depth: usize) -> Result<SiteValue, SitesError> {
        let place = self.document.node(id).place;
        let id = self
            .document
            .resolve(id)
            .ok_or_else(|| error(place, "an alias that contains itself"))?;
        self.left =
            self.left.checked_sub(1).ok_or_else(|| error(place, "too large with its aliases"))?;
        if depth > MAX_DEPTH {
            return Err(error(place, "nested too deeply"));
        }
        let node = self.document.node(id);
        match &node.data {
            Data::Mapping { .. } => Ok(SiteValue::Mapping(self.entries(id, depth)?)),
            Data::Sequence { items, .. } => {
                let items = items.iter().map(|item| self.value(*item, depth + 1));
                Ok(SiteValue::List(items.collect::<Result<_, _>>()?))
            }
            Data::Scalar { text, style } => scalar(node, text, *style),
            // Resolved above.
            Data::Alias(_) => Ok(SiteValue::Null),
        }
    }

    fn entries(&mut self, id: Id, depth: usize) -> Result<BTreeMap<String, SiteValue>, SitesError> {
        let mut own = BTreeMap::new();
        let mut bases = Vec::new();
        for (key, value) in self.document.entries(id) {
            let place = self.document.node(*key).place;
            let name = self.document.resolve(*key).and_then(|id| self.document.node(id).scalar());
            let (name, style) =
                name.ok_or_else(|| error(place, "a key that is not a text; quote it"))?;
            let read = self.value(*value, depth + 1)?;
            if name == "<<" && style == ScalarStyle::Plain {
                bases.push(read);
            } else if own.insert(name.to_owned(), read).is_some() {
                return Err(error(place, "a key that stands twice; keep one"));
            }
        }
        for base in bases {
            let bases = if let SiteValue::List(items) = base { items } else { vec![base] };
            for base in bases {
                let SiteValue::Mapping(more) = base else { continue };
                more.into_iter().for_each(|(key, value)| _ = own.entry(key).or_insert(value));
            }
        }
        Ok(own)
    }
}

fn scalar(node: &Node, text: &str, style: ScalarStyle) -> Result<SiteValue, SitesError> {
    match node.tag.as_deref() {
        Some("!!str" | "!") => return Ok(SiteValue::Text(text.to_owned())),
        Some(_) => return Err(error(node.place, "a value with a tag; remove the tag")),
        None => {}
    }
    Ok(match text {
        _ if style != ScalarStyle::Plain => SiteValue::Text(text.to_owned()),
        _ if node.is_null() => SiteValue::Null,
        "true" | "True" | "TRUE" => SiteValue::Boolean(true),
        "false" | "False" | "FALSE" => SiteValue::Boolean(false),
        text if is_number(text) => SiteValue::number(text),
        text => SiteValue::Text(text.to_owned()),
    })
}

/// Whether readers of YAML 1.1 and 1.2 take a text for the same number.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let all = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    if let Some(hex) = text.strip_prefix("0x") {
        return !hex.is_empty() && hex.bytes().all(|c| c.is_ascii_hexdigit());
    }
    let has_odd_zero = digits.len() > 1
        && digits.starts_with('0')
        && digits[1..].starts_with(|c: char| c.is_ascii_digit());
    if has_odd_zero {
        return false;
    }
    let Some((whole, rest)) = digits.split_once('.') else { return all(digits) };
    let (fraction, exponent) = match rest.split_once(['e', 'E']) {
        Some((fraction, exponent)) => (fraction, Some(exponent)),
        None => (rest, None),
    };
    // YAML 1.1 asks for the sign.
    let is_exponent = |exponent: &str| exponent.strip_prefix(['-', '+']).is_some_and(all);
    all(whole) && (fraction.is_empty() || all(fraction)) && exponent.is_none_or(is_exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_all_take_for_one() {
        for text in
            ["0", "7", "-7", "+7", "1.10", "0.5", "1.", "1.5e+3", "0x1F", "99999999999999999999"]
        {
            assert!(is_number(text), "{text}");
        }
        for text in
            ["", "0123", "1_000", "12:30", "0o17", "0b1", "1e3", ".5", "1.5e3", "no", "1.2.3", "-"]
        {
            assert!(!is_number(text), "{text}");
        }
    }
}
