//! An OCI layout directory being filled with real images.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use edgectl_model::{Digest, Hasher, Reference};
use edgectl_process::write_file;
use serde_json::{Value, json};

use super::error::{QuickstartError, file_error};
use super::recipe::CREATED;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// How a layer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    /// What every runtime of the last ten years reads.
    Gzip,
    /// For the operating system, which only we unpack: twice as fast to read.
    Zstd,
}

/// A layer that was written.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    descriptor: Value,
    diff_id: Digest,
}

/// What is run in an image.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Start<'a> {
    pub(super) entrypoint: &'a [&'a str],
    pub(super) command: &'a [&'a str],
}

/// The directory.
#[derive(Debug)]
pub(super) struct LayoutWriter {
    directory: PathBuf,
    named: Vec<Value>,
}

impl LayoutWriter {
    /// Starts a layout.
    pub(super) fn new(directory: &Path) -> Result<Self, QuickstartError> {
        write_file(&directory.join("oci-layout"), 0o644, br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        let blobs = directory.join("blobs/sha256");
        std::fs::create_dir_all(&blobs).map_err(file_error("creating", &blobs))?;
        Ok(Self { directory: directory.to_owned(), named: Vec::new() })
    }

    /// Compresses the tar that `write` produces into a layer.
    pub(super) fn layer(
        &self,
        compression: Compression,
        write: impl FnOnce(&mut dyn Write) -> Result<(), QuickstartError>,
    ) -> Result<Layer, QuickstartError> {
        let temporary = self.directory.join("layer.partial");
        let failed = |e| file_error("writing", &temporary)(e);
        let file = Hashing::new(File::create(&temporary).map_err(failed)?);
        let (file, diff_id) = match compression {
            Compression::Gzip => {
                let encoder = flate2::write::GzEncoder::new(file, flate2::Compression::default());
                let mut tar = Hashing::new(encoder);
                write(&mut tar)?;
                (tar.inner.finish().map_err(failed)?, tar.hasher.finish())
            }
            Compression::Zstd => {
                let encoder = zstd::Encoder::new(file, 3).map_err(failed)?;
                let mut tar = Hashing::new(encoder);
                write(&mut tar)?;
                (tar.inner.finish().map_err(failed)?, tar.hasher.finish())
            }
        };
        let media_type = match compression {
            Compression::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
            Compression::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
        };
        let (size, digest) = (file.written, file.hasher.finish());
        // The name is known only now. A link is as good as a renaming: the
        // whole directory gets its place last.
        let blob = self.directory.join("blobs/sha256").join(digest.hex());
        let linked = match std::fs::hard_link(&temporary, &blob) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        };
        linked.and_then(|()| std::fs::remove_file(&temporary)).map_err(failed)?;
        Ok(Layer { descriptor: descriptor(media_type, &digest, size), diff_id })
    }

    /// Writes an image; gives its descriptor with the platform.
    pub(super) fn image(
        &self,
        architecture: &str,
        layers: &[Layer],
        start: Start<'_>,
    ) -> Result<Value, QuickstartError> {
        let diff_ids: Vec<&str> = layers.iter().map(|layer| layer.diff_id.as_str()).collect();
        let mut run = json!({
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "WorkingDir": "/",
        });
        for (key, words) in [("Entrypoint", start.entrypoint), ("Cmd", start.command)] {
            if !words.is_empty() {
                run[key] = json!(words);
            }
        }
        let config = json!({
            "created": CREATED,
            "architecture": architecture,
            "os": "linux",
            "config": run,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        let layers: Vec<&Value> = layers.iter().map(|layer| &layer.descriptor).collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.json(CONFIG, &config)?,
            "layers": layers,
        });
        let mut written = self.json(MANIFEST, &manifest)?;
        written["platform"] = json!({"architecture": architecture, "os": "linux"});
        Ok(written)
    }

    /// Names a single image, or an index over several.
    pub(super) fn name(
        &mut self,
        reference: &str,
        images: Vec<Value>,
    ) -> Result<(), QuickstartError> {
        let reference = Reference::parse(reference)?;
        let mut entry = match <[Value; 1]>::try_from(images) {
            Ok([image]) => image,
            Err(images) => {
                let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": images});
                self.json(INDEX, &index)?
            }
        };
        entry["annotations"] = json!({
            "io.containerd.image.name": reference.canonical(),
            "org.opencontainers.image.ref.name": reference.tag_or_latest(),
        });
        self.named.push(entry);
        Ok(())
    }

    /// Writes what the layout holds.
    pub(super) fn finish(self) -> Result<(), QuickstartError> {
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": self.named});
        Ok(write_file(&self.directory.join("index.json"), 0o644, index.to_string().as_bytes())?)
    }

    fn json(&self, media_type: &str, value: &Value) -> Result<Value, QuickstartError> {
        let bytes = value.to_string().into_bytes();
        let digest = Digest::sha256(&bytes);
        write_file(&self.directory.join("blobs/sha256").join(digest.hex()), 0o644, &bytes)?;
        Ok(descriptor(media_type, &digest, bytes.len() as u64))
    }
}

fn descriptor(media_type: &str, digest: &Digest, size: u64) -> Value {
    json!({"mediaType": media_type, "digest": digest.as_str(), "size": size})
}

/// Copies a file into a writer, and stops when the user wants to.
pub(super) fn copy_file(from: &Path, to: &mut dyn Write) -> Result<(), QuickstartError> {
    let failed = |e| file_error("copying", from)(e);
    let mut file = File::open(from).map_err(failed)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        edgectl_process::interrupted()?;
        match file.read(&mut buffer).map_err(failed)? {
            0 => return Ok(()),
            n => to.write_all(&buffer[..n]).map_err(failed)?,
        }
    }
}

/// Hashes and counts what passes by.
struct Hashing<W> {
    inner: W,
    hasher: Hasher,
    written: u64,
}

impl<W> Hashing<W> {
    fn new(inner: W) -> Self {
        Self { inner, hasher: Hasher::sha256(), written: 0 }
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
