//! Secrets in elements of XML: `<password>x</password>`.

use super::is_secret_key;
use super::pair::is_variable;

/// Whether an element on the line holds one.
pub(super) fn has_secret(line: &str) -> bool {
    line.match_indices('<').any(|(at, _)| {
        element(&line[at..]).is_some_and(|(name, behind)| {
            let inside = behind.find(&closing(name)).map_or("", |end| behind[..end].trim());
            !inside.is_empty() && !is_variable(inside)
        })
    })
}

/// What ends an element that begins on the line, and has nothing else there.
pub(super) fn open_element(line: &str) -> Option<String> {
    let (name, behind) = element(line.trim())?;
    behind.is_empty().then(|| closing(name))
}

/// The name of a secret's element, and what is behind its start.
fn element(text: &str) -> Option<(&str, &str)> {
    let (tag, behind) = text.strip_prefix('<')?.split_once('>')?;
    let name = tag.split_whitespace().next()?;
    (!tag.ends_with('/') && !name.starts_with('/') && is_secret_key(name)).then_some((name, behind))
}

fn closing(name: &str) -> String {
    format!("</{name}>")
}
