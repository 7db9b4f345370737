//! Entries of archives, one after the other, as streams.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use edgectl_process::interrupted;

use super::compression::{Form, form_of, unfolded};

/// Most entries of one archive.
const MAX_ENTRIES: usize = 200_000;
/// What is looked at to tell a tar from a single packed file.
const HEADER: usize = 512;

/// A file in an archive.
pub(super) struct Entry<'a> {
    /// Its path, relative and without `..`.
    pub(super) path: String,
    pub(super) reader: &'a mut dyn Read,
}

/// Calls `visit` for each file of the archive at `path`. Links and devices are
/// left out; a path that leads out of the archive is an error.
pub(super) fn each(
    path: &Path,
    form: Form,
    visit: &mut dyn FnMut(Entry<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let file = File::open(path)?;
    if form == Form::Zip {
        return each_of_zip(file, visit);
    }
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("contents");
    let size = file.metadata()?.len();
    each_of_stream(unfolded(file, size, form)?, stem, visit)
}

/// The same for a stream that is unfolded already. What is no tar is a single
/// file of the name `stem`.
pub(super) fn each_of_stream(
    mut stream: impl Read,
    stem: &str,
    visit: &mut dyn FnMut(Entry<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let mut start = Vec::new();
    stream.by_ref().take(HEADER as u64).read_to_end(&mut start)?;
    let is_tar = form_of(&start) == Some(Form::Tar) || start.iter().all(|byte| *byte == 0);
    let mut whole = io::Cursor::new(start).chain(stream);
    if !is_tar {
        return visit(Entry { path: stem.to_owned(), reader: &mut whole });
    }
    let mut archive = tar::Archive::new(whole);
    for (count, entry) in archive.entries()?.enumerate() {
        let mut entry = entry?;
        refuse_many(count)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = safe(&String::from_utf8_lossy(&entry.path_bytes()))?;
        visit(Entry { path, reader: &mut entry })?;
    }
    read_rest(archive.into_inner())
}

/// Checksums stand at the end of a stream, behind the end of the tar in it:
/// names that came out of damaged bytes count for nothing.
fn read_rest(mut stream: impl Read) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        interrupted().map_err(io::Error::other)?;
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn each_of_zip(file: File, visit: &mut dyn FnMut(Entry<'_>) -> io::Result<()>) -> io::Result<()> {
    let size = file.metadata()?.len();
    let mut archive = zip::ZipArchive::new(io::BufReader::new(file)).map_err(io::Error::other)?;
    let mut left = super::compression::allowance(size);
    for index in 0..archive.len() {
        refuse_many(index)?;
        let entry = archive.by_index(index).map_err(io::Error::other)?;
        if !entry.is_file() {
            continue;
        }
        let path = safe(&entry.name().map_err(io::Error::other)?)?;
        let mut bounded = super::compression::Bounded { reader: entry, left };
        visit(Entry { path, reader: &mut bounded })?;
        left = bounded.left;
    }
    Ok(())
}

fn refuse_many(count: usize) -> io::Result<()> {
    match count < MAX_ENTRIES {
        true => Ok(()),
        false => Err(io::Error::other(format!("it has more than {MAX_ENTRIES} entries"))),
    }
}

/// A path of an archive that stays inside it.
fn safe(path: &str) -> io::Result<String> {
    let parts: Vec<&str> =
        path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if path.starts_with('/') || path.contains('\0') || parts.contains(&"..") || parts.is_empty() {
        return Err(io::Error::other(format!("its entry `{path}` leads out of it")));
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        assert_eq!(safe("./a//b").unwrap(), "a/b");
        for bad in ["/a", "../a", "a/../../b", "", "."] {
            assert!(safe(bad).is_err(), "{bad}");
        }
    }
}
