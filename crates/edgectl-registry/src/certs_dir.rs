//! `certs.d`: a directory of certificates for one registry.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use edgectl_model::Secret;
use thiserror::Error;

use crate::access::ClientCertificate;

/// A certificate file larger than this isn't one.
const LIMIT: u64 = 1 << 20;

/// Why a directory of certificates can't be used.
#[derive(Debug, Error)]
pub enum CertsDirError {
    /// A certificate of ours without its key, or the other way round.
    #[error("`{}` has no `{}` beside it", .file.display(), .missing.display())]
    Half {
        /// The file that is there.
        file: PathBuf,
        /// The name of the one that isn't.
        missing: PathBuf,
    },
    /// A file or the directory can't be read.
    #[error("reading `{}`", .path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl CertsDirError {
    /// Whether it is only that we may not look.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.kind() == io::ErrorKind::PermissionDenied)
    }
}

/// What a directory for one registry holds: authorities in `*.crt`, and our own
/// certificate in `*.cert` with its key in the `*.key` of the same name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CertsDir {
    /// All authorities, PEM.
    pub ca_pem: Option<String>,
    /// The first certificate of ours, by name.
    pub client_certificate: Option<ClientCertificate>,
}

impl CertsDir {
    /// Reads a directory; none if there is no such directory.
    pub fn read(directory: &Path) -> Result<Option<Self>, CertsDirError> {
        let failed = |source| CertsDirError::Read { path: directory.to_owned(), source };
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let paths: Result<Vec<PathBuf>, io::Error> =
            entries.map(|entry| Ok(entry?.path())).collect();
        let mut paths = paths.map_err(failed)?;
        paths.sort();
        let mut found = Self::default();
        for path in &paths {
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("crt") => {
                    let ca = found.ca_pem.get_or_insert_default();
                    ca.push_str(&read(path)?);
                    ca.push('\n');
                }
                Some("cert") if found.client_certificate.is_none() => {
                    found.client_certificate = Some(pair(path)?);
                }
                Some("key") => ensure_there(path, &path.with_extension("cert"))?,
                _ => {}
            }
        }
        Ok(Some(found))
    }
}

fn pair(cert: &Path) -> Result<ClientCertificate, CertsDirError> {
    let key = cert.with_extension("key");
    ensure_there(cert, &key)?;
    Ok(ClientCertificate { cert_pem: read(cert)?, key_pem: Secret::new(read(&key)?) })
}

fn ensure_there(file: &Path, other: &Path) -> Result<(), CertsDirError> {
    match other.exists() {
        true => Ok(()),
        false => Err(CertsDirError::Half {
            file: file.to_owned(),
            missing: other.file_name().map(PathBuf::from).unwrap_or_default(),
        }),
    }
}

fn read(path: &Path) -> Result<String, CertsDirError> {
    let failed = |source| CertsDirError::Read { path: path.to_owned(), source };
    if fs::metadata(path).map_err(failed)?.len() > LIMIT {
        return Err(failed(io::Error::other("it is larger than 1 MiB")));
    }
    fs::read_to_string(path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_authorities_and_the_first_pair() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        assert_eq!(CertsDir::read(&at("none")).unwrap(), None);
        assert_eq!(CertsDir::read(dir.path()).unwrap(), Some(CertsDir::default()));
        let files = ["b.crt", "a.crt", "x.cert", "x.key", "client.cert", "client.key", "README"];
        files.iter().for_each(|name| fs::write(at(name), name).unwrap());
        let found = CertsDir::read(dir.path()).unwrap().unwrap();
        assert_eq!(found.ca_pem.as_deref(), Some("a.crt\nb.crt\n"));
        let key_pem = Secret::new("client.key");
        let expected = ClientCertificate { cert_pem: "client.cert".to_owned(), key_pem };
        assert_eq!(found.client_certificate, Some(expected));
    }

    #[test]
    fn half_a_pair_is_an_error() {
        for (there, missing) in [("client.cert", "client.key"), ("client.key", "client.cert")] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(there), "x").unwrap();
            let text = CertsDir::read(dir.path()).unwrap_err().to_string();
            assert!(text.ends_with(&format!("{there}` has no `{missing}` beside it")), "{text}");
        }
    }
}
