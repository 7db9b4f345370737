//! What stands in `data:` URLs (RFC 2397), as Ignition writes its files.

use percent_encoding::percent_decode_str;

use crate::certificate::decode_bytes;

/// Whether a value is a `data:` URL whose text `is_secret`, or that holds what is no
/// text, as compressed files are.
pub(crate) fn is_data_url_with(value: &str, is_secret: impl Fn(&str) -> bool) -> bool {
    let Some((media, written)) = parts(value) else { return false };
    let bytes: Vec<u8> = percent_decode_str(written).collect();
    let bytes = match media.trim_end().to_ascii_lowercase().ends_with(";base64") {
        true => std::str::from_utf8(&bytes).ok().and_then(decode_bytes),
        false => Some(bytes),
    };
    let text = bytes.as_deref().map(std::str::from_utf8);
    !matches!(text, Some(Ok(text)) if !is_secret(text))
}

/// Whether a value is a `data:` URL.
pub(crate) fn is_data_url(value: &str) -> bool {
    parts(value).is_some()
}

/// The media type and what is written, if that is one.
fn parts(value: &str) -> Option<(&str, &str)> {
    let scheme = value.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("data:"))?;
    value[scheme.len()..].split_once(',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_holds_is_looked_at() {
        for (value, expected) in [
            ("data:,edge-1", false),
            ("data:,x%20secret", true),
            ("DATA:text/plain;charset=utf-8,%73ecret", true),
            ("data:;base64,c2VjcmV0", true),
            ("data:;base64,c2VjcmV0%0A", true),
            ("data:;base64,ZWRnZS0x", false),
            ("data:;base64,H4sIAAAAAAAAAw==", true),
            ("data:;base64,not base64!", true),
            ("data: secret", false),
            ("secret", false),
        ] {
            let is_secret = |text: &str| text.contains("secret");
            assert_eq!(is_data_url_with(value, is_secret), expected, "{value}");
        }
    }
}
