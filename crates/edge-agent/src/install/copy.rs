//! Copying the system from the medium, verified on the way.

use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use edgectl_model::Hasher;

use edgectl_process::file_error;

use crate::error::AgentError;
use crate::medium::on_medium;
use crate::preload::CONTENT;

const BUFFER: usize = 1 << 20;
const MIB: u64 = 1 << 20;
/// The system image, kernel and initial RAM file system.
const SYSTEM: [&str; 3] = ["live/filesystem.squashfs", "boot/kernel", "boot/initrd"];
/// What the agent needs on the installed disk.
const OWN: [&str; 2] = ["edgectl/images.lock", "edgectl/run"];
/// `sha256sum` lines for [`SYSTEM`], and for what the images on the medium are.
const CHECKSUMS: &str = "edgectl/SHA256SUMS";
/// Images are on the disk as they came, in the store, and unpacked.
const PRELOADED: u64 = 4;

/// How much room things take.
#[derive(Debug)]
pub(crate) struct Sizes {
    system: u64,
    content: u64,
}

impl Sizes {
    /// Measures the medium.
    pub(crate) fn of_medium() -> Result<Self, AgentError> {
        let mut system = 0;
        for name in SYSTEM {
            let path = on_medium(name);
            system += fs::metadata(&path).map_err(file_error("measuring", &path))?.len();
        }
        let content = content_files()?;
        let sizes = content.iter().map(|name| {
            let path = on_medium(name);
            fs::metadata(&path).map(|data| data.len()).map_err(file_error("measuring", path))
        });
        Ok(Self { system, content: sizes.sum::<Result<u64, _>>()? })
    }

    /// Size of the state partition: two systems, so that a second one can be
    /// put beside the first, and some room.
    pub(crate) fn state_mib(&self) -> u64 {
        (self.system * 2 / MIB + 256).max(2048)
    }

    /// The smallest disk that can be installed to, in bytes.
    pub(crate) fn needed(&self) -> u64 {
        (self.state_mib() + 1024) * MIB + self.content * PRELOADED
    }
}

/// Copies the system and the agent below `target`.
pub(crate) fn system(target: &Path) -> Result<(), AgentError> {
    let sums = checksums()?;
    for name in SYSTEM {
        summed(name, &target.join(name), &sums)?;
    }
    file("edgectl/edge-agent", &target.join("edgectl/edge-agent"), 0o755)?;
    for name in OWN.into_iter().filter(|name| on_medium(name).exists()) {
        file(name, &target.join(name), 0o644)?;
    }
    Ok(())
}

/// Copies the images on the medium below `target`, where there are some.
pub(crate) fn content(target: &Path) -> Result<(), AgentError> {
    let sums = checksums()?;
    for name in content_files()? {
        // Blobs are named by their digests.
        match name.rsplit_once("/blobs/sha256/") {
            Some((_, digest)) => {
                if copy(&name, &target.join(&name), 0o644)? != digest {
                    return Err(AgentError::Damaged { name });
                }
            }
            None if name.ends_with("/index.json") => summed(&name, &target.join(&name), &sums)?,
            None => file(&name, &target.join(&name), 0o644)?,
        }
    }
    Ok(())
}

/// The files of the images on the medium.
fn content_files() -> Result<Vec<String>, AgentError> {
    let (mut files, mut waiting) = (Vec::new(), vec![CONTENT.to_owned()]);
    while let Some(name) = waiting.pop() {
        let path = on_medium(&name);
        if !path.is_dir() {
            files.extend(path.exists().then_some(name));
            continue;
        }
        for entry in fs::read_dir(&path).map_err(file_error("reading", &path))? {
            let entry = entry.map_err(file_error("reading", &path))?;
            waiting.push(format!("{name}/{}", entry.file_name().to_string_lossy()));
        }
    }
    Ok(files)
}

fn checksums() -> Result<String, AgentError> {
    let path = on_medium(CHECKSUMS);
    Ok(fs::read_to_string(&path).map_err(file_error("reading", &path))?)
}

/// Copies a file whose sum the medium has.
fn summed(name: &str, to: &Path, sums: &str) -> Result<(), AgentError> {
    let sum = copy(name, to, 0o644)?;
    match sums.lines().any(|line| line == format!("{sum}  {name}")) {
        true => Ok(()),
        false => Err(AgentError::Damaged { name: name.to_owned() }),
    }
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
