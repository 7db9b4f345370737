//! `edgectl doctor`.

use edgectl_process::{Tool, ToolState};
use serde_json::{Value, json};

use crate::cli::{Output, OutputArgs};
use crate::exit;
use crate::failure::Failure;
use crate::inputs::{HELM, KUSTOMIZE};
use crate::printer::{Printer, table};

pub(crate) fn run(args: &OutputArgs, printer: Printer) -> Result<u8, Failure> {
    let tools = edgectl_iso::TOOLS.iter().chain(&edgectl_qemu::TOOLS);
    let states: Vec<ToolState> = tools.chain(optional()).map(Tool::state).collect();
    match args.output {
        Output::Table => printer.data(&as_table(&states))?,
        Output::Json => printer.data(&format!("{:#}\n", as_json(&states)))?,
    }
    let missing = states.iter().filter(|state| state.found.is_none() && !is_optional(state));
    let missing: Vec<&str> = missing.map(|state| state.tool.package).collect();
    if missing.is_empty() {
        return Ok(exit::DONE);
    }
    printer.say(&format!("missing: apt-get install {}", missing.join(" ")));
    Ok(exit::FOUND_WRONG)
}

/// Tools that only some inputs need.
fn optional() -> impl Iterator<Item = &'static Tool> {
    [&HELM].into_iter().chain(&KUSTOMIZE)
}

fn is_optional(state: &ToolState) -> bool {
    optional().any(|tool| *tool == state.tool)
}

fn as_table(states: &[ToolState]) -> String {
    let mut rows =
        vec![["TOOL", "STATE", "PACKAGE", "NEEDED FOR", "VERSION"].map(str::to_owned).to_vec()];
    rows.extend(states.iter().map(|state| {
        let Tool { name, package, purpose, .. } = state.tool;
        let (found, version) = match &state.found {
            Some((_, version)) => ("found", version.clone()),
            None if is_optional(state) => ("absent", "only some inputs need it".to_owned()),
            None => ("MISSING", format!("install the package {package}")),
        };
        vec![name.to_owned(), found.to_owned(), package.to_owned(), purpose.to_owned(), version]
    }));
    table(&rows)
}

fn as_json(states: &[ToolState]) -> Value {
    let tools: Vec<Value> = states
        .iter()
        .map(|state| {
            json!({
                "tool": state.tool.name,
                "package": state.tool.package,
                "purpose": state.tool.purpose,
                "optional": is_optional(state),
                "path": state.found.as_ref().map(|(path, _)| path),
                "version": state.found.as_ref().map(|(_, version)| version),
            })
        })
        .collect();
    json!({ "schema": 1, "tools": tools })
}
