//! All entries by their paths, for whoever looks up many: a directory is read
//! once, however many files it has.

use std::collections::HashMap;

use super::{Disc, DiscEntry, DiscError};

/// The entries of an image by path.
#[derive(Debug)]
pub(crate) struct Index {
    entries: HashMap<String, DiscEntry>,
    knows_case: bool,
}

impl Index {
    /// Reads all directories.
    pub(crate) fn of(disc: &Disc) -> Result<Self, DiscError> {
        let mut index = Self { entries: HashMap::new(), knows_case: !disc.are_equal("A", "a") };
        for (path, entry) in disc.walk()? {
            let key = index.key(&path);
            // The first one of a name counts, as for `Disc::find`.
            index.entries.entry(key).or_insert(entry);
        }
        Ok(index)
    }

    /// The entry with a path, as [`Disc::find`] finds it.
    pub(crate) fn get(&self, path: &str) -> Option<&DiscEntry> {
        self.entries.get(&self.key(path))
    }

    /// A path as it is looked up: names of images that know no small letters are one in
    /// any case.
    pub(crate) fn key(&self, path: &str) -> String {
        let path = path.trim_start_matches('/');
        match self.knows_case {
            true => path.to_owned(),
            false => path.to_ascii_lowercase(),
        }
    }
}
