//! Secrets of Kubernetes' manifests, which no key beside them tells: those of
//! `kind: Secret`, and variables of a container (`name: DB_PASSWORD`, `value: x`).

use std::ops::Range;
use std::sync::LazyLock;

use regex_lite::Regex;

use super::is_secret_key;
use super::pair::is_value;

static KIND: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(^|[\s\[{,"'])kind["']?\s*:\s*["']?Secret["']?\s*([,}#\n]|$)"#).ok()
});
static DATA: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(^|[\s{,"'])(stringData|data)["']?\s*:"#).ok());

static NAME_FIRST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(?:^|[\s{,"'-])name["']?[ \t]*[:=][ \t]*["']?(?P<name>[A-Za-z0-9_.-]+)["']?[ \t]*,?"#,
        r#"[ \t]*(#[^\n]*)?(\r?\n[ \t]*(#[^\n]*)?)*["']?value["']?[ \t]*[:=](?P<value>[^\n]*)"#,
    ))
    .ok()
});
static VALUE_FIRST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(?:^|[\s{,"'-])value["']?[ \t]*[:=](?P<value>[^\n]*?),?[ \t]*(\r?\n[ \t]*(#[^\n]*)?)*"#,
        r#"["']?\bname["']?[ \t]*[:=][ \t]*["']?(?P<name>[A-Za-z0-9_.-]+)"#,
    ))
    .ok()
});

/// Whether a text is a manifest of a Secret with something in it.
pub(crate) fn is_secret(text: &str) -> bool {
    [&KIND, &DATA].into_iter().all(|regex| regex.as_ref().is_some_and(|r| r.is_match(text)))
}

/// Where a text has names of secrets with their values beside.
pub(super) fn named_secrets(text: &str) -> Vec<Range<usize>> {
    let all = [&NAME_FIRST, &VALUE_FIRST].into_iter().filter_map(|regex| regex.as_ref());
    let found = all.flat_map(|regex| regex.captures_iter(text)).filter_map(|found| {
        let (name, value) = (found.name("name")?, found.name("value")?);
        let is_said = is_secret_key(name.as_str()) && is_value("value", value.as_str(), ':');
        is_said.then(|| value.range())
    });
    found.collect()
}
