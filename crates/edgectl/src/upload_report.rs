//! What an upload did, for people and for machines.

use edgectl_model::{Digest, count};
use edgectl_registry::{ErrorKind, ImageOutcome, ImageReport, RegistryError, UploadOutcome};
use serde_json::{Value, json};

use crate::cli::Output;
use crate::exit;
use crate::failure::{Failure, with_causes};
use crate::printer::{Printer, bytes};
use crate::registry_hint::registry_hint;

/// Prints what came of it.
pub(crate) fn show(
    outcome: &UploadOutcome,
    output: Output,
    printer: Printer,
) -> Result<(), Failure> {
    match output {
        Output::Table => {
            for (report, pinned) in narrowed(outcome) {
                let target = &report.request.target;
                printer.say(&format!("`{target}` has other platforms than its source: {pinned}"));
            }
            printer.say(&sentence(outcome));
        }
        Output::Json => printer.data(&format!("{:#}\n", value(outcome)))?,
    }
    Ok(())
}

/// Images of which some platforms were copied, with the digest that this gave.
fn narrowed(outcome: &UploadOutcome) -> impl Iterator<Item = (&ImageReport, &Digest)> {
    outcome.images.iter().filter_map(|report| {
        let pinned = report.outcome.pinned().filter(|pinned| pinned.origin.is_some())?;
        Some((report, &pinned.digest))
    })
}

/// One line for people.
pub(crate) fn sentence(outcome: &UploadOutcome) -> String {
    let of = |wanted: fn(&ImageOutcome) -> bool| {
        outcome.images.iter().filter(|report| wanted(&report.outcome)).count()
    };
    let copied = of(|o| matches!(o, ImageOutcome::Copied(_)));
    let there = of(|o| matches!(o, ImageOutcome::AlreadyThere(_)));
    let failed = of(|o| matches!(o, ImageOutcome::Failed(_)));
    let failed = if failed == 0 { String::new() } else { format!(", {failed} failed") };
    format!(
        "{} copied, {there} already there{failed}; {} sent, {} sent, {} mounted, {}",
        count(copied, "image"),
        bytes(outcome.bytes_sent),
        count(outcome.blobs_sent as usize, "blob"),
        outcome.blobs_mounted,
        count(outcome.requests as usize, "request"),
    )
}

/// The same as JSON.
pub(crate) fn value(outcome: &UploadOutcome) -> Value {
    let images: Vec<Value> = outcome.images.iter().map(image_value).collect();
    json!({
        "schema": 1,
        "images": images,
        "bytesSent": outcome.bytes_sent,
        "blobsSent": outcome.blobs_sent,
        "blobsMounted": outcome.blobs_mounted,
        "requests": outcome.requests,
        "sourceRequests": outcome.source_requests,
    })
}

fn image_value(report: &ImageReport) -> Value {
    let (result, error) = match &report.outcome {
        ImageOutcome::AlreadyThere(_) => ("already-there", None),
        ImageOutcome::Copied(_) => ("copied", None),
        ImageOutcome::Failed(error) => ("failed", Some(with_causes(error))),
    };
    json!({
        "source": report.request.source,
        "target": report.request.target,
        "digest": report.outcome.pinned().map(|p| p.digest.to_string()),
        "result": result,
        "error": error,
    })
}

/// The failure of an upload that left images behind; none if it didn't.
pub(crate) fn failure(
    outcome: &UploadOutcome,
    named_by: &dyn Fn(&ImageReport) -> String,
) -> Option<Failure> {
    failure_of(outcome, named_by, "uploaded", false)
}

/// The same for any transfer; `is_one` where it is there whole or not at all.
pub(crate) fn failure_of(
    outcome: &UploadOutcome,
    named_by: &dyn Fn(&ImageReport) -> String,
    verb: &str,
    is_one: bool,
) -> Option<Failure> {
    if outcome.interrupted {
        return Some(edgectl_process::Interrupted.into());
    }
    let failed: Vec<(&ImageReport, &RegistryError)> = outcome
        .images
        .iter()
        .filter_map(|report| match &report.outcome {
            ImageOutcome::Failed(error) => Some((report, error)),
            _ => None,
        })
        // They would be there if it weren't for the others.
        .filter(|(_, error)| error.kind() != ErrorKind::LeftOut)
        .collect();
    let (_, first) = failed.first()?;
    let all = outcome.images.len();
    let text = format!("{} of {} could not be {verb}", failed.len(), count(all, "image"));
    let mut failure = Failure::new(code(first, is_one || failed.len() == all), text);
    for (kind, images) in by_cause(&failed) {
        let lines = images.iter().map(|(report, error)| {
            format!("`{}`{}: {}", report.request.source, named_by(report), with_causes(*error))
        });
        let lines: Vec<String> = lines.collect();
        failure.frames.push(match lines.as_slice() {
            [only] => only.clone(),
            many => format!("{} {}:\n    {}", many.len(), title(kind), many.join("\n    ")),
        });
        let hint = images.first().and_then(|(_, error)| registry_hint(error));
        failure.hints.extend(hint);
    }
    if failed.len() < all && !is_one {
        failure = failure.hint("the others are there; run the same command again to continue");
    }
    Some(failure)
}

type FailedImage<'a> = (&'a ImageReport, &'a RegistryError);

/// Failures of one kind together, in the order of their first ones.
fn by_cause<'a>(failed: &[FailedImage<'a>]) -> Vec<(ErrorKind, Vec<FailedImage<'a>>)> {
    let mut groups: Vec<(ErrorKind, Vec<FailedImage<'a>>)> = Vec::new();
    for image in failed {
        let kind = image.1.kind();
        match groups.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, images)) => images.push(*image),
            None => groups.push((kind, vec![*image])),
        }
    }
    groups
}

/// What several images have in common.
fn title(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Configuration => "images for which settings can't be used",
        ErrorKind::Denied => "images that the login doesn't allow",
        ErrorKind::Digest => "images whose content differs from their digest",
        ErrorKind::Http => "images that a registry refused",
        ErrorKind::Interrupted => "images that were left out",
        ErrorKind::LeftOut => "images that were left out with them",
        ErrorKind::Local => "images for which local files can't be used",
        ErrorKind::Login => "images for which the login was refused",
        ErrorKind::Manifest => "images whose manifests can't be used",
        ErrorKind::MissingPlace => "images whose project or repository must be made first",
        ErrorKind::NotFound => "images that aren't where they should come from",
        ErrorKind::Tls => "images without a secure connection",
        ErrorKind::Transport => "images whose connection broke",
        ErrorKind::Unreachable => "images whose registry can't be reached",
    }
}

fn code(first: &RegistryError, nothing_done: bool) -> u8 {
    match (first.kind(), nothing_done) {
        (ErrorKind::Login | ErrorKind::Denied, true) => exit::REFUSED,
        (_, true) => exit::FAILED,
        (_, false) => exit::PARTLY,
    }
}
