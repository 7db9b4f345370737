//! What a repository has under tags, and taking it away.

use reqwest::Method;
use serde::Deserialize;

use super::answer::Purpose;
use super::api::{pull_scope, pulling};
use super::body::{next_page, read_limited};
use super::client::{Ask, Client};
use crate::error::RegistryError;

/// Pages of one list; with the least that registries put on a page this is
/// more than any repository has.
const PAGES: usize = 1000;
/// One page.
const PAGE_LIMIT: usize = 8 << 20;

#[derive(Deserialize)]
struct Page {
    tags: Option<Vec<String>>,
}

impl Client {
    /// All tags of a repository; none if there is no such repository.
    pub(crate) async fn tags(&self, path: &str) -> Result<Vec<String>, RegistryError> {
        let mut url = Some(self.url(&format!("{path}/tags/list")).await?);
        let mut tags = Vec::new();
        for _ in 0..PAGES {
            let Some(at) = url.take() else { return Ok(tags) };
            let answer = self.send(&Ask::new(Method::GET, at, &[pull_scope(path)])).await?;
            let purpose = pulling(path, path);
            let mut answer = match self.expect("GET", answer, &[200], &purpose).await {
                Err(RegistryError::NotFound { .. }) if tags.is_empty() => return Ok(tags),
                other => other?,
            };
            url = next_page(&answer)?;
            let Some(body) = read_limited(self, &mut answer, PAGE_LIMIT).await? else {
                return Err(endless(path));
            };
            let page: Page = serde_json::from_slice(&body)
                .map_err(|e| RegistryError::manifest(format!("{path}/tags/list"), e))?;
            tags.extend(page.tags.unwrap_or_default());
        }
        match url {
            None => Ok(tags),
            Some(_) => Err(endless(path)),
        }
    }

    /// Takes a manifest away by its digest, or a tag alone.
    pub(crate) async fn delete_manifest(
        &self,
        path: &str,
        name: &str,
    ) -> Result<(), RegistryError> {
        let url = self.url(&format!("{path}/manifests/{name}")).await?;
        let scope = format!("repository:{path}:pull,delete");
        let answer = self.send(&Ask::new(Method::DELETE, url, &[scope])).await?;
        let purpose = Purpose { what: name.to_owned(), action: format!("delete from `{path}`") };
        // Gone already is as good as gone.
        self.expect("DELETE", answer, &[200, 202, 204, 404], &purpose).await.map(drop)
    }
}

fn endless(path: &str) -> RegistryError {
    RegistryError::manifest(path, "its list of tags has no end")
}
