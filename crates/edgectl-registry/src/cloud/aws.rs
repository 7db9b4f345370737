//! Signed requests to Amazon's registry service.

use std::time::SystemTime;

use edgectl_model::Secret;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::Value;

use super::sigv4::{Unsigned, authorization, stamp};
use crate::error::RegistryError;
use crate::http::Client;

const API: &str = "AmazonEC2ContainerRegistry_V20150921";
const KIND: &str = "application/x-amz-json-1.1";

/// An access key, and where it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsKeys {
    /// Its name.
    pub access_key_id: String,
    /// The key itself.
    pub secret_access_key: Secret,
    /// What temporary keys come with.
    pub session_token: Option<Secret>,
    /// The registry's region.
    pub region: String,
    /// The service's address in place of Amazon's own.
    pub endpoint: Option<String>,
}

/// What the service says when it refuses.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Refusal {
    #[serde(default, rename = "__type")]
    pub(super) kind: String,
    #[serde(default, alias = "Message")]
    pub(super) message: String,
}

impl Refusal {
    /// ``UnrecognizedClientException: The security token … is invalid.``
    pub(super) fn text(&self) -> String {
        // Some answers name the type with its namespace.
        let kind = self.kind.rsplit('#').next().unwrap_or_default();
        format!("{kind}: {}", self.message).trim_matches([':', ' ']).to_owned()
    }
}

/// An answer of the service.
pub(super) enum Answer {
    Done(Value),
    Refused(u16, Refusal),
}

/// Whether a registry is one of Amazon's private ones, by its name.
pub(crate) fn is_ecr_host(host: &str) -> bool {
    ecr_region(host).is_some()
}

/// The region in a registry's name:
/// `ACCOUNT.dkr.ecr[-fips].REGION.amazonaws.com[.cn]`,
/// `ACCOUNT.dkr-ecr[-fips].REGION.on.aws`.
pub(crate) fn ecr_region(host: &str) -> Option<&str> {
    let (_, rest) = host.split_once(".dkr.").or_else(|| host.split_once(".dkr-"))?;
    let rest = rest.strip_prefix("ecr.").or_else(|| rest.strip_prefix("ecr-fips."))?;
    let (region, domain) = rest.split_once('.')?;
    matches!(
        domain,
        "amazonaws.com" | "amazonaws.com.cn" | "on.aws" | "on.amazonwebservices.com.cn"
    )
    .then_some(region)
}

impl AwsKeys {
    /// The region that a registry's name tells.
    pub fn region_of(host: &str) -> Option<String> {
        ecr_region(host).map(str::to_owned)
    }

    fn url(&self) -> String {
        let domain =
            if self.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let usual = || format!("https://api.ecr.{}.{domain}/", self.region);
        self.endpoint.clone().unwrap_or_else(usual)
    }
}

/// Calls an operation of the service.
pub(super) async fn call(
    client: &Client,
    keys: &AwsKeys,
    operation: &str,
    input: &Value,
) -> Result<Answer, RegistryError> {
    let bad =
        |reason: String| RegistryError::Configuration { host: client.host().to_owned(), reason };
    let url = Url::parse(&keys.url()).map_err(|e| bad(format!("its service's address: {e}")))?;
    let body = input.to_string();
    let headers = signed(keys, &url, operation, body.as_bytes(), SystemTime::now())
        .ok_or_else(|| bad("its access key is no header value".to_owned()))?;
    let (status, bytes) = client.post_elsewhere(&url, headers, body).await?;
    if status == 200 {
        let value = serde_json::from_slice(&bytes);
        return value
            .map(Answer::Done)
            .map_err(|_| bad(format!("`{url}` does not answer with JSON")));
    }
    Ok(Answer::Refused(status, serde_json::from_slice(&bytes).unwrap_or_default()))
}

fn signed(
    keys: &AwsKeys,
    url: &Url,
    operation: &str,
    body: &[u8],
    now: SystemTime,
) -> Option<HeaderMap> {
    let stamp = stamp(now);
    let host = match (url.host_str()?, url.port()) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    };
    let target = format!("{API}.{operation}");
    let token = keys.session_token.as_ref().map(|token| ("x-amz-security-token", token.expose()));
    let mut pairs =
        vec![("content-type", KIND), ("host", host.as_str()), ("x-amz-date", stamp.as_str())];
    pairs.extend(token);
    pairs.push(("x-amz-target", &target));
    let request =
        Unsigned { method: "POST", region: &keys.region, service: "ecr", headers: &pairs, body };
    let mut headers = HeaderMap::new();
    for (name, value) in pairs.iter().filter(|(name, _)| *name != "host") {
        let name = reqwest::header::HeaderName::try_from(*name).ok()?;
        headers.insert(name, sensitive(value)?);
    }
    headers.insert("authorization", sensitive(&authorization(&request, keys, &stamp))?);
    Some(headers)
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_in_names() {
        for (host, region) in [
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", Some("eu-west-1")),
            ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", Some("us-gov-west-1")),
            ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", Some("cn-north-1")),
            ("123456789012.dkr-ecr.eu-west-1.on.aws", Some("eu-west-1")),
            ("public.ecr.aws", None),
            ("evil.dkr.ecr.eu-west-1.amazonaws.com.example", None),
            ("reg.local:5000", None),
        ] {
            assert_eq!(ecr_region(host), region, "{host}");
        }
    }
}
