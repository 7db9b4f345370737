//! Every rule on small objects of our own: what it takes, what it leaves, how
//! sure it is and where it says the image stands.

use edgectl_model::{ImagesConfig, KnownField, Tier, from_yaml};
use edgectl_profile::{Discovery, Input, RULES, discover};

/// What discovery says about manifests.
fn search_with(manifests: &str, images: &ImagesConfig) -> Discovery {
    let manifest = serde_json::json!({"name": "m", "content": manifests});
    let profile = serde_json::json!({"spec": {"template": {"packs": [
        {"name": "p", "layer": "addon", "manifests": [manifest]},
    ]}}});
    let text = profile.to_string();
    discover(&[Input { file: "p.json", text: &text }], images).unwrap_or_else(|e| panic!("{e}"))
}

fn search(manifests: &str) -> Discovery {
    search_with(manifests, &ImagesConfig::default())
}

/// `tier image rule` of every image, sorted.
fn lines(discovery: &Discovery) -> Vec<String> {
    let lines = discovery.images.iter().map(|image| {
        let tier = format!("{:?}", image.tier).to_lowercase();
        format!("{tier} {} {}", image.reference, image.found[0].rule)
    });
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines
}

fn check(manifests: &str, expected: &[&str]) {
    let mut expected: Vec<String> = expected.iter().map(|line| (*line).to_owned()).collect();
    expected.sort();
    assert_eq!(lines(&search(manifests)), expected, "{manifests}");
}

fn check_values(values: &str, expected: &[&str]) {
    let profile = serde_json::json!({"spec": {"template": {"packs": [
        {"name": "p", "layer": "addon", "values": values},
    ]}}});
    let text = profile.to_string();
    let found = discover(&[Input { file: "p.json", text: &text }], &ImagesConfig::default())
        .unwrap_or_else(|e| panic!("{e}"));
    let mut expected: Vec<String> = expected.iter().map(|line| (*line).to_owned()).collect();
    expected.sort();
    assert_eq!(lines(&found), expected, "{values}");
}

/// An object of a custom kind with this `spec`.
fn custom(spec: &str) -> String {
    format!("apiVersion: acme.example/v1\nkind: Thing\nmetadata: {{name: t}}\nspec: {spec}\n")
}

/// A Deployment whose container has these further fields.
fn container(fields: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: d}}\nspec:\n  template:\n    spec:\n      containers:\n      - name: c\n        {}\n",
        fields.replace('\n', "\n        ")
    )
}

#[test]
fn containers_of_every_kind() {
    check(
        "{kind: Pod, metadata: {name: p}, spec: {containers: [{image: a}], initContainers: [{image: b}], ephemeralContainers: [{image: c}], volumes: [{name: v, image: {reference: quay.io/acme/v:1}}]}}",
        &[
            "certain docker.io/library/a:latest pod-spec",
            "certain docker.io/library/b:latest pod-spec",
            "certain docker.io/library/c:latest pod-spec",
            "certain quay.io/acme/v:1 pod-spec",
        ],
    );
    check(
        "{kind: CronJobList, items: [{kind: CronJob, metadata: {name: c}, spec: {jobTemplate: {spec: {template: {spec: {containers: [{image: quay.io/acme/c:1}]}}}}}}]}",
        &["certain quay.io/acme/c:1 pod-spec"],
    );
    check(
        &custom("{replicas: [{template: {spec: {containers: [{image: acme/deep}]}}}]}"),
        &["certain docker.io/acme/deep:latest pod-template"],
    );
    check(
        "{apiVersion: helm.sh/v1, kind: Job, metadata: {name: t, annotations: {helm.sh/hook: test}}, spec: {template: {spec: {containers: [{image: quay.io/acme/test:1}]}}}}",
        &["certain quay.io/acme/test:1 pod-spec"],
    );
}

#[test]
fn names_places_and_objects() {
    let discovery = search(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  template:\n    spec:\n      containers:\n      - image: quay.io/acme/web:1\n",
    );
    let found = &discovery.images[0].found[0];
    assert_eq!(found.object, "Deployment shop/web");
    assert_eq!(
        found.path,
        "spec.template.packs[0].manifests[0].content:spec.template.spec.containers[0].image"
    );
}

#[test]
fn templates_are_told_and_not_taken() {
    let discovery = search(&container("image: '{{ .Values.image }}'"));
    assert!(discovery.images.is_empty());
    assert_eq!(discovery.problems[0].rule, "template");
    for image in ["$(IMAGE)", "${IMAGE}", "<IMAGE>", "quay.io/@ORG@/x:1"] {
        let discovery = search(&container(&format!("image: '{image}'")));
        assert!(discovery.images.is_empty() && discovery.problems.len() == 1, "{image}");
    }
}

#[test]
fn known_fields() {
    let prometheus = "{apiVersion: monitoring.coreos.com/v1, kind: Prometheus, metadata: {name: p}, spec: {VERSION, thanos: {image: quay.io/thanos/thanos:v1}}}";
    check(
        &prometheus.replace("VERSION", "version: v2.50.0"),
        &[
            "known quay.io/prometheus/prometheus:v2.50.0 known-field",
            "known quay.io/thanos/thanos:v1 known-field",
        ],
    );
    check(
        &prometheus.replace("VERSION", "version: v2.50.0, image: acme/prometheus"),
        &[
            "known docker.io/acme/prometheus:latest known-field",
            "known quay.io/thanos/thanos:v1 known-field",
        ],
    );
    check(
        "{apiVersion: beat.k8s.elastic.co/v1beta1, kind: Beat, metadata: {name: b}, spec: {type: filebeat, version: 9.1.0}}",
        &["known docker.elastic.co/beats/filebeat:9.1.0 known-field"],
    );
    check(
        "{apiVersion: upgrade.cattle.io/v1, kind: Plan, metadata: {name: u}, spec: {version: v1.30.2+k3s1, upgrade: {image: rancher/k3s-upgrade}, prepare: {image: 'acme/prepare:1'}}}",
        &[
            "known docker.io/acme/prepare:1 known-field",
            "known docker.io/rancher/k3s-upgrade:v1.30.2-k3s1 known-field",
        ],
    );
    check(
        "{apiVersion: nvidia.com/v1, kind: ClusterPolicy, metadata: {name: c}, spec: {driver: {repository: nvcr.io/nvidia, image: driver, version: '550'}, toolkit: {repository: nvcr.io/nvidia/k8s, image: container-toolkit, version: 'sha256:DIGEST'}}}".replace("DIGEST", &"a".repeat(64)).as_str(),
        &[
            "known nvcr.io/nvidia/driver:550 known-field",
            &format!("known nvcr.io/nvidia/k8s/container-toolkit@sha256:{} known-field", "a".repeat(64)),
        ],
    );
    check(
        "{apiVersion: tekton.dev/v1, kind: PipelineRun, metadata: {name: r}, spec: {pipelineSpec: {tasks: [{taskSpec: {steps: [{image: bash}], stepTemplate: {image: $(params.x)}}}]}}}",
        &["known docker.io/library/bash:latest known-field"],
    );
    check(
        "{apiVersion: cdi.kubevirt.io/v1beta1, kind: DataVolume, metadata: {name: d}, spec: {source: {registry: {url: 'docker://quay.io/acme/disk:1'}}}}",
        &["known quay.io/acme/disk:1 known-field"],
    );
}

#[test]
fn fields_that_users_add() {
    let field: KnownField = from_yaml(
        "{group: acme.example, kinds: [Thing], paths: ['spec.runtimes[*].engine'], compose: ['{name}/engine:{/spec.release}']}",
    )
    .unwrap();
    let images = ImagesConfig { known_fields: vec![field], ..ImagesConfig::default() };
    let manifest = custom("{release: 3, runtimes: [{engine: {name: quay.io/acme}}]}");
    let discovery = search_with(&manifest, &images);
    assert_eq!(lines(&discovery), ["known quay.io/acme/engine:3 known-field"]);
    let path = &discovery.images[0].found[0].path;
    assert!(path.ends_with(":spec.runtimes[0].engine.name"), "{path}");
    assert!(search(&manifest).images.is_empty());
}

#[test]
fn keys_that_say_image() {
    check(
        &custom(
            "{sidecarImage: quay.io/acme/a:1, init: {image: acme/b}, imageName: 'c:2', images: {ui: quay.io/acme/d, pullPolicy: Always}, list: {images: [quay.io/acme/e:1]}, workerimage: busybox}",
        ),
        &[
            "likely docker.io/acme/b:latest image-key",
            "likely docker.io/library/busybox:latest image-key",
            "likely docker.io/library/c:2 image-key",
            "likely quay.io/acme/a:1 image-key",
            "likely quay.io/acme/e:1 image-key",
        ],
    );
    check(&custom("{image: web}"), &["possible docker.io/library/web:latest reference"]);
    check(
        &custom(
            "{imagePullPolicy: Always, imagePullSecrets: [acme/b], osImage: Ubuntu, imageRegistry: quay.io/acme, logo: {image: logo.png}, backgroundImage: 'https://x.example/a.png', image: {}, imageFeatures: layering, imageID: acme/b, nodeImage: acme/node}",
        ),
        &[],
    );
}

#[test]
fn parts_of_images() {
    check(
        &custom(
            "{a: {registry: quay.io, repository: acme/a, tag: '1'}, b: {repository: quay.io/acme, image: b, version: v1}, c: {image: quay.io/acme/c, tag: 2}, d: {imageRepository: quay.io/acme/d, imageTag: v1.2.3+k3s1}}",
        ),
        &[
            "likely quay.io/acme/a:1 image-parts",
            "likely quay.io/acme/b:v1 image-parts",
            "likely quay.io/acme/c:2 image-parts",
            "likely quay.io/acme/d:v1.2.3-k3s1 image-parts",
        ],
    );
    check_values(
        "charts: {x: {global: {hub: quay.io/mesh, tag: '1.2'}, pilot: {image: pilot}, proxy: {image: {repository: acme/proxy, tag: v3}}}}",
        &[
            "likely quay.io/mesh/acme/proxy:v3 image-parts",
            "likely quay.io/mesh/pilot:1.2 image-parts",
        ],
    );
    check_values(
        "charts: {x: {base: quay.io/acme, parts: {a: {image: a, tag: v1, match: [{os: x, image: b}]}}, web: {image: {name: web, repository: quay.io/acme/team, tag: v2}}}}",
        &[
            "likely quay.io/acme/a:v1 image-parts",
            "likely quay.io/acme/b:v1 image-parts",
            "likely quay.io/acme/team/web:v2 image-parts",
        ],
    );
    check_values(
        "charts: {x: {image: {repository: quay.io/acme/web, tag: ''}, bare: {image: name, tag: v1}, git: {repository: github.com/acme/web, tag: v1}, chart: {repository: 'https://charts.example', version: 1}}}",
        &[
            "possible docker.io/library/name:v1 reference",
            "possible quay.io/acme/web:latest reference",
        ],
    );
}

#[test]
fn variables() {
    check(
        &container(
            "image: quay.io/acme/op:1\nenv:\n- {name: RELATED_IMAGE_A, value: quay.io/acme/a:1}\n- {name: B_IMAGE, value: acme/b}\n- {name: C_IMAGES, value: \"1=quay.io/acme/c:1\\n2=quay.io/acme/c:2\\n\"}\n- {name: ANY, value: quay.io/acme/any:1}\n- {name: D_IMAGE_REPOSITORY, value: quay.io/acme/d}\n- {name: D_IMAGE_TAG, value: v1}\n- {name: PULL_POLICY, value: Always}\n- {name: IMAGE_PULL_SECRET, value: acme/secret}\n- {name: ADDRESS, value: 'web.acme.svc:8080'}",
        ),
        &[
            "certain quay.io/acme/op:1 pod-spec",
            "likely docker.io/acme/b:latest environment",
            "likely quay.io/acme/a:1 environment",
            "likely quay.io/acme/any:1 environment",
            "likely quay.io/acme/c:1 environment",
            "likely quay.io/acme/c:2 environment",
            "likely quay.io/acme/d:v1 environment",
        ],
    );
}

#[test]
fn arguments() {
    check(
        &container(
            "args:\n- --solver-image=quay.io/acme/solver:1\n- --engine-image\n- acme/engine:v1\n- --reloader=quay.io/acme/reloader:1\n- --set=x.image=acme/set\n- --image-pull-policy=Always\n- --address=:8080\n- --taint=acme.com/gpu:NoSchedule\n- --config=/etc/x.yaml\n- --leader-elect",
        ),
        &[
            "likely docker.io/acme/engine:v1 argument",
            "likely docker.io/acme/set:latest argument",
            "likely quay.io/acme/reloader:1 argument",
            "likely quay.io/acme/solver:1 argument",
        ],
    );
    check(
        &container("command: [sh, -c, \"# quay.io/acme/no:1\\nfetch quay.io/acme/run:1 > /x\\n\"]"),
        &["likely quay.io/acme/run:1 line"],
    );
}

#[test]
fn texts_in_texts() {
    let map = |data: &str| format!("kind: ConfigMap\nmetadata: {{name: c}}\ndata:\n{data}");
    check(
        &map(
            "  a.yaml: |\n    kind: Pod\n    metadata: {name: p}\n    spec: {containers: [{image: acme/pod}]}\n  b.json: '{\"image\": \"quay.io/acme/b:1\"}'\n  c.tpl: |\n    {{- if .x }}\n    - image: quay.io/acme/c:1\n    {{- end }}\n    image: {{ .y }}\n  d.sh: |\n    docker pull quay.io/acme/d:1\n  e.conf: |\n    [x]\n    image = \"quay.io/acme/e:1\"\n",
        ),
        &[
            "likely docker.io/acme/pod:latest pod-spec",
            "likely quay.io/acme/b:1 image-key",
            "likely quay.io/acme/c:1 line",
            "likely quay.io/acme/e:1 line",
            "possible quay.io/acme/d:1 reference",
        ],
    );
    check(
        "{kind: Secret, metadata: {name: s}, data: {x: aW1hZ2U6IHF1YXkuaW8vYWNtZS9zOjEK}}",
        &["likely quay.io/acme/s:1 image-key"],
    );
    check(
        "{kind: ConfigMap, metadata: {name: operator-images}, data: {engine: quay.io/acme/engine:1}}",
        &["likely quay.io/acme/engine:1 image-key"],
    );
}

#[test]
fn definitions_are_only_possible() {
    check(
        "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: c}, spec: {versions: [{schema: {openAPIV3Schema: {properties: {image: {default: 'busybox:1', description: 'such as quay.io/acme/no:1'}, other: {default: quay.io/acme/yes:1}, imagePullPolicy: {enum: [Always]}}}}}]}}",
        &[
            "possible docker.io/library/busybox:1 reference",
            "possible quay.io/acme/yes:1 reference",
        ],
    );
}

#[test]
fn false_friends() {
    check(
        &format!(
            "{}---\n{}",
            custom(
                "{url: 'https://x.example/a/b:1', time: 10:30:00, group: system:masters, address: 'x.example:443', path: /a/b:c, source: github.com/acme/web:v1}",
            ),
            "kind: Node\nmetadata: {name: n, labels: {image: acme/label}}\nspec: {taints: ['acme.com/gpu:NoSchedule']}\n"
        ),
        &[],
    );
}

#[test]
fn broken_texts_lose_nothing() {
    let discovery = search(
        "a: [\n  image: quay.io/acme/broken:1\n---\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: quay.io/acme/good:1}]}\n",
    );
    assert_eq!(
        lines(&discovery),
        ["certain quay.io/acme/good:1 pod-spec", "likely quay.io/acme/broken:1 line"]
    );
    assert_eq!(discovery.problems[0].rule, "manifest-syntax");
    let twice = search(&container("image: quay.io/acme/first:1\nimage: quay.io/acme/second:1"));
    assert_eq!(twice.images.len(), 2, "{:#?}", twice.images);
    assert!(twice.problems.iter().any(|p| p.rule == "duplicate-key"), "{:#?}", twice.problems);
}

#[test]
fn every_rule_has_a_name_of_its_own() {
    let mut names: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), RULES.len());
    assert!(RULES.is_sorted_by_key(|rule| rule.tier));
    assert_eq!(RULES.iter().map(|rule| rule.tier).max(), Some(Tier::Possible));
}

#[test]
fn the_rules_are_documented() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/discovery.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once("## Rules").unwrap();
    let (section, _) = rest.split_once("What they have in common").unwrap();
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<String> = RULES
        .iter()
        .map(|rule| {
            let tier = format!("{:?}", rule.tier).to_lowercase();
            format!("| `{}` | {tier} | {} |", rule.id, rule.about)
        })
        .collect();
    assert_eq!(rows, expected, "docs/discovery.md and the table of rules differ");
}
