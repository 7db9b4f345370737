//! A certificate authority for tests.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

use crate::error::TestkitError;

/// A certificate authority that lives as long as the value.
#[derive(Debug)]
pub struct TestCa {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key, both PEM.
#[derive(Clone)]
pub struct Issued {
    /// The certificate.
    pub cert_pem: String,
    /// Its private key.
    pub key_pem: String,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued").field("cert_pem", &self.cert_pem).finish_non_exhaustive()
    }
}

impl Issued {
    /// A server certificate that is its own authority, as `openssl req -x509`
    /// makes them; good to the end of the year.
    pub fn by_itself(names: &[&str], last_year: i32) -> Result<Self, TestkitError> {
        let failed = |e| TestkitError::Certificate(names.join(", "), e);
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).map_err(failed)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = rcgen::date_time_ymd(last_year, 12, 31);
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?;
        Ok(Self { cert_pem: certificate.pem(), key_pem: key.serialize_pem() })
    }
}

impl TestCa {
    /// A new authority; two of the same name have different keys.
    pub fn new(name: &str) -> Result<Self, TestkitError> {
        let failed = |e| TestkitError::Certificate(name.to_owned(), e);
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(failed)?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(failed)?;
        Ok(Self { issuer })
    }

    /// The authority's own certificate.
    pub fn ca_pem(&self) -> String {
        self.issuer.pem()
    }

    /// A server certificate for DNS names and IP addresses.
    pub fn issue(&self, names: &[&str]) -> Result<Issued, TestkitError> {
        self.issue_for(names, ExtendedKeyUsagePurpose::ServerAuth, None)
    }

    /// The same, good to the end of a year.
    pub fn issue_until(&self, names: &[&str], last_year: i32) -> Result<Issued, TestkitError> {
        self.issue_for(names, ExtendedKeyUsagePurpose::ServerAuth, Some(last_year))
    }

    /// A certificate that a client shows to servers.
    pub fn issue_client(&self, name: &str) -> Result<Issued, TestkitError> {
        self.issue_for(&[name], ExtendedKeyUsagePurpose::ClientAuth, None)
    }

    fn issue_for(
        &self,
        names: &[&str],
        purpose: ExtendedKeyUsagePurpose,
        last_year: Option<i32>,
    ) -> Result<Issued, TestkitError> {
        let failed = |e| TestkitError::Certificate(names.join(", "), e);
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        // Texts that are IP addresses become IP alternative names.
        let mut params = CertificateParams::new(names.clone()).map_err(failed)?;
        if let Some(first) = names.first() {
            params.distinguished_name.push(DnType::CommonName, first.as_str());
        }
        params.extended_key_usages = vec![purpose];
        if let Some(year) = last_year {
            params.not_after = rcgen::date_time_ymd(year, 12, 31);
        }
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok(Issued { cert_pem: certificate.pem(), key_pem: key.serialize_pem() })
    }
}
