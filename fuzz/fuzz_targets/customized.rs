//! Images of others: whatever their directories and boot menus hold,
//! customising them ends and never panics. What comes of it is whole, and
//! customising that again gives the same bytes. The input begins behind the
//! 32 KiB that belong to the firmware.
#![no_main]

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use edgectl_iso::{CustomizeRequest, Disc, customize, verify_disc};
use libfuzzer_sys::fuzz_target;

const SYSTEM_AREA: u64 = 32 << 10;

fn customized(base: &Path, out: &Path) -> bool {
    let request = CustomizeRequest {
        base,
        user_data: Some(b"#cloud-config\na: 1\n"),
        user_data_room: 1 << 10,
        meta_data: None,
        network_config: None,
        kernel_arguments: &[],
        flavor: None,
        epoch: Some(0),
        out,
    };
    customize(&request).is_ok()
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(directory) = tempfile::tempdir() else { return };
    let [base, first, second] = ["base", "first", "second"].map(|name| directory.path().join(name));
    let Ok(mut file) = std::fs::File::create(&base) else { return };
    if file.seek(SeekFrom::Start(SYSTEM_AREA)).is_err() || file.write_all(bytes).is_err() {
        return;
    }
    if !customized(&base, &first) {
        return;
    }
    let disc = Disc::open(&first).expect("what was made is an image");
    let check = verify_disc(&disc).expect("it has a manifest");
    assert!(check.findings.is_empty(), "{:?}", check.findings);
    if customized(&first, &second) {
        let read = |path: &Path| std::fs::read(path).expect("it is there");
        assert!(read(&first) == read(&second), "customising twice is customising once");
    }
});
