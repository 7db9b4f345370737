//! What the names of files say about them.

use std::path::Path;

use edgectl_profile::Expect;

/// Names that make a kustomization of a directory.
pub(super) const KUSTOMIZATIONS: [&str; 3] =
    ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// What a file in a directory may be; none if it is of no interest.
pub(super) fn expected(path: &Path) -> Option<Expect> {
    let name = path.file_name()?.to_str()?;
    if is_archive(name) {
        return Some(Expect::Anything);
    }
    match extension(name) {
        Some("yaml" | "yml" | "json" | "lock") => Some(Expect::Anything),
        None | Some("txt" | "list" | "lst" | "images") => Some(Expect::ListOrNothing),
        Some(_) => None,
    }
}

/// Whether a name is that of an archive.
pub(super) fn is_archive(name: &str) -> bool {
    let ends =
        [".tgz", ".tar.gz", ".tar.zst", ".tar.xz", ".txz", ".tzst", ".tar", ".zip", ".airgap"];
    ends.iter().any(|end| name.ends_with(end))
}

/// Whether a name says that the file is YAML.
pub(super) fn is_yaml(name: &str) -> bool {
    matches!(extension(name), Some("yaml" | "yml"))
}

/// Whether naming a file means its directory.
pub(super) fn is_root_file(name: &str) -> bool {
    name == "pack.json" || name == "Chart.yaml" || KUSTOMIZATIONS.contains(&name)
}

/// Whether a walk leaves something out, as other tools do.
pub(super) fn is_hidden(name: &str) -> bool {
    // Carvel's bundles keep their lock there.
    name.starts_with('.') && name != ".imgpkg"
}

fn extension(name: &str) -> Option<&str> {
    name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map(|(_, extension)| extension)
}
