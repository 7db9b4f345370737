//! User data that is encrypted on the medium.

use std::os::unix::fs::PermissionsExt;

use edgectl_encryption::{Encrypted, Identities, Unlock};
use edgectl_iso::Inspection;
use edgectl_model::Secret;

use crate::iso::{BUILD, baked_site};
use crate::iso_customize::customized;
use crate::site::Site;

const FILES: [(&str, &[u8]); 2] = [("boot/vmlinuz-1.0", b"kernel"), ("boot/initrd.img-1.0", b"i")];
const ISO: &str = "build/installer.iso";
/// Of the password in the user data, as it stands there.
const SENTINEL: &str = "S3ntinel-p";
const OTHER: &str = "#cloud-config\nhostname: other\nusers: [{name: a, passwd: S3ntinel-px}]\n";

/// A project with a key; gives its public half.
fn site() -> (Site, String) {
    let site = baked_site(&FILES, 1000);
    let key = key(&site, "site.key");
    site.write("other", OTHER);
    (site, key)
}

fn key(site: &Site, file: &str) -> String {
    let public = site.run(&["iso", "key", "--out", file]).expect(0).stdout;
    public.trim_end().to_owned()
}

fn run(site: &Site, first: &[&str], more: &[&str], code: i32) -> String {
    let ended = site.run(&[first, more].concat()).expect(code);
    format!("{}{}", ended.stdout, ended.stderr)
}

/// The user data on an image, opened; nothing of it is there in the clear.
fn opened(site: &Site, iso: &str, unlock: &Unlock) -> String {
    let bytes = std::fs::read(site.path(iso)).unwrap();
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    for text in [SENTINEL, "hostname: other", "registryCredentials", "name: x   # the site"] {
        assert!(!holds(text), "`{text}` is on {iso}");
    }
    encrypted(site, iso).open(unlock).unwrap().expose().to_owned()
}

fn encrypted(site: &Site, iso: &str) -> Encrypted {
    let seen = Inspection::of(&site.path(iso)).unwrap();
    let live = seen.user_data.iter().find(|found| found.is_live).unwrap();
    // Kairos' name for it holds the same.
    assert!(seen.user_data.iter().all(|found| found.content == live.content));
    let text = std::str::from_utf8(&live.content).unwrap();
    Encrypted::find(text).unwrap()
}

fn with_key(site: &Site, file: &str) -> Unlock {
    let text = Secret::new(std::fs::read_to_string(site.path(file)).unwrap());
    Unlock::Identities(Identities::parse(&text).unwrap())
}

fn shown(site: &Site, iso: &str) -> String {
    site.run(&["iso", "inspect", iso, "--user-data"]).expect(0).stdout
}

#[test]
fn a_key_is_made_once_and_for_its_owner_alone() {
    let site = Site::new();
    let first = key(&site, "keys/site.key");
    assert!(first.starts_with("age1") && first.len() == 62, "{first}");
    let path = site.path("keys/site.key");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(&format!("# public key: {first}\nAGE-SECRET-KEY-1")), "{text}");

    let again = ["iso", "key", "--out", "keys/site.key"];
    let said = run(&site, &again, &[], 1);
    assert!(said.contains("`keys/site.key` exists\nhint: `--force`"), "{said}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    let ended = site.run(&[&again[..], &["--force", "-o", "json"]].concat()).expect(0);
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_ne!(value["publicKey"], first);
    assert!(!ended.stdout.contains("SECRET") && !ended.stderr.contains("SECRET"));
    let said = run(&site, &["iso", "key", "--out", "-"], &[], 2);
    assert!(said.contains("nothing for stdout"), "{said}");
}

#[test]
fn the_medium_holds_nothing_that_can_be_read() {
    let (site, key) = site();
    site.run(&[&BUILD[..], &["--no-user-data"]].concat()).expect(0);
    let empty = std::fs::read(site.path(ISO)).unwrap();
    let said = run(&site, &BUILD, &[], 0);
    let plain = "warning: whoever has the image can read the user data, with ";
    assert!(said.contains(plain), "{said}");
    assert!(said.contains("the password of `10.10.254.254:8000/ns`"), "{said}");
    assert!(said.contains("; `--recipient KEY` encrypts it"), "{said}");

    let said = run(&site, &BUILD, &["--recipient", &key], 0);
    assert!(said.contains("user data on the image: encrypted (age, 1 recipient)"), "{said}");
    assert!(!said.contains("whoever has"), "{said}");
    let text = std::fs::read_to_string(site.path("build/user-data")).unwrap();
    assert_eq!(opened(&site, ISO, &with_key(&site, "site.key")), text);
    let said = shown(&site, ISO);
    let row = "/nocloud/user-data: encrypted (age, 1 recipient) for cloud-init (NoCloud), live\n";
    assert!(said.contains(row), "{said}");
    assert!(said.contains("(not shown: it is encrypted, age, 1 recipient)"), "{said}");
    let ended = site.run(&["iso", "inspect", "-o", "json"]).expect(0);
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(value["userData"][0]["encrypted"]["recipients"], 1, "{value:#}");
    site.run(&["iso", "verify"]).expect(0);
    site.run(&["iso", "inject", "--reset"]).expect(0);
    assert!(std::fs::read(site.path(ISO)).unwrap() == empty);
    assert!(site.leftovers().is_empty());
}

#[test]
fn an_image_is_encrypted_anew_and_never_less_unasked() {
    let (site, one) = site();
    let two = key(&site, "two.key");
    site.write("recipients", &format!("# both sites\n{one}\n\n{two}\n"));
    site.run(&[&BUILD[..], &["--no-user-data"]].concat()).expect(0);
    let inject = ["iso", "inject", "--user-data", "other"];
    run(&site, &inject, &["--recipients-file", "recipients", "--out", "a.iso"], 0);
    run(&site, &inject, &["--recipient", &one, "--recipient", &two, "--out", "b.iso"], 0);
    for iso in ["a.iso", "b.iso"] {
        assert!(shown(&site, iso).contains("encrypted (age, 2 recipients)"));
        for key in ["site.key", "two.key"] {
            assert_eq!(opened(&site, iso, &with_key(&site, key)), OTHER);
        }
    }
    let said = run(&site, &["iso", "diff", "a.iso", "b.iso"], &[], 3);
    assert!(said.contains("encrypted (age, 2 recipients), another one each time"), "{said}");
    let said = run(&site, &["iso", "diff", ISO, "a.iso"], &[], 3);
    assert!(!said.contains("BEGIN AGE"), "{said}");

    // In place, again and again.
    let again = ["iso", "inject", "a.iso", "--user-data", "other"];
    let before = std::fs::read(site.path("a.iso")).unwrap();
    let said = run(&site, &again, &[], 1);
    assert!(said.contains("is encrypted, and what is to replace it would not be"), "{said}");
    assert!(said.contains("`--plain` puts it there for everybody to read"), "{said}");
    assert!(std::fs::read(site.path("a.iso")).unwrap() == before);
    run(&site, &again, &["--recipient", &two], 0);
    assert_eq!(opened(&site, "a.iso", &with_key(&site, "two.key")), OTHER);
    assert!(encrypted(&site, "a.iso").open(&with_key(&site, "site.key")).is_err());
    // What else is on it can be changed without its key.
    let arguments = ["iso", "inject", "a.iso", "--kernel-argument", "quiet"];
    run(&site, &arguments, &[], 0);
    assert_eq!(opened(&site, "a.iso", &with_key(&site, "two.key")), OTHER);
    let said = run(&site, &arguments, &["--recipient", &one], 2);
    assert!(said.contains("encrypt user data, and there is none to put there"), "{said}");
    let said = run(&site, &again, &["--plain"], 0);
    assert!(said.contains("can read the user data, with 1 secret; `--recipient KEY`"), "{said}");
    assert!(shown(&site, "a.iso").contains("hostname: other"));
    run(&site, &["iso", "inject", "b.iso", "--reset"], &[], 0);
    assert!(shown(&site, "b.iso").contains("none yet"));
}

#[test]
fn a_passphrase_comes_from_a_file_or_stdin() {
    let (site, key) = site();
    site.run(&[&BUILD[..], &["--no-user-data"]].concat()).expect(0);
    let inject = ["iso", "inject", "--user-data", "other", "--passphrase-file"];
    let sealed = [&inject[..], &["-", "--out", "a.iso"]].concat();
    let ended = site.run_with_input(&sealed, b"seven words at random\n").expect(0);
    assert!(ended.stderr.contains("encrypted (age, passphrase)"), "{}", ended.stderr);
    let words = Unlock::Passphrase(Secret::new("seven words at random"));
    assert_eq!(opened(&site, "a.iso", &words), OTHER);
    assert!(shown(&site, "a.iso").contains("encrypted (age, passphrase)"));

    site.write("empty", "\n");
    let said = run(&site, &inject, &["empty"], 2);
    assert!(said.contains("reading the passphrase `empty`") && said.contains("is empty"), "{said}");
    run(&site, &inject, &["empty", "--recipient", &key], 2);
    let both = ["iso", "inject", "--user-data", "-", "--passphrase-file", "-"];
    let said = site.run_with_input(&both, OTHER.as_bytes()).expect(2).stderr;
    assert!(said.contains("stdin can't be the user data and the passphrase"), "{said}");
}

#[test]
fn wrong_recipients_are_told_with_their_place() {
    let (site, key) = site();
    let build = |more: &[&str], code| run(&site, &BUILD, more, code);
    let secret = std::fs::read_to_string(site.path("site.key")).unwrap();
    let secret = secret.lines().last().unwrap();
    let said = build(&["--recipient", &key, "--recipient", secret], 2);
    assert!(said.contains("`--recipient` (2 of 2)") && said.contains("a secret key"), "{said}");
    assert!(!said.contains(secret), "{said}");
    site.write("recipients", &format!("{key}\n\n  {}\n", key.replace("age1", "age1!")));
    let said = build(&["--recipients-file", "recipients"], 2);
    assert!(said.contains("`recipients`\n  caused by: line 3, column 7: "), "{said}");
    site.write("recipients", "# none\n");
    let said = build(&["--recipients-file", "recipients"], 2);
    assert!(said.contains("names no public key"), "{said}");
    let said = build(&["--no-user-data", "--recipient", &key], 2);
    assert!(said.contains("there is none to put there"), "{said}");

    let configure = |encrypt: &str| {
        let iso = format!("iso: {{os: ./os, encrypt: {encrypt}}}");
        site.write("edge.yaml", &site.edge_yaml().replace("iso: {os: ./os}", &iso));
    };
    configure(&format!("{{recipients: [{key}], passphraseFile: x}}"));
    assert!(build(&[], 2).contains("`iso.encrypt`: give public keys"));
    configure("{}");
    assert!(build(&[], 2).contains("`iso.encrypt`: give public keys"));
    configure("{recipients: [age1x]}");
    let said = build(&[], 2);
    assert!(said.contains("`iso.encrypt.recipients` of edge.yaml (1 of 1)"), "{said}");
    assert!(!site.path(ISO).exists());
}

#[test]
fn a_project_says_it_once_for_all_commands() {
    let (site, key) = site();
    site.write("keys/list", &format!("{key}\n"));
    site.configure("iso: {os: ./os}", "iso: {os: ./os, encrypt: {recipientsFile: keys/list}}");
    let unlock = with_key(&site, "site.key");
    run(&site, &BUILD, &[], 0);
    let text = std::fs::read_to_string(site.path("build/user-data")).unwrap();
    assert_eq!(opened(&site, ISO, &unlock), text);
    run(&site, &["iso", "inject", "--user-data", "other"], &[], 0);
    assert_eq!(opened(&site, ISO, &unlock), OTHER);

    site.write("sites/a.yaml", OTHER);
    site.write("sites/b.yaml", &OTHER.replace("other", "b"));
    let fleet = ["iso", "fleet", "--sites", "sites", "--out"];
    for _ in 0..2 {
        let said = run(&site, &fleet, &["isos"], 0);
        assert!(said.contains("user data on the images: encrypted (age, 1 recipient)"), "{said}");
        assert_eq!(opened(&site, "isos/a.iso", &unlock), OTHER);
        assert!(opened(&site, "isos/b.iso", &unlock).contains("hostname: b\n"));
        let sums = edgectl_process::Cmd::new("sha256sum").args(["--check", "SHA256SUMS"]);
        sums.current_dir(site.path("isos")).ensure_success().unwrap();
    }
    let said = run(&site, &fleet, &["seeds", "--seeds"], 1);
    assert!(said.contains("user data on seeds can't be encrypted"), "{said}");
    assert!(!site.path("seeds").exists());
    let said = run(&site, &fleet, &["seeds", "--seeds", "--plain"], 0);
    assert!(said.contains("whoever has the seeds can read"), "{said}");
    run(&site, &BUILD, &["--plain"], 0);
    assert!(shown(&site, ISO).contains("password: \"<hidden>\""));
    run(&site, &["iso", "inject"], &[], 0);
    // A base that was encrypted doesn't become plain by a fleet.
    site.write("edge.yaml", &site.edge_yaml());
    let said = run(&site, &fleet, &["plain"], 1);
    assert!(said.contains("what is to replace it would not be"), "{said}");
    assert!(!site.path("plain").exists());
}

#[test]
fn what_nothing_could_open_is_refused() {
    let (site, key) = site();
    for (name, text) in [
        ("root/boot/vmlinuz-6.1", "kernel"),
        ("root/boot/initrd.img-6.1", "no cpio"),
        ("root/usr/share/initramfs-tools/scripts/live", ""),
        ("root/usr/bin/cloud-init", ""),
    ] {
        site.write(name, text);
    }
    site.configure("iso: {os: ./os}", "iso: {os: ./root}");
    let said = run(&site, &BUILD, &["--recipient", &key], 1);
    let refused = "nothing on the image would decrypt the user data";
    assert!(said.contains(refused), "{said}");
    assert!(!site.path(ISO).exists());
    let said = run(&site, &BUILD, &[], 0);
    assert!(said.contains("whoever has the image") && !said.contains("--recipient"), "{said}");
    let inject = ["iso", "inject", "--user-data", "other", "--recipient", &key];
    assert!(run(&site, &inject, &[], 1).contains(refused));
    // An image of others has no agent at all.
    customized(&site, "other");
    let inject = ["iso", "inject", "customized.iso", "--user-data", "other", "--recipient", &key];
    assert!(run(&site, &inject, &[], 1).contains(refused));
}

#[test]
fn what_somebody_has_encrypted_stays_as_it_is() {
    let (site, key) = site();
    run(&site, &BUILD, &["--recipient", &key], 0);
    let seen = Inspection::of(&site.path(ISO)).unwrap();
    std::fs::write(site.path("sealed"), &seen.user_data[0].content).unwrap();
    let inject = ["iso", "inject", "--user-data", "sealed"];
    let before = std::fs::read(site.path(ISO)).unwrap();
    run(&site, &inject, &[], 0);
    assert!(std::fs::read(site.path(ISO)).unwrap() == before);
    let said = run(&site, &inject, &["--recipient", &key], 2);
    assert!(said.contains("the user data is encrypted already"), "{said}");
    customized(&site, "other");
    let others = ["iso", "customize", "base.iso", "--user-data", "sealed", "--out", "b.iso"];
    let said = run(&site, &others, &[], 1);
    assert!(said.contains("nothing on the image would decrypt"), "{said}");
}

#[test]
fn a_network_configuration_stays_in_the_clear_and_that_is_said() {
    let (site, key) = site();
    site.write("net", "version: 2\nethernets: {eth0: {dhcp4: true}}\n");
    let said = run(&site, &BUILD, &["--recipient", &key, "--network-config", "net"], 0);
    assert!(said.contains("the network configuration on the image is not encrypted"), "{said}");
    let netboot = ["iso", "netboot", "--url", "http://192.0.2.1/", "--out", "netboot"];
    site.run(&["iso", "inject", "--reset"]).expect(0);
    run(&site, &["iso", "inject", "--user-data", "other", "--recipient", &key], &[], 0);
    let said = run(&site, &netboot, &[], 0);
    assert!(said.contains("holds the user data encrypted; machines need a key disc"), "{said}");
    let medium = std::fs::read(site.path("netboot/medium.cpio")).unwrap();
    assert!(!medium.windows(SENTINEL.len()).any(|window| window == SENTINEL.as_bytes()));
}

#[test]
fn a_machine_that_is_tried_needs_the_key() {
    let (site, key) = site();
    run(&site, &BUILD, &["--recipient", &key], 0);
    let said = run(&site, &["iso", "boot"], &[], 2);
    assert!(said.contains("is encrypted (age, 1 recipient), and nobody is at"), "{said}");
    assert!(said.contains("hint: `--key-disc FILE`"), "{said}");
    site.write("wrong.key", "S3ntinel-p\n");
    let said = run(&site, &["iso", "boot", "--key-disc", "wrong.key"], &[], 1);
    assert!(said.contains("line 1: expected a secret key"), "{said}");
    assert!(!said.contains(SENTINEL), "{said}");
    let said = run(&site, &["iso", "boot", "--key-disc", "os"], &[], 1);
    assert!(said.contains("neither `site.key` nor `passphrase`"), "{said}");
    // With it the next thing is missing.
    let said = run(&site, &["iso", "boot", "--key-disc", "site.key"], &[], 1);
    assert!(said.contains("the image lock has no digest for"), "{said}");
    site.configure(
        "iso: {os: ./os}",
        &format!("iso: {{os: ./os, encrypt: {{recipients: [{key}]}}}}"),
    );
    let said = run(&site, &["build", "--agent", "edge-agent"], &[], 2);
    assert!(said.contains("`--key-disc FILE`") && said.contains("`--no-boot`"), "{said}");
}
