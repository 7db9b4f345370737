//! References, prefixes and naming rules: tables and properties.

#![allow(clippy::unwrap_used)]

use edgectl_model::{HostRule, Layout, MirrorRules, PlanError, Prefix, Reference, RewriteError};
use proptest::prelude::*;

fn reference(text: &str) -> Reference {
    Reference::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn rules(layout: Layout, pairs: &[(&str, &str)]) -> MirrorRules {
    let target = Prefix::parse("reg.local:5000/edge").unwrap();
    let rules = pairs.iter().map(|(source, target)| HostRule {
        source: Prefix::parse(source).unwrap(),
        target: Prefix::parse(target).unwrap(),
    });
    MirrorRules::new(target, layout, rules)
}

#[test]
fn canonical_forms() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let pinned = format!("quay.io/a/b:1@{digest}");
    for (typed, canonical) in [
        ("nginx", "docker.io/library/nginx:latest"),
        ("acme/web:2", "docker.io/acme/web:2"),
        ("localhost/web", "localhost/web:latest"),
        ("index.docker.io/nginx:1", "docker.io/library/nginx:1"),
        ("registry-1.docker.io/a/b", "docker.io/a/b:latest"),
        ("reg:5000/web", "reg:5000/web:latest"),
        ("example.com:5000", "docker.io/library/example.com:5000"),
        ("QUAY.io/a/b:1", "quay.io/a/b:1"),
        ("[fd00::1]:5000/a", "[fd00::1]:5000/a:latest"),
        ("a__b/c---d", "docker.io/a__b/c---d:latest"),
        (&pinned, &pinned),
    ] {
        assert_eq!(reference(typed).canonical(), canonical, "{typed}");
        assert_eq!(reference(typed).as_typed(), typed);
    }
    let by_digest = format!("nginx@{digest}");
    assert_eq!(reference(&by_digest).canonical(), format!("docker.io/library/nginx@{digest}"));
    assert_eq!(reference(&by_digest).manifest_name(), digest);
}

#[test]
fn texts_that_are_not_references() {
    for bad in [
        "",
        " nginx",
        "nginx ",
        "a b",
        "https://quay.io/a",
        "quay.io/A/b",
        "quay.io//b",
        "quay.io/a/",
        "a:b:c",
        "nginx:",
        "nginx:-x",
        "nginx@sha256:12",
        "-a",
        "a..b",
        "a___b",
        "reg:99999/a",
        "reg:0/a",
        "{{ .Values.image }}",
        "${IMAGE}",
        "quay.io/a:t\u{e9}",
        "[::1/a",
        ":5000/a",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ] {
        assert!(Reference::parse(bad).is_err(), "`{bad}` was taken");
    }
    assert!(Reference::parse(&format!("quay.io/{}", "a/".repeat(200) + "b")).is_err());
}

#[test]
fn layouts() {
    let source = reference("quay.io/org/app:1.2");
    for (layout, target) in [
        (Layout::Full, "reg.local:5000/edge/quay.io/org/app:1.2"),
        (Layout::DropHost, "reg.local:5000/edge/org/app:1.2"),
        (Layout::Flatten, "reg.local:5000/edge/app:1.2"),
    ] {
        assert_eq!(rules(layout, &[]).rewrite(&source).unwrap(), reference(target));
    }
    let error = rules(Layout::Mapped, &[]).rewrite(&source).unwrap_err();
    assert!(matches!(error, RewriteError::NoRule(_)));
    let hub = rules(Layout::Full, &[]).rewrite(&reference("nginx")).unwrap();
    assert_eq!(hub, reference("reg.local:5000/edge/docker.io/library/nginx:latest"));
}

#[test]
fn the_longest_rule_wins_on_a_path_boundary() {
    let r = rules(
        Layout::Full,
        &[("quay.io/foo", "reg.local:5000/f"), ("quay.io", "reg.local:5000/q")],
    );
    let to = |s: &str| r.rewrite(&reference(s)).unwrap().canonical();
    assert_eq!(to("quay.io/foo/x:1"), "reg.local:5000/f/x:1");
    assert_eq!(to("quay.io/foobar/x:1"), "reg.local:5000/q/foobar/x:1");
    assert_eq!(to("ghcr.io/a:1"), "reg.local:5000/edge/ghcr.io/a:1");
}

#[test]
fn a_source_with_a_port_needs_a_rule() {
    let source = reference("reg.a:5000/x:1");
    let error = rules(Layout::Full, &[]).rewrite(&source).unwrap_err();
    assert_eq!(error, RewriteError::SourcePort("reg.a:5000/x:1".into()));
    let mapped = rules(Layout::Full, &[("reg.a:5000", "reg.local:5000/edge/reg.a")]);
    assert_eq!(mapped.rewrite(&source).unwrap(), reference("reg.local:5000/edge/reg.a/x:1"));
}

#[test]
fn collisions_name_both_sources() {
    let sources =
        [reference("gcr.io/a/b:1"), reference("quay.io/a/b:1"), reference("quay.io/a/b:2")];
    let error = rules(Layout::DropHost, &[]).plan(&sources).unwrap_err();
    let PlanError::Collision(collision) = &error else { panic!("{error}") };
    assert_eq!((&collision.first, &collision.second), (&sources[0], &sources[1]));
    assert!(error.to_string().contains("would both become `reg.local:5000/edge/a/b:1`"));
    assert_eq!(rules(Layout::Full, &[]).plan(&sources).unwrap().len(), 3);
}

#[test]
fn host_rules_name_what_rewrite_names() {
    let sources = [
        reference("nginx:1"),
        reference("redis:7"),
        reference("quay.io/a/b:1"),
        reference("hub.acme/base/c:1"),
    ];
    for layout in [Layout::Full, Layout::DropHost, Layout::Flatten] {
        let r = rules(layout, &[("hub.acme/base", "reg.local:5000/mir")]);
        let pairs = r.host_rules(&sources).unwrap();
        let again = MirrorRules::new(r.target().clone(), Layout::Mapped, pairs);
        for source in &sources {
            assert_eq!(again.rewrite(source).unwrap(), r.rewrite(source).unwrap(), "{layout:?}");
        }
    }
}

#[test]
fn prefixes() {
    assert_eq!(Prefix::parse("Reg.Local:5000/a/").unwrap().to_string(), "reg.local:5000/a");
    assert_eq!(Prefix::parse("index.docker.io").unwrap().to_string(), "docker.io");
    for bad in
        ["", "/", "a", "reg.local//x", "https://reg.local", "reg.local/A", "reg.local:5000/x:1"]
    {
        assert!(Prefix::parse(bad).is_err(), "`{bad}` was taken");
    }
}

prop_compose! {
    fn any_reference()(
        host in prop::option::of("[a-z]{1,8}\\.(io|example)"),
        path in "[a-z0-9]{1,6}((_|__|-{1,3})[a-z0-9]{1,6}){0,2}(/[a-z0-9]{1,6}){0,3}",
        tag in prop::option::of("[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}"),
        pin in any::<bool>(),
    ) -> String {
        let mut text = host.map(|h| format!("{h}/")).unwrap_or_default() + &path;
        if let Some(tag) = tag { text += &format!(":{tag}"); }
        if pin { text += &format!("@sha256:{}", "b".repeat(64)); }
        text
    }
}

proptest! {
    #[test]
    fn canonical_is_a_fixed_point(text in any_reference()) {
        let first = reference(&text);
        prop_assert_eq!(reference(&first.canonical()).canonical(), first.canonical());
    }

    #[test]
    fn parsing_never_panics(text in "\\PC{0,80}") {
        let _ = Reference::parse(&text);
        let _ = Prefix::parse(&text);
    }

    #[test]
    fn the_full_layout_is_injective_and_idempotent(a in any_reference(), b in any_reference()) {
        let r = rules(Layout::Full, &[]);
        let (a, b) = (reference(&a), reference(&b));
        let (to_a, to_b) = (r.rewrite(&a).unwrap(), r.rewrite(&b).unwrap());
        prop_assert_eq!(a == b, to_a == to_b);
        prop_assert_eq!(r.rewrite(&to_a).unwrap(), to_a);
    }
}

#[test]
fn references_are_ordered_by_their_canonical_forms() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let texts =
        ["a", "a:1", "a-b", "a.b/c", "a/b", "a/b:2", "b.c/d", "b.c:80/d", "a/b-c", "a:latest"];
    let pinned = texts.map(|text| format!("{text}@{digest}"));
    let all: Vec<Reference> = texts
        .iter()
        .map(|text| (*text).to_owned())
        .chain(pinned)
        .map(|text| Reference::parse(&text).unwrap())
        .collect();
    for a in &all {
        for b in &all {
            assert_eq!(a.cmp(b), a.canonical().cmp(&b.canonical()), "{a} {b}");
            assert_eq!(a == b, a.canonical() == b.canonical(), "{a} {b}");
        }
    }
}
