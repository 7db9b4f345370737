//! The list in front of the contents that unsquashfs unpacks: a line for each
//! name, `NAME TYPE DATE MODE OWNER GROUP` and what else the type needs.
//!
//! Blanks, quotes and backslashes in names have a backslash in front of them.
//! Line ends may have none (4.5), and what a symbolic link says is as it is:
//! there the end of a line is known by what has to stand in it. Attributes
//! have lines of their own where they are listed (from 4.6).

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, Read};

use edgectl_process::Interrupted;
use thiserror::Error;

use crate::layers::Origin;
use crate::paths;
use crate::tree::{Node, Tree};

/// Between the list and the contents.
const MARK: [&[u8]; 3] = [b"#\n", b"# START OF DATA - DO NOT MODIFY\n", b"#\n"];
/// More than two paths and the numbers between them take.
const LINE_LIMIT: u64 = 64 << 10;
/// The type of a line with an attribute of the file before it.
const ATTRIBUTE: u8 = b'x';

/// How the squashfs differs from what went in.
#[derive(Debug, Error)]
pub(crate) enum Wrong {
    /// List or contents end early.
    #[error("it ends early")]
    Ended,
    #[error("`{0}` has another content")]
    Content(String),
    #[error("`{0}` has {1} bytes, not {2}")]
    Size(String, u64, u64),
    #[error("`{0}` is something else")]
    Kind(String),
    #[error("`{0}` is missing")]
    Missing(String),
    #[error("`{0}` should not be there")]
    Unknown(String),
    /// Nothing that is known of unsquashfs.
    #[error("unsquashfs says something unknown: {0}")]
    List(String),
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// A regular file of the list.
#[derive(Debug)]
pub(crate) struct ListedFile {
    pub(crate) path: Vec<u8>,
    pub(crate) origin: Origin,
    pub(crate) bytes: u64,
    /// Where its content begins among the contents.
    pub(crate) at: u64,
}

/// Reads the list, comparing it with the tree.
pub(crate) struct Listing<'a> {
    tree: &'a Tree,
    /// What hasn't been listed yet.
    left: HashSet<&'a [u8]>,
    /// Under which name, as it is printed, an entry came first: later names
    /// are links to it.
    first: HashMap<Origin, Vec<u8>>,
    files: Vec<ListedFile>,
}

impl<'a> Listing<'a> {
    pub(crate) fn new(tree: &'a Tree) -> Self {
        let left = tree.paths().collect();
        Self { tree, left, first: HashMap::new(), files: Vec::new() }
    }

    /// The regular files, in the order of their contents.
    pub(crate) fn read(mut self, out: &mut impl BufRead) -> Result<Vec<ListedFile>, Wrong> {
        let mut line = Line::begin(out)?;
        while line.0 != MARK[0] {
            self.name(line, out)?;
            line = Line::begin(out)?;
        }
        for mark in &MARK[1..] {
            let line = Line::begin(out)?;
            if line.0 != *mark {
                return Err(line.unknown());
            }
        }
        match self.left.iter().min() {
            Some(path) => Err(Wrong::Missing(paths::show(path))),
            None => Ok(self.files),
        }
    }

    fn name(&mut self, mut line: Line, out: &mut impl BufRead) -> Result<(), Wrong> {
        let head = line.head(out)?;
        let path = unescaped(&line.0[..head.name]);
        let is_root = path.is_empty() && head.kind == b'D';
        if is_root || head.kind == ATTRIBUTE {
            return Ok(());
        }
        let tree = self.tree;
        let node = tree.node(&path).filter(|_| self.left.remove(path.as_slice()));
        let node = node.ok_or_else(|| Wrong::Unknown(paths::show(&path)))?;
        match self.is_same(node, &path, &head, &mut line, out)? {
            true => Ok(()),
            false => Err(Wrong::Kind(paths::show(&path))),
        }
    }

    fn is_same(
        &mut self,
        node: &Node,
        path: &[u8],
        head: &Head,
        line: &mut Line,
        out: &mut impl BufRead,
    ) -> Result<bool, Wrong> {
        let origin = match node {
            Node::Directory(_) => return Ok(head.kind == b'D'),
            Node::File(origin) | Node::Symlink(origin, _) | Node::Special(origin) => *origin,
        };
        if let Some(first) = self.first.get(&origin) {
            return Ok(head.kind == b'L' && line.ends(head.rest, first, out)?);
        }
        let is_same = match (node, head.kind) {
            (Node::Symlink(_, target), b'S') => {
                let (_, rest) = line.numbers::<4>(head.rest)?;
                line.ends(rest, target, out)?
            }
            (Node::File(_), b'R') => {
                let ([.., bytes, at], _) = line.numbers::<6>(head.rest)?;
                self.files.push(ListedFile { path: path.to_vec(), origin, bytes, at });
                true
            }
            (Node::Special(_), b'B' | b'C' | b'I') => true,
            _ => false,
        };
        self.first.insert(origin, line.0[..head.name].to_vec());
        Ok(is_same)
    }
}

/// What a line begins with.
struct Head {
    /// Bytes of the name.
    name: usize,
    kind: u8,
    /// Where the rest begins.
    rest: usize,
}

/// A line, its end included; several where a name has line ends of its own.
struct Line(Vec<u8>);

impl Line {
    fn begin(out: &mut impl BufRead) -> Result<Self, Wrong> {
        let mut line = Self(Vec::new());
        line.go_on(out)?;
        Ok(line)
    }

    fn go_on(&mut self, out: &mut impl BufRead) -> Result<(), Wrong> {
        let room = LINE_LIMIT.saturating_sub(self.0.len() as u64);
        out.take(room).read_until(b'\n', &mut self.0)?;
        match self.0.ends_with(b"\n") {
            true => Ok(()),
            false if self.0.len() as u64 >= LINE_LIMIT => Err(self.unknown()),
            false => Err(Wrong::Ended),
        }
    }

    fn head(&mut self, out: &mut impl BufRead) -> Result<Head, Wrong> {
        loop {
            match self.blank() {
                None => self.go_on(out)?,
                Some(name) => match self.0[name..] {
                    [b' ', kind, b' ', ..] => return Ok(Head { name, kind, rest: name + 3 }),
                    _ => return Err(self.unknown()),
                },
            }
        }
    }

    /// The first blank that is no part of a name.
    fn blank(&self) -> Option<usize> {
        let mut is_escaped = false;
        self.0.iter().position(|byte| {
            let is_plain = !is_escaped;
            is_escaped = is_plain && *byte == b'\\';
            is_plain && *byte == b' '
        })
    }

    /// Numbers with blanks between them, and where the rest begins. Dates may
    /// be negative; none of those is asked for.
    fn numbers<const N: usize>(&self, from: usize) -> Result<([u64; N], usize), Wrong> {
        let mut numbers = [0; N];
        let mut at = from;
        for number in &mut numbers {
            let word = self.0[at..].split(|byte| matches!(byte, b' ' | b'\n')).next();
            let word = word.unwrap_or_default();
            let text = std::str::from_utf8(word).unwrap_or_default().trim_start_matches('-');
            *number = text.parse().map_err(|_| self.unknown())?;
            at += word.len() + 1;
        }
        Ok((numbers, at))
    }

    /// Whether `text` is all that is left of the line.
    fn ends(&mut self, from: usize, text: &[u8], out: &mut impl BufRead) -> Result<bool, Wrong> {
        // What is there may have line ends only where the text has them.
        while self.0[from..].len() <= text.len() && text.starts_with(&self.0[from..]) {
            self.go_on(out)?;
        }
        Ok(self.0[from..].strip_suffix(b"\n") == Some(text))
    }

    fn unknown(&self) -> Wrong {
        Wrong::List(String::from_utf8_lossy(self.0.trim_ascii_end()).chars().take(200).collect())
    }
}

/// A path without what escapes it, from the root.
fn unescaped(name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(name.len());
    let mut bytes = name.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => path.extend(bytes.next()),
            byte => path.push(*byte),
        }
    }
    match path.strip_prefix(b"/") {
        Some(rest) => rest.to_vec(),
        None => path,
    }
}
