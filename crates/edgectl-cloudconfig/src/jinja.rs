//! What Jinja reads in a text: expressions, statements, comments, raw blocks.

/// What begins a condition or a loop, which nothing may be added to.
const OPENINGS: [&str; 8] = ["if", "for", "with", "filter", "macro", "call", "block", "autoescape"];

/// A statement that isn't the only thing in its line leaves the line's end.
pub(crate) fn inline(whole: &str) -> String {
    let (start, end) = whole.split_at(whole.len().saturating_sub(2));
    match start.ends_with(['-', '+']) {
        true => whole.to_owned(),
        false => format!("{start}+{end}"),
    }
}

/// Whether the inside of a statement begins a raw block.
pub(crate) fn is_raw(inside: &str) -> bool {
    let statement = inside.split("%}").next().unwrap_or_default();
    statement.trim_matches(['-', '+']).trim() == "raw"
}

/// Whether a statement begins a condition or a loop.
pub(crate) fn is_opening(whole: &str) -> bool {
    OPENINGS.contains(&word(whole))
}

/// Whether a statement ends one.
pub(crate) fn is_closing(whole: &str) -> bool {
    word(whole).strip_prefix("end").is_some_and(|what| OPENINGS.contains(&what))
}

/// What a raw block has inside; none where a text begins with something else.
pub(crate) fn raw_inside(whole: &str) -> Option<std::ops::Range<usize>> {
    if !is_raw(whole.strip_prefix("{%")?) {
        return None;
    }
    let start = closing(whole, "%}")?;
    let end = whole.rfind("{%").filter(|end| *end >= start)?;
    let inside = &whole[start..end];
    let from = if whole[..start - 2].ends_with('-') { inside.trim_start() } else { inside };
    let to = if whole[end + 2..].starts_with('-') { from.trim_end() } else { from };
    let start = start + (inside.len() - from.len());
    Some(start..start + to.len())
}

/// The name of a statement.
pub(crate) fn word(whole: &str) -> &str {
    let inside = whole.trim_start().strip_prefix("{%").unwrap_or_default();
    let inside = inside.trim_start_matches(['-', '+']).trim_start();
    inside.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default()
}

/// What `set` gives a value to, and that; none for what stands to an `endset`.
pub(crate) fn set_to(behind: &str) -> Option<(&str, &str)> {
    let is_target = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.,()".contains(c);
    let (target, value) = behind.split_once('=')?;
    target.chars().all(is_target).then_some((target, value))
}

/// What an expression or a statement has inside.
pub(crate) fn inside(whole: &str) -> &str {
    let inside = whole.get(2..whole.len().saturating_sub(2)).unwrap_or_default();
    let inside = inside.strip_prefix(['-', '+']).unwrap_or(inside);
    inside.strip_suffix(['-', '+']).unwrap_or(inside).trim()
}

/// Where the next of them starts.
pub(crate) fn next_opening(text: &str) -> Option<usize> {
    let is_opening = |at: &usize| matches!(text.as_bytes().get(at + 1), Some(b'{' | b'%' | b'#'));
    text.match_indices('{').map(|(at, _)| at).find(is_opening)
}

/// The length of what opens at the start, with its end. Raw blocks are one.
pub(crate) fn length(text: &str) -> Option<usize> {
    let close = match text.get(..2)? {
        "{{" => "}}",
        "{%" => "%}",
        _ => "#}",
    };
    let end = closing(text, close)?;
    let statement = text[2..end - 2].trim_matches(['-', '+']).trim();
    if close == "%}" && statement == "raw" {
        let (at, _) = text.match_indices("{%").skip(1).find(|(at, _)| {
            let inside = text[at + 2..].split("%}").next().unwrap_or_default();
            inside.trim_matches(['-', '+']).trim() == "endraw"
        })?;
        return Some(at + closing(&text[at..], "%}")?);
    }
    Some(end)
}

/// A text with something else in place of each expression.
pub(crate) fn with_expressions_as(text: &str, mut with: impl FnMut(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        let Some(length) = length(&rest[at..]) else { break };
        out.push_str(&rest[..at]);
        out.push_str(&with(&rest[at..at + length]));
        rest = &rest[at + length..];
    }
    out + rest
}

/// Where `close` ends, strings left aside.
fn closing(text: &str, close: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(2) {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if text[at..].starts_with(close) => return Some(at + close.len()),
            None if matches!(c, '"' | '\'') && close != "#}" => quote = Some(c),
            None => {}
        }
    }
    None
}
