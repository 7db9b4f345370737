//! What is found in a profile, and where.

#![allow(clippy::unwrap_used)]

use edgectl_model::{
    ExcludedImage, ImagePattern, ImagesConfig, ListedImage, Reference, Role, Tier, from_yaml,
};
use edgectl_profile::{
    DiscoveredImage, Discovery, Input, Problem, ProfileError, Severity, discover,
};
use proptest::prelude::*;

const PROFILE: &str = r#"metadata:
  name: plant
spec:
  version: 1.0.0
  variables:
    - name: AppTag
      defaultValue: "2.1"
  template:
    type: cluster
    packs:
      - name: edge-native-byoi
        layer: os
        version: 1.0.0
        values: |
          pack:
            content:
              images:
                - image: '{{.spectro.pack.edge-native-byoi.options.system.uri}}'
          options:
            system.uri: "{{ .spectro.pack.edge-native-byoi.options.system.registry }}/ubuntu:k3s-{{.spectro.system.kubernetes.version}}-a"
            system.registry: reg.local/edge
      - name: edge-k3s
        layer: k8s
        version: 1.30.2
        values: |
          pack:
            content:
              images:
                - image: registry.k8s.io/pause:3.9
      - name: demo
        layer: addon
        version: 0.1.0
        values: |
          # the demo
          pack:
            content:
              images:
                - image: quay.io/acme/web:{{.spectro.var.AppTag}}
                - iamge: quay.io/acme/extra:1
                - quay.io/acme/short:1
          manifests:
            app:
              contents: |
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: web, namespace: shop}
                spec:
                  template:
                    spec:
                      initContainers:
                        - image: busybox
                      containers:
                        - image: quay.io/acme/web:2.1
                        - iamge: "quay.io/acme/side:1"
                      volumes:
                        - image: {reference: quay.io/acme/model:3}
                ---
                # nothing
                ---
                kind: List
                items:
                  - kind: CronJob
                    metadata: {name: tidy}
                    spec: {jobTemplate: {spec: {template: {spec: {containers: [{image: quay.io/acme/tidy:1}]}}}}}
                  - kind: ConfigMap
                    data: {image: quay.io/acme/keyed:1}
        manifests:
          - name: more
            content: |
              kind: Pod
              metadata: {name: p}
              spec:
                ephemeralContainers:
                  - image: Quay.io/Bad Name
      - name: charted
        layer: addon
        version: 1.0.0
        values: |
          pack:
            content:
              images:
                - image: ghcr.io/acme/chart:1
          charts:
            acme:
              image: ghcr.io/acme/chart:1
              main: {registry: ghcr.io, repository: acme/main, tag: "1.10"}
              pinned:
                repository: ghcr.io/acme/pinned
                digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
              split: {registry: ghcr.io/acme, image: split, version: v3}
              untagged: {repository: ghcr.io/acme/untagged}
              own: {image: "{{ .Values.x }}"}
              list: [{image: ghcr.io/acme/listed, tag: 7}]
"#;

fn run(text: &str) -> Discovery {
    run_all(&[Input { file: "p.yaml", text }], &ImagesConfig::default())
}

fn run_all(inputs: &[Input<'_>], images: &ImagesConfig) -> Discovery {
    discover(inputs, images).unwrap_or_else(|e| panic!("{e}"))
}

fn image<'a>(discovery: &'a Discovery, reference: &str) -> &'a DiscoveredImage {
    let wanted = Reference::parse(reference).unwrap();
    let found = discovery.images.iter().find(|image| image.reference == wanted);
    found.unwrap_or_else(|| panic!("no {reference} in {:#?}", discovery.images))
}

fn names(discovery: &Discovery) -> Vec<String> {
    let surer = discovery.images.iter().filter(|image| image.tier < Tier::Possible);
    surer.map(|image| image.reference.to_string()).collect()
}

fn of_rule<'a>(discovery: &'a Discovery, rule: &str) -> Vec<&'a Problem> {
    discovery.problems.iter().filter(|problem| problem.rule == rule).collect()
}

/// A profile of one pack with these values.
fn with_values(layer: &str, values: &str) -> String {
    let indented = values.replace('\n', "\n        ");
    format!(
        "spec:\n  template:\n    packs:\n    - name: one\n      layer: {layer}\n      version: 1\n      values: |\n        {indented}\n"
    )
}

#[test]
fn finds_every_image() {
    let discovery = run(PROFILE);
    let digest = "a".repeat(64);
    assert_eq!(
        names(&discovery),
        [
            "docker.io/library/busybox:latest".to_owned(),
            "ghcr.io/acme/chart:1".to_owned(),
            "ghcr.io/acme/listed:7".to_owned(),
            "ghcr.io/acme/main:1.10".to_owned(),
            format!("ghcr.io/acme/pinned@sha256:{digest}"),
            "ghcr.io/acme/split:v3".to_owned(),
            "quay.io/acme/extra:1".to_owned(),
            "quay.io/acme/keyed:1".to_owned(),
            "quay.io/acme/model:3".to_owned(),
            "quay.io/acme/short:1".to_owned(),
            "quay.io/acme/side:1".to_owned(),
            "quay.io/acme/tidy:1".to_owned(),
            "quay.io/acme/web:2.1".to_owned(),
            "reg.local/edge/ubuntu:k3s-1.30.2-a".to_owned(),
            "registry.k8s.io/pause:3.9".to_owned(),
        ]
    );
}

#[test]
fn says_where_and_how_sure() {
    let discovery = run(PROFILE);
    let os = image(&discovery, "reg.local/edge/ubuntu:k3s-1.30.2-a");
    assert_eq!((os.role, os.tier, os.declared), (Role::Os, Tier::Certain, true));
    let rules: Vec<&str> = os.found.iter().map(|found| found.rule.as_str()).collect();
    assert_eq!(rules, ["pack-content", "os-pack"]);

    let web = image(&discovery, "quay.io/acme/web:2.1");
    assert_eq!((web.role, web.tier, web.declared), (Role::Workload, Tier::Certain, true));
    let places: Vec<(u64, &str, &str)> =
        web.found.iter().map(|f| (f.line, f.path.as_str(), f.object.as_str())).collect();
    assert_eq!(
        places,
        [
            (
                line_of("web:{{"),
                "spec.template.packs[2].values:pack.content.images[0].image",
                "pack demo"
            ),
            (
                line_of("image: quay.io/acme/web:2.1"),
                "spec.template.packs[2].values:manifests.app.contents:spec.template.spec.containers[0].image",
                "Deployment shop/web"
            ),
        ]
    );
    let chart = image(&discovery, "ghcr.io/acme/main:1.10");
    assert_eq!((chart.tier, chart.declared), (Tier::Likely, false));
    assert_eq!(chart.found[0].path, "spec.template.packs[3].values:charts.acme.main.repository");
    let tidy = image(&discovery, "quay.io/acme/tidy:1");
    assert_eq!(tidy.found[0].object, "CronJob tidy");
    assert_eq!(image(&discovery, "ghcr.io/acme/chart:1").tier, Tier::Certain);
}

fn line_of(part: &str) -> u64 {
    let before = PROFILE.find(part).unwrap_or_else(|| panic!("no {part}"));
    u64::try_from(PROFILE[..before].matches('\n').count() + 1).unwrap()
}

fn column_of(part: &str) -> u64 {
    let at = PROFILE.find(part).unwrap();
    let start = PROFILE[..at].rfind('\n').map_or(0, |n| n + 1);
    u64::try_from(at - start + 1).unwrap()
}

#[test]
fn problems_name_line_and_column() {
    let discovery = run(PROFILE);
    let misspelt = of_rule(&discovery, "misspelt-key");
    let places: Vec<(u64, u64)> = misspelt.iter().map(|p| (p.line, p.column)).collect();
    let place = |part: &str| (line_of(part), column_of(part));
    assert_eq!(places, [place("iamge: quay.io/acme/extra"), place("iamge: \"quay.io/acme/side")]);
    assert_eq!(misspelt[0].message, "unknown key `iamge`; did you mean `image`?");
    assert_eq!(misspelt[0].severity, Severity::Warning);

    let bad = of_rule(&discovery, "bad-reference");
    assert_eq!((bad[0].line, bad[0].column), place("Quay.io/Bad"));
    assert_eq!(bad[0].severity, Severity::Error);
    assert_eq!(bad[0].object, "Pod p");

    let floating = of_rule(&discovery, "floating-tag");
    assert_eq!(floating.len(), 1);
    assert!(floating[0].message.contains("busybox:latest"));

    let undeclared: Vec<&str> =
        of_rule(&discovery, "used-not-declared").iter().map(|p| p.message.as_str()).collect();
    assert_eq!(undeclared.len(), 9, "{undeclared:#?}");
    assert!(undeclared.contains(&"`quay.io/acme/side:1` is used by pack `demo` but not declared"));
    let unused: Vec<&str> =
        of_rule(&discovery, "declared-not-used").iter().map(|p| p.message.as_str()).collect();
    assert_eq!(
        unused,
        [
            "`quay.io/acme/extra:1` is declared by pack `demo` but not used",
            "`quay.io/acme/short:1` is declared by pack `demo` but not used",
        ]
    );
}

#[test]
fn json_says_the_same() {
    let tree: serde_json::Value = from_yaml(PROFILE).unwrap();
    for json in [serde_json::to_string_pretty(&tree).unwrap(), tree.to_string()] {
        let (from_json, from_yaml) = (run(&json), run(PROFILE));
        assert_eq!(names(&from_json), names(&from_yaml));
        let shape = |d: &Discovery| -> Vec<(Severity, String, String)> {
            let mut all: Vec<_> = d
                .problems
                .iter()
                .map(|p| (p.severity, p.path.clone(), p.message.clone()))
                .collect();
            all.sort();
            all
        };
        assert_eq!(shape(&from_json), shape(&from_yaml));
        for problem in of_rule(&from_json, "misspelt-key") {
            let line = json.lines().nth(usize::try_from(problem.line).unwrap() - 1).unwrap();
            let rest: String =
                line.chars().skip(usize::try_from(problem.column).unwrap() - 1).collect();
            assert!(rest.starts_with("iamge: "), "{problem:?}\n{rest}");
        }
    }
}

#[test]
fn macros() {
    let pack = |uri: &str| {
        with_values(
            "os",
            &format!(
                "options:\n  system.uri: \"{uri}\"\n  system.repo: a/b\n  loop: '{{{{.spectro.pack.one.options.loop}}}}'\n  bomb: '{{{{.spectro.pack.one.options.loop}}}}{{{{.spectro.pack.one.options.loop}}}}'"
            ),
        )
    };
    let good = run(&pack("reg.local/{{ .spectro.pack.one.options.system.repo }}:1"));
    assert_eq!(names(&good), ["reg.local/a/b:1"]);
    for (uri, name) in [
        ("{{.spectro.var.Missing}}", "{{.spectro.var.Missing}}"),
        ("x:{{.spectro.pack.two.a}}", "{{.spectro.pack.two.a}}"),
        ("{{.spectro.pack.one.options.loop}}", "{{.spectro.pack.one.options.loop}}"),
        ("{{.spectro.pack.one.options.bomb}}", "{{.spectro.pack.one.options.loop}}"),
        ("{{ .spectro.system.cluster.uid }}", "{{ .spectro.system.cluster.uid }}"),
    ] {
        let discovery = run(&pack(uri));
        assert!(discovery.images.is_empty());
        let problem = of_rule(&discovery, "unresolved-macro")[0];
        assert_eq!(problem.severity, Severity::Error);
        assert!(problem.message.contains(&format!("`{name}`")), "{}", problem.message);
        assert_eq!((problem.line, problem.column), (9, 23));
    }
    // Another profile of the same cluster may hold what a macro names.
    let infra = with_values("k8s", "image: reg.local/infra:1");
    let addon = with_values(
        "addon",
        "pack:\n  content:\n    images:\n    - image: {{.spectro.pack.one.image}}",
    )
    .replace("name: one", "name: two");
    let inputs = [Input { file: "a", text: &addon }, Input { file: "i", text: &infra }];
    assert_eq!(names(&run_all(&inputs, &ImagesConfig::default())), ["reg.local/infra:1"]);
}

#[test]
fn chart_values_in_parts() {
    for (values, expected) in [
        ("image: busybox", vec!["docker.io/library/busybox:latest"]),
        ("image: quay.io/a/b:1, tag: 2", vec!["quay.io/a/b:1"]),
        ("repository: quay.io/a, image: b", vec![]),
        ("repository: quay.io/a, image: b, tag: v1", vec!["quay.io/a/b:v1"]),
        ("repository: quay.io/a, name: b, tag: v1", vec!["quay.io/a/b:v1"]),
        ("repository: quay.io/a/b, name: b, tag: v1", vec!["quay.io/a/b:v1"]),
        ("registry: quay.io, repository: quay.io/a/b, tag: v1", vec!["quay.io/a/b:v1"]),
        ("repository: a/b, tag: ''", vec![]),
        ("repository: 'https://charts.example/x', tag: 1", vec![]),
        ("image: true", vec![]),
    ] {
        let discovery = run(&with_values("addon", &format!("charts: {{x: {{{values}}}}}")));
        assert_eq!(names(&discovery), expected, "{values}");
        assert!(of_rule(&discovery, "bad-reference").is_empty());
    }
}

#[test]
fn agent_mode_has_no_os_image() {
    let values = "pack:\n  content:\n    images:\n    - image: '{{.spectro.pack.one.options.system.uri}}'\noptions:\n  system.uri: \"NA\"";
    let discovery = run(&with_values("os", values));
    assert_eq!((discovery.images.len(), discovery.problems.len()), (0, 0), "{discovery:?}");
    let nested = run(&with_values("os", "options:\n  system:\n    uri: reg.local/os:1"));
    assert_eq!(nested.images[0].role, Role::Os);
    let listed = run(&with_values("os", "pack: {content: {images: [{image: 'reg.local/os:1'}]}}"));
    assert_eq!(listed.images[0].role, Role::Os);
}

#[test]
fn unreadable_parts_are_problems_and_the_rest_is_found() {
    let text = "spec:\n  template:\n    packs:\n    - name: bad\n      values: |\n        a: 1\n        b: [\n    - name: good\n      values: \"pack: {content: {images: [{image: 'quay.io/a/b:1'}]}}\\nmanifests: {m: {contents: 'a: ]'}}\"\n";
    let discovery = run(text);
    assert_eq!(names(&discovery), ["quay.io/a/b:1"]);
    let errors: Vec<&Problem> =
        discovery.problems.iter().filter(|p| p.severity == Severity::Error).collect();
    let [values, manifest] = errors.as_slice() else { panic!("{errors:#?}") };
    assert_eq!((values.rule, values.line), ("values-syntax", 7));
    assert_eq!((manifest.rule, manifest.line), ("manifest-syntax", 9));
}

#[test]
fn corrections() {
    let listed = |image: &str| ListedImage {
        image: Reference::parse(image).unwrap(),
        reason: "because".to_owned(),
    };
    let excluded = |image: &str| ExcludedImage {
        image: ImagePattern::parse(image).unwrap(),
        reason: "because".to_owned(),
    };
    let images = ImagesConfig {
        include: vec![listed("quay.io/acme/hidden:1")],
        exclude: vec![excluded("busybox"), excluded("quay.io/no/such:1")],
        ..ImagesConfig::default()
    };
    let discovery = run_all(&[Input { file: "p.yaml", text: PROFILE }], &images);
    assert!(!names(&discovery).contains(&"docker.io/library/busybox:latest".to_owned()));
    assert!(of_rule(&discovery, "floating-tag").is_empty());
    let hidden = image(&discovery, "quay.io/acme/hidden:1");
    assert_eq!(hidden.found[0].path, "images.include[0]");
    assert_eq!(of_rule(&discovery, "exclude-unmatched")[0].path, "images.exclude[1]");
    assert_ne!(discovery.inputs, run(PROFILE).inputs);
    assert_eq!(run(PROFILE), run(PROFILE));
}

#[test]
fn other_files_are_refused_with_the_place() {
    for (text, message) in [
        ("{\"spec\": [1,\n}", "`f` is not JSON or YAML: line 1, column 10: mismatched"),
        ("", "`f` names no images in a way that is known: line 1, column 1: it is empty"),
        (
            "\n---\na: 1\n",
            "`f` names no images in a way that is known: line 3, column 1: expected a cluster profile export, Kubernetes objects,",
        ),
        (
            "spec: {template: {packs: {a: 1}}}",
            "`f` names no images in a way that is known: line 1, column 26: a cluster profile export has `spec.template.packs`, and that is a list",
        ),
        (
            "a: &a [*a]\n",
            "`f` is not JSON or YAML: line 1, column 8: an alias that contains itself",
        ),
    ] {
        let error = discover(&[Input { file: "f", text }], &ImagesConfig::default()).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
        assert!(matches!(error, ProfileError::Syntax { .. } | ProfileError::Shape { .. }));
    }
}

#[test]
fn long_json_strings_and_surrogates() {
    let values = format!(
        "# \u{1f511} {}\npack: {{content: {{images: [{{image: 'quay.io/a/b:1'}}]}}}}\n",
        "x".repeat(5000)
    );
    let mut text =
        serde_json::json!({"spec": {"template": {"packs": [{"name": "p", "values": values}]}}})
            .to_string();
    text = text.replace('\u{1f511}', "\\ud83d\\udd11");
    assert_eq!(names(&run(&text)), ["quay.io/a/b:1"]);
}

proptest! {
    #[test]
    fn any_text_is_safe(text: String, yaml in "[-a-z:{}\\[\\]#&*|>~'\"!?,<\\n ]{0,80}") {
        for text in [&text, &yaml] {
            let _ = discover(&[Input { file: "f", text }], &ImagesConfig::default());
        }
        let discovery = run(&with_values("os", &format!("# first\n{yaml}")));
        prop_assert!(discovery.problems.iter().all(|p| p.line > 0));
    }

    #[test]
    fn mutated_profiles_are_safe(at: prop::sample::Index, length in 0..20usize, with in "[-a-z:{}\\[\\]#&*|>~'\"!?,<\\n ]{0,6}", json: bool) {
        let text = match json {
            true => from_yaml::<serde_json::Value>(PROFILE).unwrap().to_string(),
            false => PROFILE.to_owned(),
        };
        let at = at.index(text.len());
        let end = (at + length).min(text.len());
        let text = format!("{}{with}{}", &text[..at], &text[end..]);
        if let Ok(found) = discover(&[Input { file: "f", text: &text }], &ImagesConfig::default()) {
            let lines = u64::try_from(text.lines().count() + 1).unwrap();
            prop_assert!(found.problems.iter().all(|p| (1..=lines).contains(&p.line)));
        }
    }
}
