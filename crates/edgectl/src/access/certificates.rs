//! Authorities and certificates of ours: named ones, and those of `certs.d`.

use std::path::{Path, PathBuf};

use edgectl_model::Secret;
use edgectl_registry::{CertsDir, CertsDirError, ClientCertificate};

use super::Reach;
use crate::exit;
use crate::failure::Failure;
use crate::files::read_text;
use crate::project::Place;

/// Where certificates of the whole machine are kept.
const SYSTEM: [&str; 2] = ["/etc/containers/certs.d", "/etc/docker/certs.d"];

impl Place {
    /// What is named, and from a directory what isn't.
    pub(super) fn certificates(&self, reach: &Reach<'_>) -> Result<CertsDir, Failure> {
        let named = CertsDir {
            ca_pem: reach.ca.map(|file| self.authority(file)).transpose()?,
            client_certificate: self.own_certificate(reach)?,
        };
        let from_directory = match reach.certs_dir {
            Some(directory) => named_directory(&self.path(directory), reach.host)?,
            None => usual_directory(reach.host)?,
        };
        Ok(CertsDir {
            ca_pem: named.ca_pem.or(from_directory.ca_pem),
            client_certificate: named.client_certificate.or(from_directory.client_certificate),
        })
    }

    /// A certificate authority's PEM file.
    pub(crate) fn authority(&self, file: &str) -> Result<String, Failure> {
        read_text(&self.path(file), "the certificate authority")
    }

    fn own_certificate(&self, reach: &Reach<'_>) -> Result<Option<ClientCertificate>, Failure> {
        let Some((cert, key)) = reach.cert.zip(reach.key) else { return Ok(None) };
        let cert_pem = read_text(&self.path(cert), "the client certificate")?;
        let key_pem = Secret::new(read_text(&self.path(key), "the client certificate's key")?);
        Ok(Some(ClientCertificate { cert_pem, key_pem }))
    }
}

/// `DIRECTORY/HOST[:PORT]`, or the directory itself.
fn named_directory(directory: &Path, host: &str) -> Result<CertsDir, Failure> {
    for directory in [&directory.join(host), directory] {
        if let Some(found) = CertsDir::read(directory).map_err(|e| failure(&e))? {
            return Ok(found);
        }
    }
    let text = format!("`{}` is not a directory of certificates", directory.display());
    Err(Failure::new(exit::USAGE, text))
}

/// The first of the usual directories that has something for the registry.
/// What is closed to us was not meant for us.
fn usual_directory(host: &str) -> Result<CertsDir, Failure> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let own = home.map(|home| home.join(".config/containers/certs.d"));
    for directory in own.into_iter().chain(SYSTEM.map(PathBuf::from)) {
        match CertsDir::read(&directory.join(host)) {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => {}
            Err(error) if error.is_forbidden() => {}
            Err(error) => return Err(failure(&error)),
        }
    }
    Ok(CertsDir::default())
}

fn failure(error: &CertsDirError) -> Failure {
    Failure::of(exit::FAILED, error)
}
