//! How much of an image may be read for its names.
//!
//! Directories and what continues them may lie upon each other, so that a
//! small file, or a sparse one, has any number of them.

use std::cell::Cell;

use super::{DIRECTORY_LIMIT, Disc, DiscError};

/// For all names of an image, in bytes. A million of them, with attributes and
/// continuations, have less.
const ALL: u64 = 512 << 20;

/// For all directories of an image that are written anew, each of which is read
/// several times.
const ALL_ANEW: u64 = 4 * ALL;

/// Bytes that may still be read.
#[derive(Debug)]
pub(crate) struct Budget(Cell<u64>);

impl Budget {
    /// For one directory.
    pub(super) fn of_a_directory() -> Self {
        Self(Cell::new(2 * DIRECTORY_LIMIT))
    }

    /// For all of them.
    pub(super) fn of_all() -> Self {
        Self(Cell::new(ALL))
    }

    /// For all of them, for whoever writes some anew.
    pub(crate) fn of_all_anew() -> Self {
        Self(Cell::new(ALL_ANEW))
    }

    /// Takes what is about to be read.
    pub(super) fn take(&self, disc: &Disc, bytes: u64) -> Result<(), DiscError> {
        let left = self.0.get().checked_sub(bytes).ok_or_else(|| {
            disc.damaged("its directories say more than all names of a real image would need")
        })?;
        self.0.set(left);
        Ok(())
    }
}
