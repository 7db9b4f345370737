//! Google's registries: a service account signs for an access token.

use std::time::{Duration, SystemTime};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use edgectl_model::Secret;
use reqwest::Url;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::json;
use thiserror::Error;

use super::Passing;
use crate::access::Credentials;
use crate::error::RegistryError;
use crate::http::Client;

/// The user name that stands for an access token.
const TOKEN_USER: &str = "oauth2accesstoken";
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The longest that a signature may be good for, in seconds.
const SIGNED_FOR: u64 = 3600;
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// Why a text isn't the key of a service account. The text is never quoted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GoogleKeyError {
    /// Not the expected JSON.
    #[error("the key file is not valid: line {line}, column {column}")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// Another kind of file.
    #[error("the key file is of type `{0}`, expected `service_account`")]
    Kind(String),
    /// Its key can't be used.
    #[error("the key file's `private_key` is no RSA key in PEM (PKCS #8)")]
    Key,
}

/// Who logs in to Google's registries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GarLogin {
    /// The service account's key.
    pub key: GoogleKey,
}

/// The key of a service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoogleKey {
    pub(super) client_email: String,
    private_key_id: Option<String>,
    private_key: Secret,
    token_uri: String,
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    client_email: String,
    private_key_id: Option<String>,
    private_key: Option<Secret>,
    token_uri: Option<String>,
}

impl GoogleKey {
    /// Reads the text of a key file.
    pub fn parse(text: &str) -> Result<Self, GoogleKeyError> {
        let file: File = serde_json::from_str(text)
            .map_err(|e| GoogleKeyError::Json { line: e.line(), column: e.column() })?;
        if file.kind != "service_account" {
            return Err(GoogleKeyError::Kind(file.kind.chars().take(64).collect()));
        }
        let private_key = file.private_key.ok_or(GoogleKeyError::Key)?;
        let key = Self {
            client_email: file.client_email,
            private_key_id: file.private_key_id,
            private_key,
            token_uri: file.token_uri.unwrap_or_else(|| TOKEN_URI.to_owned()),
        };
        key.pair()?;
        Ok(key)
    }

    fn pair(&self) -> Result<RsaKeyPair, GoogleKeyError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(self.private_key.expose().as_bytes())
            .map_err(|_| GoogleKeyError::Key)?;
        RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| GoogleKeyError::Key)
    }

    /// A signed statement of who we are.
    fn assertion(&self, now: SystemTime) -> Result<Secret, GoogleKeyError> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let head = json!({ "alg": "RS256", "typ": "JWT", "kid": self.private_key_id });
        let claims = json!({
            "iss": self.client_email,
            "scope": SCOPE,
            "aud": self.token_uri,
            "iat": now,
            "exp": now + SIGNED_FOR,
        });
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let text = format!(
            "{}.{}",
            encode(head.to_string().as_bytes()),
            encode(claims.to_string().as_bytes())
        );
        let pair = self.pair()?;
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| GoogleKeyError::Key)?;
        Ok(Secret::new(format!("{text}.{}", encode(&signature))))
    }
}

impl GarLogin {
    /// The login with an access token that is at hand.
    pub fn with_token(token: Secret) -> Credentials {
        Credentials::basic(TOKEN_USER, token)
    }
}

#[derive(Deserialize)]
struct Answer {
    access_token: Secret,
    expires_in: Option<u64>,
}

/// A signed statement for an access token.
pub(super) async fn exchange(client: &Client, login: &GarLogin) -> Result<Passing, RegistryError> {
    let bad =
        |reason: String| RegistryError::Configuration { host: client.host().to_owned(), reason };
    let url = Url::parse(&login.key.token_uri).map_err(|e| bad(format!("`token_uri`: {e}")))?;
    let assertion =
        login.key.assertion(SystemTime::now()).map_err(|error| bad(error.to_string()))?;
    let fields = [("grant_type", GRANT), ("assertion", assertion.expose())];
    let answer: Answer = client.post_form(&url, &fields).await?;
    let life = Duration::from_secs(answer.expires_in.unwrap_or(SIGNED_FOR));
    Ok(Passing { credentials: GarLogin::with_token(answer.access_token), life })
}
