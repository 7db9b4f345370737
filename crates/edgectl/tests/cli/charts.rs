//! Charts and kustomizations, rendered by the real programs.

use std::path::Path;

use crate::site::Site;

/// A chart with a sub-chart that can be switched off, and an annotation.
fn write_chart(site: &Site, directory: &str) {
    let file = |name: &str, text: &str| site.write(&format!("{directory}/{name}"), text);
    file(
        "Chart.yaml",
        "apiVersion: v2
name: shop
version: 1.0.0
appVersion: '7'
dependencies:
- {name: side, version: 1.0.0, condition: side.enabled}
annotations:
  images: |
    - name: late
      image: quay.io/a/late:1
",
    );
    file(
        "values.yaml",
        "image: {repository: quay.io/a/web, tag: ''}\nside: {enabled: true, tag: '1'}\n",
    );
    file(
        "templates/web.yaml",
        r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: {{ .Release.Namespace }}}
spec:
  template:
    spec:
      containers:
      - image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
      - image: quay.io/a/literal:1
{{- if .Capabilities.APIVersions.Has "example.com/v1" }}
      - image: quay.io/a/gated:1
{{- end }}
{{- if .Values.broken }}{{ fail "the values are broken" }}{{ end }}
"#,
    );
    file("charts/side/Chart.yaml", "apiVersion: v2\nname: side\nversion: 1.0.0\n");
    file("charts/side/values.yaml", "tag: '0'\nimage: quay.io/a/side-tool:1\n");
    file(
        "charts/side/templates/pod.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: side}\nspec:\n  containers:\n  - image: quay.io/a/side:{{ .Values.tag }}\n",
    );
}

fn list(site: &Site, arguments: &[&str]) -> String {
    let mut all = vec!["images", "-o", "list"];
    all.extend(arguments);
    site.run(&all).expect(0).stdout
}

#[test]
fn a_chart_is_rendered() {
    let site = Site::new();
    write_chart(&site, "shop");
    let all = "quay.io/a/late:1\nquay.io/a/literal:1\nquay.io/a/side-tool:1\nquay.io/a/side:1\nquay.io/a/web:7\n";
    assert_eq!(list(&site, &["shop"]), all);
    assert_eq!(list(&site, &["shop/Chart.yaml"]), all);
    pack(&site, &["shop"], "shop-1.0.0.tgz");
    assert_eq!(list(&site, &["shop-1.0.0.tgz"]), all);

    site.write("more.yaml", "image: {tag: '9'}\n");
    let other = list(
        &site,
        &[
            "shop",
            "--values",
            "more.yaml",
            "--set",
            "side.enabled=false",
            "--api-versions",
            "example.com/v1",
        ],
    );
    for expected in ["quay.io/a/web:9\n", "quay.io/a/gated:1\n"] {
        assert!(other.contains(expected), "{other}");
    }
    assert!(!other.contains("quay.io/a/side:"), "{other}");

    let json = site.run(&["images", "shop", "-o", "json"]).expect(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let web = json["images"].as_array().unwrap().iter().find(|i| i["image"] == "quay.io/a/web:7");
    assert_eq!(web.unwrap()["found"][0]["object"], "Deployment default/web");
    assert_eq!(web.unwrap()["tier"], "certain");
}

#[test]
fn a_pack_renders_its_charts_with_its_values() {
    let site = Site::new();
    write_chart(&site, "shop");
    site.write("pack/pack.json", r#"{"name": "shop", "layer": "addon", "version": "1.0.0", "charts": ["charts/shop-1.0.0.tgz"]}"#);
    site.write(
        "pack/values.yaml",
        "pack:\n  namespace: apps\n  content:\n    images:\n    - image: quay.io/a/web:3\ncharts:\n  shop:\n    image: {tag: '{{.spectro.var.Tag}}'}\n",
    );
    site.write("pack/logo.png", "\u{1}");
    site.write("pack/README.md", "image: quay.io/not/this:1\n");
    std::fs::create_dir(site.path("pack/charts")).unwrap();
    pack(&site, &["shop"], "pack/charts/shop-1.0.0.tgz");
    let ended =
        site.run(&["images", "pack", "--macro", "spectro.var.Tag=3", "-o", "json"]).expect(0);
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let web = &json["images"][4];
    assert_eq!(web["image"], "quay.io/a/web:3");
    assert_eq!(web["found"][0]["object"], "Deployment apps/web");
    assert!(
        ended.stderr.contains(
            "`quay.io/a/literal:1` is used by pack `shop` but not declared [used-not-declared]"
        ),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("side-tool:1` is used"), "{}", ended.stderr);
    site.run(&["images", "pack", "--macro", "spectro.var.Tag=3", "--strict"]).expect(3);
    let open = site.run(&["images", "pack"]).expect(3);
    assert!(
        open.stderr.contains("`{{.spectro.var.Tag}}` means [unresolved-macro]"),
        "{}",
        open.stderr
    );
}

#[test]
fn a_profile_decides_on_the_values_of_its_packs() {
    let site = Site::new();
    write_chart(&site, "shop");
    site.write("packs/shop/pack.json", r#"{"name": "shop", "layer": "addon", "version": "1.0.0"}"#);
    site.write("packs/shop/values.yaml", "charts: {shop: {image: {tag: '1'}}}\n");
    std::fs::create_dir(site.path("packs/shop/charts")).unwrap();
    pack(&site, &["shop"], "packs/shop/charts/shop-1.0.0.tgz");
    let export = r#"{"spec": {"template": {"packs": [
  {"name": "k3s", "layer": "k8s", "version": "1.30.2"},
  {"name": "shop", "layer": "addon", "version": "1.0.0", "values": "charts: {shop: {image: {tag: '2'}}}\n"}]}}}"#;
    site.write("export.json", export);
    let found = list(&site, &["packs", "export.json"]);
    assert!(found.contains("quay.io/a/web:2\n") && !found.contains("quay.io/a/web:1\n"), "{found}");
}

#[test]
fn a_failed_render_is_an_error_with_a_way_out() {
    let site = Site::new();
    write_chart(&site, "shop");
    let failed = site.run(&["images", "shop", "--set", "broken=true", "-o", "json"]).expect(1);
    assert!(failed.stderr.contains("error: shop: chart shop: the chart `shop` can't be rendered:"));
    assert!(failed.stderr.contains("the values are broken"), "{}", failed.stderr);
    let json: serde_json::Value = serde_json::from_str(&failed.stdout).unwrap();
    let problem = &json["problems"].as_array().unwrap()[0];
    assert_eq!(
        (&problem["rule"], &problem["severity"]),
        (&"render-failed".into(), &"error".into())
    );

    let on = ["images", "shop", "--set", "broken=true", "--allow-unrendered", "-o", "list"];
    let ended = site.run(&on).expect(0);
    assert!(
        ended.stderr.contains("warning: shop: chart shop: the chart `shop` can't be rendered:")
    );
    // With the chart's own version as tag, and what stands in its templates.
    assert_eq!(
        ended.stdout,
        "quay.io/a/late:1\nquay.io/a/literal:1\nquay.io/a/gated:1\nquay.io/a/side-tool:1\nquay.io/a/web:7\n"
            .lines()
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    );
    site.run(&["images", "shop", "--set", "broken=true", "--allow-unrendered", "--strict"])
        .expect(3);
}

#[test]
fn without_helm_a_render_fails() {
    let site = Site::new();
    write_chart(&site, "shop");
    let ended = site.run_without_tools(&["images", "shop"]).expect(1);
    assert!(ended.stderr.contains("`helm` is not on the PATH"), "{}", ended.stderr);
    assert!(ended.stderr.contains("`--allow-unrendered`"), "{}", ended.stderr);
    site.run_without_tools(&["images", "shop", "--allow-unrendered"]).expect(0);
    // Nor is a lock written that lacks what wasn't rendered.
    site.configure("profile: profile.json", "profile: shop");
    site.run_without_tools(&["images"]).expect(1);
    assert!(!site.path("images.lock").exists());
    let upload = site.run_without_tools(&["upload-profile", "--dry-run"]).expect(1);
    assert!(upload.stderr.contains("error: not everything could be rendered"), "{}", upload.stderr);
}

#[test]
fn a_missing_sub_chart_is_named() {
    let site = Site::new();
    write_chart(&site, "shop");
    std::fs::remove_dir_all(site.path("shop/charts")).unwrap();
    let ended = site.run(&["images", "shop"]).expect(1);
    assert!(ended.stderr.contains("missing in charts/ directory: side"), "{}", ended.stderr);
}

#[test]
fn charts_that_are_only_named_are_told_of() {
    let site = Site::new();
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: apps}\nspec:\n  chart: {spec: {chart: shop, sourceRef: {kind: HelmRepository, name: acme}}}\n  values: {image: {tag: '5'}}\n";
    site.write("apps/release.yaml", release);
    let ended = site.run(&["images", "apps"]).expect(0);
    assert!(ended.stderr.contains("warning: apps/release.yaml:5:"), "{}", ended.stderr);
    assert!(ended.stderr.contains("charts are fetched only with `--fetch`"), "{}", ended.stderr);
    // Beside the release, the chart gets its values.
    write_chart(&site, "apps/shop");
    let found = list(&site, &["apps"]);
    assert!(found.contains("quay.io/a/web:5\n"), "{found}");
    assert!(!found.contains("quay.io/a/web:7\n"), "{found}");
}

#[test]
fn kustomizations_are_rendered() {
    let site = Site::new();
    site.write("app/base/kustomization.yaml", "resources: [pod.yaml]\n");
    site.write(
        "app/base/pod.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: p, image: quay.io/a/old:1}]}\n",
    );
    site.write(
        "app/overlays/prod/kustomization.yaml",
        "resources: [../../base]\nimages:\n- {name: quay.io/a/old, newName: quay.io/a/new, newTag: '2'}\n",
    );
    site.write("app/extra.yaml", "kind: Pod\napiVersion: v1\nmetadata: {name: x}\nspec: {containers: [{image: quay.io/a/extra:1}]}\n");
    let expected = "quay.io/a/extra:1\nquay.io/a/new:2\n";
    assert_eq!(list(&site, &["app"]), expected);
    assert_eq!(list(&site, &["app/overlays/prod/kustomization.yaml"]), "quay.io/a/new:2\n");

    let failed = site.run_without_tools(&["images", "app", "-o", "list"]).expect(1);
    assert!(failed.stderr.contains("neither `kustomize` nor `kubectl` is on the PATH"));
    let on =
        site.run_without_tools(&["images", "app", "-o", "list", "--allow-unrendered"]).expect(0);
    assert_eq!(on.stdout, "quay.io/a/extra:1\nquay.io/a/new:2\nquay.io/a/old:1\n");

    site.write("app/base/kustomization.yaml", "resources: [gone.yaml]\n");
    let failed = site.run(&["images", "app"]).expect(1);
    assert!(failed.stderr.contains("the kustomization can't be rendered:"), "{}", failed.stderr);
    assert!(failed.stderr.contains("gone.yaml"), "{}", failed.stderr);
    site.write("app/base/kustomization.yaml", "resources: ['https://example.com/x.yaml']\n");
    let failed = site.run(&["images", "app/base"]).expect(1);
    assert!(failed.stderr.contains("pass `--fetch`"), "{}", failed.stderr);
}

/// Packs files of the site into an archive.
pub(crate) fn pack(site: &Site, names: &[&str], archive: &str) {
    let file = std::fs::File::create(site.path(archive)).unwrap();
    let gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    for name in names {
        let path = site.path(name);
        match path.is_dir() {
            true => tar.append_dir_all(Path::new(name).file_name().unwrap(), &path).unwrap(),
            false => tar.append_path_with_name(&path, name).unwrap(),
        }
    }
    tar.into_inner().unwrap().finish().unwrap();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the real helm fills the registry")]
fn a_chart_comes_out_of_a_registry() {
    let site = Site::new();
    write_chart(&site, "shop");
    pack(&site, &["shop"], "shop-1.0.0.tgz");
    let pushed = std::process::Command::new("helm")
        .env("PATH", edgectl_testkit::path_with_test_tools())
        .env("HOME", site.dir.path())
        .args(["push", "--plain-http"])
        .arg(site.path("shop-1.0.0.tgz"))
        .arg(format!("oci://{}/mirror/charts", site.source.address()))
        .output()
        .unwrap();
    assert!(pushed.status.success(), "{pushed:?}");
    std::fs::remove_dir_all(site.path("shop")).unwrap();
    std::fs::remove_file(site.path("shop-1.0.0.tgz")).unwrap();
    // The mirror map holds for charts, too.
    site.configure(
        "mirrors: {",
        &format!("mirrors: {{charts.example/acme: \"{}/mirror/charts\", ", site.source.address()),
    );
    site.configure("profile: profile.json", "profile: oci://charts.example/acme/shop:1.0.0");
    let found = site.run(&["images", "-o", "list"]).expect(0).stdout;
    assert!(found.contains("quay.io/a/web:7\n"), "{found}");

    site.write("pack/pack.json", r#"{"name": "shop", "layer": "addon", "version": "1.0.0"}"#);
    site.write(
        "pack/values.yaml",
        "pack: {content: {charts: [{repo: 'oci://charts.example/acme', name: shop, version: 1.0.0}]}}\ncharts: {shop: {image: {tag: '8'}}}\n",
    );
    site.configure("profile: oci://charts.example/acme/shop:1.0.0", "profile: pack");
    let ended = site.run(&["images", "-o", "list"]).expect(0);
    assert!(ended.stderr.contains("charts are fetched only with `--fetch`"), "{}", ended.stderr);
    let found = site.run(&["images", "-o", "list", "--fetch"]).expect(0).stdout;
    assert!(found.contains("quay.io/a/web:8\n"), "{found}");
}
