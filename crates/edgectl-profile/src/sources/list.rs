//! Rule `image-list`: one image a line, or a YAML or JSON list of them.

use edgectl_model::Reference;

use crate::sources::Desk;
use crate::tree::{Data, Node};

const RULE: &str = "image-list";

/// A line of a list that names an image.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// From 1, in the text.
    pub(crate) line: u64,
    /// From 1.
    pub(crate) column: u64,
    pub(crate) text: &'a str,
}

/// The lines of a text, if all of them could name images and one surely does.
/// A text of single words could be anything; where nothing says that it is a
/// list, words with a colon could be, too.
pub(crate) fn lines(text: &str, is_named: bool) -> Option<Vec<Line<'_>>> {
    let mut lines = Vec::new();
    let mut is_sure = false;
    for (number, line) in (1..).zip(text.lines()) {
        let text = bare(line);
        if text.is_empty() {
            continue;
        }
        let reference = Reference::parse(text).ok()?;
        if reference.path() == "library/sha256" {
            return None;
        }
        is_sure |= text.contains('/') || (is_named && reference.tag().is_some());
        let before = line.find(text).unwrap_or_default();
        let column = crate::error::wide(line[..before].chars().count() + 1);
        lines.push(Line { line: number, column, text });
    }
    is_sure.then_some(lines)
}

/// What is left of a line without what lists put around an image: a comment,
/// quotes, commas, a dash, a name, more columns.
fn bare(line: &str) -> &str {
    const AROUND: [char; 5] = ['"', '\'', '`', ',', ';'];
    let line = line.trim().trim_start_matches('\u{feff}');
    if line.starts_with('#') || line.starts_with("//") || line == "---" {
        return "";
    }
    let line = match line.find(" #").or_else(|| line.find("\t#")) {
        Some(comment) => &line[..comment],
        None => line,
    };
    let line = line.strip_prefix("- ").unwrap_or(line).trim();
    let line = line.strip_prefix("image:").unwrap_or(line).trim();
    // Further columns say where an image is from; they hold no colon.
    let first = match line.split_once([' ', '\t']) {
        Some((first, rest)) if !rest.contains(':') && first.contains([':', '@']) => first,
        _ => line,
    };
    let first = first.trim_matches(AROUND);
    match first.split_once('=') {
        Some((name, image)) if !name.contains(['/', ':', '@']) => image.trim_matches(AROUND),
        _ => first,
    }
}

/// Whether a tree is a list of texts, or of mappings with an image.
pub(crate) fn is_tree(root: &Node) -> bool {
    let is_image = |item: &Node| match &item.data {
        Data::Scalar { .. } => item.text().is_some_and(|text| {
            text.contains(['/', ':']) && (Reference::parse(text).is_ok() || text.contains("{{"))
        }),
        Data::Mapping(_) => item.get("kind").is_none() && item.get("image").is_some(),
        Data::Sequence(_) => false,
    };
    !root.items().is_empty() && root.items().iter().all(is_image)
}

/// Reads such a tree.
pub(crate) fn read_tree(desk: &mut Desk<'_, '_>, root: &Node) {
    desk.declare_each(RULE, Some(root), "", "image");
}

/// Reads the lines of a list; the scope is that of the whole text.
pub(crate) fn read_lines(desk: &mut Desk<'_, '_>, file_line: u64, lines: &[Line<'_>]) {
    for line in lines {
        let at = file_line + line.line - 1;
        let node = Node::at_place(at, line.column);
        let path = format!("line {at}");
        desk.book.take(desk.scope, &node, &path, line.text, super::declared(RULE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_all_styles() {
        for (line, image) in [
            ("quay.io/a/b:1", "quay.io/a/b:1"),
            ("  - 'quay.io/a/b:1',  # why", "quay.io/a/b:1"),
            ("\"quay.io/a/b:1\",", "quay.io/a/b:1"),
            ("3.9.0=quay.io/a/b:1", "quay.io/a/b:1"),
            ("image: quay.io/a/b:1", "quay.io/a/b:1"),
            ("docker.io/rancher/a:v1 chart-a,chart-b", "docker.io/rancher/a:v1"),
            ("# quay.io/a/b:1", ""),
            ("", ""),
        ] {
            assert_eq!(bare(line), image, "{line}");
        }
        let found = lines("# all\n\nbusybox\r\n  quay.io/a/b:1\n", false).unwrap();
        let places: Vec<(u64, u64, &str)> =
            found.iter().map(|line| (line.line, line.column, line.text)).collect();
        assert_eq!(places, [(3, 1, "busybox"), (4, 3, "quay.io/a/b:1")]);
    }

    #[test]
    fn other_texts_are_no_lists() {
        for text in
            ["", "# only\n", "word\n", "Some Text:\n", "kind: Pod\n", "a: b/c:1\n", "one two\n"]
        {
            assert_eq!(lines(text, true), None, "{text}");
        }
        let digest = format!("sha256:{}\n", "a".repeat(64));
        assert_eq!(lines(&digest, true), None);
        assert_eq!(lines("ratio:3\n", false), None);
        assert!(lines("busybox:1\n", true).is_some());
    }
}
