//! All entries by their paths, for whoever looks up many: a directory is read
//! once, however many files it has.

use std::collections::HashMap;

use super::{Disc, DiscEntry, DiscError};

/// The entries of an image by path.
#[derive(Debug)]
pub(crate) struct Index {
    entries: Vec<(String, DiscEntry)>,
    /// Where each path is in that list.
    places: HashMap<String, usize>,
    knows_case: bool,
}

impl Index {
    /// Reads all directories.
    pub(crate) fn of(disc: &Disc) -> Result<Self, DiscError> {
        let (entries, knows_case) = (disc.walk()?, !disc.are_equal("A", "a"));
        let mut places = HashMap::new();
        for (place, (path, _)) in entries.iter().enumerate() {
            // The first one of a name counts, as for `Disc::find`.
            places.entry(key(path, knows_case)).or_insert(place);
        }
        Ok(Self { entries, places, knows_case })
    }

    /// The entry with a path, as [`Disc::find`] finds it.
    pub(crate) fn get(&self, path: &str) -> Option<&DiscEntry> {
        self.places.get(&self.key(path)).map(|place| &self.entries[*place].1)
    }

    /// All entries, as [`Disc::walk`] gives them.
    pub(crate) fn entries(&self) -> &[(String, DiscEntry)] {
        &self.entries
    }

    /// A path as it is looked up: names of images that know no small letters are one in
    /// any case.
    pub(crate) fn key(&self, path: &str) -> String {
        key(path, self.knows_case)
    }
}

fn key(path: &str, knows_case: bool) -> String {
    let path = path.trim_start_matches('/');
    match knows_case {
        true => path.to_owned(),
        false => path.to_ascii_lowercase(),
    }
}
