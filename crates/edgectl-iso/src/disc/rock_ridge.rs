//! Rock Ridge (IEEE P1282) in system use areas (IEEE P1281).

use super::budget::Budget;
use super::bytes::{le32, part};
use super::record::Record;
use super::{BLOCK, Disc, DiscError};

/// Continuations of one record; a name of 255 bytes needs two.
const CONTINUATIONS: usize = 32;
/// Bytes of a name, and then some.
const NAME_LIMIT: usize = 1024;
/// Bytes of one continuation.
const CONTINUATION_LIMIT: u32 = 64 << 10;

/// What Rock Ridge says of an entry.
#[derive(Debug, Default)]
pub(super) struct Posix {
    pub(super) name: Option<Vec<u8>>,
    pub(super) mode: Option<u32>,
    pub(super) is_link: bool,
    /// Where a directory really is that was moved up because it lay too deep.
    pub(super) child: Option<u32>,
    /// Such a directory in the place it was moved to.
    pub(super) is_relocated: bool,
}

/// Bytes to skip in each system use area, where the root's first record says
/// that there are any: the sign of Rock Ridge.
pub(super) fn skip_of(first_block: &[u8]) -> Option<u8> {
    let record = Record::parse(first_block)?;
    let field = record.system_use;
    (part(field, 0, 2) == b"SP" && part(field, 4, 6) == [0xbe, 0xef])
        .then(|| field.get(6).copied().unwrap_or(0))
}

/// Reads the fields of a record, continuations included; their blocks are
/// counted from the byte `base` on.
pub(super) fn read(
    disc: &Disc,
    system_use: &[u8],
    skip: u8,
    base: u64,
    budget: &Budget,
) -> Result<Posix, DiscError> {
    let mut posix = Posix::default();
    let mut area = part(system_use, usize::from(skip), system_use.len()).to_vec();
    for _ in 0..CONTINUATIONS {
        let next = fields(&area, &mut posix);
        if posix.name.as_ref().is_some_and(|name| name.len() > NAME_LIMIT) {
            return Err(disc.damaged("a name has no end"));
        }
        let Some((block, offset, length)) = next else { return Ok(posix) };
        if length > CONTINUATION_LIMIT || offset > CONTINUATION_LIMIT {
            return Err(disc.damaged("a Rock Ridge continuation is too long"));
        }
        budget.take(disc, u64::from(length))?;
        let place = base + u64::from(block) * BLOCK + u64::from(offset);
        area = disc.bytes_at(place, u64::from(length))?;
    }
    Err(disc.damaged("a Rock Ridge entry goes on without end"))
}

/// Takes in the fields of one area; gives where they go on.
fn fields(area: &[u8], posix: &mut Posix) -> Option<(u32, u32, u32)> {
    let (mut rest, mut next) = (area, None);
    while let [a, b, length, _, ..] = *rest {
        let length = usize::from(length);
        if length < 4 || length > rest.len() {
            break;
        }
        let (field, behind) = rest.split_at(length);
        match &[a, b] {
            b"NM" => add_name(field, posix),
            b"PX" if length >= 12 => posix.mode = Some(le32(field, 4)),
            b"SL" => posix.is_link = true,
            b"CL" if length >= 8 => posix.child = Some(le32(field, 4)),
            b"RE" => posix.is_relocated = true,
            b"CE" if length >= 28 => {
                next = Some((le32(field, 4), le32(field, 12), le32(field, 20)))
            }
            b"ST" => break,
            _ => {}
        }
        rest = behind;
    }
    next
}

fn add_name(field: &[u8], posix: &mut Posix) {
    // Two flags stand for `.` and `..`, which have no name of their own.
    if field.get(4).is_some_and(|flags| flags & 6 == 0) {
        posix.name.get_or_insert_default().extend(part(field, 5, field.len()));
    }
}
