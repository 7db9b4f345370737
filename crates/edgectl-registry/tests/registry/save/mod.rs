//! Images into archives and directories, and back.

mod forms;
mod memory;
mod others;
mod trouble;

use std::path::{Path, PathBuf};

use edgectl_model::Platform;
use edgectl_registry::{
    ImageRequest, Layout, Packing, SaveForm, SaveTarget, Saved, Source, UploadRequest, save,
};

use crate::bench::reference;

/// The images of `archive::pack::layout`.
const NAMES: [&str; 2] = ["docker.io/library/tool:3", "quay.io/org/app:1.2"];

fn target(directory: &Path, name: &str, form: SaveForm) -> SaveTarget {
    let path = directory.join(name);
    let packing = Packing::by_name(&path).unwrap_or(Packing::Plain);
    SaveTarget { path, form, packing }
}

fn images(names: &[&str]) -> Vec<ImageRequest> {
    let image = |name: &&str| {
        let source = reference(name);
        ImageRequest { target: source.clone(), digest: None, source }
    };
    names.iter().map(image).collect()
}

async fn save_from<S: Source>(source: &S, names: &[&str], target: &SaveTarget) -> Saved {
    save(UploadRequest::new(images(names), 4), source, target, &()).await.unwrap()
}

/// Saves one platform of images of a layout, as `docker save` would.
async fn save_for_docker(layout: &Path, names: &[&str], to: &SaveTarget, arch: &str) -> Saved {
    let request = UploadRequest {
        platforms: vec![Platform::new("linux", arch)],
        attachments: false,
        ..UploadRequest::new(images(names), 4)
    };
    save(request, &Layout::open(layout).unwrap(), to, &()).await.unwrap()
}

/// What stands in a directory.
fn names_in(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn entries_of(tar: &PathBuf) -> Vec<String> {
    let mut tar = tar::Archive::new(std::fs::File::open(tar).unwrap());
    let entries = tar.entries().unwrap();
    entries.map(|e| e.unwrap().path().unwrap().display().to_string()).collect()
}
