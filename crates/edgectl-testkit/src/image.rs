//! Images of a few bytes, in an OCI layout directory.

use std::io::Write;
use std::path::{Path, PathBuf};

use edgectl_model::Digest;
use edgectl_process::write_file;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use crate::error::TestkitError;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const TAR: &str = "application/vnd.oci.image.layer.v1.tar";
const TAR_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// One image for one platform.
#[derive(Debug, Clone)]
pub struct TinyImage {
    architecture: String,
    label: String,
    layers: Vec<Layer>,
}

#[derive(Debug, Clone)]
struct Layer {
    media_type: &'static str,
    bytes: Vec<u8>,
    diff_id: Digest,
}

/// A manifest or index that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its digest.
    pub digest: Digest,
    /// Its media type.
    pub media_type: &'static str,
    /// Its size.
    pub size: u64,
    /// Architecture, for images.
    pub architecture: Option<String>,
}

impl TinyImage {
    /// An image without layers for `linux/architecture`.
    pub fn new(architecture: &str) -> Self {
        Self { architecture: architecture.to_owned(), label: String::new(), layers: Vec::new() }
    }

    /// A label that makes the configuration, and so the image, its own.
    pub fn label(mut self, label: &str) -> Self {
        self.label = label.to_owned();
        self
    }

    /// Adds a gzip layer with these files.
    pub fn files(mut self, files: &[(&str, &[u8])]) -> Self {
        let tar = tar_of(files);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let written = encoder.write_all(&tar).and_then(|()| encoder.finish());
        let bytes = written.expect("writing to memory does not fail");
        self.layers.push(Layer { media_type: TAR_GZIP, bytes, diff_id: Digest::sha256(&tar) });
        self
    }

    /// Adds a layer that is stored as it is.
    pub fn plain_layer(mut self, tar: Vec<u8>) -> Self {
        let diff_id = Digest::sha256(&tar);
        self.layers.push(Layer { media_type: TAR, bytes: tar, diff_id });
        self
    }

    /// Adds a layer of about `size` random bytes; equal seeds give equal
    /// layers, so that images can share them.
    pub fn random_layer(self, size: usize, seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut content = vec![0; size];
        random.fill(&mut content);
        let name = format!("random-{seed}");
        self.plain_layer(tar_of(&[(name.as_str(), content.as_slice())]))
    }
}

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        let added = builder.append_data(&mut header, name, *content);
        added.expect("writing to memory does not fail");
    }
    builder.into_inner().expect("writing to memory does not fail")
}

/// An OCI layout directory being filled.
#[derive(Debug, Clone)]
pub struct TinyLayout {
    directory: PathBuf,
    named: Vec<Value>,
}

impl TinyLayout {
    /// Starts a layout in `directory`.
    pub fn new(directory: &Path) -> Result<Self, TestkitError> {
        let version = br#"{"imageLayoutVersion":"1.0.0"}"#;
        write_file(&directory.join("oci-layout"), 0o644, version)?;
        let mut layout = Self { directory: directory.to_owned(), named: Vec::new() };
        layout.write_index()?;
        Ok(layout)
    }

    /// Where a blob is.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.directory.join("blobs").join(digest.algorithm()).join(digest.hex())
    }

    /// Writes an image's blobs and its manifest.
    pub fn image(&self, image: &TinyImage) -> Result<Written, TestkitError> {
        let diff_ids: Vec<&str> = image.layers.iter().map(|l| l.diff_id.as_str()).collect();
        let config = json!({
            "architecture": image.architecture,
            "os": "linux",
            "created": "2024-01-02T03:04:05Z",
            "config": {"Labels": {"label": image.label}},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        let mut layers = Vec::new();
        for layer in &image.layers {
            layers.push(self.blob(layer.media_type, &layer.bytes)?);
        }
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.blob(CONFIG, config.to_string().as_bytes())?,
            "layers": layers,
        });
        self.manifest(MANIFEST, &manifest, Some(image.architecture.clone()))
    }

    /// Writes an index over images.
    pub fn index(&self, images: &[Written]) -> Result<Written, TestkitError> {
        let manifests: Vec<Value> = images.iter().map(descriptor).collect();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        self.manifest(INDEX, &index, None)
    }

    /// Writes an artifact of type `kind` that is attached to another manifest.
    pub fn attach(
        &self,
        subject: &Written,
        kind: &str,
        content: &[u8],
    ) -> Result<Written, TestkitError> {
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": kind,
            "config": self.blob("application/vnd.oci.empty.v1+json", b"{}")?,
            "layers": [self.blob("text/plain", content)?],
            "subject": descriptor(subject),
            "annotations": {"kind": kind},
        });
        self.manifest(MANIFEST, &manifest, None)
    }

    /// Gives a manifest or index a name.
    pub fn name(&mut self, reference: &str, written: &Written) -> Result<(), TestkitError> {
        let mut entry = descriptor(written);
        entry["annotations"] = json!({
            "io.containerd.image.name": reference,
            "org.opencontainers.image.ref.name": reference.rsplit(':').next(),
        });
        self.named.push(entry);
        self.write_index()
    }

    fn write_index(&mut self) -> Result<(), TestkitError> {
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": self.named});
        let path = self.directory.join("index.json");
        Ok(write_file(&path, 0o644, index.to_string().as_bytes())?)
    }

    fn manifest(
        &self,
        media_type: &'static str,
        manifest: &Value,
        architecture: Option<String>,
    ) -> Result<Written, TestkitError> {
        // Spaces that a re-encoding would lose: the bytes must survive.
        let bytes = format!("{manifest:#}\n").into_bytes();
        self.blob(media_type, &bytes)?;
        let digest = Digest::sha256(&bytes);
        Ok(Written { digest, media_type, size: bytes.len() as u64, architecture })
    }

    fn blob(&self, media_type: &str, bytes: &[u8]) -> Result<Value, TestkitError> {
        let digest = Digest::sha256(bytes);
        write_file(&self.blob_path(&digest), 0o644, bytes)?;
        Ok(json!({"mediaType": media_type, "digest": digest.as_str(), "size": bytes.len()}))
    }
}

fn descriptor(written: &Written) -> Value {
    let mut value = json!({
        "mediaType": written.media_type,
        "digest": written.digest.as_str(),
        "size": written.size,
    });
    if let Some(architecture) = &written.architecture {
        value["platform"] = json!({"architecture": architecture, "os": "linux"});
    }
    value
}
