//! Certificates as they stand in user data: PEM, or base64 of PEM.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";

/// The PEM text of `item`, normalised: `\n` line ends, no blanks around, one
/// line end at the end.
pub(crate) fn pem(item: &str) -> Option<String> {
    if item.contains(BEGIN) {
        return Some(normal(item));
    }
    let decoded = decode(item)?;
    decoded.contains(BEGIN).then(|| normal(&decoded))
}

/// Base64 with any blanks in it, decoded to text.
pub(crate) fn decode(text: &str) -> Option<String> {
    String::from_utf8(decode_bytes(text)?).ok()
}

/// Base64 with any blanks in it.
pub(crate) fn decode_bytes(text: &str) -> Option<Vec<u8>> {
    let packed: String = text.split_whitespace().collect();
    STANDARD.decode(packed).ok()
}

/// Base64 of a text.
pub(crate) fn encode(text: &str) -> String {
    STANDARD.encode(text)
}

fn normal(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

/// Whether the lines of `pem` can stand in a block scalar as they are.
pub(crate) fn fits_block(pem: &str) -> bool {
    pem.lines().all(|line| !line.starts_with([' ', '\t']) && line.bytes().all(is_plain))
        && !pem.contains("{{")
        && !pem.contains("{%")
        && !pem.contains("{#")
}

fn is_plain(byte: u8) -> bool {
    byte == b' ' || byte.is_ascii_graphic()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_one() {
        let text = "-----BEGIN CERTIFICATE-----\r\nAAAA \r\n-----END CERTIFICATE-----";
        let plain = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(pem(text).as_deref(), Some(plain));
        assert_eq!(pem(&encode(text)).as_deref(), Some(plain));
        assert_eq!(pem("AAAA"), None);
        assert_eq!(pem("not base64!"), None);
    }
}
