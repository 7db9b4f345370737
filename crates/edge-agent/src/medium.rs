//! The medium that the system was started from, and what cloud-init left.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use edgectl_cloudconfig::{NodeSettings, read_settings};
use edgectl_model::ImageLock;
use flate2::read::GzDecoder;

use edgectl_process::{FileError, file_error};

use crate::error::AgentError;

/// Where the initial RAM file system mounts the medium.
pub(crate) const MEDIUM: &str = "/run/edgectl/medium";
/// The user data as cloud-init received it.
const USER_DATA: &str = "/var/lib/cloud/instance/user-data.txt";

/// The first bytes of gzip.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Larger texts aren't user data.
const LIMIT: u64 = 64 << 20;

/// Which system this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The installer.
    Install,
    /// The installed system.
    Installed,
}

impl Mode {
    /// The word used on the kernel's command line.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Installed => "installed",
        }
    }

    /// Reads the kernel's command line.
    pub(crate) fn of(command_line: &str) -> Result<Self, AgentError> {
        let value = command_line.split_whitespace().find_map(|w| w.strip_prefix("edgectl.mode="));
        match value {
            Some("install") => Ok(Self::Install),
            Some("installed") => Ok(Self::Installed),
            _ => Err(AgentError::NoMode),
        }
    }
}

/// The kernel's command line.
pub(crate) fn command_line() -> Result<String, FileError> {
    std::fs::read_to_string("/proc/cmdline").map_err(file_error("reading", "/proc/cmdline"))
}

/// A file on the medium.
pub(crate) fn on_medium(name: &str) -> PathBuf {
    Path::new(MEDIUM).join(name)
}

/// The user data, as cloud-init received it, without the padding.
pub(crate) fn user_data() -> Result<String, AgentError> {
    let failed = file_error("reading", USER_DATA);
    let text = std::fs::read(USER_DATA).and_then(plain_text).map_err(failed)?;
    Ok(format!("{}\n", text.trim_end_matches(['\n', '\r'])))
}

/// User data may be compressed with gzip; cloud-init keeps it as it came.
fn plain_text(bytes: Vec<u8>) -> io::Result<String> {
    let mut text = Vec::new();
    match bytes.starts_with(&GZIP) {
        true => GzDecoder::new(bytes.as_slice()).take(LIMIT).read_to_end(&mut text)?,
        false => bytes.as_slice().take(LIMIT).read_to_end(&mut text)?,
    };
    String::from_utf8(text).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e.utf8_error()))
}

/// What the user data says.
pub(crate) fn settings() -> Result<NodeSettings, AgentError> {
    Ok(read_settings(&user_data()?)?)
}

/// The image lock.
pub(crate) fn lock() -> Result<ImageLock, AgentError> {
    let path = on_medium("edgectl/images.lock");
    let text = std::fs::read_to_string(&path).map_err(file_error("reading", &path))?;
    Ok(ImageLock::parse(&text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_user_data_is_read() {
        use std::io::Write;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"#cloud-config\na: 1\n").unwrap();
        let mut bytes = gzip.finish().unwrap();
        bytes.extend(b"\n\n");
        assert_eq!(plain_text(bytes).unwrap(), "#cloud-config\na: 1\n");
        assert_eq!(plain_text(b"#cloud-config\n".to_vec()).unwrap(), "#cloud-config\n");
        assert!(plain_text(vec![0x1f, 0x8b, 8, 0]).is_err());
        assert!(plain_text(vec![0xff]).is_err());
    }

    #[test]
    fn modes() {
        assert_eq!(Mode::of("quiet edgectl.mode=install x").unwrap(), Mode::Install);
        assert_eq!(Mode::of("edgectl.mode=installed").unwrap(), Mode::Installed);
        assert!(Mode::of("edgectl.mode=other").is_err());
        assert!(Mode::of("").is_err());
    }
}
