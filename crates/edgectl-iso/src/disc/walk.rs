//! The whole tree, however it is knotted.

use std::collections::HashSet;

use super::budget::Budget;
use super::directory::{DiscEntry, Kind};
use super::{Disc, DiscError};

/// Entries of one image; a system's whole tree has a few hundred thousand.
const ENTRIES: usize = 1_000_000;
/// Directories in each other.
const DEPTH: usize = 128;

pub(super) fn walk(disc: &Disc) -> Result<Vec<(String, DiscEntry)>, DiscError> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let budget = Budget::of_all();
    let mut waiting = vec![(String::new(), 0, disc.root())];
    while let Some((path, depth, directory)) = waiting.pop() {
        if depth > DEPTH {
            return Err(disc.damaged("its directories lie too deep in each other"));
        }
        let place = directory.extents.first().map(|extent| extent.offset);
        if directory.bytes > 0 && !seen.insert(place) {
            return Err(disc.damaged(format!("the directory `{path}` is part of itself")));
        }
        for entry in disc.list_within(&directory, &budget)? {
            let path = format!("{path}/{}", entry.name);
            if entry.kind == Kind::Directory {
                waiting.push((path.clone(), depth + 1, entry.clone()));
            }
            found.push((path, entry));
            if found.len() > ENTRIES {
                return Err(disc.damaged("it holds more than a million files"));
            }
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(found)
}
