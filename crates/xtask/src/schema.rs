//! The published JSON Schema of edge.yaml.

use edgectl_model::edge_yaml_schema;
use edgectl_process::write_file;

use crate::cargo::root;
use crate::{Result, say};

const FILE: &str = "docs/edge.schema.json";

/// Writes it.
pub(crate) fn write() -> Result {
    write_file(&root().join(FILE), 0o644, edge_yaml_schema().as_bytes())?;
    say(&format!("wrote {FILE}"));
    Ok(())
}

/// Fails if the file isn't what the types say.
pub(crate) fn check() -> Result {
    let now = std::fs::read_to_string(root().join(FILE)).unwrap_or_default();
    match now == edge_yaml_schema() {
        true => Ok(()),
        false => Err(format!("{FILE} is not up to date; run `cargo xtask schema`").into()),
    }
}
