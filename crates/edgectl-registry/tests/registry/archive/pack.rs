//! Writes archives as the tools of the field do, and as they should not.

use std::io::Write;
use std::path::{Path, PathBuf};

use edgectl_model::Digest;
use edgectl_testkit::{TinyImage, TinyLayout, Written};
use serde_json::json;

/// A tar in the making.
pub(crate) struct Tar(tar::Builder<Vec<u8>>);

impl Tar {
    pub(crate) fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    pub(crate) fn file(mut self, name: &str, content: &[u8]) -> Self {
        let mut header = header(content.len(), tar::EntryType::Regular);
        self.0.append_data(&mut header, name, content).unwrap();
        self
    }

    /// A name that the library wouldn't write.
    pub(crate) fn raw_name(mut self, name: &str, content: &[u8]) -> Self {
        let mut header = header(content.len(), tar::EntryType::Regular);
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        self.0.append(&header, content).unwrap();
        self
    }

    pub(crate) fn link(mut self, kind: tar::EntryType, name: &str, target: &str) -> Self {
        self.0.append_link(&mut header(0, kind), name, target).unwrap();
        self
    }

    /// Everything below a directory.
    pub(crate) fn directory(mut self, directory: &Path) -> Self {
        self.0.append_dir_all(".", directory).unwrap();
        self
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

fn header(size: usize, kind: tar::EntryType) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size as u64);
    header.set_mode(0o644);
    header.set_entry_type(kind);
    header
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(0);
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// In two parts, each compressed by itself.
pub(crate) fn in_two(pack: fn(&[u8]) -> Vec<u8>, bytes: &[u8]) -> Vec<u8> {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    [pack(first), pack(second)].concat()
}

pub(crate) fn write(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path
}

/// A layout directory with an image for two platforms, `app`, and a second
/// image that shares a layer with it, `tool`.
pub(crate) fn layout(directory: &Path) -> (Written, Written) {
    let mut layout = TinyLayout::new(directory).unwrap();
    let images: Vec<_> = ["amd64", "arm64"]
        .iter()
        .map(|arch| {
            let files: [(&str, &[u8]); 1] = [("etc/arch", arch.as_bytes())];
            layout.image(&TinyImage::new(arch).files(&files).random_layer(300_000, 3)).unwrap()
        })
        .collect();
    let index = layout.index(&images).unwrap();
    layout.name("quay.io/org/app:1.2", &index).unwrap();
    let tool = TinyImage::new("amd64").label("tool").random_layer(300_000, 3);
    let tool = layout.image(&tool).unwrap();
    layout.name("docker.io/library/tool:3", &tool).unwrap();
    (index, tool)
}

/// An image as `docker save` writes it.
pub(crate) struct Saved {
    pub(crate) config: Vec<u8>,
    pub(crate) layers: Vec<Vec<u8>>,
}

impl Saved {
    pub(crate) fn new(seed: &str, layers: usize) -> Self {
        let layers: Vec<Vec<u8>> = (0..layers)
            .map(|i| Tar::new().file(&format!("{seed}{i}"), seed.repeat(5000).as_bytes()).bytes())
            .collect();
        let ids: Vec<_> = layers.iter().map(|l| Digest::sha256(l).to_string()).collect();
        let config = json!({
            "os": "linux", "architecture": "amd64", "seed": seed,
            "rootfs": {"type": "layers", "diff_ids": ids},
        });
        Self { config: config.to_string().into_bytes(), layers }
    }

    pub(crate) fn config_name(&self) -> String {
        format!("{}.json", Digest::sha256(&self.config).hex())
    }

    /// As the layers are named before Docker 25.
    pub(crate) fn layer_name(&self, index: usize) -> String {
        format!("{}/layer.tar", Digest::sha256(format!("v1 {index}").as_bytes()).hex())
    }

    pub(crate) fn entry(&self, tags: &[&str]) -> serde_json::Value {
        let layers: Vec<_> = (0..self.layers.len()).map(|i| self.layer_name(i)).collect();
        json!({"Config": self.config_name(), "RepoTags": tags, "Layers": layers})
    }

    /// All of it, `manifest.json` last.
    pub(crate) fn tar(&self, tags: &[&str]) -> Vec<u8> {
        let mut tar = Tar::new();
        for (i, layer) in self.layers.iter().enumerate() {
            tar = tar.file(&self.layer_name(i), layer);
        }
        let list = json!([self.entry(tags)]).to_string();
        tar.file(&self.config_name(), &self.config).file("manifest.json", list.as_bytes()).bytes()
    }
}
