//! Taking a tag away from a manifest that stays.

use edgectl_model::Digest;
use serde_json::json;

use crate::error::RegistryError;
use crate::http::Client;
use crate::manifest::RawManifest;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Takes a tag away that stands for `digest`. Registries that delete by digest
/// alone (Docker's before version 3) get something of the tag's own under it
/// first, which then goes with the tag.
pub(super) async fn untag(
    client: &Client,
    path: &str,
    tag: &str,
    digest: &Digest,
) -> Result<(), RegistryError> {
    match client.delete_manifest(path, tag).await {
        Err(RegistryError::Http(failure)) if failure.status == 400 => {}
        other => return other,
    }
    let stand_in = stand_in(tag, digest)?;
    let name = stand_in.digest().as_str();
    // One that deletes nothing at all says so here, before the tag is moved.
    client.delete_manifest(path, name).await?;
    client.put_manifest(path, tag, &stand_in).await?;
    client.delete_manifest(path, name).await
}

/// Sees to a tag whose manifest was deleted: some registries keep it, and a run
/// that was interrupted may have left something of the tag's own under it.
pub(super) async fn ensure_gone(
    client: &Client,
    path: &str,
    tag: &str,
    digest: &Digest,
) -> Result<(), RegistryError> {
    let stand_in = stand_in(tag, digest)?;
    match client.head_manifest(path, tag, false).await? {
        Some(now) if now.digest == *digest => client.delete_manifest(path, tag).await,
        Some(now) if now.digest == *stand_in.digest() => {
            client.delete_manifest(path, now.digest.as_str()).await
        }
        _ => Ok(()),
    }
}

/// An index of nothing that no other tag stands for.
pub(super) fn stand_in(tag: &str, digest: &Digest) -> Result<RawManifest, RegistryError> {
    let text = json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [],
        "annotations": {"dev.edgectl.untagged": format!("{tag}@{digest}")},
    });
    RawManifest::new(text.to_string().into(), Some(INDEX), None, "")
}
