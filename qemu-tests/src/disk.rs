//! Changing what an installed disk holds, as a wrong user data would have.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use edgectl_process::Cmd;

const BLOCK: usize = 4 << 20;

/// Copies the qcow2 `disk` to `copy` with every `old` replaced by `new`, which
/// must be as long: file systems keep no checksum of what files hold. Gives
/// the number of places.
pub fn replace_on_disk(disk: &Path, copy: &Path, old: &str, new: &str) -> usize {
    assert_eq!(old.len(), new.len());
    let raw = copy.with_extension("raw");
    convert("qcow2", disk, "raw", &raw);
    let places = find_all(&raw, old.as_bytes());
    let mut file = OpenOptions::new().write(true).open(&raw).unwrap();
    for place in &places {
        file.seek(SeekFrom::Start(*place)).unwrap();
        file.write_all(new.as_bytes()).unwrap();
    }
    drop(file);
    convert("raw", &raw, "qcow2", copy);
    std::fs::remove_file(&raw).unwrap();
    places.len()
}

fn convert(from: &str, source: &Path, to: &str, target: &Path) {
    Cmd::new("qemu-img")
        .args(["convert", "-f", from, "-O", to])
        .arg(source)
        .arg(target)
        .ensure_success()
        .unwrap();
}

/// Offsets of `needle`; blocks overlap, so that none is missed between two.
fn find_all(path: &Path, needle: &[u8]) -> Vec<u64> {
    let mut file = File::open(path).unwrap();
    let mut found = Vec::new();
    let mut window: Vec<u8> = Vec::new();
    let mut start = 0_u64;
    let mut block = vec![0; BLOCK];
    loop {
        let n = file.read(&mut block).unwrap();
        if n == 0 {
            return found;
        }
        window.extend_from_slice(&block[..n]);
        // Most of a disk is empty, and an empty block holds no password.
        if block[..n].iter().any(|b| *b != 0) {
            let hits = window.windows(needle.len()).enumerate().filter(|(_, w)| *w == needle);
            found.extend(hits.map(|(at, _)| start + at as u64));
        }
        let keep = window.len().min(needle.len() - 1);
        start += (window.len() - keep) as u64;
        window.drain(..window.len() - keep);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_lies_across_blocks() {
        let path = std::env::temp_dir().join(format!("edgectl-find-{}", std::process::id()));
        let mut bytes = vec![0; BLOCK - 3];
        bytes.extend_from_slice(b"needle");
        bytes.extend_from_slice(&[0; 100]);
        bytes.extend_from_slice(b"needle");
        std::fs::write(&path, &bytes).unwrap();
        let found = find_all(&path, b"needle");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(found, [BLOCK as u64 - 3, BLOCK as u64 + 103]);
    }
}
