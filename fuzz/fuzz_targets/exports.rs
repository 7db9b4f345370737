//! Whole inputs, of whatever kind they are.
#![no_main]

use edgectl_model::ImagesConfig;
use edgectl_profile::{Input, discover};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let input = Input { file: "f", text };
    let _ = discover(&[input], &ImagesConfig::default());
});
