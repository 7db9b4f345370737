//! `examples/quickstart` is what its README says.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use edgectl_cloudconfig::{Flavor, Injection, SiteSettings, inject, read_settings};
use edgectl_model::{EdgeConfig, ImagesConfig, Prefix, Reference, Role, Secret, parse_edge_yaml};
use edgectl_profile::{Discovery, Input, Severity, discover};
use edgectl_testkit::quickstart::image_names;

fn read(name: &str) -> String {
    let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/quickstart");
    std::fs::read_to_string(examples.join(name)).unwrap()
}

fn discovery() -> Discovery {
    let text = read("profile.json");
    let input = Input { file: "profile.json", text: &text };
    discover(&[input], &ImagesConfig::default()).unwrap()
}

fn config() -> EdgeConfig {
    parse_edge_yaml(&read("edge.yaml")).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn exactly_one_image_is_forgotten() {
    let problems = discovery().problems;
    assert!(problems.iter().all(|p| p.severity != Severity::Error), "{problems:#?}");
    let odd = problems.iter().filter(|p| p.severity > Severity::Info);
    let found: Vec<_> = odd.map(|p| (p.rule, p.message.as_str())).collect();
    let memcached =
        "`docker.io/library/memcached:1.6` is used by pack `site-cache` but not declared";
    assert_eq!(found, [("used-not-declared", memcached)]);
}

#[test]
fn every_image_of_the_profile_can_be_had() {
    let discovery = discovery();
    let named: Vec<_> = discovery.images.iter().map(|image| image.reference.clone()).collect();
    let mut served: Vec<_> = image_names().map(|name| Reference::parse(name).unwrap()).collect();
    served.sort();
    assert_eq!(named, served);
    let os: Vec<_> = discovery.images.iter().filter(|image| image.role == Role::Os).collect();
    assert_eq!(os.len(), 1);
    assert_eq!(os[0].reference.to_string(), config().iso.os);
}

#[test]
fn the_project_file_maps_every_host() {
    let config = config();
    for image in discovery().images {
        let source = &image.reference;
        let mapped = config.sources.mirrors.keys().any(|host| host.domain() == source.domain());
        assert!(mapped, "no mirror for {source}");
        config.registry.mirror_rules().rewrite(source).unwrap();
    }
    let run = config.boot.run.unwrap();
    assert!(discovery().images.iter().any(|image| image.reference == run));
}

#[test]
fn the_user_data_takes_the_registry_and_keeps_its_lines() {
    let text = read("user-data");
    let injection = Injection {
        flavor: Flavor::Palette,
        registry: Prefix::parse("10.10.254.254:8000/spectro-images").unwrap(),
        username: "edge-puller".to_owned(),
        password: Secret::new("0123456789"),
        insecure: false,
        ca_pem: None,
        rules: Vec::new(),
        listed: false,
        site: SiteSettings::default(),
        runtime: None,
    };
    let after = inject(&text, &injection).unwrap();
    let mut lines = after.lines();
    for line in text.lines() {
        assert!(lines.any(|kept| kept == line), "`{line}` is lost or moved");
    }
    let settings = read_settings(&after).unwrap();
    assert_eq!(settings.registries[0].username, "edge-puller");
}
