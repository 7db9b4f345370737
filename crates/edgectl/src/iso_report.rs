//! What is on an image, for people and for machines.

use edgectl_cloudconfig::redact;
use edgectl_iso::{FoundUserData, Inspection, Kind};
use edgectl_model::count;
use serde_json::{Value, json};

use crate::printer::{bytes, table};

/// For people.
pub(crate) fn inspection_text(seen: &Inspection, files: bool, user_data: bool) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
    row("image", seen.path.display().to_string());
    row("size", format!("{} ({} bytes)", bytes(seen.bytes), seen.bytes));
    row("label", seen.label.clone());
    row("names", seen.names.to_owned());
    for entry in &seen.boot {
        let ready = if entry.is_bootable { "" } else { ", not bootable" };
        row("starts from CD", format!("{}{ready}", entry.platform));
    }
    match &seen.partitions {
        None => row("starts from disk", "no: it has no boot record".to_owned()),
        Some(table) => {
            row(
                "as a disk",
                format!("{}, {}", table.kind, count(table.partitions.len(), "partition")),
            );
            table.faults.iter().for_each(|fault| row("", fault.clone()));
        }
    }
    let number = seen.entries.iter().filter(|(_, entry)| entry.kind == Kind::File).count();
    row("files", number.to_string());
    match &seen.manifest {
        Some(manifest) => {
            row("baked by", format!("edgectl {}", manifest.edgectl));
            for input in &manifest.inputs {
                row(&input.name, input.digest.to_string());
            }
        }
        None => {
            row("baked by", "somebody else: `iso inject` and `iso verify` don't know it".to_owned())
        }
    }
    if let Some(arguments) = &seen.kernel_arguments {
        row(
            "kernel arguments",
            if arguments.is_empty() { "none put there" } else { arguments }.to_owned(),
        );
    }
    for found in &seen.user_data {
        row("user data", format!("{}: {}", found.path, state(found)));
    }
    if seen.user_data.is_empty() {
        row("user data", "no file where a known system looks for it".to_owned());
    }
    let mut text = table(&rows);
    if user_data && let Some(found) = live(seen) {
        text.push_str(&format!("\n{}:\n{}", found.path, shown(found)));
    }
    if files {
        text.push('\n');
        text.push_str(&table(&file_rows(seen)));
    }
    text
}

fn file_rows(seen: &Inspection) -> Vec<Vec<String>> {
    let files = seen.entries.iter().map(|(path, entry)| {
        let mode = entry.mode.map(|mode| format!("{:04o}", mode & 0o7777)).unwrap_or_default();
        vec![mode, entry.bytes.to_string(), path.clone()]
    });
    files.collect()
}

/// For machines.
pub(crate) fn inspection_value(seen: &Inspection, files: bool, user_data: bool) -> Value {
    let boot = seen.boot.iter().map(|entry| {
        let (bootable, bytes) = (entry.is_bootable, entry.bytes);
        json!({ "platform": entry.platform.to_string(), "bootable": bootable, "offset": entry.offset, "bytes": bytes })
    });
    let partitions = seen.partitions.as_ref().map(|table| {
        let all = table.partitions.iter().map(|one| {
            json!({ "type": one.kind, "name": one.name, "offset": one.offset, "bytes": one.bytes })
        });
        json!({ "kind": table.kind, "faults": table.faults, "partitions": all.collect::<Vec<_>>() })
    });
    let data = seen.user_data.iter().map(|found| {
        let shown = user_data.then(|| shown(found));
        json!({ "path": found.path, "reader": found.reader, "live": found.is_live, "bytes": found.content.len(), "content": shown })
    });
    let entries = seen.entries.iter().filter(|_| files).map(|(path, entry)| {
        json!({ "path": path, "bytes": entry.bytes, "mode": entry.mode.map(|m| m & 0o7777) })
    });
    json!({
        "schema": 1,
        "iso": seen.path,
        "bytes": seen.bytes,
        "label": seen.label,
        "names": seen.names,
        "boot": boot.collect::<Vec<_>>(),
        "disk": partitions,
        "manifest": seen.manifest,
        "kernelArguments": seen.kernel_arguments,
        "userData": data.collect::<Vec<_>>(),
        "files": files.then(|| entries.collect::<Vec<_>>()),
    })
}

/// What differs apart from files.
pub(crate) fn differences(old: &Inspection, new: &Inspection) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut compare = |what: &str, a: String, b: String| {
        if a != b {
            found.push((what.to_owned(), format!("{a} -> {b}")));
        }
    };
    compare("label", old.label.clone(), new.label.clone());
    let boot = |seen: &Inspection| {
        let platforms = seen.boot.iter().map(|entry| entry.platform.to_string());
        platforms.collect::<Vec<_>>().join(", ")
    };
    compare("starts from CD", boot(old), boot(new));
    let arguments = |seen: &Inspection| seen.kernel_arguments.clone().unwrap_or_default();
    compare("kernel arguments", arguments(old), arguments(new));
    for a in &old.user_data {
        let b = new.user_data.iter().find(|b| b.path == a.path);
        if let Some(b) = b.filter(|b| b.content != a.content) {
            found.push((a.path.to_owned(), user_data_difference(a, b)));
        }
    }
    found
}

/// The lines that differ, with their secrets hidden.
fn user_data_difference(old: &FoundUserData, new: &FoundUserData) -> String {
    let (a, b) = (shown(old), shown(new));
    if a == b {
        return "only secrets differ".to_owned();
    }
    let diff = similar::TextDiff::from_lines(&a, &b);
    let lines = diff.iter_all_changes().filter(|change| change.tag() != similar::ChangeTag::Equal);
    lines.map(|change| format!("\n  {}{}", change.tag(), change.value().trim_end())).collect()
}

/// The user data that a system started from the image reads.
fn live(seen: &Inspection) -> Option<&FoundUserData> {
    let mut all = seen.user_data.iter();
    all.clone().find(|found| found.is_live).or_else(|| all.find(|found| !found.content.is_empty()))
}

fn state(found: &FoundUserData) -> String {
    let live = if found.is_live { ", live" } else { "" };
    match found.content.len() {
        0 => format!("none yet ({}{live})", found.reader),
        n => format!("{} for {}{live}", count(n, "byte"), found.reader),
    }
}

/// User data with its secrets hidden, or why it can't be shown.
fn shown(found: &FoundUserData) -> String {
    let text = String::from_utf8_lossy(&found.content);
    redact(&text).unwrap_or_else(|error| format!("(not shown: {error})\n"))
}
