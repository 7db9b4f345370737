//! All registries of a run: a source and a sink, one client per host.

mod sink;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use edgectl_model::{Digest, Prefix, Reference};

use crate::access::Access;
use crate::attached::Attached;
use crate::content::Chunks;
use crate::error::RegistryError;
use crate::http::{Client, Head, Settings};
use crate::journal::{Journal, Note};
use crate::manifest::{Blob, Pinned, RawManifest};
use crate::retry::Patience;
use crate::source::Source;
use sink::name_of;

/// Registries by host, each with its own access, behind one set of mirrors.
/// A host without an entry is asked anonymously over verified TLS.
#[derive(Debug, Default)]
pub struct Registries {
    access: BTreeMap<String, Access>,
    mirrors: BTreeMap<Prefix, Prefix>,
    clients: Mutex<BTreeMap<String, Arc<Client>>>,
    settings: Settings,
    journal: Journal,
}

/// After this long an upload that was left open counts as given up.
const GIVEN_UP: Duration = Duration::from_secs(24 * 3600);

impl Registries {
    /// Registries with their accesses by `host[:port]`, and mirrors: a
    /// reference below a key is asked for below its value; the longest key
    /// wins. Mirrors hold for reading only.
    pub fn new(access: BTreeMap<String, Access>, mirrors: BTreeMap<Prefix, Prefix>) -> Self {
        Self { access, mirrors, ..Self::default() }
    }

    /// Requests that sending a blob of `size` bytes takes from the byte `at`
    /// on, beside opening the upload.
    pub(crate) fn bodies(&self, at: u64, size: u64) -> u64 {
        match at == 0 && size <= self.settings.chunk {
            true => 1,
            false => size.saturating_sub(at).div_ceil(self.settings.chunk.max(1)) + 1,
        }
    }

    /// Sends no body larger than `bytes`: for front ends that cap them.
    pub fn with_chunk_size(mut self, bytes: u64) -> Self {
        self.settings.chunk = bytes;
        self
    }

    /// Waits longer, or less long, than by default.
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.settings.patience = patience;
        self
    }

    /// Goes on with what a former run left, and leaves it for the next one.
    pub fn with_journal(mut self, journal: Journal) -> Self {
        self.journal = journal;
        self
    }

    /// Ends uploads that were left open and that nobody came back to.
    pub(crate) async fn cancel_given_up(&self) -> Result<(), RegistryError> {
        for (repository, digest, session) in self.journal.idle(GIVEN_UP) {
            if let Ok(place) = Reference::parse(&repository) {
                self.client(place.domain())?.cancel_upload(place.path(), session).await;
            }
            self.note_of(&repository, &digest).gone();
        }
        Ok(())
    }

    fn note_of<'a>(&'a self, repository: &'a str, digest: &'a Digest) -> Note<'a> {
        Note { journal: &self.journal, repository, digest }
    }

    /// One registry alone.
    pub fn single(host: &str, access: Access) -> Self {
        Self::new(BTreeMap::from([(host.to_owned(), access)]), BTreeMap::new())
    }

    /// Requests sent so far, to all hosts together.
    pub fn requests(&self) -> u64 {
        self.lock().values().map(|client| client.requests()).sum()
    }

    /// Whether the registry itself keeps lists of what refers to a manifest.
    pub(crate) async fn lists_referrers(
        &self,
        target: &Reference,
        referrer: &RawManifest,
    ) -> Result<bool, RegistryError> {
        let client = self.client(target.domain())?;
        if let Some(subject) = referrer.subject()
            && !client.lacks_referrers(target.path())
        {
            client.referrers(target.path(), &subject).await?;
        }
        Ok(!client.lacks_referrers(target.path()))
    }

    /// What a reference stands for now, with one HEAD and no platforms; none
    /// if it isn't there. Needs only the right to pull.
    pub async fn look(&self, reference: &Reference) -> Result<Option<Pinned>, RegistryError> {
        let (host, path) = self.mirrored(reference);
        let head = self.client(&host)?.head_manifest(&path, name_of(reference), false).await?;
        Ok(head.map(Head::into_pinned))
    }

    /// The client for a host.
    pub(crate) fn client(&self, host: &str) -> Result<Arc<Client>, RegistryError> {
        let mut clients = self.lock();
        if let Some(client) = clients.get(host) {
            return Ok(Arc::clone(client));
        }
        let access = self.access.get(host).cloned().unwrap_or_default();
        let client = Arc::new(Client::new(host, &access, self.settings)?);
        clients.insert(host.to_owned(), Arc::clone(&client));
        Ok(client)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Client>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The host and path really asked for a reference.
    fn mirrored(&self, reference: &Reference) -> (String, String) {
        let matching = self.mirrors.iter().filter_map(|(prefix, mirror)| {
            prefix.remainder(reference).map(|rest| (prefix, mirror, rest))
        });
        // Of two prefixes of one reference the longer text is the narrower.
        let best = matching.max_by_key(|(prefix, ..)| prefix.path().len());
        match best {
            None => (reference.domain().to_owned(), reference.path().to_owned()),
            Some((_, mirror, rest)) => {
                let parts = [mirror.path(), rest].into_iter().filter(|part| !part.is_empty());
                let path = parts.collect::<Vec<_>>().join("/");
                (mirror.domain().to_owned(), path)
            }
        }
    }
}

impl Source for Registries {
    fn requests(&self) -> u64 {
        Self::requests(self)
    }

    async fn manifest(
        &self,
        reference: &Reference,
        digest: Option<&Digest>,
    ) -> Result<RawManifest, RegistryError> {
        let (host, path) = self.mirrored(reference);
        let digest = digest.or(reference.digest());
        let name = digest.map_or_else(|| reference.manifest_name(), Digest::as_str);
        self.client(&host)?.get_manifest(&path, name, digest).await
    }

    fn home(&self, reference: &Reference) -> Option<Reference> {
        let (host, path) = self.mirrored(reference);
        Reference::parse(&format!("{host}/{path}")).ok()
    }

    async fn attached(
        &self,
        reference: &Reference,
        subject: &Digest,
    ) -> Result<Vec<Attached>, RegistryError> {
        let (host, path) = self.mirrored(reference);
        self.client(&host)?.attached(&path, subject).await
    }

    async fn blob(
        &self,
        reference: &Reference,
        blob: &Blob,
        from: u64,
    ) -> Result<Chunks, RegistryError> {
        let (host, path) = self.mirrored(reference);
        self.client(&host)?.get_blob(&path, blob, from).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_mirror_wins() {
        let prefix = |text| Prefix::parse(text).unwrap();
        let mirrors = BTreeMap::from([
            (prefix("quay.io"), prefix("cache.local:5000/quay")),
            (prefix("quay.io/team"), prefix("team.local")),
        ]);
        let registries = Registries::new(BTreeMap::new(), mirrors);
        let asked = |text| {
            let (host, path) = registries.mirrored(&Reference::parse(text).unwrap());
            format!("{host}/{path}")
        };
        assert_eq!(asked("quay.io/a/b:1"), "cache.local:5000/quay/a/b");
        assert_eq!(asked("quay.io/team/b:1"), "team.local/b");
        assert_eq!(asked("nginx"), "docker.io/library/nginx");
    }
}
