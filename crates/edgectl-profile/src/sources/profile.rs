//! Cluster profile exports and pack directories, as far as images go.

use std::collections::BTreeMap;

use crate::error::{Fault, ProfileError};
use crate::layer::{Embedded, Layer};
use crate::rules::read_leniently;
use crate::tree::{Data, Node};

/// A profile export or a pack directory, read but not yet searched: its macros
/// may need what comes later.
pub(crate) struct Profile {
    pub(crate) file: String,
    /// The text as it was parsed; empty for a pack directory.
    pub(crate) text: String,
    /// Line of the file on which the text begins.
    pub(crate) first_line: u64,
    pub(crate) packs: Vec<Pack>,
    pub(crate) variables: BTreeMap<String, String>,
}

/// One pack.
pub(crate) struct Pack {
    pub(crate) name: String,
    pub(crate) layer: String,
    pub(crate) version: String,
    /// `spec.template.packs[N]`; empty for a pack directory.
    pub(crate) path: String,
    pub(crate) values: Option<Values>,
    /// `manifests[].content`, with the path of each.
    pub(crate) manifests: Vec<(String, Node)>,
    /// Names of charts that belong to it, as `pack.json` lists them.
    pub(crate) charts: Vec<String>,
    /// Number of what is reported on as one.
    pub(crate) unit: usize,
}

/// The `values` of a pack.
pub(crate) struct Values {
    pub(crate) text: ValuesText,
    pub(crate) tree: Result<Node, Fault>,
}

/// Where values stand.
pub(crate) enum ValuesText {
    /// In a file of their own, whose macros are masked.
    Own { file: String, text: String },
    /// In a string of the profile export.
    Inside(Embedded),
}

impl ValuesText {
    fn layer<'a>(&'a self, around: &'a Layer<'a>) -> Layer<'a> {
        match self {
            Self::Own { text, .. } => Layer::file(text),
            Self::Inside(embedded) => around.inner(embedded),
        }
    }
}

impl Values {
    /// The text, with its place in what is around.
    pub(crate) fn layer<'a>(&'a self, around: &'a Layer<'a>) -> Layer<'a> {
        self.text.layer(around)
    }

    /// The file of their own.
    pub(crate) fn file(&self) -> Option<&str> {
        match &self.text {
            ValuesText::Own { file, .. } => Some(file),
            ValuesText::Inside(_) => None,
        }
    }
}

impl Profile {
    /// The text, with its place in the file.
    pub(crate) fn layer(&self) -> Layer<'_> {
        Layer::document(&self.text, self.first_line)
    }
}

impl Pack {
    /// Path of the values in the file that `Values::layer` places them in.
    pub(crate) fn values_base(&self, values: &Values) -> String {
        match values.text {
            ValuesText::Own { .. } => String::new(),
            ValuesText::Inside(_) => format!("{}.values:", self.path),
        }
    }

    /// The pack as an object for people.
    pub(crate) fn object(&self) -> String {
        format!("pack {}", self.name)
    }

    /// The values, where they could be read.
    pub(crate) fn tree(&self) -> Option<&Node> {
        self.values.as_ref()?.tree.as_ref().ok()
    }
}

/// Whether a document is meant to be a profile export.
pub(crate) fn is_export(root: &Node) -> bool {
    root.at(&["spec", "template", "packs"]).is_some()
}

/// Reads a profile export; its first pack gets the number `unit`. The text has
/// its macros masked.
pub(crate) fn read_export(
    file: &str,
    (first_line, text): (u64, String),
    root: &Node,
    unit: usize,
) -> Result<Profile, ProfileError> {
    let layer = Layer::document(&text, first_line);
    let packs = match root.at(&["spec", "template", "packs"]) {
        Some(Node { data: Data::Sequence(items), .. }) => items,
        other => {
            let at = other.unwrap_or(root);
            let (line, column) = layer.place(at.line(), at.column());
            let expected =
                "a cluster profile export has `spec.template.packs`, and that is a list".to_owned();
            return Err(ProfileError::Shape { file: file.to_owned(), line, column, expected });
        }
    };
    let packs = packs.iter().enumerate();
    let packs = packs.map(|(index, node)| pack(&layer, index, node, unit + index)).collect();
    let variables = variables(root);
    Ok(Profile { file: file.to_owned(), packs, variables, first_line, text })
}

fn pack(layer: &Layer<'_>, index: usize, node: &Node, unit: usize) -> Pack {
    let text = |key: &str| node.get(key).and_then(Node::scalar).unwrap_or_default().to_owned();
    let path = format!("spec.template.packs[{index}]");
    let name = match text("name") {
        name if name.is_empty() => format!("#{index}"),
        name => name,
    };
    let manifests = node.get("manifests").map(Node::items).unwrap_or_default();
    let manifests = manifests.iter().enumerate().filter_map(|(n, manifest)| {
        let content = manifest.get("content").filter(|content| content.text().is_some())?;
        Some((format!("{path}.manifests[{n}].content"), content.clone()))
    });
    Pack {
        name,
        layer: text("layer"),
        version: text("version"),
        manifests: manifests.collect(),
        values: node.get("values").and_then(|values| embedded_values(layer, values)),
        path,
        charts: Vec::new(),
        unit,
    }
}

fn embedded_values(layer: &Layer<'_>, node: &Node) -> Option<Values> {
    node.text()?;
    values(layer, ValuesText::Inside(layer.embedded(node)?))
}

/// Values in `around`; none if there is nothing but comments.
pub(crate) fn values(around: &Layer<'_>, text: ValuesText) -> Option<Values> {
    let inner = text.layer(around);
    let tree = match read_leniently(inner.text) {
        Ok(read) => Ok(read.parsed.documents.into_iter().next()?),
        Err(fault) => {
            let (line, column) = inner.place(fault.line, fault.column);
            Err(Fault { line, column, ..fault })
        }
    };
    Some(Values { text, tree })
}

fn variables(root: &Node) -> BTreeMap<String, String> {
    let listed = root.at(&["spec", "variables"]).map(Node::items).unwrap_or_default();
    let pair = |variable: &Node| {
        let name = variable.get("name")?.text()?;
        let value = variable.get("defaultValue")?.text()?;
        Some((name.to_owned(), value.to_owned()))
    };
    listed.iter().filter_map(pair).collect()
}
