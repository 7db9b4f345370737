//! Values as YAML, single ones as their files have them.

use super::block::STEP;
use super::scalar::Scalar;
use super::value::{Content, Entry, Value};

/// A whole document; `in_template` says that marks of a template are meant.
pub(super) fn document(root: &Value, in_template: bool) -> String {
    let mut writer = Writer { out: String::new(), in_template };
    if let Content::Mapping(entries) = &root.content {
        writer.entries(entries, 0);
    }
    if writer.out.is_empty() { "{}\n".to_owned() } else { writer.out }
}

struct Writer {
    out: String,
    in_template: bool,
}

impl Writer {
    fn entries(&mut self, entries: &[Entry], indent: usize) {
        for Entry { key, value } in stay(entries) {
            let key = key.on_one_line(self.in_template);
            self.out.push_str(&format!("{:indent$}{key}:", ""));
            self.value(value, indent);
        }
    }

    /// A value behind `key:` or a dash.
    fn value(&mut self, value: &Value, indent: usize) {
        match &value.content {
            Content::Mapping(entries) if stay(entries).next().is_some() => {
                self.out.push('\n');
                self.entries(entries, indent + STEP);
            }
            Content::List(items) if !items.is_empty() => {
                self.out.push('\n');
                self.items(items, indent + STEP);
            }
            Content::Scalar(scalar) => self.scalar(scalar, indent + STEP),
            Content::Null => self.out.push_str(" null\n"),
            Content::List(_) => self.out.push_str(" []\n"),
            Content::Mapping(_) => self.out.push_str(" {}\n"),
        }
    }

    fn items(&mut self, items: &[Value], indent: usize) {
        for item in items {
            self.out.push_str(&format!("{:indent$}-", ""));
            match &item.content {
                Content::Mapping(entries) if stay(entries).next().is_some() => {
                    // The first key stands behind the dash.
                    let start = self.out.len();
                    self.entries(entries, indent + STEP);
                    self.out.replace_range(start..start + indent + STEP, " ");
                }
                _ => self.value(item, indent),
            }
        }
    }

    fn scalar(&mut self, scalar: &Scalar, indent: usize) {
        self.out.push_str(&match scalar.block(self.in_template) {
            Some(block) => format!(" {}{}", scalar.tag(), block.written(indent)),
            None => format!(" {}\n", scalar.on_one_line(self.in_template)),
        });
        // A statement takes the line end behind it along.
        let is_tag = |tag: &str| self.out.trim_end().ends_with(tag);
        if self.in_template && (is_tag("%}") || is_tag("#}")) {
            self.out.push('\n');
        }
    }
}

/// What no later file has taken away.
fn stay(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    entries.iter().filter(|entry| !entry.value.is_gone())
}
