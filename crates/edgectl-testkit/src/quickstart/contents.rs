//! What is in a layer: from a recipe and packages to a tar.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::Path;

use super::elf;
use super::error::{QuickstartError, file_error};
use super::pool::{Entry, Pool};
use super::recipe::{EPOCH, LayerRecipe};

/// Where programs of the packages look for libraries, arm64 included.
const LIBRARIES: [&str; 4] = [
    "lib/x86_64-linux-gnu",
    "usr/lib/x86_64-linux-gnu",
    "lib/aarch64-linux-gnu",
    "usr/lib/aarch64-linux-gnu",
];

/// One thing in a layer.
#[derive(Debug)]
enum Item {
    Directory,
    File { mode: u32, content: Vec<u8> },
    Link(String),
}

/// Everything in a layer, by path.
#[derive(Debug, Default)]
pub(super) struct Contents(BTreeMap<String, Item>);

impl Contents {
    /// Follows a recipe. Paths of `below` are in lower layers already.
    pub(super) fn follow(
        recipe: &LayerRecipe,
        pool: &Pool,
        below: &BTreeSet<String>,
    ) -> Result<Self, QuickstartError> {
        let mut contents = Self::default();
        for path in recipe.keep {
            contents.keep(pool, path)?;
        }
        contents.0.retain(|path, _| !below.contains(path));
        for (path, mode, text) in recipe.texts {
            let content = text.as_bytes().to_vec();
            contents.0.insert((*path).to_owned(), Item::File { mode: *mode, content });
        }
        let (links, target) = recipe.links;
        for link in links {
            contents.0.insert((*link).to_owned(), Item::Link(target.to_owned()));
        }
        for directory in recipe.directories {
            contents.0.insert((*directory).to_owned(), Item::Directory);
        }
        contents.add_parents();
        Ok(contents)
    }

    /// All paths that aren't directories.
    pub(super) fn paths(&self) -> impl Iterator<Item = &String> {
        self.0.iter().filter(|(_, item)| !matches!(item, Item::Directory)).map(|(path, _)| path)
    }

    /// Takes a file, what it links to, and the libraries that it needs.
    fn keep(&mut self, pool: &Pool, path: &str) -> Result<(), QuickstartError> {
        if self.0.contains_key(path) {
            return Ok(());
        }
        let missing = || QuickstartError::NotInPackages(path.to_owned());
        match pool.entry(path).ok_or_else(missing)? {
            Entry::Link(target) => {
                self.0.insert(path.to_owned(), Item::Link(target.clone()));
                self.keep(pool, &resolve(path, target))
            }
            Entry::File { mode, offset, size } => {
                let content = pool.read(path, *offset, *size)?;
                let needs = elf::needs(&content)
                    .map_err(|reason| QuickstartError::NotAProgram(path.to_owned(), reason))?;
                self.0.insert(path.to_owned(), Item::File { mode: *mode, content });
                if let Some(loader) = &needs.loader {
                    self.keep(pool, loader.trim_start_matches('/'))?;
                }
                needs.libraries.iter().try_for_each(|name| self.keep_library(pool, name))
            }
        }
    }

    fn keep_library(&mut self, pool: &Pool, name: &str) -> Result<(), QuickstartError> {
        let mut places = LIBRARIES.iter().map(|directory| format!("{directory}/{name}"));
        let path = places.find(|path| pool.entry(path).is_some());
        self.keep(pool, &path.ok_or_else(|| QuickstartError::NotInPackages(name.to_owned()))?)
    }

    fn add_parents(&mut self) {
        let paths: Vec<String> = self.0.keys().cloned().collect();
        for path in paths {
            for parent in Path::new(&path).ancestors().skip(1) {
                let parent = parent.to_string_lossy().into_owned();
                if !parent.is_empty() {
                    self.0.entry(parent).or_insert(Item::Directory);
                }
            }
        }
    }

    /// Writes the tar; equal contents give equal bytes.
    pub(super) fn write_tar(&self, out: impl Write) -> Result<(), QuickstartError> {
        let mut builder = tar::Builder::new(out);
        for (path, item) in &self.0 {
            append(&mut builder, path, item).map_err(file_error("packing", Path::new(path)))?;
        }
        let flushed = builder.into_inner().and_then(|mut out| out.flush());
        flushed.map_err(file_error("packing", Path::new("a layer")))
    }
}

fn append(builder: &mut tar::Builder<impl Write>, path: &str, item: &Item) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_mtime(EPOCH);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    match item {
        Item::Directory => {
            header.set_entry_type(tar::EntryType::Directory);
            header.set_mode(if path.ends_with("tmp") { 0o1777 } else { 0o755 });
            builder.append_data(&mut header, format!("{path}/"), io::empty())
        }
        Item::Link(target) => {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_mode(0o777);
            builder.append_link(&mut header, path, target)
        }
        Item::File { mode, content } => {
            header.set_mode(*mode & 0o7777);
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, path, content.as_slice())
        }
    }
}

/// What a link points to, as a path without a slash in front.
fn resolve(link: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut parts: Vec<&str> = link.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_from_where_they_are() {
        assert_eq!(resolve("lib/a/libz.so.1", "libz.so.1.2"), "lib/a/libz.so.1.2");
        assert_eq!(resolve("lib64/ld.so", "/lib/a/ld.so"), "lib/a/ld.so");
        assert_eq!(resolve("usr/bin/x", "../lib/./x"), "usr/lib/x");
    }
}
