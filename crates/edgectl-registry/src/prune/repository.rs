//! What is to go from one repository.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use edgectl_model::{Digest, Reference};

use super::untag::stand_in;
use super::{PruneAction, PruneItem};
use crate::attached::subject_part;
use crate::error::RegistryError;
use crate::http::{Client, fallback_tag};
use crate::manifest::{DEPTH, Parsed};
use crate::verify::VerifyRequest;

/// One repository, with what locks say of it.
pub(super) struct Repository<'a> {
    place: Reference,
    client: Arc<Client>,
    pub(super) old: Vec<&'a VerifyRequest>,
    pub(super) keep: Vec<&'a VerifyRequest>,
}

/// What the tags of a repository stand for.
type Tags = BTreeMap<String, Digest>;

impl<'a> Repository<'a> {
    pub(super) fn new(place: Reference, client: Arc<Client>) -> Self {
        Self { place, client, old: Vec::new(), keep: Vec::new() }
    }

    /// The plan. Who names others comes before them.
    pub(super) async fn plan(self) -> Result<Vec<PruneItem>, RegistryError> {
        let tags = self.tags().await?;
        let mut items = Vec::new();
        let mut going = BTreeMap::<Digest, Vec<String>>::new();
        for image in &self.old {
            match self.fate(image, &tags).await? {
                Ok(tag) => going.entry(image.digest.clone()).or_default().extend(tag),
                Err(why) => items.extend(why.map(|why| {
                    let tag = image.target.tag_or_latest().map(str::to_owned);
                    self.item(
                        &image.digest,
                        tag.into_iter().collect(),
                        "image",
                        PruneAction::Keep(why),
                    )
                })),
            }
        }
        let mut below = BTreeSet::new();
        for digest in going.keys() {
            self.close(digest, &mut below, 0).await?;
        }
        let about = self.about(&below, &tags).await?;
        let needed = self.needed(&tags, &going, &below, &about).await?;
        let mut gone: BTreeSet<&Digest> = below.difference(&needed).collect();
        let mut attached = Vec::new();
        for (referrer, subject) in &about {
            if gone.contains(subject) && !needed.contains(referrer) && gone.insert(referrer) {
                attached.push(referrer);
            }
        }
        for (digest, tag) in followers(&tags, &gone, &needed) {
            items.push(self.item(&digest, vec![tag], "signature", PruneAction::DeleteManifest));
        }
        // What refers to others was found after them.
        for referrer in attached.into_iter().rev() {
            items.push(self.item(referrer, Vec::new(), "signature", PruneAction::DeleteManifest));
        }
        for (digest, tags) in &going {
            let action = match (needed.contains(digest), tags.is_empty()) {
                (false, _) => PruneAction::DeleteManifest,
                (true, false) => PruneAction::DeleteTags,
                (true, true) => PruneAction::Keep("it is needed by another image".to_owned()),
            };
            items.push(self.item(digest, tags.clone(), "image", action));
        }
        let children = below.iter().filter(|digest| !going.contains_key(digest));
        for child in children.filter(|digest| !needed.contains(digest)) {
            items.push(self.item(child, Vec::new(), "platform", PruneAction::DeleteManifest));
        }
        Ok(items)
    }

    fn item(
        &self,
        digest: &Digest,
        tags: Vec<String>,
        what: &'static str,
        action: PruneAction,
    ) -> PruneItem {
        let (repository, digest) = (self.place.clone(), digest.clone());
        PruneItem { repository, digest, tags, what, action }
    }

    /// The tag under which an image goes, or why it doesn't; without a reason
    /// there is nothing to say.
    async fn fate(
        &self,
        image: &VerifyRequest,
        tags: &Tags,
    ) -> Result<Result<Option<String>, Option<String>>, RegistryError> {
        let mut under_its_name = self.keep.iter().filter(|other| other.target == image.target);
        let is_another_now = match under_its_name.next() {
            Some(other) if other.digest == image.digest => return Ok(Err(None)),
            other => other.is_some(),
        };
        // Where a lock in use has given its tag to another image, it goes by
        // its digest; nothing does while the tag still stands for it.
        Ok(match image.target.tag_or_latest().filter(|_| !is_another_now) {
            Some(tag) => match tags.get(tag) {
                None => Err(Some("it is gone already".to_owned())),
                // A run that was interrupted may have left it like this.
                Some(now) if now == stand_in(tag, &image.digest)?.digest() => {
                    Ok(Some(tag.to_owned()))
                }
                Some(now) if *now != image.digest => {
                    Err(Some(format!("the tag stands for `{now}` now")))
                }
                Some(_) => Ok(Some(tag.to_owned())),
            },
            None => match self.head(image.digest.as_str()).await? {
                Some(_) => Ok(None),
                None => Err(Some("it is gone already".to_owned())),
            },
        })
    }

    /// All that has to stay: what the locks in use have here, and what stands
    /// under tags that no former lock has put here.
    async fn needed(
        &self,
        tags: &Tags,
        going: &BTreeMap<Digest, Vec<String>>,
        below: &BTreeSet<Digest>,
        about: &[(Digest, Digest)],
    ) -> Result<BTreeSet<Digest>, RegistryError> {
        let goes = |tag: &String, digest: &Digest| {
            going.get(digest).is_some_and(|tags| tags.contains(tag))
        };
        let subjects = below.iter().chain(about.iter().map(|(referrer, _)| referrer));
        let subjects: BTreeSet<String> = subjects.map(fallback_tag).collect();
        let mut needed = BTreeSet::new();
        for image in &self.keep {
            self.close(&image.digest, &mut needed, 0).await?;
        }
        let mut following = Vec::new();
        for (tag, digest) in tags.iter().filter(|(tag, digest)| !goes(tag, digest)) {
            match subject_part(tag).filter(|part| subjects.contains(*part)) {
                Some(part) => following.push((part, digest)),
                None => self.close(digest, &mut needed, 0).await?,
            }
        }
        self.add_what_follows(following, about, &mut needed).await?;
        Ok(needed)
    }

    /// What is attached to something that stays has to stay as well, though the
    /// same may be attached to something that goes.
    async fn add_what_follows(
        &self,
        mut following: Vec<(&str, &Digest)>,
        about: &[(Digest, Digest)],
        needed: &mut BTreeSet<Digest>,
    ) -> Result<(), RegistryError> {
        loop {
            let before = needed.len();
            let stays: BTreeSet<String> = needed.iter().map(fallback_tag).collect();
            let (staying, rest): (Vec<_>, Vec<_>) =
                following.into_iter().partition(|(part, _)| stays.contains(*part));
            for (_, digest) in staying {
                self.close(digest, needed, 0).await?;
            }
            for (referrer, subject) in about {
                if needed.contains(subject) {
                    self.close(referrer, needed, 0).await?;
                }
            }
            following = rest;
            if needed.len() == before {
                return Ok(());
            }
        }
    }

    /// What refers to manifests, each with its subject, and what refers to that.
    async fn about(
        &self,
        below: &BTreeSet<Digest>,
        tags: &Tags,
    ) -> Result<Vec<(Digest, Digest)>, RegistryError> {
        let mut found: Vec<(Digest, Digest)> = Vec::new();
        let mut subjects: Vec<Digest> = below.iter().cloned().collect();
        let mut seen = below.clone();
        while let Some(subject) = subjects.pop() {
            let is_asked_in_vain = self.client.lacks_referrers(self.place.path())
                && !tags.contains_key(&fallback_tag(&subject));
            if is_asked_in_vain {
                continue;
            }
            for referrer in self.client.referrers(self.place.path(), &subject).await? {
                // A list need not be true; the manifest itself tells.
                if seen.insert(referrer.clone()) && self.refers(&referrer, &subject).await? {
                    subjects.push(referrer.clone());
                    found.push((referrer, subject.clone()));
                }
            }
        }
        Ok(found)
    }

    async fn refers(&self, referrer: &Digest, subject: &Digest) -> Result<bool, RegistryError> {
        let path = self.place.path();
        match self.client.get_manifest(path, referrer.as_str(), Some(referrer)).await {
            Ok(raw) => Ok(raw.subject().as_ref() == Some(subject)),
            Err(RegistryError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A manifest, and all that it names.
    async fn close(
        &self,
        digest: &Digest,
        into: &mut BTreeSet<Digest>,
        depth: usize,
    ) -> Result<(), RegistryError> {
        if depth > DEPTH || !into.insert(digest.clone()) {
            return Ok(());
        }
        let raw = match self
            .client
            .get_manifest(self.place.path(), digest.as_str(), Some(digest))
            .await
        {
            // What isn't there names nothing.
            Err(RegistryError::NotFound { .. }) => return Ok(()),
            other => other?,
        };
        if let Ok(Parsed::Index(entries)) = raw.parse() {
            for entry in entries {
                Box::pin(self.close(&entry.blob.digest, into, depth + 1)).await?;
            }
        }
        Ok(())
    }

    async fn tags(&self) -> Result<Tags, RegistryError> {
        let mut tags = Tags::new();
        for tag in self.client.tags(self.place.path()).await? {
            if let Some(digest) = self.head(&tag).await? {
                tags.insert(tag, digest);
            }
        }
        Ok(tags)
    }

    async fn head(&self, name: &str) -> Result<Option<Digest>, RegistryError> {
        let head = self.client.head_manifest(self.place.path(), name, false).await?;
        Ok(head.map(|head| head.digest))
    }
}

/// What stands under tags about manifests that go.
fn followers(
    tags: &Tags,
    gone: &BTreeSet<&Digest>,
    needed: &BTreeSet<Digest>,
) -> Vec<(Digest, String)> {
    let going: BTreeSet<String> = gone.iter().map(|digest| fallback_tag(digest)).collect();
    let all = tags.iter().filter(|(tag, digest)| {
        subject_part(tag).is_some_and(|subject| going.contains(subject))
            && !needed.contains(*digest)
    });
    all.map(|(tag, digest)| (digest.clone(), tag.clone())).collect()
}
