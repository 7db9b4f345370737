//! Registries as what images are sent to.

use edgectl_model::Reference;

use super::Registries;
use crate::cloud::to_be_made;
use crate::content::{Content, Moved, ensure_whole};
use crate::error::{RegistryError, is_temporary_status};
use crate::http::{BlobHead, Client, Ended, Head, Mounted, Upload};
use crate::manifest::{Blob, Pinned, RawManifest};
use crate::retry::Patience;
use crate::sink::{Mount, Place, Sink, UploadSession};

/// Attempts at finding out what a registry takes: the chunk size is halved.
const LIMITS: usize = 12;

/// The tag a target is known by; its digest where it has none.
pub(super) fn name_of(target: &Reference) -> &str {
    target.tag_or_latest().unwrap_or_else(|| target.manifest_name())
}

/// Clouds say of repositories that must be made first that they don't know
/// them.
fn explained(error: RegistryError, target: &Reference) -> RegistryError {
    match &error {
        RegistryError::Http(failure) if failure.status == 404 => {
            let names = to_be_made(target.domain(), [target.path()]);
            match names.is_empty() {
                true => error,
                false => RegistryError::MissingRepositories {
                    host: target.domain().to_owned(),
                    names: names.into_iter().collect(),
                },
            }
        }
        _ => error,
    }
}

impl Registries {
    /// Gives up the upload of a blob that is noted as open, before another one
    /// takes its place or once the blob came another way.
    async fn end_noted(&self, client: &Client, target: &Reference, blob: &Blob) {
        let repository = target.repository();
        if let Some(session) = self.journal.session(&repository, &blob.digest) {
            self.note_of(&repository, &blob.digest).gone();
            client.cancel_upload(target.path(), session).await;
        }
    }
}

impl Sink for Registries {
    fn store(&self, target: &Reference) -> String {
        target.domain().to_owned()
    }

    fn patience(&self) -> Patience {
        self.settings.patience
    }

    async fn head(&self, target: &Reference) -> Result<Option<Pinned>, RegistryError> {
        let client = self.client(target.domain())?;
        let head = client.head_manifest(target.path(), name_of(target), true).await?;
        Ok(head.map(Head::into_pinned))
    }

    async fn held(&self, target: &Reference) -> Result<Option<RawManifest>, RegistryError> {
        let client = self.client(target.domain())?;
        match client.get_manifest(target.path(), name_of(target), None).await {
            Ok(manifest) => Ok(Some(manifest)),
            Err(RegistryError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn is_listed(
        &self,
        target: &Reference,
        referrer: &RawManifest,
    ) -> Result<bool, RegistryError> {
        let Some(subject) = referrer.subject() else { return Ok(true) };
        let listed = self.client(target.domain())?.referrers(target.path(), &subject).await?;
        Ok(listed.contains(referrer.digest()))
    }

    async fn has_blob(&self, target: &Reference, blob: &Blob) -> Result<bool, RegistryError> {
        let client = self.client(target.domain())?;
        match client.head_blob(target.path(), &blob.digest).await? {
            None => Ok(false),
            Some(BlobHead { size }) if size.is_none_or(|size| size == blob.size) => Ok(true),
            // A registry that stored half of it, a manifest that is wrong, or
            // an answer that means nothing: the content tells.
            Some(_) => {
                let chunks = client.get_blob(target.path(), blob, 0).await?;
                ensure_whole(chunks, blob, &target.repository()).await.map(|()| true)
            }
        }
    }

    async fn mount(
        &self,
        target: &Reference,
        blob: &Blob,
        from: &Reference,
    ) -> Result<Mount, RegistryError> {
        let client = self.client(target.domain())?;
        let mounted = client.mount(target.path(), blob, from.path()).await;
        if mounted.is_ok() {
            self.end_noted(&client, target, blob).await;
        }
        match mounted {
            Ok(Mounted::Done) => Ok(Mount::Done),
            Ok(Mounted::Session(session)) => {
                self.note_of(&target.repository(), &blob.digest).session(&session);
                Ok(Mount::Refused(Some(session)))
            }
            // Not every registry mounts, and not for everybody.
            Err(
                RegistryError::Denied { .. }
                | RegistryError::Http(_)
                | RegistryError::NotFound { .. },
            ) => Ok(Mount::Refused(None)),
            Err(error) => Err(error),
        }
    }

    async fn give_up(&self, target: &Reference, blob: &Blob, session: UploadSession) {
        self.note_of(&target.repository(), &blob.digest).gone();
        if let Ok(client) = self.client(target.domain()) {
            client.cancel_upload(target.path(), session).await;
        }
    }

    async fn put_blob(
        &self,
        target: &Reference,
        blob: &Blob,
        mut session: Option<UploadSession>,
        content: &dyn Content,
        moved: &Moved,
    ) -> Result<(), RegistryError> {
        let client = self.client(target.domain())?;
        let repository = target.repository();
        let note = self.note_of(&repository, &blob.digest);
        let upload = Upload { client: &client, path: target.path(), blob, content, moved, note };
        for _ in 0..LIMITS {
            let is_given = session.is_some();
            let session = match session.take() {
                Some(session) => session,
                None => {
                    self.end_noted(&client, target, blob).await;
                    let opened = client.start_upload(target.path()).await;
                    let opened = opened.map_err(|error| explained(error, target))?;
                    note.session(&opened);
                    opened
                }
            };
            match upload.run(session).await {
                Ok(()) => return Ok(()),
                // What an earlier attempt left in there may be what is wrong.
                Err(Ended::Failed(RegistryError::Http(failure)))
                    if is_given && !is_temporary_status(failure.status) => {}
                Err(Ended::Failed(error)) => return Err(error),
                Err(Ended::Again) => {}
            }
        }
        let reason = "it takes neither whole blobs nor chunks".to_owned();
        Err(RegistryError::Configuration { host: target.domain().to_owned(), reason })
    }

    fn hints(&self, target: &Reference, blob: &Blob) -> Vec<Reference> {
        let places = self.journal.places(&blob.digest).into_iter();
        let places = places.filter_map(|place| Reference::parse(&place).ok());
        places.filter(|place| place.domain() == target.domain()).collect()
    }

    async fn resume(
        &self,
        target: &Reference,
        blob: &Blob,
    ) -> Result<Option<UploadSession>, RegistryError> {
        let repository = target.repository();
        let Some(noted) = self.journal.session(&repository, &blob.digest) else {
            return Ok(None);
        };
        let known = self.client(target.domain())?.upload_status(target.path(), &noted).await?;
        if known.is_none() {
            self.note_of(&repository, &blob.digest).gone();
        }
        Ok(known)
    }

    fn note(&self, target: &Reference, blob: &Blob) {
        self.journal.note_blob(&target.repository(), &blob.digest);
    }

    async fn put_manifest(
        &self,
        target: &Reference,
        place: Place<'_>,
        manifest: &RawManifest,
    ) -> Result<(), RegistryError> {
        let name = match place {
            Place::Child => manifest.digest().as_str(),
            Place::Root => name_of(target),
            Place::Tag(tag) => tag,
        };
        let client = self.client(target.domain())?;
        let is_noted = client.put_manifest(target.path(), name, manifest).await?;
        match manifest.subject() {
            Some(subject) if !is_noted => client.link(target.path(), &subject, manifest).await,
            _ => Ok(()),
        }
    }
}
