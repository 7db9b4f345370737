//! What is on an image, for people and for machines.

use edgectl_cloudconfig::redact;
use edgectl_encryption::Opener;
use edgectl_iso::{BootEntry, FoundUserData, Inspection, Kind};
use edgectl_model::count;
use serde_json::{Value, json};

use crate::iso_encrypt::{described, opener_of};
use crate::printer::{bytes, plain, table};

/// For people.
pub(crate) fn inspection_text(seen: &Inspection, files: bool, user_data: bool) -> String {
    let mut rows = vec![
        row("image", seen.path.display()),
        row("size", format!("{} ({} bytes)", bytes(seen.bytes), seen.bytes)),
        row("label", &seen.label),
        row("names", seen.names),
    ];
    rows.extend(boot_rows(seen));
    let number = seen.entries.iter().filter(|(_, entry)| entry.kind == Kind::File).count();
    rows.push(row("files", number));
    rows.extend(origin_rows(seen));
    rows.extend(content_rows(seen));
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

fn row(name: &str, value: impl std::fmt::Display) -> Vec<String> {
    vec![name.to_owned(), value.to_string()]
}

/// What starts from it, as a CD and as a disk.
fn boot_rows(seen: &Inspection) -> Vec<Vec<String>> {
    let entry = |entry: &BootEntry| {
        let ready = if entry.is_bootable { "" } else { ", not bootable" };
        row("starts from CD", format!("{}{ready}", entry.platform))
    };
    let mut rows: Vec<_> = seen.boot.iter().map(entry).collect();
    match &seen.partitions {
        None => rows.push(row("starts from disk", "no: it has no boot record")),
        Some(table) => {
            let partitions = count(table.partitions.len(), "partition");
            rows.push(row("as a disk", format!("{}, {partitions}", table.kind)));
            rows.extend(table.faults.iter().map(|fault| row("", fault)));
        }
    }
    rows
}

/// Who baked it, and of what.
fn origin_rows(seen: &Inspection) -> Vec<Vec<String>> {
    let Some(manifest) = &seen.manifest else {
        let others = "somebody else: `iso inject` and `iso verify` don't know it";
        return vec![row("baked by", others)];
    };
    let mut rows = vec![row("baked by", format!("edgectl {}", manifest.edgectl))];
    rows.extend(manifest.live.iter().map(|live| row("started by", live.system)));
    rows.extend(manifest.inputs.iter().map(|input| row(&input.name, &input.digest)));
    rows.extend(manifest.content.iter().map(|content| {
        let images = count(content.images.len(), "image");
        row("images", format!("{images}, {} in /{}", bytes(content.bytes), content.path))
    }));
    rows
}

/// What was put there.
fn content_rows(seen: &Inspection) -> Vec<Vec<String>> {
    let arguments = seen.kernel_arguments.as_deref();
    let shown = |text: &str| if text.is_empty() { "none put there".into() } else { plain(text) };
    let mut rows: Vec<_> =
        arguments.map(|text| row("kernel arguments", shown(text))).into_iter().collect();
    let found =
        |found: &FoundUserData| row("user data", format!("{}: {}", found.path, state(found)));
    rows.extend(seen.user_data.iter().map(found));
    rows.extend(seen.network_config.iter().map(|found| {
        let live = if found.is_live { ", live" } else { "" };
        row("network", format!("{}: {}{live}", found.path, count(found.bytes, "byte")))
    }));
    if seen.user_data.is_empty() {
        rows.push(row("user data", "no file where a known system looks for it"));
    }
    rows
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
        json!({ "path": found.path, "reader": found.reader, "live": found.is_live, "bytes": found.content.len(), "encrypted": encryption(found), "content": shown })
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
        "networkConfig": seen.network_config.as_ref().map(|found| {
            json!({ "path": found.path, "bytes": found.bytes, "live": found.is_live })
        }),
        "userData": data.collect::<Vec<_>>(),
        "files": files.then(|| entries.collect::<Vec<_>>()),
    })
}

/// What differs apart from files.
pub(crate) fn differences(old: &Inspection, new: &Inspection) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut compare = |what: &str, a: String, b: String| {
        if a != b {
            found.push((what.to_owned(), format!("{} -> {}", plain(&a), plain(&b))));
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
    let digest = |seen: &Inspection| seen.network_config.as_ref().map(|it| it.digest.clone());
    match (digest(old), digest(new)) {
        (None, Some(_)) => found.push(("network configuration".to_owned(), "added".to_owned())),
        (Some(_), None) => found.push(("network configuration".to_owned(), "removed".to_owned())),
        (a, b) if a != b => found.push((
            "network configuration".to_owned(),
            "differs (not shown: it may hold passwords)".to_owned(),
        )),
        _ => {}
    }
    for a in &old.user_data {
        let b = new.user_data.iter().find(|b| b.path == a.path);
        if let Some(b) = b.filter(|b| b.content != a.content) {
            found.push((a.path.to_owned(), user_data_difference(a, b)));
        }
    }
    found
}

/// How user data is encrypted, for machines; null where it isn't.
fn encryption(found: &FoundUserData) -> Value {
    match opener_of(&found.content) {
        None => Value::Null,
        Some(Opener::Keys(recipients)) => json!({ "by": "keys", "recipients": recipients }),
        Some(Opener::Passphrase) => json!({ "by": "passphrase" }),
        Some(Opener::Unknown) => json!({ "by": "unknown" }),
    }
}

/// The lines that differ, with their secrets hidden.
fn user_data_difference(old: &FoundUserData, new: &FoundUserData) -> String {
    let openers = (opener_of(&old.content), opener_of(&new.content));
    match openers {
        (None, None) => {}
        (None, Some(opener)) => return format!("encrypted now ({})", described(opener)),
        (Some(_), None) => return "no longer encrypted".to_owned(),
        (Some(a), Some(b)) => {
            let (a, b) = (described(a), described(b));
            let how = if a == b { a } else { format!("{a} -> {b}") };
            return format!("encrypted ({how}), another one each time: what differs can't be told");
        }
    }
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
    if let Some(opener) = opener_of(&found.content) {
        return format!("encrypted ({}) for {}{live}", described(opener), found.reader);
    }
    match found.content.len() {
        0 => format!("none yet ({}{live})", found.reader),
        n => format!("{} for {}{live}", count(n, "byte"), found.reader),
    }
}

/// User data with its secrets hidden, or why it can't be shown.
fn shown(found: &FoundUserData) -> String {
    if let Some(opener) = opener_of(&found.content) {
        return format!("(not shown: it is encrypted, {})\n", described(opener));
    }
    let text = String::from_utf8_lossy(&found.content);
    redact(&text).unwrap_or_else(|error| format!("(not shown: {error})\n"))
}
