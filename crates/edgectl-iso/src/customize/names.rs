//! Names of new files, as each kind of tree keeps them.

use crate::disc::raw::{RawRecord, RawTree};

/// The name for a record beside others: UCS-2 in Joliet, else capitals, and few
/// of them where Rock Ridge has the real one beside it.
pub(super) fn identifier(
    tree: &RawTree,
    beside: &[RawRecord],
    name: &str,
    is_directory: bool,
) -> Vec<u8> {
    let version = if is_directory { "" } else { ";1" };
    if tree.is_joliet() {
        let text = format!("{name}{version}");
        return text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    }
    let (front, back) = match tree.rock_ridge() {
        Some(_) => capitals(name, is_directory, (8, 3)),
        // Nothing else keeps the name: 31 characters (ECMA-119, level 2).
        None => capitals(name, is_directory, (24, 6)),
    };
    let form = |front: &str| match is_directory {
        true => front.as_bytes().to_vec(),
        false => format!("{front}.{back}{version}").into_bytes(),
    };
    let is_free = |id: &Vec<u8>| !beside.iter().any(|record| record.id() == id);
    let first = form(&front);
    if is_free(&first) {
        return first;
    }
    let short = front.get(..front.len().min(4)).unwrap_or_default();
    let numbered = (0..10_000).map(|number| form(&format!("{short}{number:04}")));
    numbered.into_iter().find(is_free).unwrap_or(first)
}

fn capitals(name: &str, is_directory: bool, most: (usize, usize)) -> (String, String) {
    let (front, back) = match name.rsplit_once('.') {
        Some((front, back)) if !is_directory => (front, back),
        _ => (name, ""),
    };
    let plain = |text: &str, length: usize| {
        let capital = |c: char| match c.to_ascii_uppercase() {
            c if c.is_ascii_alphanumeric() => c,
            '-' if most.0 > 8 => '-',
            _ => '_',
        };
        text.chars().map(capital).take(length).collect::<String>()
    };
    (plain(front, most.0), plain(back, most.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_become_short_ones() {
        let short = |name, is_directory| {
            let (front, back) = capitals(name, is_directory, (8, 3));
            format!("{front}.{back}")
        };
        assert_eq!(short("config.yaml", false), "CONFIG.YAM");
        assert_eq!(short("user-data", false), "USER_DAT.");
        assert_eq!(short("a.long-name", true), "A_LONG_N.");
        let (front, back) = capitals("meta-data.yaml", false, (24, 6));
        assert_eq!((front.as_str(), back.as_str()), ("META-DATA", "YAML"));
    }
}
