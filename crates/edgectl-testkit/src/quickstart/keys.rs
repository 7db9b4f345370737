//! Passwords and certificates: made once, kept in the working copy.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use edgectl_model::Secret;
use edgectl_process::write_file;

use super::error::{QuickstartError, file_error};
use crate::ca::TestCa;
use crate::registry::TlsFiles;

/// What the external registry's certificate is good for: its address in the
/// virtual network and the one on this machine.
const NAMES: [&str; 2] = ["10.10.254.254", "127.0.0.1"];
/// Random bytes in a password.
const STRENGTH: usize = 16;

/// The password of `user`, made if there is none yet.
pub(super) fn password(directory: &Path, user: &str) -> Result<Secret, QuickstartError> {
    let path = directory.join("secrets").join(user);
    if let Ok(text) = std::fs::read_to_string(&path)
        && let Some(line) = text.lines().next().filter(|line| !line.is_empty())
    {
        return Ok(Secret::new(line));
    }
    let password = random_text()?;
    write_file(&path, 0o600, format!("{password}\n").as_bytes())?;
    Ok(Secret::new(password))
}

fn random_text() -> Result<String, QuickstartError> {
    let path = Path::new("/dev/urandom");
    let mut bytes = [0; STRENGTH];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(file_error("reading", path))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// An authority's certificate, and a server's that it signed. The authority's
/// key is forgotten: nothing else will ever be signed with it.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) ca: PathBuf,
    pub(super) server: TlsFiles,
}

/// The identity called `name` in `certs/`, made if it isn't whole.
pub(super) fn identity(directory: &Path, name: &str) -> Result<Identity, QuickstartError> {
    let path = |suffix: &str| directory.join("certs").join(format!("{name}{suffix}"));
    let server = TlsFiles { cert: path(".pem"), key: path(".key") };
    let identity = Identity { ca: path("-ca.pem"), server };
    let Identity { ca, server } = &identity;
    // The authority comes last: where it is, the others are, and fit.
    if !(ca.exists() && server.cert.exists() && server.key.exists()) {
        let authority = TestCa::new(&format!("edgectl {name}"))?;
        let issued = authority.issue(&NAMES)?;
        let _ = std::fs::remove_file(ca);
        write_file(&server.key, 0o600, issued.key_pem.as_bytes())?;
        write_file(&server.cert, 0o644, issued.cert_pem.as_bytes())?;
        write_file(ca, 0o644, authority.ca_pem().as_bytes())?;
    }
    Ok(identity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn passwords_and_certificates_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let first = password(dir.path(), "anna").unwrap();
        assert_eq!(password(dir.path(), "anna").unwrap(), first);
        assert_ne!(password(dir.path(), "bert").unwrap(), first);
        let mode = std::fs::metadata(dir.path().join("secrets/anna")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let ca = identity(dir.path(), "registry").unwrap().ca;
        let pem = std::fs::read(&ca).unwrap();
        assert_eq!(identity(dir.path(), "registry").unwrap().ca, ca);
        assert_eq!(std::fs::read(&ca).unwrap(), pem);
        // Half an identity is none.
        std::fs::remove_file(dir.path().join("certs/registry.key")).unwrap();
        identity(dir.path(), "registry").unwrap();
        assert_ne!(std::fs::read(&ca).unwrap(), pem);
    }
}
