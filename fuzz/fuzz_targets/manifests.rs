//! Texts of Kubernetes objects inside a cluster profile.
#![no_main]

use edgectl_model::ImagesConfig;
use edgectl_profile::{Input, discover};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let profile = serde_json::json!({"spec": {"template": {"packs": [
        {"name": "p", "layer": "addon", "manifests": [{"name": "m", "content": text}]},
    ]}}});
    let input = Input { file: "p.json", text: &profile.to_string() };
    let found = discover(&[input], &ImagesConfig::default()).expect("the profile is in order");
    assert!(found.problems.iter().all(|problem| problem.line > 0));
});
