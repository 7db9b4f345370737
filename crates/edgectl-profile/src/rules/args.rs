//! Rule `argument`: images in arguments and commands.

use super::embedded;
use super::names::{Says, says};
use super::pieces;
use super::plausible::{Look, look};
use super::table::ARGUMENT;
use super::walk::Walk;
use crate::tree::Node;

/// Goes through a list, if it is one of arguments: texts of which at least one
/// looks like a flag or a setting.
pub(crate) fn look_at(walk: &mut Walk<'_, '_>, key: &str, items: &[Node]) {
    let is_flag = |item: &Node| item.scalar().is_some_and(|text| text.starts_with('-'));
    let is_script = |item: &Node| item.scalar().is_some_and(|text| text.contains('\n'));
    let is_command = matches!(key, "args" | "command") && items.iter().any(is_script);
    if !is_command && !items.iter().any(is_flag) {
        return;
    }
    let mut said = None;
    for (index, item) in items.iter().enumerate() {
        let Some(text) = item.scalar() else { continue };
        if text.contains('\n') {
            said = None;
            walk.at_index(index, |walk| embedded::look_at_script(walk, item));
            continue;
        }
        let asked = said.take();
        if let Some(flag) = text.strip_prefix('-').filter(|flag| !flag.contains(['=', ' '])) {
            said = says(flag);
        }
        walk.at_index(index, |walk| argument(walk, item, text, asked));
    }
}

/// One argument; `asked` is what a flag right before it says.
fn argument(walk: &mut Walk<'_, '_>, node: &Node, text: &str, asked: Option<Says>) {
    let said = asked.or_else(|| text.split_once('=').and_then(|(flag, _)| said_by(flag, text)));
    for piece in pieces::of(text) {
        let Some(seen) = look(piece) else { continue };
        // A flag that says nothing may still have a whole reference behind it.
        let is_whole = text.starts_with('-') || asked.is_some() || piece == text;
        let is_believed = said.is_some_and(|said| pieces::is_believed(seen, said));
        if is_believed || (seen == Look::Full && is_whole) {
            walk.take(node, piece, ARGUMENT);
        }
    }
}

/// What `--flag=` or `--set=name=` in front of a value says.
fn said_by(flag: &str, text: &str) -> Option<Says> {
    says(flag).or_else(|| {
        let (_, rest) = text.split_once('=')?;
        says(rest.split_once('=')?.0)
    })
}
