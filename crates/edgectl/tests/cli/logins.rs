//! Every way to a login, at a real registry that wants one.

use std::os::unix::fs::PermissionsExt;

use crate::site::{Ended, PASSWORD, Site};

/// uploader:PASSWORD
const AUTH: &str = "dXBsb2FkZXI6UzNudGluZWwtcDpzcyB3MHJkIyIx";

/// Looks at the site's registry without edge.yaml.
fn check(site: &Site, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let registry = format!("{}/ns", site.registry.address());
    let start = ["upload-profile", "profile.json", "--check", "--registry", &registry];
    let ended = site.run_with(&[&start[..], arguments].concat(), variables);
    for text in [&ended.stdout, &ended.stderr] {
        assert!(!text.contains(PASSWORD) && !text.contains(AUTH), "{text}");
    }
    ended
}

fn site() -> Site {
    let site = Site::new();
    std::fs::remove_file(site.path("edge.yaml")).unwrap();
    site
}

fn docker_config(site: &Site) -> String {
    format!(r#"{{"auths": {{"{}": {{"auth": "{AUTH}"}}}}}}"#, site.registry.address())
}

fn helper(site: &Site, script: &str) -> String {
    site.write("bin/docker-credential-test", &format!("#!/bin/sh\nread server || :\n{script}\n"));
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(site.path("bin/docker-credential-test"), executable).unwrap();
    format!("{}:/usr/bin:/bin", site.path("bin").display())
}

#[test]
fn a_password_comes_from_a_file_or_the_environment() {
    let site = site();
    let named = ["--ca", "ca.pem", "--username", "uploader"];
    let ended = check(&site, &[&named[..], &["--password-file", "secrets/uploader"]].concat(), &[]);
    let stdout = ended.expect(0).stdout;
    for line in ["reached over  https", "logged in     uploader", "push          allowed"] {
        assert!(stdout.contains(line), "{stdout}");
    }
    check(&site, &named, &[("EDGECTL_REGISTRY_PASSWORD", PASSWORD)]).expect(0);
    check(&site, &named, &[("EDGECTL_REGISTRY_PASSWORD", "wrong")]).expect(5);
    let json = check(
        &site,
        &[&named[..], &["-o", "json"]].concat(),
        &[("EDGECTL_REGISTRY_PASSWORD", PASSWORD)],
    );
    let value: serde_json::Value = serde_json::from_str(&json.expect(0).stdout).unwrap();
    assert_eq!((&value["takesMounts"], &value["requests"]), (&true.into(), &3.into()));
    // Nowhere, and nobody to ask.
    let ended = check(&site, &named, &[]).expect(2);
    assert!(ended.stderr.contains("hint: pass `--password-stdin`"), "{}", ended.stderr);
}

#[test]
fn the_files_of_docker_and_podman_are_looked_at() {
    let site = site();
    let text = docker_config(&site);
    let at = |name: &str| site.path(name).display().to_string();
    site.write("d/config.json", &text);
    site.write("r/containers/auth.json", &text);
    site.write("empty/config.json", "{}");
    let ca = ["--ca", "ca.pem"];
    check(&site, &ca, &[]).expect(5);
    check(&site, &ca, &[("DOCKER_CONFIG", &at("d"))]).expect(0);
    check(&site, &ca, &[("REGISTRY_AUTH_FILE", &at("d/config.json"))]).expect(0);
    check(&site, &ca, &[("DOCKER_CONFIG", &at("empty")), ("XDG_RUNTIME_DIR", &at("r"))]).expect(0);
    let ended = check(&site, &ca, &[("REGISTRY_AUTH_FILE", &at("none.json"))]).expect(1);
    assert!(ended.stderr.contains("none.json"), "{}", ended.stderr);
    site.write(".docker/config.json", &text);
    check(&site, &ca, &[]).expect(0);
    let ended = check(&site, &[&ca[..], &["--anonymous"]].concat(), &[]).expect(5);
    assert!(ended.stderr.contains("`[REGISTRY]` needs a login"), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: log in with `docker login "), "{}", ended.stderr);
}

#[test]
fn a_helper_is_asked_and_its_failure_is_one() {
    let site = site();
    let password = PASSWORD.replace('"', "\\\"");
    let answer =
        format!("cat <<'EOF'\n{{\"Username\":\"uploader\",\"Secret\":\"{password}\"}}\nEOF");
    let path = helper(&site, &answer);
    let variables = [("PATH", path.as_str())];
    let ca = ["--ca", "ca.pem"];
    check(&site, &[&ca[..], &["--credential-helper", "test"]].concat(), &variables).expect(0);
    site.write(".docker/config.json", r#"{"credsStore": "test"}"#);
    check(&site, &ca, &variables).expect(0);
    helper(&site, "echo the keychain is locked; exit 1");
    let ended = check(&site, &ca, &variables).expect(1);
    assert!(ended.stderr.contains("the keychain is locked"), "{}", ended.stderr);
    assert!(ended.stderr.contains("`--anonymous`"), "{}", ended.stderr);
}

#[test]
fn certificates_come_from_a_directory() {
    let site = site();
    let ca = std::fs::read_to_string(site.path("ca.pem")).unwrap();
    site.write(&format!("certs/{}/ca.crt", site.registry.address()), &ca);
    site.write(&format!(".config/containers/certs.d/{}/ca.crt", site.registry.address()), &ca);
    site.write(".docker/config.json", &docker_config(&site));
    check(&site, &["--certs-dir", "certs"], &[]).expect(0);
    check(&site, &[], &[]).expect(0);
    let own = format!("certs/{}", site.registry.address());
    check(&site, &["--certs-dir", &own], &[]).expect(0);
    let ended = check(&site, &["--certs-dir", "none"], &[]).expect(2);
    assert!(ended.stderr.contains("not a directory of certificates"), "{}", ended.stderr);
}

#[test]
fn loopback_is_reached_without_a_proxy() {
    let site = site();
    site.write(".docker/config.json", &docker_config(&site));
    let dead = ("HTTPS_PROXY", "http://edge:S3ntinel@127.0.0.1:1");
    check(&site, &["--ca", "ca.pem"], &[dead]).expect(0);
    let bad = ("ALL_PROXY", "socks5://edge:S3ntinel@127.0.0.1:1");
    let ended = check(&site, &["--ca", "ca.pem"], &[bad]).expect(2);
    assert!(ended.stderr.contains("`ALL_PROXY` names a `socks5` proxy"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("S3ntinel"), "{}", ended.stderr);
}

#[test]
fn edge_yaml_names_every_way() {
    let site = Site::new();
    let ways = "credentials: {username: uploader, passwordFile: secrets/uploader}";
    site.run(&["upload-profile", "--check"]).expect(0);
    let password = PASSWORD.replace('"', "\\\"");
    let answer =
        format!("cat <<'EOF'\n{{\"Username\":\"uploader\",\"Secret\":\"{password}\"}}\nEOF");
    let path = helper(&site, &answer);
    site.configure(ways, "credentials: {helper: test}");
    site.run_with(&["upload-profile", "--check"], &[("PATH", &path)]).expect(0);
    site.configure("{helper: test}", "{anonymous: true}");
    site.run(&["upload-profile", "--check"]).expect(5);
    site.configure("{anonymous: true}", "{cloud: ecr}");
    let region = [("AWS_REGION", "eu-west-1")];
    let ended = site.run_with(&["upload-profile", "--check"], &region).expect(2);
    assert!(ended.stderr.contains("`AWS_ACCESS_KEY_ID` is not set"), "{}", ended.stderr);
    site.configure("{cloud: ecr}", "{cloud: ecr, helper: test}");
    let ended = site.run(&["upload-profile", "--check"]).expect(2);
    assert!(ended.stderr.contains("`registry.credentials`: give one of"), "{}", ended.stderr);
}

/// `script` (package bsdutils) gives a terminal; what is typed when the
/// question is there must not show.
#[test]
fn a_terminal_is_asked_and_shows_nothing() {
    let site = site();
    let registry = format!("{}/ns", site.registry.address());
    let command = format!(
        "{} upload-profile profile.json --check --registry {registry} --ca ca.pem --username uploader",
        env!("CARGO_BIN_EXE_edgectl")
    );
    site.write("typed", &format!("{PASSWORD}\n"));
    // A minute at most; what doesn't ask is found below.
    let wait =
        "for _ in $(seq 1200); do grep -q Password shown && break; sleep 0.05; done; cat typed";
    // As in the other tests, its environment has nothing of the user's.
    let clean = "env -i PATH=\"$PATH\" HOME=\"$PWD\"";
    let line = format!("touch shown; ({wait}) | {clean} script -qefc '{command}' shown");
    let cmd = edgectl_process::Cmd::new("sh").args(["-c", &line]).current_dir(site.dir.path());
    cmd.ensure_success().unwrap();
    let shown = std::fs::read_to_string(site.path("shown")).unwrap();
    assert!(shown.contains("Password of `uploader`"), "{shown}");
    assert!(shown.contains("allowed"), "{shown}");
    assert!(!shown.contains(PASSWORD), "{shown}");
}
