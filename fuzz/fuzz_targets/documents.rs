//! The document stream: no line is lost, no line is doubled.
#![no_main]

use edgectl_profile::Documents;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut line = 0;
    for document in Documents::new(text.as_bytes()) {
        let Ok(document) = document else { return };
        assert!(document.first_line > line, "documents overlap");
        assert!(!document.text.is_empty());
        line = document.first_line;
    }
    assert!(usize::try_from(line).is_ok_and(|line| line <= text.matches('\n').count() + 1));
});
