//! What a repository has under tags, and taking it away.

use reqwest::header::LINK;
use reqwest::{Method, Response, Url};
use serde::Deserialize;

use super::answer::Purpose;
use super::api::{pull_scope, pulling};
use super::body::next_chunk;
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
        let first = self.url(&format!("{path}/tags/list")).await?;
        let mut url = Some(first.clone());
        let mut tags = Vec::new();
        for _ in 0..PAGES {
            let Some(at) = url.take() else { break };
            let answer = self.send(&Ask::new(Method::GET, at, &[pull_scope(path)])).await?;
            let purpose = pulling(path, path);
            let mut answer = match self.expect("GET", answer, &[200], &purpose).await {
                Err(RegistryError::NotFound { .. }) => break,
                other => other?,
            };
            // Pages are fetched where the first one was.
            url = next_page(&answer).filter(|next| next.origin() == first.origin());
            let mut body = Vec::new();
            while let Some(chunk) = next_chunk(self, &mut answer).await? {
                if body.len() + chunk.len() > PAGE_LIMIT {
                    return Err(RegistryError::manifest(path, "its list of tags has no end"));
                }
                body.extend_from_slice(&chunk);
            }
            let page: Page = serde_json::from_slice(&body)
                .map_err(|e| RegistryError::manifest(format!("{path}/tags/list"), e))?;
            tags.extend(page.tags.unwrap_or_default());
        }
        Ok(tags)
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

/// `Link: <…>; rel="next"`.
fn next_page(answer: &Response) -> Option<Url> {
    let link = answer.headers().get(LINK)?.to_str().ok()?;
    let (address, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = rest.contains("rel=\"next\"") || rest.contains("rel=next");
    if is_next { answer.url().join(address).ok() } else { None }
}
