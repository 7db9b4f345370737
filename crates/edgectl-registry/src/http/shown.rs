//! A registry's certificate that is its own authority: `openssl req -x509`
//! makes one that says so (`CA:TRUE`), and curl, containerd and OpenSSL take it
//! from a server where it is trusted itself. WebPKI refuses it.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// Judges as the platform's verifier does, and takes a trusted certificate
/// from the server itself.
#[derive(Debug)]
pub(super) struct OrShownItself {
    pub(super) platform: Verifier,
    /// The certificates that the user has named.
    pub(super) trusted: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for OrShownItself {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judged = self.platform.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match judged {
            // Said only of certificates whose time is right: that comes first.
            Err(error) if is_an_authoritys(&error) && self.trusted.contains(end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            judged => judged,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.platform.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.platform.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.platform.supported_verify_schemes()
    }
}

/// Whether what is wrong with a certificate is that it may sign others.
fn is_an_authoritys(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(_)) && error.to_string().contains("CaUsedAsEndEntity")
}
