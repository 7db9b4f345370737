//! `images`, `init`, `doctor`.

use crate::site::{Site, profile};

#[test]
fn images_are_listed_and_locked() {
    let site = Site::new();
    let ended = site.run(&["images"]).expect(0);
    assert_eq!(
        ended.stdout,
        "\
IMAGE            DIGEST  ROLE      TIER     DECLARED  FOUND
quay.io/a/db:1   -       workload  certain  yes       pack shop pack-content
quay.io/a/web:1  -       workload  certain  yes       pack shop pack-content
"
    );
    assert_eq!(ended.stderr, "2 images in ./images.lock, 2 without a digest\n");
    let list = site.run(&["images", "-q", "-o", "list"]).expect(0);
    assert_eq!(list.stdout, "quay.io/a/db:1\nquay.io/a/web:1\n");
    assert_eq!(list.stderr, "");
    let lock = site.run(&["images", "-o", "lock"]).expect(0).stdout;
    assert_eq!(lock, std::fs::read_to_string(site.path("images.lock")).unwrap());
    assert!(lock.contains("target: 10.10.254.254:8000/ns/quay.io/a/web:1"), "{lock}");
}

#[test]
fn json_says_where_each_image_was_found() {
    let site = Site::new();
    let ended = site.run(&["images", "profile.json", "-o", "json"]).expect(0);
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(value["schema"], 1);
    let image = &value["images"][1];
    assert_eq!(image["image"], "quay.io/a/web:1");
    assert_eq!(image["tier"], "certain");
    assert_eq!(image["found"][0]["file"], "profile.json");
    assert_eq!(image["found"][0]["line"], 5);
    let problems = value["problems"].as_array().unwrap();
    let severities: Vec<&str> = problems.iter().map(|p| p["severity"].as_str().unwrap()).collect();
    assert_eq!(severities, ["info", "info"]);
    assert_eq!(problems[0]["rule"], "not-pinned");
}

#[test]
fn one_image_is_explained() {
    let site = Site::new();
    let ended = site.run(&["images", "--explain", "quay.io/a/web:1"]).expect(0);
    assert!(ended.stdout.contains("in the registry: 10.10.254.254:8000/ns/quay.io/a/web:1"));
    assert!(ended.stdout.contains("found by rule pack-content in pack shop"), "{}", ended.stdout);
    let ended = site.run(&["images", "--explain", "nginx"]).expect(3);
    assert!(
        ended
            .stderr
            .contains("error: nothing in the inputs names `docker.io/library/nginx:latest`")
    );
}

#[test]
fn a_profile_comes_from_stdin_too() {
    let site = Site::new();
    let text = profile(&["redis:7"]);
    let ended = site.run_with_input(&["images", "-", "-o", "list"], text.as_bytes()).expect(0);
    assert_eq!(ended.stdout, "docker.io/library/redis:7\n");
}

#[test]
fn locked_refuses_another_profile() {
    let site = Site::new();
    let missing = site.run(&["images", "--locked"]).expect(3);
    assert!(missing.stderr.contains("error: `./images.lock` is not there"), "{}", missing.stderr);
    site.run(&["images"]).expect(0);
    site.run(&["images", "--locked"]).expect(0);
    site.write("profile.json", &profile(&["quay.io/a/web:2"]));
    let stale = site.run(&["images", "--locked"]).expect(3);
    assert!(stale.stderr.contains("was made from other inputs"), "{}", stale.stderr);
    assert!(stale.stderr.contains("hint: run `edgectl images` without `--locked`"));
}

#[test]
fn digests_are_resolved_and_kept() {
    let site = Site::new();
    site.serve_all();
    site.run(&["images", "--resolve"]).expect(0);
    let lock = std::fs::read_to_string(site.path("images.lock")).unwrap();
    assert_eq!(lock.matches("digest: sha256:").count(), 2, "{lock}");
    assert_eq!(lock.matches("- linux/amd64").count(), 2, "{lock}");
    site.run(&["images"]).expect(0);
    assert_eq!(std::fs::read_to_string(site.path("images.lock")).unwrap(), lock);
    site.run(&["images", "--update"]).expect(0);
    let fresh = std::fs::read_to_string(site.path("images.lock")).unwrap();
    assert!(!fresh.contains("digest: "), "{fresh}");
}

#[test]
fn warnings_count_only_when_strict() {
    let site = Site::new();
    site.write("profile.json", &profile(&["quay.io/a/web"]));
    let ended = site.run(&["images"]).expect(0);
    assert!(ended.stderr.contains("[floating-tag]"), "{}", ended.stderr);
    site.run(&["images", "--strict"]).expect(3);
}

#[test]
fn init_writes_a_project_file_that_can_be_read() {
    let site = Site::new();
    let refused = site.run(&["init"]).expect(5);
    assert_eq!(refused.stderr, "error: `edge.yaml` exists\nhint: pass `--force` to replace it\n");
    site.run(&["init", "--force"]).expect(0);
    let printed = site.run(&["init", "--out", "-"]).expect(0);
    assert_eq!(printed.stdout, std::fs::read_to_string(site.path("edge.yaml")).unwrap());
    let ended = site.run(&["images"]).expect(0);
    assert!(ended.stdout.contains("quay.io/a/web:1"));
}

#[test]
fn doctor_names_every_tool() {
    let site = Site::new();
    let ended = site.run(&["doctor", "-o", "json"]).expect(0);
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let tools = value["tools"].as_array().unwrap();
    for name in ["xorriso", "mksquashfs", "grub-mkimage", "qemu-system-x86_64"] {
        let tool = tools.iter().find(|t| t["tool"] == name).unwrap();
        assert!(tool["path"].is_string(), "{tool}");
    }
}

#[test]
fn help_fits_a_terminal_and_tells_the_exit_codes() {
    let site = Site::new();
    let ended = site.run(&["--help"]).expect(0);
    assert!(ended.stdout.contains("3  checked and found wrong"), "{}", ended.stdout);
    for line in ended.stdout.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    let ended = site.run(&["no-such-command"]).expect(2);
    assert!(ended.stderr.contains("unrecognized subcommand"), "{}", ended.stderr);
}

#[test]
fn nothing_is_asked_of_a_source_twice() {
    let site = Site::new();
    site.serve_all();
    // The same images by several names, in several inputs, at many places.
    let pod = |image: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{image: '{image}'}}]}}\n---\n"
        )
    };
    site.write("more.yaml", &format!("{}{}", pod("quay.io/a/web:1"), pod("Quay.io/a/db:1")));
    site.write("images-used", "quay.io/a/web:1\nquay.io/a/db:1\nquay.io/a/web:1\n");
    site.configure("profile: profile.json", "profile: [profile.json, more.yaml, images-used]");
    let manifests = |site: &Site| {
        let log = site.source.log_text().unwrap();
        let entries = edgectl_registry::access_log::parse(&log);
        entries.into_iter().filter(|e| e.path.contains("/manifests/") && e.method != "PUT").count()
    };
    let before = manifests(&site);
    site.run(&["images", "--resolve"]).expect(0);
    let asked = manifests(&site) - before;
    assert_eq!(asked, 2, "{}", site.source.log_text().unwrap());
    site.run(&["images", "--resolve"]).expect(0);
    assert_eq!(manifests(&site) - before, asked);
}
