//! Palette's macros: `{{.spectro.pack.NAME.PATH}}`, `{{.spectro.var.NAME}}`.

use crate::export::Export;
use crate::tree::Node;

/// Macros inside what macros mean.
const MAX_DEPTH: usize = 8;
/// Macros in one text, all levels together.
const MAX_STEPS: usize = 256;
/// Longest result; more is no image name.
const MAX_LENGTH: usize = 16 * 1024;

/// Fills in the macros of one profile; packs and variables of the others are
/// looked at where its own don't have the name.
pub(crate) struct Macros<'a> {
    exports: Vec<&'a Export>,
}

impl<'a> Macros<'a> {
    pub(crate) fn new(own: usize, exports: &'a [Export]) -> Self {
        let others = exports.iter().enumerate().filter(|(index, _)| *index != own);
        let own = exports.get(own);
        Self { exports: own.into_iter().chain(others.map(|(_, export)| export)).collect() }
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
            let value = self.value(inside.trim()).ok_or_else(unknown)?;
            let (left, deeper) =
                steps.checked_sub(1).zip(depth.checked_sub(1)).ok_or_else(unknown)?;
            *steps = left;
            out.push_str(&self.resolve_within(&value, deeper, steps)?);
            if out.len() > MAX_LENGTH {
                return Err(unknown());
            }
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn value(&self, name: &str) -> Option<String> {
        let name = name.strip_prefix(".spectro.")?;
        if let Some(rest) = name.strip_prefix("pack.") {
            return self.of_pack(rest);
        }
        if let Some(variable) = name.strip_prefix("var.") {
            return self.exports.iter().find_map(|export| export.variables.get(variable)).cloned();
        }
        match name {
            "system.kubernetes.version" => self.kubernetes_version(),
            _ => None,
        }
    }

    fn of_pack(&self, rest: &str) -> Option<String> {
        let packs = self.exports.iter().flat_map(|export| &export.packs);
        let mut values = packs.filter_map(|pack| {
            // Pack names may hold dots, as keys may.
            let path = rest.strip_prefix(pack.name.as_str())?.strip_prefix('.')?;
            pack.tree()?.at_dotted(path)?.scalar().map(str::to_owned)
        });
        values.next()
    }

    fn kubernetes_version(&self) -> Option<String> {
        let packs = self.exports.iter().flat_map(|export| &export.packs);
        let mut versions = packs.filter(|pack| pack.layer == "k8s").map(|pack| &pack.version);
        let version = versions.find(|version| !version.is_empty())?;
        Some(version.strip_prefix('v').unwrap_or(version).to_owned())
    }
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
