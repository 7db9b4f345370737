//! What an upload would do, for people and for machines.

use edgectl_model::count;
use edgectl_registry::{Forecast, ImageOutcome, ImageReport};
use serde_json::{Value, json};

use crate::cli::Output;
use crate::exit;
use crate::failure::{Failure, with_causes};
use crate::printer::{Printer, bytes, table};

/// Prints the plan; fails where images could not be copied, as the upload would.
pub(crate) fn show(forecast: &Forecast, output: Output, printer: Printer) -> Result<u8, Failure> {
    printer.data(&match output {
        Output::Table => text(forecast),
        Output::Json => format!("{:#}\n", value(forecast)),
    })?;
    ensure_possible(forecast).map(|()| exit::DONE)
}

/// The images in a table, and the sums.
fn text(forecast: &Forecast) -> String {
    let mut rows = vec![vec!["SOURCE".to_owned(), "TARGET".to_owned(), "PLAN".to_owned()]];
    rows.extend(forecast.images.iter().map(|ImageReport { request, outcome }| {
        let plan = match outcome {
            ImageOutcome::AlreadyThere(_) => "already there".to_owned(),
            ImageOutcome::Copied(_) => "copy".to_owned(),
            ImageOutcome::Failed(error) => format!("fails: {}", with_causes(error)),
        };
        vec![request.source.to_string(), request.target.to_string(), plan]
    }));
    format!("{}{}\n", table(&rows), sums(forecast))
}

fn sums(forecast: &Forecast) -> String {
    let (send, there, mount) = (forecast.to_send, forecast.there, forecast.to_mount);
    let copied =
        forecast.images.iter().filter(|r| matches!(r.outcome, ImageOutcome::Copied(_))).count();
    format!(
        "{} to copy: {} to send ({}), {} there ({}), {} to mount ({}); {} to the registry",
        count(copied, "image"),
        count(send.0 as usize, "blob"),
        bytes(send.1),
        there.0,
        bytes(there.1),
        mount.0,
        bytes(mount.1),
        count(forecast.requests as usize, "request"),
    )
}

/// The same as JSON.
fn value(forecast: &Forecast) -> Value {
    let images = forecast.images.iter().map(|ImageReport { request, outcome }| {
        let (plan, digest, error) = match outcome {
            ImageOutcome::AlreadyThere(pinned) => ("already-there", Some(&pinned.digest), None),
            ImageOutcome::Copied(pinned) => ("copy", Some(&pinned.digest), None),
            ImageOutcome::Failed(error) => ("fails", None, Some(with_causes(error))),
        };
        json!({
            "source": request.source,
            "target": request.target,
            "digest": digest,
            "plan": plan,
            "error": error,
        })
    });
    json!({
        "schema": 1,
        "images": images.collect::<Vec<_>>(),
        "blobsToSend": forecast.to_send.0,
        "bytesToSend": forecast.to_send.1,
        "blobsThere": forecast.there.0,
        "bytesThere": forecast.there.1,
        "blobsToMount": forecast.to_mount.0,
        "bytesToMount": forecast.to_mount.1,
        "requests": forecast.requests,
    })
}

/// Fails where images could not be copied, as the upload would.
fn ensure_possible(forecast: &Forecast) -> Result<(), Failure> {
    let failed =
        forecast.images.iter().filter(|r| matches!(r.outcome, ImageOutcome::Failed(_))).count();
    let all = forecast.images.len();
    match failed {
        0 => Ok(()),
        failed => {
            let code = if failed == all { exit::FAILED } else { exit::PARTLY };
            let text = format!("{failed} of {} could not be uploaded", count(all, "image"));
            Err(Failure::new(code, text))
        }
    }
}
