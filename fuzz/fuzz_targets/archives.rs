//! Archives of images: what is inside, and that reading it never panics.
#![no_main]

use std::io::Write;

use edgectl_registry::Archives;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut file) = tempfile::NamedTempFile::new() else { return };
    if file.write_all(bytes).is_err() {
        return;
    }
    let Ok(archives) = Archives::open(&[file.path().to_owned()]) else { return };
    for image in archives.images() {
        let _ = archives.survey(&image.digest);
    }
});
