//! Which of several cloud-config parts an edit goes into.
//!
//! cloud-init takes the parts one after the other, and a later one's top-level
//! key replaces an earlier one's as a whole, unless the part says how it is
//! merged.

use crate::envelope::Part;
use crate::error::{InjectError, SyntaxError};
use crate::template::Template;
use crate::tree::Document;

/// Keys by which a part says how it is merged into those before it.
pub(crate) const MERGE_KEYS: [&str; 2] = ["merge_how", "merge_type"];

/// Both spellings of cloud-init's key of authorities: where there are both in
/// what the parts give, the older one is ignored.
const AUTHORITIES: [&str; 2] = ["ca_certs", "ca-certs"];

/// The number of the part that `keys`, top-level keys, go into: where nothing
/// of them is replaced by a later part, and nothing of an earlier part by them.
pub(crate) fn chosen(parts: &[Part], keys: &[String]) -> Result<usize, InjectError> {
    if parts.len() < 2 {
        return if parts.is_empty() { Err(InjectError::NoCloudConfig) } else { Ok(0) };
    }
    let documents = parts.iter().map(parsed).collect::<Result<Vec<_>, _>>()?;
    let holders = |key: &str| -> Vec<usize> {
        (0..parts.len()).filter(|n| has(&documents[*n], key)).collect()
    };
    let found: Vec<(&String, usize)> =
        keys.iter().flat_map(|key| holders(key).into_iter().map(move |n| (key, n))).collect();
    let Some((key, last)) = found.iter().max_by_key(|(_, n)| *n) else {
        // Wherever they go, they stand alone.
        return Ok(parts.iter().position(|part| part.range.is_some()).unwrap_or(0));
    };
    let merging = (0..parts.len()).find(|n| says_how(&parts[*n], &documents[*n]));
    if let Some(merging) = merging.filter(|_| found.iter().any(|(_, n)| n != last)) {
        return Err(InjectError::Merging { line: parts[merging].line });
    }
    // Where the last one has the key too, an earlier one's is gone already.
    match found.iter().find(|(key, _)| !has(&documents[*last], key)) {
        None => Ok(*last),
        Some((other_key, other)) => Err(InjectError::Spread {
            line: parts[*last].line,
            key: (*key).clone(),
            other_line: parts[*other].line,
            other_key: (*other_key).clone(),
        }),
    }
}

/// Whether a part says by itself how it is merged.
pub(crate) fn says_how(part: &Part, document: &Document) -> bool {
    let has_key = |root| MERGE_KEYS.iter().any(|key| document.get(root, key).is_some());
    part.has_merge_header || document.root.is_some_and(has_key)
}

fn parsed(part: &Part) -> Result<Document, SyntaxError> {
    let in_whole =
        |error: SyntaxError| SyntaxError { place: part.place_in_whole(error.place), ..error };
    let template = Template::of(&part.text).map_err(in_whole)?;
    Document::parse(template.as_ref().map_or(&part.text, |template| template.text()))
        .map_err(in_whole)
}

fn has(document: &Document, key: &str) -> bool {
    let Some(root) = document.root else { return false };
    let is_there = |key: &str| document.get(root, key).is_some();
    match AUTHORITIES.contains(&key) {
        true => AUTHORITIES.into_iter().any(is_there),
        false => is_there(key),
    }
}
