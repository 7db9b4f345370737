//! Volume descriptors (ECMA-119, 8).

use super::bytes::{le16, le32, part, ucs2};
use super::directory::{DiscEntry, Kind};
use super::record::Record;
use super::{BLOCK, Disc, DiscError, directory, rock_ridge};

/// Where the descriptors begin.
const FIRST: u64 = 16;
/// Real images have four.
const MOST: u64 = 64;
/// Bytes of a directory record without a name.
const ROOT_RECORD: std::ops::Range<usize> = 156..190;

/// How names are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Names {
    /// With so many bytes to skip in each record.
    RockRidge(u8),
    Joliet,
    #[default]
    Plain,
}

impl Names {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::RockRidge(_) => "Rock Ridge",
            Self::Joliet => "Joliet",
            Self::Plain => "ISO 9660",
        }
    }

    /// Plain names are in capitals, whatever they were.
    pub(super) fn are_equal(self, found: &str, wanted: &str) -> bool {
        match self {
            Self::Plain => found.eq_ignore_ascii_case(wanted),
            _ => found == wanted,
        }
    }
}

/// What the descriptors say.
#[derive(Debug, Default)]
pub(super) struct Volume {
    pub(super) label: String,
    pub(super) blocks: u64,
    pub(super) names: Names,
    pub(super) root: DiscEntry,
    pub(super) boot_catalog: Option<u64>,
}

pub(super) fn read(disc: &Disc) -> Result<Volume, DiscError> {
    let (mut primary, mut joliet, mut boot_catalog) = (None, None, None);
    for block in FIRST..FIRST + MOST {
        let at = block * BLOCK;
        if at + BLOCK > disc.bytes() {
            break;
        }
        let bytes = disc.bytes_at(at, BLOCK)?;
        if part(&bytes, 1, 6) != b"CD001" {
            break;
        }
        match bytes.first() {
            Some(0) if part(&bytes, 7, 30) == b"EL TORITO SPECIFICATION" => {
                boot_catalog = Some(u64::from(le32(&bytes, 0x47)));
            }
            Some(1) if primary.is_none() => primary = Some(bytes),
            Some(2) if is_joliet(&bytes) => joliet = Some(bytes),
            Some(255) => break,
            _ => {}
        }
    }
    let Some(primary) = primary else { return Err(missing(disc)) };
    if u64::from(le16(&primary, 128)) != BLOCK {
        return Err(disc.damaged("its blocks don't have 2048 bytes"));
    }
    let label = String::from_utf8_lossy(part(&primary, 40, 72)).trim_end().to_owned();
    let blocks = u64::from(le32(&primary, 80));
    let volume = Volume { label, blocks, boot_catalog, ..Volume::default() };
    // The descriptors are at the front: what is cut off is behind them, and
    // saying so is better than calling a pointer wrong.
    disc.ensure_whole(blocks * BLOCK)?;
    with_root(disc, volume, &primary, joliet.as_deref())
}

/// An image that is cut off before its descriptors, or none at all.
fn missing(disc: &Disc) -> DiscError {
    let path = disc.path().to_owned();
    match disc.bytes() <= FIRST * BLOCK {
        true => DiscError::TooShort { path, bytes: disc.bytes() },
        false => DiscError::NotIso(path),
    }
}

fn with_root(
    disc: &Disc,
    volume: Volume,
    primary: &[u8],
    joliet: Option<&[u8]>,
) -> Result<Volume, DiscError> {
    let root = root(disc, primary)?;
    let first = disc.bytes_at(root.extents.first().map_or(0, |extent| extent.offset), BLOCK)?;
    if let Some(skip) = rock_ridge::skip_of(&first) {
        return Ok(Volume { names: Names::RockRidge(skip), root, ..volume });
    }
    match joliet {
        Some(joliet) => {
            Ok(Volume { names: Names::Joliet, root: self::root(disc, joliet)?, ..volume })
        }
        None => Ok(Volume { root, ..volume }),
    }
}

fn root(disc: &Disc, descriptor: &[u8]) -> Result<DiscEntry, DiscError> {
    let bytes = part(descriptor, ROOT_RECORD.start, ROOT_RECORD.end);
    let record = Record::parse(bytes).filter(|record| record.is_directory);
    let record = record.ok_or_else(|| disc.damaged("it has no root directory"))?;
    let extent = directory::extent(disc, &record, "/")?;
    let name = "/".to_owned();
    Ok(DiscEntry {
        name,
        kind: Kind::Directory,
        extents: vec![extent],
        bytes: extent.bytes,
        mode: None,
    })
}

/// One of the three escape sequences that stand for UCS-2.
pub(super) fn is_joliet(descriptor: &[u8]) -> bool {
    matches!(part(descriptor, 88, 91), b"%/@" | b"%/C" | b"%/E")
}

/// A Joliet name, or a plain one without its version and an empty extension.
pub(super) fn name(raw: &[u8], names: Names) -> String {
    let text = match names {
        Names::Joliet => ucs2(raw),
        _ => String::from_utf8_lossy(raw).into_owned(),
    };
    let text = text.split_once(';').map_or(text.as_str(), |(name, _)| name);
    let end = if names == Names::Plain { text.strip_suffix('.') } else { None };
    end.unwrap_or(text).to_owned()
}
