//! Palette's macros: `{{.spectro.pack.NAME.PATH}}`, `{{.spectro.var.NAME}}`,
//! `{{.spectro.macro.NAME}}` and `{{.spectro.system.…}}`, with the functions
//! behind `|` that versions are cut with.

use std::collections::BTreeMap;

use crate::sources::profile::{Pack, Profile};
use crate::tree::Node;

/// Macros inside what macros mean.
const MAX_DEPTH: usize = 8;
/// Macros in one text, all levels together.
const MAX_STEPS: usize = 256;
/// Longest result; more is no image name.
const MAX_LENGTH: usize = 16 * 1024;

/// Values that the user gives, by name without the dot in front.
pub(crate) type Given = BTreeMap<String, String>;

/// Fills in the macros of one pack or profile; packs and variables of the
/// others are looked at where its own don't have the name.
pub(crate) struct Macros<'a> {
    given: Option<&'a Given>,
    profiles: Vec<&'a Profile>,
}

impl<'a> Macros<'a> {
    /// For documents that have no macros: each is unknown.
    pub(crate) fn none() -> Self {
        Self { given: None, profiles: Vec::new() }
    }

    pub(crate) fn new(own: usize, profiles: &'a [Profile], given: &'a Given) -> Self {
        let others = profiles.iter().enumerate().filter(|(index, _)| *index != own);
        let own = profiles.get(own);
        let profiles = own.into_iter().chain(others.map(|(_, profile)| profile)).collect();
        Self { given: Some(given), profiles }
    }

    /// `text` with its macros filled in, or the macro that has no meaning.
    pub(crate) fn resolve(&self, text: &str) -> Result<String, String> {
        let mut steps = MAX_STEPS;
        self.resolve_within(text, MAX_DEPTH, &mut steps)
    }

    fn resolve_within(
        &self,
        text: &str,
        depth: usize,
        steps: &mut usize,
    ) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, inside, after)) = next_macro(rest) {
            out.push_str(before);
            let unknown = || format!("{{{{{inside}}}}}");
            let mut stages = inside.split('|').map(str::trim);
            let name = stages.next().unwrap_or_default();
            let value = self.value(name).ok_or_else(unknown)?;
            let (left, deeper) =
                steps.checked_sub(1).zip(depth.checked_sub(1)).ok_or_else(unknown)?;
            *steps = left;
            let value = self.resolve_within(&value, deeper, steps)?;
            let value = stages.try_fold(value, |value, stage| apply(stage, value));
            out.push_str(&value.ok_or_else(unknown)?);
            if out.len() > MAX_LENGTH {
                return Err(unknown());
            }
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn value(&self, name: &str) -> Option<String> {
        let name = name.strip_prefix('.')?;
        if let Some(value) = self.given.and_then(|given| given.get(name)) {
            return Some(value.clone());
        }
        let name = name.strip_prefix("spectro.")?;
        if let Some(rest) = name.strip_prefix("pack.") {
            return self.of_pack(rest);
        }
        if let Some(variable) = name.strip_prefix("var.") {
            let mut profiles = self.profiles.iter();
            return profiles.find_map(|profile| profile.variables.get(variable)).cloned();
        }
        match name {
            "system.kubernetes.version" => self.kubernetes_version(),
            _ => None,
        }
    }

    fn packs(&self) -> impl Iterator<Item = &'a Pack> {
        self.profiles.iter().flat_map(|profile| &profile.packs)
    }

    fn of_pack(&self, rest: &str) -> Option<String> {
        let mut values = self.packs().filter_map(|pack| {
            // Pack names may hold dots, as keys may.
            let path = rest.strip_prefix(pack.name.as_str())?.strip_prefix('.')?;
            pack.tree()?.at_dotted(path)?.scalar().map(str::to_owned)
        });
        values.next()
    }

    /// Version of the Kubernetes layer, without a `v`.
    pub(crate) fn kubernetes_version(&self) -> Option<String> {
        let mut versions = self.packs().filter(|pack| pack.layer == "k8s").map(|p| &p.version);
        let version = versions.find(|version| !version.is_empty())?;
        Some(version.strip_prefix('v').unwrap_or(version).to_owned())
    }
}

/// What a function behind `|` makes of a value; none if it isn't known.
fn apply(stage: &str, value: String) -> Option<String> {
    let words = words(stage);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let cut = |from: &str, to: &str| {
        let (from, to) = (from.parse::<usize>().ok()?, to.parse::<usize>().ok()?);
        Some(value.chars().skip(from).take(to.checked_sub(from)?).collect())
    };
    match words.as_slice() {
        ["substr", from, to] => cut(from, to),
        ["trunc", to] => cut("0", to),
        ["trimPrefix", prefix] => Some(value.strip_prefix(prefix).unwrap_or(&value).to_owned()),
        ["trimSuffix", suffix] => Some(value.strip_suffix(suffix).unwrap_or(&value).to_owned()),
        ["replace", from, to] => Some(value.replace(from, to)),
        ["default", _] if !value.is_empty() => Some(value),
        ["default", other] => Some((*other).to_owned()),
        ["lower"] => Some(value.to_lowercase()),
        ["upper"] => Some(value.to_uppercase()),
        ["trim"] => Some(value.trim().to_owned()),
        ["quote" | "squote" | "toString" | "toYaml"] => Some(value),
        _ => None,
    }
}

/// Words apart by blanks, with what quotes hold in one piece.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '"' | '\'' | '`' => rest[1..].split_once(first).unwrap_or((&rest[1..], "")),
            _ => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

/// What stands before the first macro, inside it and behind it.
fn next_macro(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (inside, after) = rest.split_once("}}")?;
    Some((before, inside, after))
}

/// Whether a text holds a macro of Palette's (and not of a chart's own).
pub(crate) fn has_macro(text: &str) -> bool {
    text.contains("{{") && text.contains(".spectro.")
}

/// A text of a tree, if it is no template of another engine.
pub(crate) fn own_text(node: &Node) -> Option<&str> {
    node.text().filter(|text| has_macro(text) || !text.contains("{{"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_cut_versions() {
        let given = Given::from([
            ("spectro.macro.version".to_owned(), "v1.30.2-k3s1".to_owned()),
            ("spectro.macro.empty".to_owned(), String::new()),
        ]);
        let macros = Macros::new(0, &[], &given);
        for (text, expected) in [
            ("{{.spectro.macro.version | substr 1 5}}", "1.30"),
            ("{{ .spectro.macro.version | trimPrefix \"v\" | trunc 4 }}", "1.30"),
            ("{{.spectro.macro.version | replace \"-\" \"_\" | upper}}", "V1.30.2_K3S1"),
            ("{{.spectro.macro.empty | default \"a b\"}}", "a b"),
            ("{{.spectro.macro.version | trimSuffix 's1' | quote}}", "v1.30.2-k3"),
        ] {
            assert_eq!(macros.resolve(text).as_deref(), Ok(expected), "{text}");
        }
        for unknown in [
            "{{.spectro.macro.version | sha256sum}}",
            "{{.spectro.macro.version | substr 5 1}}",
            "{{.spectro.macro.other}}",
        ] {
            assert_eq!(macros.resolve(unknown), Err(unknown.to_owned()));
        }
    }
}
