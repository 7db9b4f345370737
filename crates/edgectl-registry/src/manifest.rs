//! Manifests and indexes: kept as the bytes they came as, read only as far as
//! copying needs.

use bytes::Bytes;
use edgectl_model::{Digest, Platform};
use serde::Deserialize;

use crate::error::{Mismatch, RegistryError};

/// The media types asked for; without the list registries convert or refuse.
pub(crate) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
application/vnd.oci.image.manifest.v1+json, \
application/vnd.docker.distribution.manifest.list.v2+json, \
application/vnd.docker.distribution.manifest.v2+json, */*;q=0.5";
/// Registries need not take more than 4 MiB; some have larger ones.
pub(crate) const MANIFEST_LIMIT: usize = 8 << 20;
/// Configurations larger than this are odd enough to be copied unread.
pub(crate) const CONFIG_LIMIT: u64 = 1 << 20;

/// Indexes inside indexes; more than this is an attack or a mistake.
pub(crate) const DEPTH: usize = 4;

/// Something a manifest points to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Blob {
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// The exact bytes of a manifest or index; made only with a matching digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawManifest {
    digest: Digest,
    media_type: String,
    bytes: Bytes,
}

/// What a tag stands for, pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// Digest of the manifest or index.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// The platforms it has; empty where finding out would have cost another
    /// request.
    pub platforms: Vec<Platform>,
    /// What the source has where only some platforms of it were taken.
    pub origin: Option<Box<Self>>,
}

/// One entry of a manifest or index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) blob: Blob,
    pub(crate) media_type: String,
    pub(crate) platform: Option<Platform>,
    /// May be absent: its content is elsewhere and must not be redistributed.
    pub(crate) is_foreign: bool,
}

/// What a manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// An index over other manifests.
    Index(Vec<Entry>),
    /// One image, or an artifact that looks like one.
    Image { config: Option<Entry>, layers: Vec<Entry> },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    schema_version: u64,
    media_type: Option<String>,
    manifests: Option<Vec<WireEntry>>,
    config: Option<WireEntry>,
    layers: Option<Vec<WireEntry>>,
    blobs: Option<Vec<WireEntry>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEntry {
    #[serde(default)]
    media_type: String,
    digest: Digest,
    size: u64,
    urls: Option<Vec<String>>,
    platform: Option<WirePlatform>,
}

#[derive(Deserialize)]
struct WirePlatform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    variant: Option<String>,
}

impl From<WireEntry> for Entry {
    fn from(wire: WireEntry) -> Self {
        let nondistributable =
            wire.media_type.contains("nondistributable") || wire.media_type.contains(".foreign.");
        Self {
            blob: Blob { digest: wire.digest, size: wire.size },
            is_foreign: nondistributable || wire.urls.is_some_and(|urls| !urls.is_empty()),
            media_type: wire.media_type,
            platform: wire.platform.and_then(WirePlatform::known),
        }
    }
}

impl WirePlatform {
    /// Attestations say `unknown/unknown`.
    fn known(self) -> Option<Platform> {
        let is_known = |text: &str| !text.is_empty() && text != "unknown";
        if !is_known(&self.os) || !is_known(&self.architecture) {
            return None;
        }
        let variant = self.variant.filter(|variant| !variant.is_empty());
        Some(Platform { os: self.os, architecture: self.architecture, variant })
    }
}

impl RawManifest {
    /// Fails where an index names it with another size.
    pub(crate) fn ensure_size(&self, size: Option<u64>) -> Result<(), RegistryError> {
        match size {
            Some(named) if named != self.bytes.len() as u64 => Err(RegistryError::Size {
                what: self.digest.clone(),
                has: self.bytes.len() as u64,
                named,
            }),
            _ => Ok(()),
        }
    }

    /// Takes the bytes if they have the digest that was asked for, if any.
    pub fn new(
        bytes: Bytes,
        media_type: Option<&str>,
        expected: Option<&Digest>,
        place: &str,
    ) -> Result<Self, RegistryError> {
        let mut hasher = expected.map_or_else(edgectl_model::Hasher::sha256, Digest::hasher);
        hasher.update(&bytes);
        let digest = hasher.finish();
        if let Some(expected) = expected.filter(|expected| **expected != digest) {
            return Err(RegistryError::Digest {
                expected: expected.clone(),
                place: place.to_owned(),
                found: Mismatch::Digest(digest),
            });
        }
        let wire = read(&bytes, &digest)?;
        let media_type = media_type_of(&wire, media_type);
        Ok(Self { digest, media_type, bytes })
    }

    /// Its digest.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Its media type.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// Its exact bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What it says.
    pub(crate) fn parse(&self) -> Result<Parsed, RegistryError> {
        let wire = read(&self.bytes, &self.digest)?;
        let entries = |list: Vec<WireEntry>| list.into_iter().map(Entry::from).collect();
        if wire.schema_version != 2 {
            let reason = "it is a manifest of schema 1, which names no layers by digest";
            return Err(RegistryError::manifest(&self.digest, reason));
        }
        if let Some(manifests) = wire.manifests {
            return Ok(Parsed::Index(entries(manifests)));
        }
        match wire.layers.or(wire.blobs) {
            Some(layers) => {
                Ok(Parsed::Image { config: wire.config.map(Entry::from), layers: entries(layers) })
            }
            None => Err(RegistryError::manifest(&self.digest, "it has neither layers nor images")),
        }
    }

    /// The manifest that this one is attached to.
    pub(crate) fn subject(&self) -> Option<Digest> {
        let json: serde_json::Value = serde_json::from_slice(&self.bytes).ok()?;
        Digest::parse(json.get("subject")?.get("digest")?.as_str()?).ok()
    }

    /// Its entry in a list of referrers.
    pub(crate) fn descriptor(&self) -> serde_json::Value {
        let json: serde_json::Value = serde_json::from_slice(&self.bytes).unwrap_or_default();
        let mut entry = serde_json::json!({
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.bytes.len(),
        });
        let kind = json.get("artifactType").or_else(|| json.get("config")?.get("mediaType"));
        for (key, value) in [("artifactType", kind), ("annotations", json.get("annotations"))] {
            if let Some(value) = value {
                entry[key] = value.clone();
            }
        }
        entry
    }

    /// The platforms, where the manifest itself says so.
    pub(crate) fn pinned(&self) -> Result<Pinned, RegistryError> {
        let platforms = match self.parse()? {
            Parsed::Index(entries) => platforms_of(&entries),
            Parsed::Image { .. } => Vec::new(),
        };
        Ok(Pinned {
            digest: self.digest.clone(),
            media_type: self.media_type.clone(),
            size: self.bytes.len() as u64,
            platforms,
            origin: None,
        })
    }
}

fn read(bytes: &[u8], digest: &Digest) -> Result<Wire, RegistryError> {
    serde_json::from_slice(bytes).map_err(|e| RegistryError::manifest(digest, e))
}

/// The bytes' own word first: it is covered by the digest.
fn media_type_of(wire: &Wire, header: Option<&str>) -> String {
    let header = header.and_then(|h| h.split(';').next()).map(str::trim);
    let fallback = match wire.manifests.is_some() {
        true => "application/vnd.oci.image.index.v1+json",
        false => "application/vnd.oci.image.manifest.v1+json",
    };
    let own = wire.media_type.as_deref().filter(|own| !own.is_empty());
    own.or(header.filter(|h| h.starts_with("application/vnd."))).unwrap_or(fallback).to_owned()
}

fn platforms_of(entries: &[Entry]) -> Vec<Platform> {
    let mut platforms: Vec<Platform> = entries.iter().filter_map(|e| e.platform.clone()).collect();
    platforms.sort();
    platforms.dedup();
    platforms
}

/// The platform in an image's configuration.
pub(crate) fn config_platform(config: &[u8]) -> Option<Platform> {
    serde_json::from_slice::<WirePlatform>(config).ok()?.known()
}

/// Whether a platform is the wanted one, with any variant where none is asked
/// for.
pub(crate) fn fits(has: &Platform, wanted: &Platform) -> bool {
    has.os == wanted.os
        && has.architecture == wanted.architecture
        && (wanted.variant.is_none() || variant(has) == variant(wanted))
}

/// Of two architectures one variant is meant where none is said (containerd's
/// `platforms`).
fn variant(platform: &Platform) -> Option<&str> {
    match (platform.architecture.as_str(), platform.variant.as_deref()) {
        ("arm64", None) => Some("v8"),
        ("arm", None) => Some("v7"),
        (_, variant) => variant,
    }
}

/// The entry of an index that fits a platform best: the same variant, or the
/// one without a variant where none was asked for.
pub(crate) fn choose<'a>(entries: &'a [Entry], wanted: &Platform) -> Option<&'a Entry> {
    let fits = |entry: &&Entry| entry.platform.as_ref().is_some_and(|has| fits(has, wanted));
    let rank = |entry: &&Entry| entry.platform.as_ref().is_some_and(|p| p.variant.is_some());
    entries.iter().filter(fits).min_by_key(rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Result<RawManifest, RegistryError> {
        RawManifest::new(Bytes::copy_from_slice(text.as_bytes()), None, None, "test")
    }

    #[test]
    fn reads_indexes_and_skips_attestations() {
        let digest = Digest::sha256(b"x");
        let text = format!(
            r#"{{"schemaVersion": 2, "manifests": [
                {{"digest": "{digest}", "size": 1, "platform": {{"os": "linux", "architecture": "arm64", "variant": "v8"}}}},
                {{"digest": "{digest}", "size": 2, "platform": {{"os": "unknown", "architecture": "unknown"}}}}]}}"#
        );
        let raw = raw(&text).unwrap();
        let platforms = raw.pinned().unwrap().platforms;
        assert_eq!(
            platforms.iter().map(Platform::to_string).collect::<Vec<_>>(),
            ["linux/arm64/v8"]
        );
        assert!(raw.media_type().ends_with("index.v1+json"));
        let Parsed::Index(entries) = raw.parse().unwrap() else { panic!("expected an index") };
        assert!(choose(&entries, &Platform::new("linux", "arm64")).is_some());
        assert!(choose(&entries, &Platform::new("linux", "amd64")).is_none());
        let plain = Platform::new("linux", "arm64");
        let v8 = Platform { variant: Some("v8".to_owned()), ..plain.clone() };
        assert!(fits(&plain, &v8) && fits(&v8, &plain));
        let v6 = Platform { variant: Some("v6".to_owned()), ..Platform::new("linux", "arm") };
        assert!(!fits(&Platform::new("linux", "arm"), &v6));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for text in
            ["", "[]", "{}", r#"{"schemaVersion": 2, "layers": [{"digest": "x", "size": 1}]}"#]
        {
            assert!(raw(text).is_err(), "{text}");
        }
        assert!(raw(r#"{"schemaVersion": 1, "layers": []}"#).unwrap().parse().is_err());
        assert!(raw(r#"{"schemaVersion": 2}"#).unwrap().parse().is_err());
    }

    #[test]
    fn refuses_other_bytes() {
        let wanted = Digest::sha256(b"other");
        let bytes = Bytes::from_static(br#"{"schemaVersion": 2}"#);
        let error = RawManifest::new(bytes, None, Some(&wanted), "reg").unwrap_err();
        assert!(matches!(error, RegistryError::Digest { .. }), "{error}");
    }
}
