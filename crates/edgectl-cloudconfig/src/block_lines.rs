//! Lines that begin a block of text (`|`, `>`), where a parser can't be asked.

/// How far a line is indented.
pub(crate) fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// How far what holds a block of text is indented, of the line that begins one.
pub(crate) fn block_parent(line: &str) -> Option<usize> {
    let bare = line.split(" #").next().unwrap_or_default().trim_end();
    is_block_header(bare.split_whitespace().next_back()?).then(|| {
        let mut column = indent(line);
        // A key behind dashes holds it, else the last dash.
        while let Some(item) = bare[column..].strip_prefix("- ").map(|item| item.trim_start()) {
            if item.split_whitespace().all(|word| is_block_header(word) || word.starts_with('!')) {
                break;
            }
            column = bare.len() - item.len();
        }
        column
    })
}

fn is_block_header(word: &str) -> bool {
    let is_modifier = |c: u8| c.is_ascii_digit() || matches!(c, b'+' | b'-');
    word.strip_prefix(['|', '>']).is_some_and(|more| more.bytes().all(is_modifier))
}
