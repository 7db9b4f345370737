//! Would a push work? One upload is opened, by way of a mount.

use edgectl_model::Digest;
use reqwest::Method;

use super::api::{push_scope, pushing};
use super::client::{Ask, Client};
use crate::error::RegistryError;
use crate::sink::UploadSession;

/// An upload that was opened for nothing.
#[derive(Debug)]
pub(crate) struct Probed {
    pub(crate) session: UploadSession,
    /// Whether a mount that can't be done opens an upload, as it should, and
    /// isn't refused as a mistake.
    pub(crate) takes_mounts: bool,
}

impl Client {
    /// Asks for the mount of a blob that nobody has; that opens an upload where
    /// all is well.
    pub(crate) async fn probe(&self, path: &str) -> Result<Probed, RegistryError> {
        let nobodys = Digest::sha256(b"a blob that edgectl asks for and nobody has");
        let mut url = self.url(&format!("{path}/blobs/uploads/")).await?;
        url.query_pairs_mut().append_pair("mount", nobodys.as_str()).append_pair("from", path);
        let answer = self.send(&Ask::new(Method::POST, url, &[push_scope(path)])).await?;
        match answer.status().as_u16() {
            202 => Ok(Probed { session: self.session(&answer)?, takes_mounts: true }),
            // These say the same without a mount.
            401 | 403 | 429 | 500.. => {
                self.expect("POST", answer, &[202], &pushing(path, path)).await?;
                Err(RegistryError::manifest(path, "unexpected answer"))
            }
            _ => Ok(Probed { session: self.start_upload(path).await?, takes_mounts: false }),
        }
    }
}
