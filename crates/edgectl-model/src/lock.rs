//! `images.lock`: every image, pinned, with its name in the private registry.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::digest::Digest;
use crate::platform::Platform;
use crate::prefix::Prefix;
use crate::reference::Reference;
use crate::rules::Layout;
use crate::yaml::{YamlError, from_yaml};

/// The schema version this program reads and writes.
pub const LOCK_SCHEMA: u32 = 1;

/// The first line of every lock file.
const HEADER: &str =
    "# Written by edgectl; every image of the profile, pinned. Commit this file.\n";

/// How sure discovery is that a text names an image that will be pulled.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// A declared image or the image field of a pod specification.
    Certain,
    /// A field that is known to hold an image.
    Known,
    /// A field, argument or variable that looks like one.
    Likely,
    /// A text that could be a reference.
    Possible,
}

/// What an image is for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Runs on the node; the node pulls it.
    Workload,
    /// The operating system image that the installer carries.
    Os,
    /// Already inside the operating system image.
    Embedded,
}

/// One place where an image was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Found {
    /// File, as given on the command line or in `edge.yaml`.
    pub file: String,
    /// Line in that file, from 1; 0 where it can't be told.
    pub line: u64,
    /// Path of keys and indexes inside the file, for example
    /// `spec.template.packs[2].values:pack.content.images[0].image`.
    pub path: String,
    /// The object that holds it: `pack cni-demo` or `Deployment default/web`.
    pub object: String,
    /// The rule that found it, for example `pack-content` or `pod-spec`.
    pub rule: String,
}

/// One image of the profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LockedImage {
    /// Canonical source reference.
    pub source: Reference,
    /// Digest of the manifest or index at the source; absent until pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Media type of what the digest names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Platforms it has; empty until pinned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<Platform>,
    /// Digest in the private registry where that is another one, because only
    /// some platforms were copied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirrored: Option<Digest>,
    /// Reference in the private registry.
    pub target: Reference,
    /// What it is for.
    pub role: Role,
    /// How sure discovery is.
    pub tier: Tier,
    /// Whether the profile's own lists name it.
    pub declared: bool,
    /// Where it was found.
    pub found: Vec<Found>,
}

impl LockedImage {
    /// The digest that it has in the private registry.
    pub fn mirrored_digest(&self) -> Option<&Digest> {
        self.mirrored.as_ref().or(self.digest.as_ref())
    }

    /// Whether a node pulls it.
    pub fn is_workload(&self) -> bool {
        self.role == Role::Workload
    }
}

/// The lock file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImageLock {
    /// Schema version, [`LOCK_SCHEMA`].
    pub schema: u32,
    /// Digest over everything discovery read.
    pub inputs: Digest,
    /// Prefix of the private registry.
    pub registry: Prefix,
    /// Layout of names below it.
    pub layout: Layout,
    /// The images, sorted by source.
    pub images: Vec<LockedImage>,
}

/// Why a text isn't a lock file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LockError {
    /// Another schema version.
    #[error(
        "the lock file has schema {0}, this program reads schema 1: use the edgectl that wrote it, or delete it and run `edgectl images` again"
    )]
    Schema(u64),
    /// Not the expected YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// Couldn't be written as YAML.
    #[error("writing the lock as YAML: {0}")]
    Write(String),
}

#[derive(Deserialize)]
struct OnlySchema {
    schema: u64,
}

impl ImageLock {
    /// Reads a lock file.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        // The version first: another one may have another shape.
        if let Ok(OnlySchema { schema }) = from_yaml::<OnlySchema>(text)
            && schema != u64::from(LOCK_SCHEMA)
        {
            return Err(LockError::Schema(schema));
        }
        Ok(from_yaml(text)?)
    }

    /// The text of the lock file; equal locks give equal bytes.
    pub fn to_text(&self) -> Result<String, LockError> {
        let body = serde_saphyr::to_string(self).map_err(|e| LockError::Write(e.to_string()))?;
        Ok(format!("{HEADER}{body}"))
    }

    /// The images a node pulls.
    pub fn workloads(&self) -> impl Iterator<Item = &LockedImage> {
        self.images.iter().filter(|image| image.is_workload())
    }

    /// Takes over digests that `former` had pinned for the same sources.
    pub fn keep_pins(&mut self, former: &ImageLock) {
        for image in self.images.iter_mut().filter(|image| image.digest.is_none()) {
            if let Some(old) = former.images.iter().find(|old| old.source == image.source) {
                image.digest.clone_from(&old.digest);
                image.media_type.clone_from(&old.media_type);
                image.platforms.clone_from(&old.platforms);
                image.mirrored.clone_from(&old.mirrored);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> ImageLock {
        ImageLock {
            schema: LOCK_SCHEMA,
            inputs: Digest::sha256(b"x"),
            registry: Prefix::parse("reg.local:5000/edge").unwrap(),
            layout: Layout::Full,
            images: vec![LockedImage {
                source: Reference::parse("quay.io/a/b:1").unwrap(),
                digest: Some(Digest::sha256(b"m")),
                media_type: Some("application/vnd.oci.image.index.v1+json".into()),
                platforms: vec![Platform::new("linux", "amd64")],
                mirrored: None,
                target: Reference::parse("reg.local:5000/edge/quay.io/a/b:1").unwrap(),
                role: Role::Workload,
                tier: Tier::Certain,
                declared: true,
                found: vec![Found {
                    file: "p: odd \"name\".json".into(),
                    line: 3,
                    path: "a[0].b".into(),
                    object: "pack x".into(),
                    rule: "pack-content".into(),
                }],
            }],
        }
    }

    #[test]
    fn round_trips() {
        let lock = sample();
        let text = lock.to_text().unwrap();
        assert_eq!(ImageLock::parse(&text).unwrap(), lock, "{text}");
        assert!(text.contains("digest: sha256:"), "{text}");
    }

    #[test]
    fn refuses_other_schemas_whatever_their_shape() {
        let error = ImageLock::parse("schema: 7\nshape: other\n").unwrap_err();
        assert_eq!(error, LockError::Schema(7));
    }

    #[test]
    fn says_where_it_is_wrong() {
        let text = sample().to_text().unwrap().replace("role: workload", "role: wrkload");
        let LockError::Yaml(error) = ImageLock::parse(&text).unwrap_err() else {
            panic!("expected a YAML error");
        };
        assert!(error.line > 5, "{error}");
        assert!(error.message.contains("wrkload"), "{error}");
    }

    #[test]
    fn pins_survive_a_new_discovery() {
        let former = sample();
        let mut fresh = sample();
        fresh.images[0].digest = None;
        fresh.images[0].platforms.clear();
        fresh.keep_pins(&former);
        assert_eq!(fresh, former);
    }
}
