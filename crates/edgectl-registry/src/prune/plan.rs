//! What is to go, over all repositories.

use std::collections::BTreeMap;

use edgectl_model::Reference;
use futures_util::stream::{self, StreamExt};

use super::repository::Repository;
use super::{PruneItem, PruneRequest};
use crate::error::RegistryError;
use crate::registries::Registries;
use crate::upload::interruptible;
use crate::verify::VerifyRequest;

/// Finds out what may go. Nothing is changed.
pub async fn plan_prune(
    request: &PruneRequest,
    registries: &Registries,
) -> Result<Vec<PruneItem>, RegistryError> {
    let is_inside = |image: &&VerifyRequest| {
        request.prefix.remainder(&image.target).is_some_and(|rest| !rest.is_empty())
    };
    if let Some(image) = request.old.iter().find(|image| !is_inside(image)) {
        let reason = format!("it is outside of `{}`; nothing there is touched", request.prefix);
        return Err(RegistryError::manifest(&image.target, reason));
    }
    let mut repositories: BTreeMap<String, Repository<'_>> = BTreeMap::new();
    for image in &request.old {
        let name = image.target.repository();
        if !repositories.contains_key(&name) {
            let place = Reference::parse(&name).map_err(|e| RegistryError::manifest(&name, e))?;
            let client = registries.client(place.domain())?;
            repositories.insert(name.clone(), Repository::new(place, client));
        }
        if let Some(repository) = repositories.get_mut(&name) {
            repository.old.push(image);
        }
    }
    for image in &request.keep {
        if let Some(repository) = repositories.get_mut(&image.target.repository()) {
            repository.keep.push(image);
        }
    }
    let plans = repositories.into_values().map(Repository::plan);
    interruptible(async {
        let plans: Vec<Result<Vec<PruneItem>, RegistryError>> =
            stream::iter(plans).buffered(request.jobs.max(1)).collect().await;
        let plans: Result<Vec<_>, _> = plans.into_iter().collect();
        Ok(plans?.into_iter().flatten().collect())
    })
    .await
}
