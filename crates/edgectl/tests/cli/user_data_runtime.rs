//! `user-data inject` for hosts whose own runtime reads files, for Palette's
//! list of registries, and for what a site needs besides.

use std::os::unix::fs::PermissionsExt;

use crate::site::{Ended, PASSWORD, Site};

const PLAIN: &str = "#cloud-config\nhostname: edge-7   # the host\n";

fn inject(site: &Site, arguments: &[&str]) -> Ended {
    site.run(&[&["user-data", "inject", "--out", "-"], arguments].concat())
}

/// A site with a lock and plain user data.
fn site() -> Site {
    let site = Site::new();
    site.write("user-data", PLAIN);
    site.run(&["images"]).expect(0);
    site
}

#[test]
fn the_runtimes_files_come_with_the_user_data_and_go_again() {
    let site = site();
    for (flavor, runtime, files) in [
        ("cloud-init", "containerd", ["certs.d/quay.io/hosts.toml", "/etc/containerd/config.toml"]),
        ("cloud-init", "k3s", ["/etc/rancher/k3s/registries.yaml", "50-edgectl.yaml"]),
        ("kairos", "rke2", ["/etc/rancher/rke2/registries.yaml", "50-edgectl.yaml"]),
        ("palette", "k3s", ["/etc/rancher/k3s/registries.yaml", "registryCredentials"]),
    ] {
        let how = ["--flavor", flavor, "--runtime", runtime];
        let after = inject(&site, &how).expect(0).stdout;
        assert!(PLAIN.lines().all(|line| after.contains(line)), "{after}");
        assert!(files.iter().all(|file| after.contains(file)), "{after}");
        assert_eq!(after.contains("write_files:"), flavor == "cloud-init", "{after}");
        assert!(!after.contains("edgectl:\n"), "{after}");
        assert_eq!(after.contains("systemctl try-restart containerd"), runtime == "containerd");

        site.write("finished", &after);
        let twice = inject(&site, &[&how[..], &["--in", "finished"]].concat()).expect(0);
        assert_eq!(twice.stdout, after);
        let removed = inject(&site, &[&how[..], &["--in", "finished", "--remove"]].concat());
        assert_eq!(removed.expect(0).stdout, PLAIN);
        let diff = inject(&site, &[&how[..], &["--diff"]].concat()).expect(0).stdout;
        assert!(!diff.contains("S3ntinel"), "{diff}");
        assert!(diff.contains("+"), "{diff}");
        // What was written is what check asks for.
        site.run(&["user-data", "check", "finished", "--lock", "images.lock", "--strict"])
            .expect(0);
    }
}

/// Palette is what is taken where nobody says who reads the file.
#[test]
fn what_is_for_somebody_else_is_told() {
    let site = site();
    let warning = "has nothing of Palette's";
    for (text, args, is_told) in [
        ("#cloud-config\ninstall: {auto: true}\n", &[][..], true),
        ("#cloud-config\nruncmd: [ls]\n", &[], true),
        ("#cloud-config\nruncmd: [ls]\n", &["--flavor", "palette"], false),
        ("#cloud-config\nhostname: a\n", &[], false),
        ("#cloud-config\nstylus: {}\nruncmd: [ls]\n", &[], false),
    ] {
        site.write("user-data", text);
        let ended = inject(&site, args).expect(0);
        assert_eq!(ended.stderr.contains(warning), is_told, "{text}{}", ended.stderr);
    }
}

#[test]
fn the_runtime_is_told_or_plain_to_see() {
    let site = site();
    let ended = inject(&site, &["--flavor", "cloud-init", "--runtime", "detect"]).expect(2);
    assert!(ended.stderr.contains("nothing in the user data tells"), "{}", ended.stderr);
    site.write("user-data", "#cloud-config\nruncmd:\n  - curl -sfL https://get.k3s.io | sh -\n");
    let after = inject(&site, &["--flavor", "cloud-init", "--runtime", "detect"]).expect(0).stdout;
    assert!(after.contains("/etc/rancher/k3s/registries.yaml"), "{after}");
    site.configure("file: user-data}", "file: user-data, flavor: cloud-init, runtime: k3s}");
    assert_eq!(inject(&site, &[]).expect(0).stdout, after);
    let agent = inject(&site, &["--runtime", "agent"]).expect(0).stdout;
    assert!(agent.contains("edgectl:\n  registry:\n"), "{agent}");
}

/// Of several parts the cloud-config ones tell; what isn't plain is refused.
#[test]
fn several_parts_tell_who_reads_them() {
    let site = site();
    let archive = "#cloud-config-archive\n- |\n  #!/bin/sh\n  ls /etc/rancher/rke2\n- |\n  #cloud-config\n  k3s: {enabled: true}\n";
    site.write("user-data", archive);
    let after = inject(&site, &["--flavor", "detect", "--runtime", "detect"]).expect(0).stdout;
    assert!(after.contains("  stages:\n") && !after.contains("stylus"), "{after}");
    assert!(after.contains("/etc/rancher/k3s/registries.yaml"), "{after}");
    for text in ["#cloud-config-archive\n- |\n  #!/bin/sh\n", "#cloud-config\na: [\n"] {
        site.write("user-data", text);
        let ended = inject(&site, &["--flavor", "detect"]).expect(2);
        assert!(ended.stderr.contains("nothing tells who reads"), "{}", ended.stderr);
    }
}

#[test]
fn every_site_gets_the_files() {
    let site = site();
    site.write("user-data", "#cloud-config\nhostname: {{ name }}\n");
    site.write("sites.csv", "name\na\nb\n");
    let how = ["user-data", "inject", "--flavor", "cloud-init", "--runtime", "k3s"];
    site.run(&[&how[..], &["--sites", "sites.csv", "--out", "sites"]].concat()).expect(0);
    let text = std::fs::read_to_string(site.path("sites/b.yaml")).unwrap();
    assert!(text.contains("\nhostname: b\n"), "{text}");
    assert!(text.contains("/etc/rancher/k3s/registries.yaml"), "{text}");
    let mode = std::fs::metadata(site.path("sites/b.yaml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn palettes_list_and_site_are_filled() {
    let site = site();
    let other = std::fs::read_to_string(site.path("ca.pem")).unwrap();
    site.write("site-ca.pem", &other);
    let how = [
        "--palette-section",
        "externalRegistries",
        "--site-ca",
        "site-ca.pem",
        "--https-proxy",
        "http://10.1.0.9:3128",
        "--no-proxy",
        "10.0.0.0/8",
    ];
    let after = inject(&site, &how).expect(0).stdout;
    for line in [
        "      - domain: \"10.10.254.254:8000\"\n        repositoryName: \"ns\"\n",
        "        certificates:\n",
        "    caCerts:\n",
        "      httpsProxy: \"http://10.1.0.9:3128\"\n      noProxy: \"10.0.0.0/8\"\n",
    ] {
        assert!(after.contains(line), "{line}\n{after}");
    }
    site.configure(
        "userData: {file: user-data}",
        "userData: {file: user-data, paletteSection: externalRegistries, site: {ca: [site-ca.pem], httpsProxy: \"http://10.1.0.9:3128\", noProxy: 10.0.0.0/8}}",
    );
    assert_eq!(inject(&site, &[]).expect(0).stdout, after);
    let ended = inject(&site, &["--http-proxy", "http://me:secret@10.1.0.9:3128"]).expect(2);
    assert!(ended.stderr.contains("a proxy's login has no place here"), "{}", ended.stderr);
    let ended = inject(&site, &["--flavor", "kairos"]).expect(1);
    assert!(ended.stderr.contains("a proxy has no place here"), "{}", ended.stderr);
}

#[test]
fn a_proxy_goes_to_the_services_that_pull() {
    let site = site();
    let proxy = ["--https-proxy", "http://10.1.0.9:3128", "--no-proxy", "10.1.0.0/16"];
    let drop_in = "/etc/systemd/system/containerd.service.d/50-edgectl-proxy.conf";
    for (flavor, runtime, file) in [
        ("cloud-init", "containerd", drop_in),
        ("kairos", "containerd", drop_in),
        ("cloud-init", "k3s", "/etc/default/k3s-agent"),
        ("kairos", "rke2", "/etc/default/rke2-server"),
    ] {
        let how = [&["--flavor", flavor, "--runtime", runtime][..], &proxy].concat();
        let after = inject(&site, &how).expect(0).stdout;
        assert!(after.contains(&format!("path: {file}\n")), "{after}");
        assert!(after.contains("HTTPS_PROXY="), "{after}");
        assert!(after.contains(",10.10.254.254,10.1.0.0/16\""), "{after}");
        let reloads = after.contains("- \"systemctl daemon-reload\"\n");
        assert_eq!(reloads, flavor == "cloud-init" && runtime == "containerd", "{after}");
        site.write("finished", &after);
        let removed = inject(&site, &[&how[..], &["--in", "finished", "--remove"]].concat());
        assert_eq!(removed.expect(0).stdout, PLAIN);
        site.run(&["user-data", "check", "finished", "--lock", "images.lock", "--strict"])
            .expect(0);
    }
    // Palette has keys of its own, whatever else is written.
    let how = [&["--flavor", "palette", "--runtime", "k3s"][..], &proxy].concat();
    let after = inject(&site, &how).expect(0).stdout;
    assert!(after.contains("httpsProxy:") && !after.contains("/etc/default/"), "{after}");
}

#[test]
fn the_nodes_login_comes_from_everywhere() {
    let site = site();
    let ways = "  credentials: {username: uploader, passwordFile: secrets/uploader}\n";
    let written = format!("password: \"{}\"", PASSWORD.replace('"', "\\\""));
    let done = |ended: Ended| {
        let after = ended.expect(0).stdout;
        assert!(after.contains(&written) && after.contains("username: \"node\""), "{after}");
    };
    let command = ["user-data", "inject", "--out", "-"];
    // A Docker configuration, a helper, a file, the environment.
    let domain = "10.10.254.254:8000";
    let auth = "bm9kZTpTM250aW5lbC1wOnNzIHcwcmQjIjE=";
    site.write("d/config.json", &format!(r#"{{"auths": {{"{domain}": {{"auth": "{auth}"}}}}}}"#));
    site.configure(ways, &format!("{ways}  pullCredentials: {{dockerConfig: d/config.json}}\n"));
    done(site.run(&command));
    site.configure("{dockerConfig: d/config.json}", "{helper: test}");
    let secret = PASSWORD.replace('"', "\\\"");
    site.write(
        "bin/docker-credential-test",
        &format!("#!/bin/sh\nread server\ncat <<'EOF'\n{{\"Username\":\"node\",\"Secret\":\"{secret}\"}}\nEOF\n"),
    );
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(site.path("bin/docker-credential-test"), executable).unwrap();
    let path = format!("{}:/usr/bin:/bin", site.path("bin").display());
    done(site.run_with(&command, &[("PATH", &path)]));
    site.configure("{helper: test}", "{username: node, passwordFile: secrets/uploader}");
    done(site.run(&command));
    site.configure("passwordFile: secrets/uploader}\n  ca", "passwordEnv: NODE_PASSWORD}\n  ca");
    done(site.run_with(&command, &[("NODE_PASSWORD", PASSWORD)]));
    let ended = site.run(&command).expect(2);
    assert!(ended.stderr.contains("`NODE_PASSWORD` is not set"), "{}", ended.stderr);
    // The command line names who, and where the password is.
    let named = [&command[..], &["--username", "node"]].concat();
    let from_stdin = [&named[..], &["--password-stdin"]].concat();
    done(site.run_with_input(&from_stdin, format!("{PASSWORD}\n").as_bytes()));
    done(site.run(&[&named[..], &["--password-file", "secrets/uploader"]].concat()));
    done(site.run_with(&named, &[("EDGECTL_REGISTRY_PASSWORD", PASSWORD)]));
    let ended = site.run(&[&from_stdin[..], &["--in", "-"]].concat()).expect(2);
    assert!(ended.stderr.contains("stdin can't be"), "{}", ended.stderr);
}

#[test]
fn an_account_that_may_push_is_warned_about() {
    let site = site();
    let warned = inject(&site, &[]).expect(0).stderr;
    assert!(warned.starts_with("warning: `uploader` may push to 10.10.254.254:8000"), "{warned}");
    // One that is refused, and a registry that isn't there: nothing is said.
    site.write("wrong", "wrong\n");
    let login = ["--username", "nobody", "--password-file", "wrong"];
    assert_eq!(inject(&site, &login).expect(0).stderr, "");
    let address = format!("connectTo: {}", site.registry.address());
    site.configure(&address, "connectTo: 127.0.0.1:1");
    assert_eq!(inject(&site, &[]).expect(0).stderr, "");
}

/// Whatever a password starts with, what is shown doesn't have it.
#[test]
fn no_password_is_shown() {
    let site = site();
    let start = ["$", "{{", "[", ",", ";", "&"];
    let flavors = ["palette", "kairos", "cloud-init"].into_iter().cycle();
    let runtimes = ["k3s", "containerd", "rke2", "agent"].into_iter().cycle();
    for ((start, flavor), runtime) in start.into_iter().zip(flavors).zip(runtimes) {
        site.write("password", &format!("{start}Zqx7"));
        let how = ["--flavor", flavor, "--runtime", runtime];
        let login = ["--username", "u", "--password-file", "password"];
        let after = inject(&site, &[&how[..], &login].concat()).expect(0).stdout;
        assert!(after.contains("Zqx7"), "{after}");
        site.write("finished", &after);
        let shown = site.run(&["user-data", "show", "finished"]).expect(0).stdout;
        assert!(!shown.contains("Zqx7") && shown.contains("<hidden>"), "{shown}");
        let diff = inject(&site, &[&how[..], &login, &["--diff"]].concat()).expect(0).stdout;
        assert!(!diff.contains("Zqx7"), "{diff}");
        site.run(&["user-data", "check", "finished", "--lock", "images.lock"]).expect(0);
    }
    // The templates of Kairos don't stand in the way of the mirrors.
    site.write("password", "{{Zqx7");
    let how = ["--flavor", "kairos", "--runtime", "k3s", "--username", "u"];
    let after = inject(&site, &[&how[..], &["--password-file", "password"]].concat()).expect(0);
    site.write("finished", &after.stdout);
    site.run(&["user-data", "check", "finished", "--lock", "images.lock"]).expect(0);
}

/// Injecting takes nothing out: who changes the runtime is told what is left.
#[test]
fn a_login_that_is_left_is_said() {
    let site = site();
    site.write("password", "Zqx7");
    let login = ["--username", "u", "--password-file", "password"];
    let k3s = ["--flavor", "cloud-init", "--runtime", "k3s"];
    let agent = ["--flavor", "cloud-init", "--runtime", "agent"];
    let first = inject(&site, &[&k3s[..], &login].concat()).expect(0);
    assert!(!first.stderr.contains("login from before"), "{}", first.stderr);
    site.write("user-data", &first.stdout);
    let second = inject(&site, &[&agent[..], &login].concat()).expect(0);
    let said = "warning: the file `/etc/rancher/k3s/registries.yaml` still has a login";
    assert!(second.stderr.contains(said), "{}", second.stderr);
    site.write("user-data", &second.stdout);
    let third = inject(&site, &[&k3s[..], &login].concat()).expect(0);
    assert!(third.stderr.contains("`edgectl.registry` still has a login"), "{}", third.stderr);
}

/// A node without a password would fail alone, far away.
#[test]
fn an_empty_password_is_refused() {
    let site = site();
    site.write("password", "\n");
    let ended = inject(&site, &["--username", "u", "--password-file", "password"]).expect(2);
    let said = "the first line of the password file `password` is empty";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
}
