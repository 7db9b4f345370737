//! ISO images: whatever their bytes, reading them ends and never panics. The
//! input begins behind the 32 KiB that belong to the firmware.
#![no_main]

use std::io::{Seek, SeekFrom, Write};

use edgectl_iso::Disc;
use libfuzzer_sys::fuzz_target;

const SYSTEM_AREA: u64 = 32 << 10;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut file) = tempfile::NamedTempFile::new() else { return };
    if file.seek(SeekFrom::Start(SYSTEM_AREA)).is_err() || file.write_all(bytes).is_err() {
        return;
    }
    let Ok(disc) = Disc::open(file.path()) else { return };
    for (_, entry) in disc.walk().unwrap_or_default() {
        let _ = disc.read(&entry, 1 << 20);
    }
    let _ = disc.boot_entries();
    let _ = disc.partitions();
});
