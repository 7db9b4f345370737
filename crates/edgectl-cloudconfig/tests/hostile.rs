//! No input makes anything panic: what the fuzz target starts from, and what
//! comes of it.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use edgectl_cloudconfig::{
    Against, Flavor, HostFile, Injection, RemoveError, RuntimeSetup, SiteSettings, Source, check,
    inject, merge, read_settings, redact, remove, remove_by_force, written_files,
};
use edgectl_model::{Prefix, Reference, Secret};
use proptest::prelude::*;

fn injection(flavor: Flavor) -> Injection {
    Injection {
        flavor,
        registry: Prefix::parse("reg.local:5000/edge").unwrap(),
        username: "puller".to_owned(),
        password: Secret::new("p"),
        insecure: false,
        ca_pem: None,
        rules: Vec::new(),
        listed: true,
        site: SiteSettings::default(),
        runtime: Some(RuntimeSetup {
            files: vec![HostFile {
                path: "/etc/rancher/k3s/registries.yaml".to_owned(),
                mode: 0o600,
                content: Secret::new("# Written by edgectl.\n"),
            }],
            restart: Vec::new(),
        }),
    }
}

/// Everything that is done with a text.
fn all(text: &str) {
    let images = vec![Reference::parse("quay.io/a/b:1").unwrap()];
    let _ = check(text, Some(&Against { images, targets: Default::default() }));
    let _ = (read_settings(text), written_files(text), redact(text));
    let source = Source { name: "a", text };
    if let Ok(merged) = merge(&[source, source]) {
        let once = merged.to_text();
        let again = merge(&[Source { name: "b", text: &once }]).unwrap();
        assert_eq!(again.to_text(), once, "{text}");
    }
    for flavor in [Flavor::Palette, Flavor::Kairos, Flavor::CloudInit] {
        let injection = injection(flavor);
        let Ok(after) = inject(text, &injection) else { continue };
        assert_eq!(inject(&after, &injection).as_ref(), Ok(&after), "{text}");
        let is_new = after != text && !text.contains("# edgectl: ");
        match remove(&after) {
            Ok(removed) if is_new => assert_eq!(removed.text, text, "{after}"),
            Err(error) if is_new => assert_eq!(error, RemoveError::Replaced, "{text}"),
            _ => {}
        }
        let _ = remove_by_force(&after, &injection);
    }
}

fn corpus() -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/user_data");
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    files.map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

#[test]
fn what_the_fuzz_target_starts_from() {
    let corpus = corpus();
    assert!(corpus.len() >= 6, "{} files", corpus.len());
    corpus.iter().for_each(|text| all(text));
}

proptest! {
    #[test]
    fn mutated_texts_are_safe(
        which: prop::sample::Index,
        at: prop::sample::Index,
        length in 0..20usize,
        with in "[-a-z:{}\\[\\]#&*|>~'\"!?,<\\r\\n\\t ]{0,8}",
    ) {
        let corpus = corpus();
        let text = which.get(&corpus);
        let start = at.index(text.len());
        let end = (start + length).min(text.len());
        all(&format!("{}{with}{}", &text[..start], &text[end..]));
    }
}

#[test]
fn more_than_is_looked_at_is_said() {
    let user = "- {name: a, groups: [b, c], lock_passwd: true}\n";
    let text = format!("#cloud-config\nusers:\n{}", user.repeat(30_000));
    let rules: Vec<&str> = check(&text, None).iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, ["too-large"]);
}
