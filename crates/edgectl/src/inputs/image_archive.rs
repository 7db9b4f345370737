//! Archives of images among the inputs: what they hold is a list of images.

use std::path::Path;

use edgectl_profile::{Expect, File, Severity, Unit};
use edgectl_registry::{Archives, ErrorKind, is_attachment_tag};

use super::Gatherer;
use crate::failure::{Doing, Failure};

/// Whether a directory is one: an OCI layout.
pub(super) fn is_layout(path: &Path) -> bool {
    path.join("oci-layout").is_file() && path.join("index.json").is_file()
}

/// Whether an entry of an archive shows that it is one.
pub(super) fn is_mark(entry: &str) -> bool {
    let name = entry.trim_start_matches("./");
    matches!(name, "oci-layout" | "manifest.json")
}

/// Whether an entry belongs to an OCI layout or to what `docker save` writes.
pub(super) fn is_of_images(entry: &str) -> bool {
    let name = entry.trim_start_matches("./");
    let file = name.rsplit('/').next().unwrap_or_default();
    let is_config = |stem: &str| stem.len() == 64 && stem.bytes().all(|c| c.is_ascii_hexdigit());
    is_mark(name)
        || name.starts_with("blobs/")
        || matches!(name, "index.json" | "repositories")
        || matches!(file, "json" | "VERSION")
        || file.ends_with(".tar")
        || name.strip_suffix(".json").is_some_and(is_config)
}

impl Gatherer<'_> {
    /// Takes the names of the images; says whether there are any images.
    pub(super) fn image_archive(
        &mut self,
        name: &str,
        path: &Path,
        unit: Option<Unit>,
    ) -> Result<bool, Failure> {
        // Other programs have a `manifest.json`, too.
        let archives = match Archives::open(&[path.to_owned()]) {
            Ok(archives) => archives,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error.into()),
            Err(_) => return Ok(false),
        };
        let mut list = String::new();
        for image in archives.images() {
            if image.names.is_empty() && image.refused.is_empty() {
                let message = format!(
                    "the image `{}` has no name; `edgectl push --name` gives it one",
                    image.digest
                );
                self.discoverer.problem(Severity::Warning, name, "nameless-image", message);
            }
            let is_image = |tag: &str| !is_attachment_tag(tag);
            let refused = image.refused.iter().map(|refused| &refused.name);
            let names =
                image.names.iter().chain(refused).filter(|name| name.tag().is_none_or(is_image));
            names.for_each(|name| list.push_str(&format!("{}\n", name.canonical())));
        }
        if !list.is_empty() {
            let file = File { name, unit, expect: Expect::Known };
            let result = self.discoverer.read(&file, list.as_bytes());
            self.judge(result).doing(format!("reading the names in `{name}`"))?;
        }
        Ok(true)
    }
}
