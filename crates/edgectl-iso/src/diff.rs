//! What differs between two images.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use edgectl_process::{file_error, interrupted};

use crate::area::{NETWORK, USER_DATA};
use crate::boot_files::CONFIG;
use crate::disc::{Disc, DiscEntry, Extent};
use crate::error::IsoError;
use crate::manifest::Manifest;

const BUFFER: usize = 1 << 20;

/// How a file differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileChange {
    /// Only the second image has it.
    Added,
    /// Only the first image has it.
    Removed,
    /// Other bytes.
    Content,
    /// Another mode or kind.
    Mode,
}

impl std::fmt::Display for FileChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Content => "changed",
            Self::Mode => "mode",
        })
    }
}

/// The files and directories that differ, in the order of their paths, byte
/// by byte. User data is left to the reader of [`crate::Inspection`].
pub fn diff_files(old: &Disc, new: &Disc) -> Result<Vec<(String, FileChange)>, IsoError> {
    // A customised image may have its user data anywhere.
    let known = [Manifest::read(old)?, Manifest::read(new)?];
    let is_user_data = |path: &str| {
        let path = path.trim_start_matches('/');
        let is_named = known.iter().all(|it| it.as_ref().is_some_and(|it| it.is_user_data(path)));
        is_named || [USER_DATA, NETWORK, CONFIG].contains(&path)
    };
    let (before, mut after) = (old.walk()?, BTreeMap::from_iter(new.walk()?));
    let (mut changes, mut contents) = (Vec::new(), Contents::default());
    for (path, entry) in before {
        let change = match after.remove(&path) {
            None => Some(FileChange::Removed),
            Some(other) => {
                change(is_user_data(&path), (old, &entry), (new, &other), &mut contents)?
            }
        };
        changes.extend(change.map(|change| (path, change)));
    }
    changes.extend(after.into_keys().map(|path| (path, FileChange::Added)));
    changes.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(changes)
}

type Of<'a> = (&'a Disc, &'a DiscEntry);

/// Which bytes of both are equal: files may share theirs, thousands of them.
type Contents = HashMap<(Vec<Extent>, Vec<Extent>), bool>;

fn change(
    is_user_data: bool,
    old: Of<'_>,
    new: Of<'_>,
    contents: &mut Contents,
) -> Result<Option<FileChange>, IsoError> {
    let (before, after) = (old.1, new.1);
    if before.kind != after.kind || before.mode != after.mode {
        return Ok(Some(FileChange::Mode));
    }
    if before.kind != crate::disc::Kind::File || is_user_data {
        return Ok(None);
    }
    let is_same = before.bytes == after.bytes
        && match contents.entry((before.extents.clone(), after.extents.clone())) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => *vacant.insert(are_equal(old, new)?),
        };
    Ok((!is_same).then_some(FileChange::Content))
}

/// Whether two files of one size have the same bytes.
fn are_equal(old: Of<'_>, new: Of<'_>) -> Result<bool, IsoError> {
    let (mut a, mut b) = (vec![0; BUFFER], vec![0; BUFFER]);
    let (mut from_a, mut from_b) = (old.0.reader(old.1), new.0.reader(new.1));
    let mut left = old.1.bytes;
    while left > 0 {
        interrupted()?;
        let length = usize::try_from(left).unwrap_or(BUFFER).min(BUFFER);
        from_a.read_exact(&mut a[..length]).map_err(file_error("reading", old.0.path()))?;
        from_b.read_exact(&mut b[..length]).map_err(file_error("reading", new.0.path()))?;
        if a[..length] != b[..length] {
            return Ok(false);
        }
        left -= length as u64;
    }
    Ok(true)
}
