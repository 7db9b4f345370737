//! Where in the text a change goes. Answers `None` where the way the text is
//! written leaves no safe place.

use std::ops::Range;

use crate::form::{block_entry, block_item, flow_entry, flow_item, flow_value, literal};
use crate::lines;
use crate::splice::Splice;
use crate::target::{Leaf, Seg};
use crate::tree::{Data, Document, Id};

/// Indentation per level where the text doesn't show its own.
const DEFAULT_STEP: usize = 2;

/// The text, its tree, and how it ends its lines.
pub(crate) struct Placing<'a> {
    text: &'a str,
    document: &'a Document,
    line_end: &'static str,
}

/// Where new lines of a block collection go.
struct Lines {
    at: usize,
    indent: usize,
}

/// The bytes of a block scalar.
struct Block {
    /// Where its `|` or `>` stands.
    start: usize,
    /// Behind it and its modifiers.
    indicator_end: usize,
    /// The end of that line.
    header_end: usize,
    /// The end of its last line with content.
    end: usize,
}

impl<'a> Placing<'a> {
    pub(crate) fn new(text: &'a str, document: &'a Document, line_end: &'static str) -> Self {
        Self { text, document, line_end }
    }

    /// At the end of a text that has no content yet.
    pub(crate) fn append(&self, path: &[Seg], leaf: &Leaf) -> Splice {
        self.add_lines(self.text.len(), &block_entry(path, leaf, 0, DEFAULT_STEP))
    }

    /// A new entry of the mapping `id`.
    pub(crate) fn insert(&self, id: Id, path: &[Seg], leaf: &Leaf) -> Option<Splice> {
        if self.is_flow(id) {
            return self.insert_flow(id, &flow_entry(path, leaf));
        }
        let firsts: Vec<Id> = self.document.entries(id).iter().map(|(key, _)| *key).collect();
        let lines = self.block_lines(&firsts, id)?;
        Some(self.add_lines(lines.at, &block_entry(path, leaf, lines.indent, self.step())))
    }

    /// A new item of the list `id`.
    pub(crate) fn insert_item(&self, id: Id, path: &[Seg], leaf: &Leaf) -> Option<Splice> {
        if self.is_flow(id) {
            return self.insert_flow(id, &flow_item(path, leaf));
        }
        let Data::Sequence { items, .. } = &self.document.node(id).data else { return None };
        let last = *items.last()?;
        let dash = self.dash(last)?;
        let lines =
            Lines { at: self.end_of(id, dash)?, indent: dash - lines::start(self.text, dash) };
        Some(self.add_lines(lines.at, &block_item(path, leaf, lines.indent, self.step())))
    }

    /// A value where there is none, or a written null.
    pub(crate) fn fill(
        &self,
        key: Id,
        value: Id,
        path: &[Seg],
        leaf: &Leaf,
    ) -> Option<Vec<Splice>> {
        let null = self.document.node(value);
        let is_scalar = path.is_empty() && !leaf.is_item();
        if is_scalar || self.is_in_flow(key) {
            let written = flow_value(path, leaf);
            let splice = match null.range.is_empty() {
                true => self.fill_empty(key, value, &written)?,
                false => Splice::new(null.range.clone(), written),
            };
            return Some(vec![splice]);
        }
        let start = self.column(key)?;
        let lines = block_entry(path, leaf, start + self.step(), self.step());
        let at = lines::next(self.text, self.document.node(key).range.end.max(null.range.end));
        let added = self.add_lines(at, &lines);
        // The written null goes, with the blanks before it; it stands before
        // the new lines, so its place is still right.
        let head = self.text[..null.range.start].trim_end_matches(' ').len();
        let cut = if null.range.is_empty() { null.range.clone() } else { head..null.range.end };
        Some(vec![added, Splice::new(cut, "")])
    }

    fn fill_empty(&self, key: Id, value: Id, written: &str) -> Option<Splice> {
        // An anchor or tag would stand between the colon and the value.
        if self.document.node(value).anchor != 0 {
            return None;
        }
        let end = self.document.node(key).range.end;
        let rest = &self.text[end..];
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        let after = end + blanks;
        match self.text[after..].starts_with(':') {
            true => Some(Splice::new(after + 1..after + 1, format!(" {written}"))),
            false if self.is_in_flow(key) => Some(Splice::new(end..end, format!(": {written}"))),
            false => None,
        }
    }

    /// Another scalar in place of `value`.
    pub(crate) fn replace(&self, key: Id, value: Id, written: &str) -> Option<Splice> {
        let node = self.document.node(value);
        if !node.is_block_scalar() {
            return Some(Splice::new(node.range.clone(), written));
        }
        let block = self.block(key, value)?;
        let comment = &self.text[block.indicator_end..block.header_end];
        Some(Splice::new(block.start..block.end, format!("{written}{comment}")))
    }

    /// Another text of several lines in place of `value`.
    pub(crate) fn replace_text(&self, key: Id, value: Id, text: &str) -> Option<Splice> {
        let lines = match self.column(key) {
            Some(column) if self.document.node(value).is_block_scalar() => {
                literal(text, column + self.step())
            }
            _ => vec![crate::scalar::quoted(text)],
        };
        let [first, rest @ ..] = lines.as_slice() else { return None };
        if rest.is_empty() {
            return self.replace(key, value, first);
        }
        let block = self.block(key, value)?;
        let comment = &self.text[block.indicator_end..block.header_end];
        let written = [&[format!("{first}{comment}")], rest].concat().join(self.line_end);
        Some(Splice::new(block.start..block.end, &written))
    }

    fn block(&self, key: Id, value: Id) -> Option<Block> {
        let from = self.document.node(value).range.start;
        let start = self.block_header(self.document.node(key).range.end, from)?;
        let header_end =
            self.text[start..].find(['\r', '\n']).map_or(self.text.len(), |n| start + n);
        let indicator_end =
            self.text[start..header_end].find([' ', '\t']).map_or(header_end, |n| start + n);
        let body_end = self.content_end(value).max(header_end);
        let end = self.text[..body_end].trim_end_matches(['\r', '\n']).len().max(header_end);
        Some(Block { start, indicator_end, header_end, end })
    }

    /// Where the `|` or `>` of a block scalar stands, between its key and its
    /// first line.
    fn block_header(&self, from: usize, to: usize) -> Option<usize> {
        let mut in_comment = false;
        for (offset, c) in self.text.get(from..to)?.char_indices() {
            match c {
                '\n' => in_comment = false,
                '#' => in_comment = true,
                // An anchor's name may hold a bar.
                '&' if !in_comment => return None,
                '|' | '>' if !in_comment => return Some(from + offset),
                _ => {}
            }
        }
        None
    }

    /// Inside the braces or brackets of `id`: behind the last entry where that
    /// is plain to see, else in front of the first.
    fn insert_flow(&self, id: Id, entry: &str) -> Option<Splice> {
        let range = self.document.node(id).range.clone();
        let inside = range.start + 1..range.end.checked_sub(1)?;
        let last = match &self.document.node(id).data {
            Data::Mapping { entries, .. } => entries.last().map(|(_, value)| *value),
            Data::Sequence { items, .. } => items.last().copied(),
            _ => None,
        };
        let Some(last) = last else {
            return Some(Splice::new(inside.start..inside.start, entry));
        };
        let last = self.document.node(last).range.clone();
        let is_plain_to_see = !last.is_empty()
            && self.text.get(last.end..inside.end).is_some_and(|rest| rest.trim().is_empty());
        match is_plain_to_see {
            true => Some(Splice::new(last.end..last.end, format!(", {entry}"))),
            false => Some(Splice::new(inside.start..inside.start, format!("{entry}, "))),
        }
    }

    /// Where new entries of a block mapping go, and how far they are indented.
    fn block_lines(&self, keys: &[Id], id: Id) -> Option<Lines> {
        let indent = self.column(*keys.first()?)?;
        let last = self.document.node(*keys.last()?).range.start;
        Some(Lines { at: self.end_of(id, last)?, indent })
    }

    /// Where lines that follow the block collection `id` go; `last` is where
    /// its last entry starts.
    fn end_of(&self, id: Id, last: usize) -> Option<usize> {
        let leaf = self.last_leaf(id);
        if self.document.node(leaf).ends_open(self.text) {
            let start = lines::start(self.text, last);
            return self.text[start..last].trim().is_empty().then_some(start);
        }
        let end = self.content_end(leaf);
        let indent = last - lines::start(self.text, last);
        Some(lines::past_comments(self.text, lines::next(self.text, end), indent))
    }

    /// The bytes of an entry of the mapping `id`, with what separates it from
    /// its neighbours: whole lines, or up to a comma.
    pub(crate) fn entry_range(&self, id: Id, key: Id, value: Id) -> Option<Range<usize>> {
        let entries = self.document.entries(id);
        let at = entries.iter().position(|(k, _)| *k == key)?;
        if self.is_flow(id) {
            let neighbours = |(key, value): &(Id, Id)| (*key, *value);
            let before = at.checked_sub(1).map(|n| neighbours(&entries[n]).1);
            return Some(match (before, entries.get(at + 1)) {
                (Some(before), _) => {
                    self.document.node(before).range.end..self.document.node(value).range.end
                }
                (None, Some((next, _))) => {
                    self.document.node(key).range.start..self.document.node(*next).range.start
                }
                (None, None) => {
                    self.document.node(key).range.start..self.document.node(value).range.end
                }
            });
        }
        self.own_line_indent(key)?;
        let start = lines::start(self.text, self.document.node(key).range.start);
        let end = self.content_end(self.last_leaf(value)).max(self.document.node(key).range.end);
        Some(start..lines::next(self.text, end))
    }

    /// The lines of an item of a block list.
    pub(crate) fn item_range(&self, item: Id) -> Option<Range<usize>> {
        let dash = self.dash(item)?;
        let end = self.content_end(self.last_leaf(item)).max(dash);
        Some(lines::start(self.text, dash)..lines::next(self.text, end))
    }

    fn last_leaf(&self, id: Id) -> Id {
        match &self.document.node(id).data {
            Data::Mapping { flow: false, entries } => match entries.last() {
                Some((key, value)) if self.document.node(*value).range.is_empty() => {
                    // An empty value says nothing about where it ends; a
                    // block collection's range is empty, too.
                    match self.document.node(*value).scalar() {
                        Some(_) => *key,
                        None => self.last_leaf(*value),
                    }
                }
                Some((_, value)) => self.last_leaf(*value),
                None => id,
            },
            Data::Sequence { flow: false, items } => {
                items.last().map_or(id, |item| self.last_leaf(*item))
            }
            _ => id,
        }
    }

    /// The end of a leaf's content: for block scalars without the empty lines
    /// that don't belong to the value.
    fn content_end(&self, leaf: Id) -> usize {
        let node = self.document.node(leaf);
        let Some((value, _)) = node.scalar().filter(|_| node.is_block_scalar()) else {
            return node.range.end;
        };
        let keeps_lines = value.ends_with("\n\n") || value == "\n";
        let content = &self.text[node.range.clone()];
        // The parser counts the indentation of the line that follows.
        let whole = match content.rfind('\n') {
            Some(n) if content[n + 1..].bytes().all(|c| c == b' ') => &content[..=n],
            _ => content,
        };
        let bare = whole.trim_end_matches(['\r', '\n']);
        let length = if keeps_lines || bare.is_empty() { whole.len() } else { bare.len() };
        node.range.start + length
    }

    /// The position of the dash before a block list's item.
    fn dash(&self, item: Id) -> Option<usize> {
        let mut end = self.document.node(item).range.start;
        // A block scalar starts some lines below its dash.
        loop {
            let start = lines::start(self.text, end);
            let line = &self.text[start..end];
            let body = line.trim_start_matches(' ');
            if body.starts_with('-') {
                return Some(end - body.len());
            }
            end = start.checked_sub(1)?;
        }
    }

    /// The column of a key that is the first thing on its line.
    fn own_line_indent(&self, key: Id) -> Option<usize> {
        let start = self.document.node(key).range.start;
        let line = lines::start(self.text, start);
        self.text[line..start].bytes().all(|c| c == b' ').then_some(start - line)
    }

    /// The column of a key that has nothing but blanks and dashes before it.
    fn column(&self, key: Id) -> Option<usize> {
        let start = self.document.node(key).range.start;
        let line = lines::start(self.text, start);
        self.text[line..start].bytes().all(|c| matches!(c, b' ' | b'-')).then_some(start - line)
    }

    /// The indentation of the first nested block mapping.
    fn step(&self) -> usize {
        let nested = self.document.nodes.iter().filter_map(|node| match &node.data {
            Data::Mapping { flow: false, entries } => entries.first(),
            _ => None,
        });
        let indents = nested.filter_map(|(key, _)| self.own_line_indent(*key));
        indents.filter(|indent| *indent > 0).min().unwrap_or(DEFAULT_STEP)
    }

    fn is_flow(&self, id: Id) -> bool {
        matches!(
            self.document.node(id).data,
            Data::Mapping { flow: true, .. } | Data::Sequence { flow: true, .. }
        )
    }

    /// Whether a key stands inside braces.
    fn is_in_flow(&self, key: Id) -> bool {
        let at = self.document.node(key).range.start;
        self.document
            .nodes
            .iter()
            .enumerate()
            .any(|(id, node)| self.is_flow(id) && node.range.start < at && at < node.range.end)
    }

    /// `lines` in front of what starts at `at`. A text without a final line
    /// end stays one.
    fn add_lines(&self, at: usize, lines: &[String]) -> Splice {
        let body = lines.join(self.line_end);
        let is_open = at == self.text.len() && !self.text.is_empty() && !self.text.ends_with('\n');
        let inserted = match is_open {
            true => format!("{}{body}", self.line_end),
            false => format!("{body}{}", self.line_end),
        };
        Splice::new(at..at, inserted)
    }
}
