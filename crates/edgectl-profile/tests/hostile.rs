//! No input makes discovery panic: what the fuzz targets start from, and what
//! comes of it.

use edgectl_model::ImagesConfig;
use edgectl_profile::{Input, discover};
use proptest::prelude::*;

/// Everything that is done with a text.
fn all(text: &str) {
    let run = |text: &str| {
        let _ = discover(&[Input { file: "f", text }], &ImagesConfig::default());
    };
    run(text);
    for key in ["values", "manifests"] {
        let value = match key {
            "values" => serde_json::json!(text),
            _ => serde_json::json!([{"name": "m", "content": text}]),
        };
        let pack = serde_json::json!({"name": "p", "layer": "addon", key: value});
        run(&serde_json::json!({"spec": {"template": {"packs": [pack]}}}).to_string());
    }
}

#[test]
fn what_the_fuzz_targets_start_from() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut files = 0;
    for target in std::fs::read_dir(corpus).unwrap() {
        for file in std::fs::read_dir(target.unwrap().path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            all(&String::from_utf8_lossy(&bytes));
            files += 1;
        }
    }
    assert!(files >= 10, "{files} files");
}

proptest! {
    #[test]
    fn any_yaml_is_safe(text in "[-a-z:{}\\[\\]#&*|>~'\"!?,<.@/=0-9\\n ]{0,200}") {
        all(&text);
    }

    #[test]
    fn mutated_objects_are_safe(
        at: prop::sample::Index,
        length in 0..40usize,
        with in "[-a-z:{}\\[\\]#&*|>~'\"!?,<\\n ]{0,12}",
    ) {
        let text = include_str!("../../../fuzz/corpus/manifests/texts");
        let start = at.index(text.len());
        let end = (start + length).min(text.len());
        all(&format!("{}{with}{}", &text[..start], &text[end..]));
    }
}
