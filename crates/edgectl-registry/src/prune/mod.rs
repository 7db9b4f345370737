//! Taking away what a former lock has put into a registry and nobody needs any
//! more: planned first, from what the registry has now.

mod plan;
mod repository;
mod untag;

use edgectl_model::{Digest, Prefix, Reference};
use futures_util::stream::{self, StreamExt};

pub use plan::plan_prune;

use crate::error::RegistryError;
use crate::registries::Registries;
use crate::upload::interruptible;
use crate::verify::VerifyRequest;

/// What may go, and what has to stay.
#[derive(Debug, Clone)]
pub struct PruneRequest {
    /// Nothing outside is touched.
    pub prefix: Prefix,
    /// What a former lock has put there.
    pub old: Vec<VerifyRequest>,
    /// What the locks that are in use need.
    pub keep: Vec<VerifyRequest>,
    /// Repositories looked at at once.
    pub jobs: usize,
}

/// What is to be done with a manifest and its tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PruneAction {
    /// The manifest goes, and with it its tags.
    DeleteManifest,
    /// The manifest is needed, but not under these tags.
    DeleteTags,
    /// It stays; why.
    Keep(String),
}

/// A manifest of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PruneItem {
    /// The repository, `host/path`.
    pub repository: Reference,
    /// The manifest.
    pub digest: Digest,
    /// The tags that the former lock gave it.
    pub tags: Vec<String>,
    /// What it is.
    pub what: &'static str,
    /// What is to be done.
    pub action: PruneAction,
}

impl PruneItem {
    /// Whether something goes.
    pub fn is_deleted(&self) -> bool {
        !matches!(self.action, PruneAction::Keep(_))
    }
}

/// An item and what came of it.
#[derive(Debug)]
pub struct Pruned {
    /// The item.
    pub item: PruneItem,
    /// Whether it is done.
    pub result: Result<(), RegistryError>,
}

/// Carries a plan out, item after item in each repository: what names others
/// goes before them. Fails only when interrupted.
pub async fn prune(
    items: Vec<PruneItem>,
    registries: &Registries,
    jobs: usize,
) -> Result<Vec<Pruned>, RegistryError> {
    let mut groups: Vec<Vec<PruneItem>> = Vec::new();
    for item in items {
        match groups.last_mut() {
            Some(group) if group[0].repository == item.repository => group.push(item),
            _ => groups.push(vec![item]),
        }
    }
    let work = groups.into_iter().map(|group| async move {
        let mut done = Vec::new();
        for item in group {
            let result = delete(&item, registries).await;
            done.push(Pruned { item, result });
        }
        done
    });
    let all = async { Ok(stream::iter(work).buffered(jobs.max(1)).collect::<Vec<_>>().await) };
    Ok(interruptible(all).await?.into_iter().flatten().collect())
}

async fn delete(item: &PruneItem, registries: &Registries) -> Result<(), RegistryError> {
    let client = registries.client(item.repository.domain())?;
    let path = item.repository.path();
    match item.action {
        PruneAction::Keep(_) => Ok(()),
        PruneAction::DeleteManifest => {
            client.delete_manifest(path, item.digest.as_str()).await?;
            for tag in &item.tags {
                untag::ensure_gone(&client, path, tag, &item.digest).await?;
            }
            Ok(())
        }
        PruneAction::DeleteTags => {
            for tag in &item.tags {
                untag::untag(&client, path, tag, &item.digest).await?;
            }
            Ok(())
        }
    }
}
