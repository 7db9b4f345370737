//! Everything small that goes onto the disc, laid out in a staging directory.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::bake::BakeRequest;
use crate::error::{IsoError, file_error};
use crate::grub;
use crate::user_data_area::padded_user_data;

const VENDOR_DATA: &str = include_str!("../../../templates/vendor-data");
/// cloud-init runs everything anew when this changes.
const META_DATA: &str = "instance-id: edgectl-installer\n";
/// Where the medium is mounted in the booted system.
const SEED: &str = "ds=nocloud;s=file:///run/edgectl/medium/nocloud/";

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
/// of one file.
fn lay_out_user_data(request: &BakeRequest<'_>, tree: &Path) -> Result<(), IsoError> {
    let padded = padded_user_data(request.user_data, request.user_data_room)?;
    let user_data = tree.join("nocloud/user-data");
    put(&user_data, &padded, 0o600)?;
    let config = tree.join("config.yaml");
    std::fs::hard_link(&user_data, &config).map_err(file_error("linking", config))?;
    put(&tree.join("nocloud/meta-data"), META_DATA.as_bytes(), 0o644)?;
    put(&tree.join("nocloud/vendor-data"), VENDOR_DATA.as_bytes(), 0o644)
}

fn lay_out_agent(request: &BakeRequest<'_>, tree: &Path) -> Result<(), IsoError> {
    let agent =
        std::fs::read(request.agent).map_err(file_error("reading the agent", request.agent))?;
    if !is_static_program(&agent) {
        return Err(IsoError::AgentNotStatic(request.agent.to_owned()));
    }
    put(&tree.join("edgectl/edge-agent"), &agent, 0o755)?;
    put(&tree.join("edgectl/images.lock"), request.lock.as_bytes(), 0o644)?;
    match request.run {
        Some(image) => put(&tree.join("edgectl/run"), format!("{image}\n").as_bytes(), 0o644),
        None => Ok(()),
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
        put(&tree.join("edgectl/grub").join(name), &bytes, 0o644)?;
    }
    let epoch = request.epoch.to_string();
    put(&tree.join("edgectl/built"), format!("{epoch}\n").as_bytes(), 0o644)
}

fn lay_out_grub(
    request: &BakeRequest<'_>,
    scratch: &Path,
    tree: &Path,
) -> Result<PathBuf, IsoError> {
    let directory = scratch.join("grub-installer");
    std::fs::create_dir_all(&directory).map_err(file_error("creating", &directory))?;
    let cores = grub::cores(request.label, &directory)?;
    put(&tree.join("boot/grub/grub.cfg"), grub::menu(&arguments(request))?.as_bytes(), 0o644)?;
    let el_torito = tree.join("boot/grub/eltorito.img");
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

fn put(path: &Path, content: &[u8], mode: u32) -> Result<(), IsoError> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(file_error("creating", parent))?;
        let everyone = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(parent, everyone).map_err(file_error("opening", parent))?;
    }
    std::fs::write(path, content).map_err(file_error("writing", path))?;
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, permissions).map_err(file_error("opening", path))
}

/// Whether this is a 64-bit ELF program that asks for no interpreter
/// (PT_INTERP, type 3), so that it runs whatever libraries a system has.
fn is_static_program(bytes: &[u8]) -> bool {
    let u16_at = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let u64_at = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let header_types = || {
        let start = usize::try_from(u64_at(32)?).ok()?;
        let size = usize::from(u16_at(54)?);
        let count = usize::from(u16_at(56)?);
        let type_at = |i: usize| {
            let at = start.checked_add(i.checked_mul(size)?)?;
            Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
        };
        (0..count).map(type_at).collect::<Option<Vec<u32>>>()
    };
    bytes.starts_with(b"\x7fELF\x02") && header_types().is_some_and(|types| !types.contains(&3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_static_programs() {
        assert!(!is_static_program(b"#!/bin/sh\n"));
        assert!(!is_static_program(b"\x7fELF\x02"));
        // The test program itself is linked dynamically.
        let own = std::env::current_exe().unwrap();
        assert!(!is_static_program(&std::fs::read(own).unwrap()));
    }
}
