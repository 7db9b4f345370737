//! What is deleted from a registry, for people and for machines.

use edgectl_registry::{ErrorKind, PruneAction, PruneItem, Pruned, RegistryError};
use serde_json::{Value, json};

use crate::cli::Output;
use crate::exit;
use crate::failure::{Failure, with_causes};
use crate::printer::table;
use crate::registry_hint::registry_hint;

/// The plan.
pub(crate) fn plan(items: &[PruneItem], output: Output) -> String {
    if output == Output::Json {
        let items: Vec<Value> = items.iter().map(value).collect();
        return format!("{:#}\n", json!({ "schema": 1, "manifests": items }));
    }
    let mut rows = vec![["ACTION", "WHAT", "NAME", "DIGEST"].map(str::to_owned).to_vec()];
    for item in items {
        let (action, why) = action(item);
        let name = match why {
            Some(why) => format!("{} ({why})", short_name(item)),
            None => short_name(item),
        };
        rows.push(vec![action.to_owned(), item.what.to_owned(), name, item.digest.to_string()]);
    }
    if rows.len() == 1 { String::new() } else { table(&rows) }
}

/// What was done, as JSON.
pub(crate) fn done(done: &[Pruned]) -> String {
    let items = done.iter().map(|pruned| {
        let mut value = value(&pruned.item);
        let error = pruned.result.as_ref().err().map(|error| with_causes(error));
        value["result"] = match (&error, pruned.item.is_deleted()) {
            (Some(_), _) => "failed",
            (None, true) => "deleted",
            (None, false) => "kept",
        }
        .into();
        value["error"] = json!(error);
        value
    });
    format!("{:#}\n", json!({ "schema": 1, "manifests": items.collect::<Vec<_>>() }))
}

/// `host/path:tag`, or with the digest where there is no tag.
pub(crate) fn name(item: &PruneItem) -> String {
    match item.tags.as_slice() {
        [] => format!("{}@{}", item.repository.repository(), item.digest),
        _ => short_name(item),
    }
}

/// The failure of a run that couldn't delete all; none if it could.
pub(crate) fn failure(done: &[Pruned]) -> Option<Failure> {
    let failed: Vec<(&PruneItem, &RegistryError)> =
        done.iter().filter_map(|one| Some((&one.item, one.result.as_ref().err()?))).collect();
    let (_, first) = failed.first()?;
    let tried = done.iter().filter(|pruned| pruned.item.is_deleted()).count();
    let code = match (first.kind(), failed.len() == tried) {
        (_, false) => exit::PARTLY,
        (ErrorKind::Login | ErrorKind::Denied, true) => exit::REFUSED,
        (_, true) => exit::FAILED,
    };
    let text = format!("{} of {tried} could not be deleted", failed.len());
    let mut failure = Failure::new(code, text);
    let lines =
        failed.iter().map(|(item, error)| format!("`{}`: {}", name(item), with_causes(*error)));
    failure.frames.extend(lines);
    let is_forbidden = failed
        .iter()
        .any(|(_, error)| matches!(error, RegistryError::Http(failure) if failure.status == 405));
    if is_forbidden {
        failure = failure.hint(
            "this registry doesn't delete: where it is distribution's, set `storage.delete.enabled: true` (REGISTRY_STORAGE_DELETE_ENABLED=true) and start it again",
        );
    }
    failure.hints.extend(registry_hint(first));
    Some(failure)
}

fn short_name(item: &PruneItem) -> String {
    match item.tags.as_slice() {
        [] => item.repository.repository(),
        tags => format!("{}:{}", item.repository.repository(), tags.join(",")),
    }
}

fn action(item: &PruneItem) -> (&'static str, Option<&str>) {
    match &item.action {
        PruneAction::DeleteManifest => ("delete", None),
        PruneAction::DeleteTags => ("untag", Some("needed under another name")),
        PruneAction::Keep(why) => ("keep", Some(why)),
    }
}

fn value(item: &PruneItem) -> Value {
    let (action, why) = action(item);
    json!({
        "repository": item.repository.repository(),
        "tags": item.tags,
        "digest": item.digest,
        "what": item.what,
        "action": action,
        "why": why,
    })
}
