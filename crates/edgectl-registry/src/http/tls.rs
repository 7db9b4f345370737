//! What TLS needs from us: authorities to trust, and our own certificate.

use reqwest::{Certificate, ClientBuilder, Identity};

use super::connect::configuration;
use crate::access::{Access, ClientCertificate};
use crate::error::RegistryError;

/// Adds the authorities, and trusts everybody where that was asked for.
pub(super) fn with_authorities(
    mut builder: ClientBuilder,
    host: &str,
    access: &Access,
) -> Result<ClientBuilder, RegistryError> {
    if let Some(pem) = &access.ca_pem {
        let certificates = Certificate::from_pem_bundle(pem.as_bytes())
            .map_err(|_| configuration(host, "its CA file holds no valid PEM certificate"))?;
        if certificates.is_empty() {
            return Err(configuration(host, "its CA file holds no PEM certificate"));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    if access.insecure {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    Ok(builder)
}

/// Adds our own certificate. Never for another host than the registry.
pub(super) fn with_client_certificate(
    builder: ClientBuilder,
    host: &str,
    access: &Access,
) -> Result<ClientBuilder, RegistryError> {
    match &access.client_certificate {
        Some(certificate) => Ok(builder.identity(identity(host, certificate)?)),
        None => Ok(builder),
    }
}

fn identity(host: &str, certificate: &ClientCertificate) -> Result<Identity, RegistryError> {
    let ClientCertificate { cert_pem, key_pem } = certificate;
    let key = key_pem.expose();
    if key.contains("BEGIN ENCRYPTED PRIVATE KEY") || key.contains("Proc-Type: 4,ENCRYPTED") {
        let way = "write it in clear to a file of mode 0600: `umask 077; openssl pkey -in KEY -out PLAIN`";
        return Err(configuration(host, format!("its client key is encrypted; {way}")));
    }
    if !cert_pem.contains("-----BEGIN CERTIFICATE-----") {
        return Err(configuration(host, "its client certificate file holds no PEM certificate"));
    }
    if !key.contains("PRIVATE KEY-----") {
        return Err(configuration(host, "its client key file holds no PEM private key"));
    }
    Identity::from_pem(format!("{cert_pem}\n{key}\n").as_bytes())
        .map_err(|_| configuration(host, "its client certificate and key are not valid PEM"))
}
