//! A password is in the user data and on the image, and nowhere else.

use crate::iso::{BUILD, baked_site};
use crate::iso_customize::customized;
use crate::site::{PASSWORD, Site};

/// The password as it would show: plain, in JSON, in a URL, in base64 with and
/// without the user name.
fn forms() -> Vec<String> {
    vec![
        PASSWORD.to_owned(),
        serde_json::to_string(PASSWORD).unwrap().trim_matches('"').to_owned(),
        "S3ntinel-p%3Ass".to_owned(),
        "UzNudGluZWwtcDpzcyB3MHJkIy".to_owned(),
        "dXBsb2FkZXI6UzNudGluZWwtcDpzcy".to_owned(),
    ]
}

#[test]
fn no_command_tells_the_password() {
    let files: [(&str, &[u8]); 2] = [("boot/vmlinuz-1.0", b"k"), ("boot/initrd.img-1.0", b"i")];
    let site = baked_site(&files, 1000);
    site.serve_all();
    let mut said = String::new();
    for arguments in [
        &["-vvv", "images", "--resolve"][..],
        &["-vvv", "upload-profile", "-o", "json"],
        &["-vvv", "user-data", "inject"],
        &["-vvv", "verify", "--deep", "-o", "json"],
        &["-vvv", "user-data", "check"],
        &["-vvv", "user-data", "inject", "--diff"],
        &["-vvv", "user-data", "show", "build/user-data"],
        &["-vvv", "user-data", "merge", "build/user-data", "--explain", "stylus"],
        &[&["-vvv"][..], &BUILD, &["--sbom", "build/installer.spdx.json"]].concat(),
        &["-vvv", "iso", "inspect", "--files", "--user-data"],
        &["-vvv", "iso", "inspect", "--files", "--user-data", "-o", "json"],
        &["-vvv", "iso", "inject", "--checksum"],
        &["-vvv", "iso", "verify"],
        &["-vvv", "iso", "diff", "build/installer.iso", "build/installer.iso"],
        &["-vvv", "iso", "netboot", "--url", "http://192.0.2.1/", "--out", "netboot", "-o", "json"],
        &["-vvv", "upload-profile", "--check"],
        &["-vvv", "upload-profile", "--dry-run"],
        &["-vvv", "upload-profile", "--attachments-again"],
        &["-vvv", "save", "--out", "saved.tar"],
        &["-vvv", "push", "saved.tar", "--list"],
        &["-vvv", "push", "saved.tar"],
        &["-vvv", "prune", "--old", "images.lock"],
        &["-vvv", "doctor"],
    ] {
        let ended = site.run(arguments).expect(0);
        said.push_str(&ended.stdout);
        said.push_str(&ended.stderr);
    }
    let sealed = sealed(&site);
    for (arguments, code) in [
        (&["iso", "inject", "--passphrase-file", "secrets/uploader", "--out", "words.iso"][..], 0),
        (&["iso", "inspect", "words.iso", "--user-data", "--files", "-o", "json"], 0),
        (&["iso", "inject", "sealed.iso"], 1),
        (&["iso", "inspect", "sealed.iso", "--user-data"], 0),
        (&["iso", "diff", "build/installer.iso", "sealed.iso"], 3),
        (&["iso", "diff", "words.iso", "sealed.iso"], 3),
        (&["iso", "boot", "sealed.iso"], 2),
        (&["iso", "boot", "sealed.iso", "--key-disc", "secrets/uploader"], 1),
        (&["iso", "inject", "--recipients-file", "secrets/uploader"], 2),
        (&["iso", "inject", "--recipients-file", "site.key"], 2),
        (&["iso", "inject", "--recipient", PASSWORD], 2),
    ] {
        let ended = site.run(&[&["-vvv"][..], arguments].concat()).expect(code);
        said.push_str(&ended.stdout);
        said.push_str(&ended.stderr);
    }
    said.push_str(&sealed);
    let ended = customized(&site, "build/user-data");
    said.push_str(&ended.stdout);
    said.push_str(&ended.stderr);
    // Wireless networks have passwords.
    let secret = serde_json::to_string(PASSWORD).unwrap();
    let wifi = format!("{{wlan0: {{access-points: {{x: {{password: {secret}}}}}}}}}");
    site.write("net", &format!("version: 2\nwifis: {wifi}\n"));
    site.write("bad-net", &format!("version: 3\nwifis: {wifi}\n"));
    site.write("no-yaml", &format!("wifis: [{secret}\n"));
    for (arguments, code) in [
        (&["iso", "inject", "--network-config", "net", "--out", "net.iso"][..], 0),
        (&["iso", "inject", "--network-config", "bad-net"], 1),
        (&["iso", "inject", "--network-config", "no-yaml"], 1),
        (&["iso", "inspect", "net.iso", "--user-data", "--files", "-o", "json"], 0),
        (&["iso", "inspect", "net.iso", "--user-data"], 0),
        (&["iso", "diff", "build/installer.iso", "net.iso"], 3),
    ] {
        let ended = site.run(&[&["-vvv"][..], arguments].concat()).expect(code);
        said.push_str(&ended.stdout);
        said.push_str(&ended.stderr);
    }
    site.write("fleet/a.yaml", &std::fs::read_to_string(site.path("build/user-data")).unwrap());
    for more in [&[][..], &["--seeds"]] {
        let out = if more.is_empty() { "isos" } else { "seeds" };
        let fleet = ["-vvv", "iso", "fleet", "--sites", "fleet", "--out", out];
        let ended = site.run(&[&fleet[..], more].concat()).expect(0);
        said.push_str(&ended.stdout);
        said.push_str(&ended.stderr);
    }
    site.write("secrets/uploader", &format!("{PASSWORD}-wrong\n"));
    let ended = site.run(&["-vvv", "upload-profile"]).expect(5);
    said.push_str(&ended.stdout);
    said.push_str(&ended.stderr);
    for form in forms() {
        assert!(!said.contains(&form), "`{form}` was said");
        for iso in ["sealed.iso", "words.iso"] {
            let bytes = std::fs::read(site.path(iso)).unwrap();
            let is_there = bytes.windows(form.len()).any(|window| window == form.as_bytes());
            assert!(!is_there, "`{form}` is on {iso}");
        }
    }
    let key = std::fs::read_to_string(site.path("site.key")).unwrap();
    assert!(!said.contains(key.lines().last().unwrap()), "the secret key was said");
    for file in site.files() {
        let name = file.strip_prefix(site.dir.path()).unwrap().to_str().unwrap().to_owned();
        let holds_it = [
            "secrets/uploader",
            "build/user-data",
            "fleet/a.yaml",
            "net",
            "bad-net",
            "no-yaml",
            "netboot/medium.cpio",
        ];
        if holds_it.contains(&name.as_str()) || name.ends_with(".iso") {
            continue;
        }
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        for form in forms() {
            assert!(!text.contains(&form), "`{form}` is in {name}");
        }
    }
}

/// Makes a key, and an image that is encrypted to it: what the commands say.
fn sealed(site: &Site) -> String {
    let made = site.run(&["-vvv", "iso", "key", "--out", "site.key"]).expect(0);
    let inject = ["-vvv", "iso", "inject", "--out", "sealed.iso", "--recipient"];
    let put = site.run(&[&inject[..], &[made.stdout.trim_end()]].concat()).expect(0);
    [made.stdout, made.stderr, put.stdout, put.stderr].concat()
}

/// Values of sites are passwords as often as not, and files of the runtime hold
/// the login.
#[test]
fn no_site_and_no_runtime_tells_it() {
    let site = Site::new();
    site.run(&["images"]).expect(0);
    let cell = PASSWORD.replace('"', "\"\"");
    let template = "#cloud-config\npassword: {{ secret }}\nhostname: {{ zip }}\n";
    site.write("user-data", template);
    site.write("sites.csv", &format!("name,secret,zip\na,\"{cell}\",b\nc,\"{cell}\",\n"));
    let plain = "#cloud-config\nhostname: a\n";
    site.write("plain", plain);
    let sites = ["-vvv", "user-data", "inject", "--sites", "sites.csv", "--out", "sites"];
    let mut said = vec![site.run(&sites).expect(3)];
    site.write("sites.csv", &format!("name,secret,zip\na,\"{cell}\",b\n"));
    said.push(site.run(&sites).expect(0));
    for runtime in ["containerd", "k3s"] {
        for flavor in ["cloud-init", "kairos", "palette"] {
            let how = ["-vvv", "user-data", "inject", "--in", "plain", "--runtime", runtime];
            let how = [&how[..], &["--flavor", flavor]].concat();
            said.push(site.run(&[&how[..], &["--diff"]].concat()).expect(0));
            said.push(site.run(&how).expect(0));
            said.push(site.run(&["-vvv", "user-data", "show", "build/user-data"]).expect(0));
            said.push(site.run(&["-vvv", "user-data", "check", "build/user-data"]).expect(0));
        }
    }
    let text: String =
        said.iter().map(|ended| format!("{}{}", ended.stdout, ended.stderr)).collect();
    for form in forms() {
        assert!(!text.contains(&form), "`{form}` was said:\n{text}");
    }
}
