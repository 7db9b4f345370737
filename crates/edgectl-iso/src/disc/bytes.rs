//! Numbers out of bytes; zero beyond the end, which no structure is read past
//! without its length being checked.

pub(crate) fn le16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(bytes, at))
}

pub(crate) fn le32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

pub(crate) fn le64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

/// The bytes from `at` to `end`, as far as they are there.
pub(crate) fn part(bytes: &[u8], at: usize, end: usize) -> &[u8] {
    let end = end.min(bytes.len());
    bytes.get(at.min(end)..end).unwrap_or_default()
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.copied().unwrap_or([0; N])
}

/// UCS-2, big endian, as Joliet writes names.
pub(crate) fn ucs2(bytes: &[u8]) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
