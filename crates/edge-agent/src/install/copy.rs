//! Copying the system from the medium, verified on the way.

use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use edgectl_model::Hasher;

use edgectl_process::file_error;

use crate::error::AgentError;
use crate::medium::on_medium;

const BUFFER: usize = 1 << 20;
const MIB: u64 = 1 << 20;
/// The system image, kernel and initial RAM file system.
const SYSTEM: [&str; 3] = ["live/filesystem.squashfs", "boot/kernel", "boot/initrd"];
/// What the agent needs on the installed disk.
const OWN: [&str; 2] = ["edgectl/images.lock", "edgectl/run"];
/// `sha256sum` lines for [`SYSTEM`].
const CHECKSUMS: &str = "edgectl/SHA256SUMS";

/// How much room things take.
#[derive(Debug)]
pub(crate) struct Sizes {
    system: u64,
}

impl Sizes {
    /// Measures the medium.
    pub(crate) fn of_medium() -> Result<Self, AgentError> {
        let mut system = 0;
        for name in SYSTEM {
            let path = on_medium(name);
            system += fs::metadata(&path).map_err(file_error("measuring", &path))?.len();
        }
        Ok(Self { system })
    }

    /// Size of the state partition: two systems, so that a second one can be
    /// put beside the first, and some room.
    pub(crate) fn state_mib(&self) -> u64 {
        (self.system * 2 / MIB + 256).max(2048)
    }

    /// The smallest disk that can be installed to, in bytes.
    pub(crate) fn needed(&self) -> u64 {
        (self.state_mib() + 1024) * MIB
    }
}

/// Copies the system and the agent below `target`.
pub(crate) fn system(target: &Path) -> Result<(), AgentError> {
    let path = on_medium(CHECKSUMS);
    let sums = fs::read_to_string(&path).map_err(file_error("reading", &path))?;
    for name in SYSTEM {
        let sum = copy(name, &target.join(name), 0o644)?;
        if !sums.lines().any(|line| line == format!("{sum}  {name}")) {
            return Err(AgentError::Damaged { name: name.to_owned() });
        }
    }
    file("edgectl/edge-agent", &target.join("edgectl/edge-agent"), 0o755)?;
    for name in OWN.into_iter().filter(|name| on_medium(name).exists()) {
        file(name, &target.join(name), 0o644)?;
    }
    Ok(())
}

/// Copies one file from the medium.
pub(crate) fn file(name: &str, to: &Path, mode: u32) -> Result<(), AgentError> {
    copy(name, to, mode).map(drop)
}

/// Copies all files below a directory of the medium.
pub(crate) fn tree(name: &str, to: &Path) -> Result<(), AgentError> {
    let from = on_medium(name);
    for entry in fs::read_dir(&from).map_err(file_error("reading", &from))? {
        let entry = entry.map_err(file_error("reading", &from))?;
        let below = format!("{name}/{}", entry.file_name().to_string_lossy());
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => tree(&below, &to)?,
            false => file(&below, &to, 0o644)?,
        }
    }
    Ok(())
}

/// Copies and gives the hexadecimal sha256 of what was copied.
fn copy(name: &str, to: &Path, mode: u32) -> Result<String, AgentError> {
    let from = on_medium(name);
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).map_err(file_error("creating", parent))?;
    }
    let mut source = File::open(&from).map_err(file_error("opening", &from))?;
    let mut target = File::create(to).map_err(file_error("creating", to))?;
    let mut hasher = Hasher::sha256();
    let mut buffer = vec![0; BUFFER];
    loop {
        let n = source.read(&mut buffer).map_err(file_error("reading", &from))?;
        if n == 0 {
            break;
        }
        hasher.update(&buffer[..n]);
        target.write_all(&buffer[..n]).map_err(file_error("writing", to))?;
    }
    target.set_permissions(Permissions::from_mode(mode)).map_err(file_error("opening", to))?;
    target.sync_all().map_err(file_error("writing", to))?;
    Ok(hasher.finish().hex().to_owned())
}
