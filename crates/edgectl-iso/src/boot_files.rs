//! Everything small that goes onto the disc, laid out in a staging directory.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use edgectl_process::file_error;

use crate::area::{
    ARGUMENTS_ROOM, Area, AreaKind, MENU, NETWORK, NETWORK_ROOM, SEAL, SEAL_ROOM, USER_DATA,
};
use crate::bake::BakeRequest;
use crate::error::IsoError;
use crate::grub::{self, Cores};
use crate::label::check_label;
use crate::live::LiveSystem;
use crate::loaders::Loaders;
use crate::static_program::is_static_program;

const AGENT: &str = "edgectl/edge-agent";
/// The second name of the user data, for Kairos.
pub(crate) const CONFIG: &str = "config.yaml";
/// What El Torito starts under BIOS.
pub(crate) const EL_TORITO: &str = "boot/grub/eltorito.img";
const VENDOR_DATA: &str = include_str!("../../../templates/vendor-data");
/// cloud-init runs everything anew when this changes.
const META_DATA: &str = "instance-id: edgectl-installer\n";

/// Refuses what can be told before the long work begins.
pub(crate) fn check(request: &BakeRequest<'_>) -> Result<(), IsoError> {
    check_label(request.label)?;
    let arguments = area(AreaKind::KernelArguments, MENU, ARGUMENTS_ROOM);
    arguments.kernel_arguments(request.kernel_arguments)?;
    if let Some(text) = request.user_data {
        area(AreaKind::UserData, USER_DATA, request.user_data_room).user_data(text)?;
    }
    if let Some(text) = request.network_config {
        area(AreaKind::NetworkConfig, NETWORK, NETWORK_ROOM).network_config(text)?;
    }
    let takes_agent = request.live.is_none_or(LiveSystem::takes_agent);
    let agent = request.agent.filter(|_| takes_agent);
    agent.map_or(Ok(()), |agent| read_agent(agent).map(drop))
}

fn area(kind: AreaKind, path: &str, bytes: u64) -> Area {
    Area::new(kind, path, 0, bytes)
}

/// Lays out the disc's tree below `tree`, beside the system.
pub(crate) fn lay_out(
    request: &BakeRequest<'_>,
    live: LiveSystem,
    loaders: &Loaders,
    tree: &Path,
) -> Result<(), IsoError> {
    lay_out_user_data(request, live, tree)?;
    let seal = area(AreaKind::Seal, SEAL, SEAL_ROOM);
    put(&tree.join(SEAL), &seal.empty().unwrap_or_default())?;
    put(&tree.join("edgectl/images.lock"), request.lock.as_bytes())?;
    if live.takes_agent() {
        lay_out_agent(request, tree)?;
        lay_out_installed_grub(request, loaders, tree)?;
    }
    if let Some(content) = request.content {
        content.lay_out(tree)?;
    }
    let mut arguments = live.arguments(request.label);
    arguments.extend(request.kernel_arguments.iter().cloned());
    put(&tree.join(MENU), grub::menu(&arguments, ARGUMENTS_ROOM)?.as_bytes())?;
    grub::el_torito(&loaders.medium.bios, &tree.join(EL_TORITO))
}

/// `/config.yaml` (Kairos) and `/nocloud/user-data` (cloud-init) are two names
/// of one file, which stays empty until the image is written.
fn lay_out_user_data(
    request: &BakeRequest<'_>,
    live: LiveSystem,
    tree: &Path,
) -> Result<(), IsoError> {
    let place = area(AreaKind::UserData, USER_DATA, request.user_data_room);
    let user_data = tree.join(USER_DATA);
    put(&user_data, &place.empty().unwrap_or_default())?;
    let config = tree.join(CONFIG);
    std::fs::hard_link(&user_data, &config).map_err(file_error("linking", config))?;
    if live.reads_network_config() {
        let place = area(AreaKind::NetworkConfig, NETWORK, NETWORK_ROOM);
        put(&tree.join(NETWORK), &place.empty().unwrap_or_default())?;
    }
    // Only the agent's system has something to be started by it.
    let vendor_data = if live.takes_agent() { VENDOR_DATA } else { "" };
    put(&tree.join("nocloud/meta-data"), META_DATA.as_bytes())?;
    put(&tree.join("nocloud/vendor-data"), vendor_data.as_bytes())
}

fn lay_out_agent(request: &BakeRequest<'_>, tree: &Path) -> Result<(), IsoError> {
    let agent = request.agent.ok_or(IsoError::NoAgent)?;
    put(&tree.join(AGENT), &read_agent(agent)?)?;
    match request.run {
        Some(image) => put(&tree.join("edgectl/run"), format!("{image}\n").as_bytes()),
        None => Ok(()),
    }
}

fn read_agent(path: &Path) -> Result<Vec<u8>, IsoError> {
    let agent = std::fs::read(path).map_err(file_error("reading the agent", path))?;
    match is_static_program(&agent) {
        true => Ok(agent),
        false => Err(IsoError::AgentNotStatic(path.to_owned())),
    }
}

/// GRUB for the disk that the agent installs to.
fn lay_out_installed_grub(
    request: &BakeRequest<'_>,
    loaders: &Loaders,
    tree: &Path,
) -> Result<(), IsoError> {
    let record = grub::boot_record();
    let Cores { bios, efi } = &loaders.installed;
    let for_bios = [("boot.img".to_owned(), &record), ("core.img".to_owned(), bios)];
    let for_efi = efi.iter().map(|(name, from)| (format!("esp/{name}"), from));
    for (name, from) in for_bios.into_iter().chain(for_efi) {
        let bytes = std::fs::read(from).map_err(file_error("reading", from))?;
        put(&tree.join("edgectl/grub").join(name), &bytes)?;
    }
    let epoch = request.epoch.to_string();
    put(&tree.join("edgectl/built"), format!("{epoch}\n").as_bytes())
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
        let kind = entry.file_type().map_err(reading())?;
        if kind.is_symlink() {
            // What it leads to isn't ours; the disc's own mode is set later.
            continue;
        }
        if kind.is_dir() {
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
        // They hold passwords.
        Some(CONFIG | USER_DATA | NETWORK) => 0o600,
        _ => 0o644,
    }
}

fn set_mode(path: &Path, mode: u32) -> Result<(), IsoError> {
    let permissions = std::fs::Permissions::from_mode(mode);
    Ok(std::fs::set_permissions(path, permissions)
        .map_err(file_error("setting the mode of", path))?)
}
