//! Whether a program runs on any system.

/// `e_machine` of x86-64.
const X86_64: u16 = 62;
/// `p_type` of the program header that names an interpreter.
const PT_INTERP: u32 = 3;

/// Whether this is an ELF program for x86-64 that asks for no interpreter, so
/// that it runs whatever libraries a system has.
pub(crate) fn is_static_program(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x7fELF\x02\x01")
        && u16_at(bytes, 18) == Some(X86_64)
        && header_types(bytes).is_some_and(|types| !types.contains(&PT_INTERP))
}

fn header_types(bytes: &[u8]) -> Option<Vec<u32>> {
    let start = usize::try_from(u64::from_le_bytes(array_at(bytes, 32)?)).ok()?;
    let size = usize::from(u16_at(bytes, 54)?);
    let count = usize::from(u16_at(bytes, 56)?);
    let type_at = |i: usize| {
        let at = start.checked_add(i.checked_mul(size)?)?;
        Some(u32::from_le_bytes(array_at(bytes, at)?))
    };
    // Without program headers there is nothing to load.
    (count > 0).then(|| (0..count).map(type_at).collect())?
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array_at(bytes, at).map(u16::from_le_bytes)
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_static_programs() {
        assert!(!is_static_program(b"#!/bin/sh\n"));
        assert!(!is_static_program(b"\x7fELF\x02\x01"));
        // The test program itself is linked dynamically.
        let own = std::env::current_exe().unwrap();
        let mut own = std::fs::read(own).unwrap();
        assert!(!is_static_program(&own));
        // An offset beyond all bounds.
        own[32..40].fill(0xff);
        assert!(!is_static_program(&own));
    }
}
