//! One document of each kind, and what is found in it.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use edgectl_model::{ImagesConfig, Role, Tier};
use edgectl_profile::{
    Discoverer, Discovery, Expect, File, Input, PROBLEMS, PackFiles, RULES, SOURCE_RULES, Severity,
    Target, discover,
};

fn run(file: &str, text: &str) -> Discovery {
    discover(&[Input { file, text }], &ImagesConfig::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// The images of the first three tiers: `image rule declared`.
fn images(text: &str) -> Vec<String> {
    shown(&run("dir/input.yaml", text))
}

fn shown(discovery: &Discovery) -> Vec<String> {
    let sure = discovery.images.iter().filter(|image| image.tier < Tier::Possible);
    sure.map(|image| {
        let declared = if image.declared { "declared" } else { "used" };
        let rules: BTreeSet<&str> = image.found.iter().map(|found| found.rule.as_str()).collect();
        let rules: Vec<&str> = rules.into_iter().collect();
        format!("{} {} {declared}", image.reference, rules.join("+"))
    })
    .collect()
}

fn rules(discovery: &Discovery) -> Vec<(&str, u64)> {
    let problems = discovery.problems.iter().filter(|p| p.severity > Severity::Info);
    problems.map(|p| (p.rule, p.line)).collect()
}

#[test]
fn lists_of_lines() {
    let discovery =
        run("images-used", "# mesh\nquay.io/a/pilot:1\n\n  - 'busybox:1.36', # tools\n");
    assert_eq!(
        shown(&discovery),
        [
            "docker.io/library/busybox:1.36 image-list declared",
            "quay.io/a/pilot:1 image-list declared"
        ]
    );
    let found = &discovery.images[0].found[0];
    assert_eq!((found.line, found.file.as_str()), (4, "images-used"));
    assert_eq!(images("[\"quay.io/a/b:1\", \"quay.io/a/c:2\"]").len(), 2);
    assert_eq!(
        images("- image: quay.io/a/b:1\n- iamge: quay.io/a/c:1\n  image: quay.io/a/d:1\n").len(),
        2
    );
}

#[test]
fn kots() {
    let text = "apiVersion: kots.io/v1beta1
kind: Application
metadata: {name: shop}
spec:
  additionalImages: [quay.io/a/extra:1]
---
apiVersion: kots.io/v1beta1
kind: Airgap
spec: {savedImages: [quay.io/a/saved:1]}
---
apiVersion: kots.io/v1beta2
kind: HelmChart
metadata: {name: shop}
spec:
  chart: {name: shop, chartVersion: 1.0.0}
  values:
    image: {repository: quay.io/a/web, tag: '2'}
  optionalValues:
  - when: x
    values: {sidecar: {image: quay.io/a/side:1}}
---
apiVersion: troubleshoot.sh/v1beta2
kind: Preflight
metadata: {name: p}
spec:
  collectors:
  - run: {image: quay.io/a/check:1}
";
    assert_eq!(
        images(text),
        [
            "quay.io/a/check:1 image-key+kots-collector used",
            "quay.io/a/extra:1 kots-application declared",
            "quay.io/a/saved:1 kots-airgap declared",
            "quay.io/a/side:1 image-key used",
            "quay.io/a/web:2 image-parts used",
        ]
    );
    assert_eq!(rules(&run("k.yaml", text)), [("not-read", 15)]);
}

#[test]
fn zarf_and_hauler() {
    let zarf = "kind: ZarfPackageConfig
metadata: {name: z}
components:
- name: one
  images: [quay.io/a/one:1]
  imageArchives: [{path: a.tar, images: [quay.io/a/packed:1]}]
  manifests: [{name: m, files: [m.yaml]}]
  charts: [{name: c, url: 'oci://quay.io/charts/c', version: 1.0.0}]
";
    assert_eq!(images(zarf), ["quay.io/a/one:1 zarf declared", "quay.io/a/packed:1 zarf declared"]);
    let config = ImagesConfig::default();
    let mut discoverer = Discoverer::new(&config);
    let file = File { name: "zarf.yaml", unit: None, expect: Expect::Known };
    discoverer.read(&file, zarf.as_bytes()).unwrap();
    let missing: Vec<String> =
        discoverer.missing().iter().map(|one| one.target.to_string()).collect();
    assert_eq!(missing, ["the file `m.yaml`", "the chart c 1.0.0 of oci://quay.io/charts"]);
    assert_eq!(discoverer.missing(), []);

    let hauler = "apiVersion: content.hauler.cattle.io/v1
kind: Images
metadata: {name: i, annotations: {hauler.dev/registry: reg.local}}
spec:
  images:
  - name: a/b:1
  - name: quay.io/a/c:1
";
    assert_eq!(
        images(hauler),
        ["quay.io/a/c:1 hauler declared", "reg.local/a/b:1 hauler declared"]
    );
}

#[test]
fn eib_and_oc_mirror() {
    let eib = "apiVersion: 1.1
image: {imageType: iso, arch: x86_64, baseImage: base.iso, outputImageName: o.iso}
embeddedArtifactRegistry:
  images: [{name: 'quay.io/a/b:1'}]
kubernetes:
  helm:
    charts: [{name: c, repositoryName: r, version: '1', valuesFile: v.yaml}]
    repositories: [{name: r, url: 'https://charts.example'}]
";
    assert_eq!(images(eib), ["quay.io/a/b:1 eib declared"]);
    let text = "apiVersion: mirror.openshift.io/v2alpha1
kind: ImageSetConfiguration
mirror:
  additionalImages: [{name: 'quay.io/a/b:1'}]
  blockedImages: [{name: 'quay.io/a/c:1'}]
  operators: [{catalog: 'quay.io/a/catalog:v1'}]
  helm: {repositories: [{name: r, url: 'https://charts.example', charts: [{name: c}]}]}
";
    let discovery = run("isc.yaml", text);
    assert_eq!(
        shown(&discovery),
        ["quay.io/a/b:1 oc-mirror declared", "quay.io/a/catalog:v1 oc-mirror declared"]
    );
    assert_eq!(rules(&discovery), [("not-read", 6), ("not-read", 7)]);
    assert!(discovery.problems.iter().any(|p| p.rule == "blocked-image"));
}

#[test]
fn compose() {
    let text = "services:
  web: {image: 'quay.io/a/web:${TAG:-1}'}
  db: {image: 'postgres:${PG}'}
  own: {build: .}
";
    let discovery = run("compose.yaml", text);
    assert_eq!(shown(&discovery), ["quay.io/a/web:1 compose declared"]);
    assert_eq!(rules(&discovery), [("unresolved-variable", 3)]);
    assert!(discovery.problems.iter().any(|p| p.rule == "built-service" && p.line == 4));
}

#[test]
fn locks() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let carvel = format!(
        "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages:\n- image: quay.io/a/b@{digest}\n"
    );
    assert_eq!(images(&carvel), [format!("quay.io/a/b@{digest} images-lock declared")]);
    let helm = "apiVersion: v0\nkind: ImagesLock\nmetadata: {}\nchart: {name: c}\nimages:\n- name: b\n  image: quay.io/a/b:1\n  chart: c\n";
    assert_eq!(images(helm), ["quay.io/a/b:1 images-lock declared"]);
    let own = format!(
        "schema: 1\ninputs: {digest}\nregistry: reg.local/ns\nlayout: full\nimages:\n- source: quay.io/a/os:1\n  digest: {digest}\n  role: os\n"
    );
    let discovery = run("images.lock", &own);
    assert_eq!(shown(&discovery), [format!("quay.io/a/os:1@{digest} images-lock declared")]);
    assert_eq!(discovery.images[0].role, Role::Os);
}

#[test]
fn flux() {
    let text = "apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web, namespace: apps}
spec:
  chart: {spec: {chart: web, version: 1.x, sourceRef: {kind: HelmRepository, name: acme}}}
  values: {image: {repository: quay.io/a/web, tag: v1}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: acme, namespace: apps}
spec: {url: 'https://charts.example'}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: podinfo}
spec: {url: 'oci://ghcr.io/a/manifests', ref: {tag: latest1}}
";
    assert_eq!(
        images(text),
        ["ghcr.io/a/manifests:latest1 flux-artifact used", "quay.io/a/web:v1 image-parts used"]
    );
    let config = ImagesConfig::default();
    let mut discoverer = Discoverer::new(&config);
    let file = File { name: "f.yaml", unit: None, expect: Expect::Known };
    discoverer.read(&file, text.as_bytes()).unwrap();
    let missing = discoverer.missing();
    let [one] = missing.as_slice() else { panic!("{missing:?}") };
    assert_eq!(one.target.to_string(), "the chart web 1.x of https://charts.example");
    let Target::Chart(chart) = &one.target else { panic!() };
    assert_eq!(chart.settings.release.as_deref(), Some("web"));
    assert_eq!(chart.settings.values, [r#"{"image":{"tag":v1,"repository":"quay.io/a/web"}}"#]);
}

#[test]
fn argo_cd_and_k3s() {
    let text = "apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: web
  annotations: {argocd-image-updater.argoproj.io/image-list: 'w=quay.io/a/updated:1'}
spec:
  destination: {namespace: apps}
  source:
    repoURL: https://charts.example
    chart: web
    targetRevision: 1.0.0
    helm:
      values: |
        image: {repository: quay.io/a/web, tag: '1'}
      valuesObject: {side: {image: quay.io/a/side:1}}
      parameters:
      - {name: init.repository, value: quay.io/a/init}
      - {name: init.tag, value: '2'}
";
    let discovery = run("app.yaml", text);
    assert_eq!(
        shown(&discovery),
        [
            "quay.io/a/init:2 argo-cd+reference used",
            "quay.io/a/side:1 image-key used",
            "quay.io/a/updated:1 argo-cd+image-key used",
            "quay.io/a/web:1 image-parts used",
        ]
    );
    let web = &discovery.images[3].found[0];
    assert_eq!((web.line, web.path.as_str()), (14, "spec.source.helm.values:image.repository"));
    let k3s = "apiVersion: helm.cattle.io/v1
kind: HelmChart
metadata: {name: web}
spec:
  chart: web
  repo: https://charts.example
  valuesContent: |
    image: {repository: quay.io/a/web, tag: '3'}
";
    assert_eq!(images(k3s), ["quay.io/a/web:3 image-parts used"]);
}

#[test]
fn pack_directories() {
    let config = ImagesConfig::default();
    let mut discoverer = Discoverer::new(&config);
    let values = "pack:\n  content:\n    images:\n    - image: quay.io/a/web:1\n    - image: quay.io/a/gone:1\noptions: {tag: '1'}\n";
    let unit = discoverer.pack(&PackFiles {
        directory: "packs/shop",
        pack_json: r#"{"name": "shop", "layer": "addon", "version": "1.0.0"}"#,
        values: Some(("packs/shop/values.yaml", values)),
    });
    let file =
        File { name: "packs/shop/manifests/a.yaml", unit: Some(unit), expect: Expect::Anything };
    let pod = "kind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - image: quay.io/a/web:{{.spectro.pack.shop.options.tag}}\n  - image: quay.io/a/more:1\n";
    discoverer.read(&file, pod.as_bytes()).unwrap();
    let discovery = discoverer.finish();
    assert_eq!(
        shown(&discovery),
        [
            "quay.io/a/gone:1 pack-content declared",
            "quay.io/a/more:1 pod-spec used",
            "quay.io/a/web:1 pack-content+pod-spec declared",
        ]
    );
    assert_eq!(rules(&discovery), [("used-not-declared", 6), ("declared-not-used", 5)]);
    let web = &discovery.images[2].found[0];
    assert_eq!((web.file.as_str(), web.line), ("packs/shop/manifests/a.yaml", 5));
}

#[test]
fn values_of_a_pack_alone() {
    for (values, line) in [
        ("pack:\n  content:\n  images:\n  - image: quay.io/a/b:1\n", 4),
        ("pack: {namespace: x}\ncontent:\n  images:\n  - image: quay.io/a/b:1\n", 4),
        ("pack:\n  content:\n  - image: quay.io/a/b:1\n", 3),
        ("pack:\n  content:\n    images:\n      image: quay.io/a/b:1\n", 4),
        ("pack:\n  content:\n    iamges:\n    - image: quay.io/a/b:1\n", 3),
        ("pack:\n  content:\n    images:\n    - image:\n      - image: quay.io/a/b:1\n", 5),
    ] {
        let discovery = run("shop/values.yaml", values);
        assert!(discovery.images[0].declared, "{values}{discovery:?}");
        assert_eq!(discovery.images[0].reference.to_string(), "quay.io/a/b:1");
        let problems = rules(&discovery);
        assert!(
            matches!(problems.as_slice(), [("misplaced-key" | "misspelt-key", at)] if *at == line),
            "{values}{problems:?}"
        );
    }
}

#[test]
fn operating_systems_in_parts() {
    let text = "spec:
  template:
    packs:
    - {name: k, layer: k8s, version: 1.30.2}
    - name: os
      layer: os
      values: |
        options:
          system.registry: reg.local/edge
          system.repo: ubuntu
          system.k8sDistribution: k3s
          system.peVersion: v4.6.1
          system.customTag: a
        stylusPackage: container://reg.local/stylus/linux:v4.6.1
";
    assert_eq!(
        images(text),
        [
            "reg.local/edge/ubuntu:k3s-1.30.2-v4.6.1-a os-pack used",
            "reg.local/stylus/linux:v4.6.1 stylus-package used",
        ]
    );
}

#[test]
fn lists_of_objects_and_unknown_documents() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: kots.io/v1beta1\n  kind: Application\n  spec: {additionalImages: [quay.io/a/b:1]}\n---\nnothing: known\n";
    assert_eq!(images(text), ["quay.io/a/b:1 image-key+kots-application declared"]);
    let config = ImagesConfig::default();
    let mut discoverer = Discoverer::new(&config);
    for (expect, text) in [
        (Expect::Anything, "a: 1\n"),
        (Expect::Anything, "{\"declared\": [\"quay.io/a/b:1\"]}"),
        (Expect::ListOrNothing, "Licensed under: some words, image or not\n"),
        (Expect::ListOrNothing, "all\nyours\n"),
    ] {
        discoverer.read(&File { name: "x", unit: None, expect }, text.as_bytes()).unwrap();
    }
    let discovery = discoverer.finish();
    assert_eq!((discovery.images.len(), discovery.problems.len()), (0, 0), "{discovery:?}");
}

#[test]
fn rules_and_problems_are_documented() {
    let text = include_str!("../../../docs/discovery.md");
    for rule in SOURCE_RULES {
        let tier = format!("{:?}", rule.tier).to_lowercase();
        let row = format!("| `{}` | {tier} | {} |", rule.id, rule.about);
        assert!(text.contains(&row), "docs/discovery.md lacks\n{row}");
    }
    for problem in PROBLEMS {
        let row =
            format!("| `{}` | {} | {} |", problem.id, problem.severity.as_str(), problem.about);
        assert!(text.contains(&row), "docs/discovery.md lacks\n{row}");
    }
}

#[test]
fn rules_of_the_code_are_in_the_tables() {
    let known: BTreeSet<&str> = SOURCE_RULES
        .iter()
        .map(|rule| rule.id)
        .chain(RULES.iter().map(|rule| rule.id))
        .chain(PROBLEMS.iter().map(|problem| problem.id))
        .collect();
    let mut directories = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut seen = BTreeSet::new();
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for part in code.split("rule: \"").skip(1) {
                let id = part.split('"').next().unwrap().to_owned();
                assert!(known.contains(id.as_str()), "{id} of {}", path.display());
                seen.insert(id);
            }
        }
    }
    assert!(seen.len() > 5, "{seen:?}");
}
