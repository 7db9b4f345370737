//! Builds operating systems: installed by mmdebstrap as a directory such as
//! `iso/reference-os` says, in one layer.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::debootstrap;
use super::error::{QuickstartError, file_error};
use super::files::{self, Text};
use super::layout::{Compression, LayoutWriter, Start, copy_file};
use super::recipe::OS_IMAGE;

/// What nobody reads on a machine without people.
const EXCLUDED: [&str; 4] =
    ["/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/i18n/*"];

/// The description of the provider image in the source tree.
pub(super) fn description() -> PathBuf {
    files::workspace().join("iso/reference-os")
}

/// Builds an operating system from its description.
pub(super) fn build(
    directory: &Path,
    description: &[Text],
    say: &dyn Fn(&str),
) -> Result<(), QuickstartError> {
    say("installing an operating system from Debian packages (one to two minutes)");
    let mut layout = LayoutWriter::new(directory)?;
    let tar = directory.join("system.tar");
    let hooks = readable_copy(description)?;
    install(&hooks.path().join("customize.sh"), &packages(description), &tar)?;
    say(&format!("packing {OS_IMAGE}"));
    let layer = layout.layer(Compression::Zstd, |out| copy_file(&tar, out))?;
    std::fs::remove_file(&tar).map_err(file_error("removing", &tar))?;
    let image = layout.image("amd64", &[layer], Start::default())?;
    layout.name(OS_IMAGE, vec![image])?;
    layout.finish()
}

fn install(customize: &Path, packages: &[&str], tar: &Path) -> Result<(), QuickstartError> {
    let mut cmd = debootstrap::mmdebstrap("amd64", packages)?.arg("--variant=minbase");
    cmd = cmd.args(EXCLUDED.map(|pattern| format!("--dpkgopt=path-exclude={pattern}")));
    cmd = cmd.arg(format!(r#"--customize-hook={} "$1""#, customize.display()));
    debootstrap::run(cmd, tar)
}

fn packages(description: &[Text]) -> Vec<&str> {
    let listed = description.iter().find(|text| text.path == Path::new("packages.txt"));
    let lines = listed.map(|text| text.content.lines()).into_iter().flatten();
    lines.map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// A copy below `/tmp`: an mmdebstrap without root runs its hooks as another
/// user, who can't look into a home directory.
fn readable_copy(description: &[Text]) -> Result<TempDir, QuickstartError> {
    use std::os::unix::fs::PermissionsExt;
    let temporary = std::env::temp_dir();
    let directory = tempfile::Builder::new()
        .prefix("edgectl-os-")
        .permissions(std::fs::Permissions::from_mode(0o755))
        .tempdir_in(&temporary)
        .map_err(file_error("creating a directory in", &temporary))?;
    files::write_all(description, directory.path())?;
    Ok(directory)
}
