//! Secrets in elements of XML: `<password>x</password>`,
//! `<add key="password" value="x">`, `<key>password</key><string>x</string>`.

use std::ops::Range;
use std::sync::LazyLock;

use regex_lite::Regex;

use super::is_secret_key;
use super::pair::is_variable;

static KEY_FIRST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"<[^<>]*\s(?:key|name)\s*=\s*["'](?P<name>[^"'<>]*)["'][^<>]*"#,
        r#"\svalue\s*=\s*["'](?P<value>[^"'<>]+)"#,
    ))
    .ok()
});
static VALUE_FIRST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"<[^<>]*\svalue\s*=\s*["'](?P<value>[^"'<>]+)["'][^<>]*"#,
        r#"\s(?:key|name)\s*=\s*["'](?P<name>[^"'<>]*)"#,
    ))
    .ok()
});
/// As property lists have it.
static LISTED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"<key>\s*(?P<name>[^<>]*?)\s*</key>\s*<(?:string|data)>(?P<value>[^<>]+)<").ok()
});

/// Where a text has values beside names of secrets.
pub(super) fn named_secrets(text: &str) -> Vec<Range<usize>> {
    let all = [&KEY_FIRST, &VALUE_FIRST, &LISTED].into_iter().filter_map(|regex| regex.as_ref());
    let found = all.flat_map(|regex| regex.captures_iter(text)).filter_map(|found| {
        let (name, value) = (found.name("name")?, found.name("value")?);
        let said = value.as_str().trim();
        let is_said = is_secret_key(name.as_str()) && !said.is_empty() && !is_variable(said);
        is_said.then(|| value.range())
    });
    found.collect()
}

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
    let inside = text.strip_prefix('<')?;
    let end = inside.find(['<', '>']).filter(|end| inside[*end..].starts_with('>'))?;
    let (tag, behind) = (&inside[..end], &inside[end + 1..]);
    let name = tag.split_whitespace().next()?;
    (!tag.ends_with('/') && !name.starts_with('/') && is_secret_key(name)).then_some((name, behind))
}

fn closing(name: &str) -> String {
    format!("</{name}>")
}
