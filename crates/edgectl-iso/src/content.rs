//! Images on the medium, for systems that are installed where no registry is
//! in reach: an OCI layout, as files beside the system.

use std::path::{Path, PathBuf};

use edgectl_model::Digest;
use edgectl_process::file_error;
use serde::{Deserialize, Serialize};

use crate::error::IsoError;

/// Where it is on the medium.
pub(crate) const DIRECTORY: &str = "content";
/// What it names.
pub(crate) const INDEX: &str = "content/index.json";
/// What makes a directory a layout.
const LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
/// The only algorithm that the manifest of a medium knows.
const ALGORITHM: &str = "sha256";

/// An OCI layout whose bytes were compared with their digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The bytes of `index.json`.
    pub index: Vec<u8>,
    /// What its images are called.
    pub names: Vec<String>,
    /// Its blobs, manifests among them.
    pub blobs: Vec<ContentBlob>,
}

/// A blob of a layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentBlob {
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub bytes: u64,
    /// Where it is now.
    pub path: PathBuf,
}

/// What a manifest says of the images on a medium.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentSummary {
    /// Where the layout is, from the root.
    pub path: String,
    /// What its images are called.
    pub images: Vec<String>,
    /// The size of its blobs in bytes.
    pub bytes: u64,
}

impl Content {
    pub(crate) fn summary(&self) -> ContentSummary {
        ContentSummary {
            path: DIRECTORY.to_owned(),
            images: self.names.clone(),
            bytes: self.blobs.iter().map(|blob| blob.bytes).sum(),
        }
    }

    /// Puts the layout below `disc`: blobs as links, which are followed when
    /// the image is written, so that none is copied twice.
    pub(crate) fn lay_out(&self, disc: &Path) -> Result<(), IsoError> {
        let root = disc.join(DIRECTORY);
        let blobs = root.join("blobs").join(ALGORITHM);
        std::fs::create_dir_all(&blobs).map_err(file_error("creating", &blobs))?;
        for (name, bytes) in [("oci-layout", LAYOUT), ("index.json", &self.index)] {
            let path = root.join(name);
            std::fs::write(&path, bytes).map_err(file_error("writing", path))?;
        }
        for blob in &self.blobs {
            if blob.digest.algorithm() != ALGORITHM {
                return Err(IsoError::ContentDigest(blob.digest.clone()));
            }
            let from = std::path::absolute(&blob.path);
            let from = from.map_err(file_error("finding", &blob.path))?;
            let to = blobs.join(blob.digest.hex());
            std::os::unix::fs::symlink(from, &to).map_err(file_error("linking", to))?;
        }
        Ok(())
    }

    /// The digests of the blobs, by their paths on the medium.
    pub(crate) fn sums(&self) -> impl Iterator<Item = (String, Digest)> + '_ {
        self.blobs.iter().map(|blob| (path_of(&blob.digest), blob.digest.clone()))
    }
}

/// Where a blob is on the medium.
fn path_of(digest: &Digest) -> String {
    format!("{DIRECTORY}/blobs/{}/{}", digest.algorithm(), digest.hex())
}
