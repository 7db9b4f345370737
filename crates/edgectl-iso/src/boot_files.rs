//! Everything small that goes onto the disc, laid out in a staging directory.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use edgectl_process::file_error;

use crate::area::{ARGUMENTS_ROOM, Area, AreaKind, MENU, SEAL, SEAL_ROOM, USER_DATA};
use crate::bake::BakeRequest;
use crate::error::IsoError;
use crate::grub;
use crate::label::check_label;
use crate::static_program::is_static_program;

const AGENT: &str = "edgectl/edge-agent";
/// The second name of the user data, for Kairos.
pub(crate) const CONFIG: &str = "config.yaml";
/// What El Torito starts under BIOS.
pub(crate) const EL_TORITO: &str = "boot/grub/eltorito.img";
const VENDOR_DATA: &str = include_str!("../../../templates/vendor-data");
/// cloud-init runs everything anew when this changes.
const META_DATA: &str = "instance-id: edgectl-installer\n";
/// Where the medium is mounted in the booted system.
const SEED: &str = "ds=nocloud;s=file:///run/edgectl/medium/nocloud/";

/// Refuses what can be told before the long work begins.
pub(crate) fn check(request: &BakeRequest<'_>) -> Result<(), IsoError> {
    check_label(request.label)?;
    let arguments = area(AreaKind::KernelArguments, MENU, ARGUMENTS_ROOM);
    arguments.kernel_arguments(request.kernel_arguments)?;
    if let Some(text) = request.user_data {
        area(AreaKind::UserData, USER_DATA, request.user_data_room).user_data(text)?;
    }
    read_agent(request).map(drop)
}

fn area(kind: AreaKind, path: &str, bytes: u64) -> Area {
    Area { kind, path: path.to_owned(), offset: 0, bytes }
}

/// Lays out the disc's tree below `tree`; big files are grafted in later.
/// Gives the EFI system partition.
pub(crate) fn lay_out(
    request: &BakeRequest<'_>,
    scratch: &Path,
    tree: &Path,
) -> Result<PathBuf, IsoError> {
    lay_out_user_data(request, tree)?;
    lay_out_agent(request, tree)?;
    lay_out_installed_grub(request, scratch, tree)?;
    lay_out_grub(request, scratch, tree)
}

/// `/config.yaml` (Kairos) and `/nocloud/user-data` (cloud-init) are two names
/// of one file, which stays empty until the image is written.
fn lay_out_user_data(request: &BakeRequest<'_>, tree: &Path) -> Result<(), IsoError> {
    let area = area(AreaKind::UserData, USER_DATA, request.user_data_room);
    let user_data = tree.join(USER_DATA);
    put(&user_data, &area.empty().unwrap_or_default())?;
    let config = tree.join(CONFIG);
    std::fs::hard_link(&user_data, &config).map_err(file_error("linking", config))?;
    put(&tree.join("nocloud/meta-data"), META_DATA.as_bytes())?;
    put(&tree.join("nocloud/vendor-data"), VENDOR_DATA.as_bytes())
}

fn lay_out_agent(request: &BakeRequest<'_>, tree: &Path) -> Result<(), IsoError> {
    put(&tree.join(AGENT), &read_agent(request)?)?;
    put(&tree.join("edgectl/images.lock"), request.lock.as_bytes())?;
    let seal = area(AreaKind::Seal, SEAL, SEAL_ROOM);
    put(&tree.join(SEAL), &seal.empty().unwrap_or_default())?;
    match request.run {
        Some(image) => put(&tree.join("edgectl/run"), format!("{image}\n").as_bytes()),
        None => Ok(()),
    }
}

fn read_agent(request: &BakeRequest<'_>) -> Result<Vec<u8>, IsoError> {
    let agent =
        std::fs::read(request.agent).map_err(file_error("reading the agent", request.agent))?;
    match is_static_program(&agent) {
        true => Ok(agent),
        false => Err(IsoError::AgentNotStatic(request.agent.to_owned())),
    }
}

/// GRUB for the disk that the agent installs to.
fn lay_out_installed_grub(
    request: &BakeRequest<'_>,
    scratch: &Path,
    tree: &Path,
) -> Result<(), IsoError> {
    let directory = scratch.join("grub-installed");
    std::fs::create_dir_all(&directory).map_err(file_error("creating", &directory))?;
    let cores = grub::cores(grub::INSTALLED_LABEL, &directory)?;
    let record = grub::boot_record();
    for (name, from) in
        [("boot.img", &record), ("core.img", &cores.bios), ("BOOTX64.EFI", &cores.efi)]
    {
        let bytes = std::fs::read(from).map_err(file_error("reading", from))?;
        put(&tree.join("edgectl/grub").join(name), &bytes)?;
    }
    let epoch = request.epoch.to_string();
    put(&tree.join("edgectl/built"), format!("{epoch}\n").as_bytes())
}

fn lay_out_grub(
    request: &BakeRequest<'_>,
    scratch: &Path,
    tree: &Path,
) -> Result<PathBuf, IsoError> {
    let directory = scratch.join("grub-installer");
    std::fs::create_dir_all(&directory).map_err(file_error("creating", &directory))?;
    let cores = grub::cores(request.label, &directory)?;
    put(&tree.join(MENU), grub::menu(&arguments(request), ARGUMENTS_ROOM)?.as_bytes())?;
    let el_torito = tree.join(EL_TORITO);
    grub::el_torito(&cores.bios, &el_torito)?;
    let esp = scratch.join("esp.img");
    grub::esp(&cores.efi, request.epoch, scratch, &esp)?;
    Ok(esp)
}

/// The installer's kernel arguments. The last console is the one that
/// programs write to.
fn arguments(request: &BakeRequest<'_>) -> Vec<String> {
    let mut arguments = vec![
        "boot=edge".to_owned(),
        format!("edgectl.medium={}", request.label),
        "edgectl.mode=install".to_owned(),
        SEED.to_owned(),
        "console=tty0".to_owned(),
        "console=ttyS0,115200n8".to_owned(),
    ];
    arguments.extend(request.kernel_arguments.iter().cloned());
    arguments
}

fn put(path: &Path, content: &[u8]) -> Result<(), IsoError> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(file_error("creating", parent))?;
    }
    Ok(std::fs::write(path, content).map_err(file_error("writing", path))?)
}

/// Gives everything on the disc its mode: what the builder's umask made of it
/// must not show.
pub(crate) fn set_modes(tree: &Path) -> Result<(), IsoError> {
    set_mode(tree, 0o755)?;
    set_modes_below(tree, tree)
}

fn set_modes_below(tree: &Path, directory: &Path) -> Result<(), IsoError> {
    let reading = || file_error("reading", directory);
    for entry in std::fs::read_dir(directory).map_err(reading())? {
        let entry = entry.map_err(reading())?;
        let path = entry.path();
        if entry.file_type().map_err(reading())?.is_dir() {
            set_mode(&path, 0o755)?;
            set_modes_below(tree, &path)?;
        } else {
            set_mode(&path, file_mode(path.strip_prefix(tree).unwrap_or(&path)))?;
        }
    }
    Ok(())
}

fn file_mode(name: &Path) -> u32 {
    match name.to_str() {
        Some(AGENT) => 0o755,
        // It holds a password.
        Some(CONFIG | USER_DATA) => 0o600,
        _ => 0o644,
    }
}

fn set_mode(path: &Path, mode: u32) -> Result<(), IsoError> {
    let permissions = std::fs::Permissions::from_mode(mode);
    Ok(std::fs::set_permissions(path, permissions)
        .map_err(file_error("setting the mode of", path))?)
}
