//! The shape of a cluster profile export, as far as images go.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::discover::Input;
use crate::error::{Fault, ProfileError};
use crate::layer::{Embedded, Layer};
use crate::mask::{join_surrogates, mask};
use crate::tree::{Node, parse};

/// A profile, read but not yet searched.
pub(crate) struct Export {
    pub(crate) file: String,
    /// The text as it was parsed.
    pub(crate) text: String,
    pub(crate) packs: Vec<Pack>,
    pub(crate) variables: BTreeMap<String, String>,
}

/// One pack.
pub(crate) struct Pack {
    pub(crate) name: String,
    pub(crate) layer: String,
    pub(crate) version: String,
    /// `spec.template.packs[N]`.
    pub(crate) path: String,
    pub(crate) values: Option<Values>,
    /// `manifests[].content`, with the path of each.
    pub(crate) manifests: Vec<(String, Node)>,
}

/// The `values` of a pack.
pub(crate) struct Values {
    pub(crate) embedded: Embedded,
    pub(crate) tree: Result<Node, Fault>,
}

impl Pack {
    /// The pack as an object for people.
    pub(crate) fn object(&self) -> String {
        format!("pack {}", self.name)
    }

    /// The values, where they could be read.
    pub(crate) fn tree(&self) -> Option<&Node> {
        self.values.as_ref()?.tree.as_ref().ok()
    }
}

/// Reads one input.
pub(crate) fn read(input: &Input<'_>) -> Result<Export, ProfileError> {
    let text = match mask(&join_surrogates(input.text)) {
        Cow::Borrowed(text) => text.to_owned(),
        Cow::Owned(text) => text,
    };
    let documents = parse(&text).map_err(|fault| syntax(input, fault))?;
    let root = match documents.as_slice() {
        [root] => root,
        [_, second, ..] => return Err(shape(input, second, "expected a single document")),
        [] => return Err(shape_at(input, 1, 1, "the file is empty")),
    };
    let packs = packs(input, root)?;
    let layer = Layer::file(&text);
    let packs = packs.iter().enumerate().map(|(index, node)| pack(&layer, index, node)).collect();
    let variables = variables(root);
    Ok(Export { file: input.file.to_owned(), packs, variables, text })
}

fn packs<'a>(input: &Input<'_>, root: &'a Node) -> Result<&'a [Node], ProfileError> {
    const EXPECTED: &str = "a cluster profile export has `spec.template.packs`";
    let mut node = root;
    for key in ["spec", "template", "packs"] {
        node = node.get(key).ok_or_else(|| {
            shape(input, node, &format!("{EXPECTED}, and there is no `{key}` here"))
        })?;
    }
    match &node.data {
        crate::tree::Data::Sequence(items) => Ok(items),
        _ => Err(shape(input, node, &format!("{EXPECTED}, and that is a list"))),
    }
}

fn pack(layer: &Layer<'_>, index: usize, node: &Node) -> Pack {
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
        values: values(layer, node),
        path,
    }
}

fn values(layer: &Layer<'_>, pack: &Node) -> Option<Values> {
    let node = pack.get("values").filter(|values| values.text().is_some())?;
    let embedded = layer.embedded(node)?;
    let inner = layer.inner(&embedded);
    let tree = match parse(inner.text) {
        Ok(mut documents) => match documents.is_empty() {
            // Nothing but comments.
            true => return None,
            false => Ok(documents.swap_remove(0)),
        },
        Err(fault) => {
            let (line, column) = inner.place(fault.line, fault.column);
            Err(Fault { line, column, ..fault })
        }
    };
    Some(Values { embedded, tree })
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

fn syntax(input: &Input<'_>, fault: Fault) -> ProfileError {
    let Fault { line, column, message, .. } = fault;
    ProfileError::Syntax { file: input.file.to_owned(), line, column, message }
}

fn shape(input: &Input<'_>, at: &Node, expected: &str) -> ProfileError {
    shape_at(input, at.line(), at.column(), expected)
}

fn shape_at(input: &Input<'_>, line: u64, column: u64, expected: &str) -> ProfileError {
    let (file, expected) = (input.file.to_owned(), expected.to_owned());
    ProfileError::Shape { file, line, column, expected }
}
