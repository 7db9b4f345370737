//! Signature version 4: how requests to Amazon's services are signed.

use std::time::SystemTime;

use aws_lc_rs::hmac;
use edgectl_model::Digest;
use time::OffsetDateTime;

use super::aws::AwsKeys;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// A request to sign. Its path is `/` and it has no query.
#[derive(Debug)]
pub(super) struct Unsigned<'a> {
    pub(super) method: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    /// In lower case and in order, `host` and `x-amz-date` among them.
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: &'a [u8],
}

/// `20150830T123600Z`.
pub(super) fn stamp(now: SystemTime) -> String {
    let now = OffsetDateTime::from(now);
    let (year, month, day) = (now.year(), u8::from(now.month()), now.day());
    let (hour, minute, second) = (now.hour(), now.minute(), now.second());
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// The value of the `Authorization` header for a request sent at `stamp`.
pub(super) fn authorization(request: &Unsigned<'_>, keys: &AwsKeys, stamp: &str) -> String {
    let day = stamp.get(..8).unwrap_or(stamp);
    let Unsigned { method, region, service, headers, body } = request;
    let lines: String =
        headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let canonical = format!("{method}\n/\n\n{lines}\n{names}\n{}", Digest::sha256(body).hex());
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let text =
        format!("{ALGORITHM}\n{stamp}\n{scope}\n{}", Digest::sha256(canonical.as_bytes()).hex());
    let first = format!("AWS4{}", keys.secret_access_key.expose());
    let key = [day, region, service, "aws4_request"]
        .iter()
        .fold(first.into_bytes(), |key, part| mac(&key, part.as_bytes()));
    let signature = hex(&mac(&key, text.as_bytes()));
    let id = &keys.access_key_id;
    format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}")
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use edgectl_model::Secret;

    use super::*;

    /// The first case of the published test suite.
    #[test]
    fn signs_as_published() {
        let keys = AwsKeys {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: None,
            region: "us-east-1".to_owned(),
            endpoint: None,
        };
        let stamp = stamp(SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160));
        assert_eq!(stamp, "20150830T123600Z");
        let request = Unsigned {
            method: "GET",
            region: "us-east-1",
            service: "service",
            headers: &[("host", "example.amazonaws.com"), ("x-amz-date", &stamp)],
            body: b"",
        };
        assert_eq!(
            authorization(&request, &keys, &stamp),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
    }
}
