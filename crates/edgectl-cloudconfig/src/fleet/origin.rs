//! Where in the template stands what is found in a site's text.

use crate::holes::Holes;
use crate::lines;
use crate::tree::{Data, Document, Id};

/// The line of the template that has the value at `a.b[2].c`, or what of the path
/// can be told there: how many items a list has is told by conditions and loops.
pub(super) fn line_of(holes: &Holes, path: &str) -> Option<usize> {
    let document = Document::parse(&holes.text).ok()?;
    let may_count = !holes.has_statement(&holes.text);
    let (mut at, mut rest, mut found) = (document.root?, path, None);
    while !rest.is_empty() {
        let Some((own, value, more)) = step(&document, at, rest, may_count) else { break };
        (at, rest, found) = (value, more, Some(own));
    }
    let place = lines::at(&holes.text, document.node(found?).place);
    let own = holes.restored(&holes.text);
    let line = lines::place(&own.text, own.there(place)).line;
    usize::try_from(line).ok()
}

/// What the first step of a path leads to: where it is written, the value, and the
/// rest of the path.
fn step<'a>(
    document: &Document,
    at: Id,
    path: &'a str,
    may_count: bool,
) -> Option<(Id, Id, &'a str)> {
    let at = document.resolve(at)?;
    match &document.node(at).data {
        Data::Sequence { items, .. } if may_count => {
            let (number, rest) = path.strip_prefix('[')?.split_once(']')?;
            let item = *items.get(number.parse::<usize>().ok()?)?;
            Some((item, item, rest.strip_prefix('.').unwrap_or(rest)))
        }
        Data::Mapping { entries, .. } => {
            let named = |(key, value): &(Id, Id)| {
                let (name, _) = document.node(*key).scalar()?;
                let rest = path.strip_prefix(name)?;
                let ends = rest.is_empty() || rest.starts_with(['.', '[']);
                ends.then(|| (*key, *value, rest.strip_prefix('.').unwrap_or(rest)))
            };
            entries.iter().find_map(named)
        }
        _ => None,
    }
}
