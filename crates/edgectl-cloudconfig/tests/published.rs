//! User data of the shape that CanvOS and Kairos publish, with all that is
//! uneven in it: written anew, in the same forms.

#![allow(clippy::unwrap_used)]

use edgectl_cloudconfig::{
    Flavor, Injection, SiteSettings, Source, check, inject, merge, read_settings, redact, remove,
};
use edgectl_model::{HostRule, Prefix, Secret};

const SERVER: &str = include_str!("published/kairos-server.yaml");
const STAGES: &str = include_str!("published/kairos-stages.yaml");

/// With the blanks at the ends of lines that are dots in the file.
fn canvos() -> String {
    include_str!("published/canvos.yaml").replace('\u{b7}', " ")
}

fn injection(flavor: Flavor) -> Injection {
    let rule = HostRule {
        source: Prefix::parse("quay.io").unwrap(),
        target: Prefix::parse("reg.local:5000/edge/quay.io").unwrap(),
    };
    Injection {
        flavor,
        registry: Prefix::parse("reg.local:5000/edge").unwrap(),
        username: "puller".to_owned(),
        password: Secret::new("s3cret: #1"),
        insecure: false,
        ca_pem: None,
        rules: vec![rule],
        listed: false,
        site: SiteSettings::default(),
        runtime: None,
    }
}

/// Lines of `before` that `after` doesn't have, in their order.
fn lost<'a>(before: &'a str, after: &str) -> Vec<&'a str> {
    let mut rest = after.lines();
    before
        .lines()
        .filter(|line| !rest.clone().any(|l| l == *line) || !rest.any(|l| l == *line))
        .collect()
}

fn rules(text: &str) -> Vec<&'static str> {
    check(text, None).iter().map(|finding| finding.rule).collect()
}

#[test]
fn what_is_wrong_in_them_is_found_and_nothing_else() {
    assert_eq!(rules(&canvos()), ["null-password"]);
    assert_eq!(rules(SERVER), [""; 0]);
    assert_eq!(rules(STAGES), [""; 0]);
}

#[test]
fn only_the_registry_changes() {
    let after = inject(&canvos(), &injection(Flavor::Palette)).unwrap();
    let expected =
        ["    domain: registry.before.example", "    username: bob", "    password: ####"];
    assert_eq!(lost(&canvos(), &after), expected, "{after}");
    assert_eq!(inject(&after, &injection(Flavor::Palette)).unwrap(), after);
    let settings = read_settings(&after).unwrap();
    assert_eq!(settings.registries[0].password, Secret::new("s3cret: #1"));
    assert_eq!(rules(&after), [""; 0], "{after}");
    assert!(!redact(&after).unwrap().contains("s3cret"));
    assert!(!redact(&after).unwrap().contains("aUAxxxx"));
}

#[test]
fn kairos_gets_a_section_that_can_be_taken_away_again() {
    for text in [SERVER, STAGES] {
        let injection = injection(Flavor::Kairos);
        let after = inject(text, &injection).unwrap();
        assert_eq!(lost(text, &after), [""; 0], "{after}");
        assert_eq!(rules(&after), [""; 0], "{after}");
        assert_eq!(remove(&after).unwrap().text, text);
    }
}

#[test]
fn a_site_adds_to_what_was_baked() {
    let site = "#cloud-config\nstylus: {site: {projectName: others, tags: {building: \"7\"}}}\n";
    let iso = canvos();
    let sources = [Source { name: "iso", text: &iso }, Source { name: "site", text: site }];
    let text = merge(&sources).unwrap().to_text();
    for line in ["projectName: others", "city: bergen", "building: \"7\"", "two-node: \"true\""] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}
