//! What TLS needs from us: authorities to trust, and our own certificate.

use std::sync::Arc;

use reqwest::{ClientBuilder, Identity};
use rustls::ClientConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls_platform_verifier::Verifier;

use super::connect::configuration;
use super::shown::OrShownItself;
use crate::access::{Access, ClientCertificate};
use crate::error::RegistryError;

/// Adds the authorities, and trusts everybody where that was asked for. Our
/// own certificate is shown to the registry alone.
pub(super) fn with_tls(
    builder: ClientBuilder,
    host: &str,
    access: &Access,
    own: Option<&ClientCertificate>,
) -> Result<ClientBuilder, RegistryError> {
    let own = own.map(|own| checked(host, own)).transpose()?;
    if access.insecure {
        let builder = builder.tls_danger_accept_invalid_certs(true);
        return Ok(match own {
            Some(own) => builder.identity(identity(host, own)?),
            None => builder,
        });
    }
    let trusted = match &access.ca_pem {
        Some(pem) => authorities(host, pem)?,
        None => Vec::new(),
    };
    Ok(builder.tls_backend_preconfigured(configured(host, trusted, own)?))
}

fn configured(
    host: &str,
    trusted: Vec<CertificateDer<'static>>,
    own: Option<&ClientCertificate>,
) -> Result<ClientConfig, RegistryError> {
    let wrong = |error: rustls::Error| configuration(host, error);
    let provider = CryptoProvider::get_default().cloned();
    let provider = provider.unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
    let platform = Verifier::new_with_extra_roots(trusted.clone(), Arc::clone(&provider));
    let platform = platform.map_err(|error| match trusted.is_empty() {
        true => wrong(error),
        false => no_certificate(host),
    })?;
    let verifier = Arc::new(OrShownItself { platform, trusted });
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().map_err(wrong)?;
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let Some(ClientCertificate { cert_pem, key_pem }) = own else {
        return Ok(builder.with_no_client_auth());
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(cert_pem.as_bytes()).collect();
    let key = PrivateKeyDer::from_pem_slice(key_pem.expose().as_bytes());
    let (Ok(chain), Ok(key)) = (chain, key) else { return Err(no_pair(host)) };
    builder.with_client_auth_cert(chain, key).map_err(|_| no_pair(host))
}

fn authorities(host: &str, pem: &str) -> Result<Vec<CertificateDer<'static>>, RegistryError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => {
            Err(configuration(host, "its CA file holds no PEM certificate"))
        }
        Ok(certificates) => Ok(certificates),
        Err(_) => Err(no_certificate(host)),
    }
}

fn no_certificate(host: &str) -> RegistryError {
    configuration(host, "its CA file holds no valid PEM certificate")
}

fn no_pair(host: &str) -> RegistryError {
    configuration(host, "its client certificate and key are not valid PEM, or not of one pair")
}

/// Says what is wrong with a certificate and key, as far as their texts tell.
fn checked<'a>(
    host: &str,
    certificate: &'a ClientCertificate,
) -> Result<&'a ClientCertificate, RegistryError> {
    let key = certificate.key_pem.expose();
    if key.contains("BEGIN ENCRYPTED PRIVATE KEY") || key.contains("Proc-Type: 4,ENCRYPTED") {
        let way = "write it in clear to a file of mode 0600: `umask 077; openssl pkey -in KEY -out PLAIN`";
        return Err(configuration(host, format!("its client key is encrypted; {way}")));
    }
    if !certificate.cert_pem.contains("-----BEGIN CERTIFICATE-----") {
        return Err(configuration(host, "its client certificate file holds no PEM certificate"));
    }
    match key.contains("PRIVATE KEY-----") {
        true => Ok(certificate),
        false => Err(configuration(host, "its client key file holds no PEM private key")),
    }
}

fn identity(host: &str, certificate: &ClientCertificate) -> Result<Identity, RegistryError> {
    let ClientCertificate { cert_pem, key_pem } = certificate;
    let pem = format!("{cert_pem}\n{}\n", key_pem.expose());
    Identity::from_pem(pem.as_bytes()).map_err(|_| no_pair(host))
}
