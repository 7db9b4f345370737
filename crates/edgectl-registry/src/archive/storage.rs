//! A registry's own storage: blobs, and links that say which repository and
//! tag stands for which manifest.

use std::io;

use edgectl_model::{Digest, Reference, from_yaml};
use serde::Deserialize;

use super::TEXT_LIMIT;
use super::catalog::Gathered;
use super::files::{Files, Node};
use super::names::blob_digest;

const ROOT: &str = "docker/registry/v2/";
/// A link is a digest and no more.
const LINK_LIMIT: u64 = 256;

/// What a KOTS bundle says of itself.
#[derive(Deserialize)]
struct Airgap {
    spec: Spec,
}

#[derive(Deserialize)]
struct Spec {
    #[serde(default, rename = "savedImages")]
    saved_images: Option<Vec<String>>,
}

/// Finds storages among files.
pub(super) fn gather(files: &Files, into: &mut Gathered) -> io::Result<()> {
    let saved = saved_images(files)?;
    for (name, _) in files.iter() {
        let Some((root, rest)) = name.split_once(ROOT) else { continue };
        if !(root.is_empty() || root.ends_with('/')) {
            continue;
        }
        if let Some((repository, tag)) = tagged(rest) {
            let Some(digest) = link(files, name)? else { continue };
            let own = || Reference::parse(&format!("{repository}:{tag}")).into_iter().collect();
            let (names, unclear) = match saved.is_empty() {
                true => (own(), Vec::new()),
                false => clear_names(&saved, repository, tag, &digest),
            };
            into.image(digest.clone(), names, Some(tag.to_owned()), &files.place);
            for name in &unclear {
                let why = ambiguous(name, &unclear, repository, tag, &digest);
                into.refuse(&digest, name.clone(), why);
            }
        } else if let Some((repository, digest)) = revision(rest) {
            // Those without a tag were asked for by their digests.
            let names = names(&saved, repository, |name| name.digest() == Some(&digest));
            if !names.is_empty() {
                into.image(digest, names, None, &files.place);
            }
        } else if let (Some(digest), Some(Node::File(content))) =
            (blob_digest(rest), files.node(name))
            && let Ok(digest) = Digest::parse(&digest)
        {
            into.blob(digest, content.clone());
        }
    }
    Ok(())
}

/// `repositories/NAME/_manifests/tags/TAG/current/link`.
fn tagged(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_prefix("repositories/")?.strip_suffix("/current/link")?;
    path.split_once("/_manifests/tags/")
}

/// `repositories/NAME/_manifests/revisions/ALGORITHM/HEX/link`.
fn revision(path: &str) -> Option<(&str, Digest)> {
    let path = path.strip_prefix("repositories/")?.strip_suffix("/link")?;
    let (repository, digest) = path.split_once("/_manifests/revisions/")?;
    Some((repository, Digest::parse(&digest.replacen('/', ":", 1)).ok()?))
}

/// The saved images that a repository stands for: the temporary registry that
/// filled the storage may have known them by the last part of their paths.
fn names(
    saved: &[Reference],
    repository: &str,
    is_it: impl Fn(&Reference) -> bool,
) -> Vec<Reference> {
    let fits = |name: &&Reference| {
        let path = name.path();
        let last = path.rsplit('/').next().unwrap_or_default();
        [name.repository().as_str(), path, last].contains(&repository) && is_it(name)
    };
    let mut found: Vec<Reference> = saved.iter().filter(fits).cloned().collect();
    found.sort();
    found.dedup();
    found
}

/// The saved images that a tag certainly stands for, and those that share it:
/// of them it stands for the one that came last, whichever that was.
fn clear_names(
    saved: &[Reference],
    repository: &str,
    tag: &str,
    digest: &Digest,
) -> (Vec<Reference>, Vec<Reference>) {
    let is_it = |name: &Reference| {
        name.tag_or_latest() == Some(tag) && name.digest().is_none_or(|own| own == digest)
    };
    let found = names(saved, repository, is_it);
    match found.len() {
        0 | 1 => (found, Vec::new()),
        _ => found.into_iter().partition(|name| name.digest().is_some()),
    }
}

fn ambiguous(
    name: &Reference,
    all: &[Reference],
    repository: &str,
    tag: &str,
    digest: &Digest,
) -> String {
    let others: Vec<String> =
        all.iter().filter(|other| *other != name).map(|other| format!("`{other}`")).collect();
    let others = match others.is_empty() {
        true => "others".to_owned(),
        false => others.join(", "),
    };
    format!(
        "its bundle has it as `{repository}:{tag}` and can't tell it from {others}; if you know \
         that this is the one: `--name {digest}={name}`"
    )
}

fn link(files: &Files, name: &str) -> io::Result<Option<Digest>> {
    let Some((_, content)) = files.get(name)? else { return Ok(None) };
    let text = content.whole(LINK_LIMIT)?;
    Ok(Digest::parse(String::from_utf8_lossy(&text).trim()).ok())
}

/// The images that `airgap.yaml` lists, if there is one.
fn saved_images(files: &Files) -> io::Result<Vec<Reference>> {
    let mut saved = Vec::new();
    for directory in files.directories_with("airgap.yaml") {
        let Some((_, content)) = files.get(&format!("{directory}airgap.yaml"))? else { continue };
        let text = content.whole(TEXT_LIMIT)?;
        let airgap = from_yaml::<Airgap>(&String::from_utf8_lossy(&text)).ok();
        let images = airgap.and_then(|airgap| airgap.spec.saved_images).unwrap_or_default();
        saved.extend(images.iter().filter_map(|image| Reference::parse(image).ok()));
    }
    Ok(saved)
}
