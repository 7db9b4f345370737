//! What stands between us and an upload, found out before it.

use edgectl_model::{ImageLock, Reference, RegistryConfig};
use edgectl_registry::{CheckRequest, Checked, Registries, preflight};
use serde_json::{Value, json};

use crate::access::Reach;
use crate::failure::{Doing, Failure};
use crate::pinning::is_uploaded;
use crate::printer::{Printer, table};

/// Why the registry is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Looking {
    /// To know; nothing is changed.
    Only,
    /// To upload: what is missing is made, if that is wanted.
    ForUpload,
}

/// Where a lock's images go.
pub(crate) fn targets(lock: &ImageLock) -> impl Iterator<Item = &Reference> {
    lock.images.iter().filter(|image| is_uploaded(image)).map(|image| &image.target)
}

/// Looks at the private registry, where images go to `targets`.
pub(crate) async fn look(
    registry: &RegistryConfig,
    destination: &Registries,
    targets: impl IntoIterator<Item = &Reference>,
    looking: Looking,
    printer: Printer,
) -> Result<Checked, Failure> {
    if let Some(warning) = Reach::private(registry).warning() {
        printer.say(&warning);
    }
    let repositories = targets.into_iter().map(|target| target.path().to_owned()).collect();
    let request = CheckRequest {
        prefix: &registry.domain,
        repositories: &repositories,
        create: registry.create_project && looking == Looking::ForUpload,
    };
    let checked = preflight(destination, request)
        .await
        .doing(format!("looking at the registry `{}`", registry.domain))?;
    if let (Some(user), "http") = (&checked.user, checked.scheme.as_str()) {
        printer.say(&format!("warning: the login of `{user}` goes over plain HTTP"));
    }
    for name in &checked.created {
        printer.say(&format!("made `{name}` in `{}`", checked.host));
    }
    Ok(checked)
}

/// For people.
pub(crate) fn as_table(checked: &Checked) -> String {
    let user = checked.user.as_deref().unwrap_or("nobody");
    let mounts =
        if checked.takes_mounts { "can be asked for" } else { "refused: blobs are sent once more" };
    let chunk = match checked.least_chunk {
        0 => "any".to_owned(),
        least => format!("{least} bytes or more"),
    };
    let rows = [
        ("registry", checked.host.clone()),
        ("reached over", checked.scheme.clone()),
        ("logged in", user.to_owned()),
        ("push", "allowed".to_owned()),
        ("mounts", mounts.to_owned()),
        ("chunks", chunk),
        ("requests", checked.requests.to_string()),
    ];
    table(&rows.map(|(what, found)| vec![what.to_owned(), found]))
}

/// For programs.
pub(crate) fn as_json(checked: &Checked) -> Value {
    json!({
        "schema": 1,
        "registry": checked.host,
        "scheme": checked.scheme,
        "user": checked.user,
        "push": true,
        "takesMounts": checked.takes_mounts,
        "leastChunk": checked.least_chunk,
        "created": checked.created,
        "requests": checked.requests,
    })
}
