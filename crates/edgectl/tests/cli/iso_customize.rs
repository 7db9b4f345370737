//! `iso customize` on images of others.

use edgectl_model::Digest;
use edgectl_process::Cmd;

use crate::iso::{BUILD, baked_site};
use crate::site::{Ended, Site};

const USER_DATA: &str = "#cloud-config\nhostname: site-a\n";

/// An image of somebody else, with a menu of ISOLINUX: `base.iso`.
fn base(site: &Site) {
    let menu = "label live\n\tlinux /live/vmlinuz\n\tappend boot=live quiet\n";
    site.write("tree/isolinux/isolinux.cfg", menu);
    site.write("tree/live/vmlinuz", "kernel");
    site.write("tree/live/filesystem.squashfs", "system");
    let cmd = Cmd::new("xorriso").args(["-no_rc", "-as", "mkisofs", "-R", "-J", "-V", "LIVE"]);
    cmd.arg("-o").arg(site.path("base.iso")).arg(site.path("tree")).ensure_success().unwrap();
}

/// An image of somebody else with that user data.
pub(crate) fn customized(site: &Site, user_data: &str) -> Ended {
    base(site);
    let how = ["-vvv", "iso", "customize", "base.iso", "--out", "customized.iso"];
    site.run(&[&how[..], &["--user-data", user_data]].concat()).expect(0)
}

fn digest(site: &Site, name: &str) -> Digest {
    Digest::sha256(&std::fs::read(site.path(name)).unwrap())
}

#[test]
fn images_of_others_become_ones_that_can_be_changed() {
    let site = Site::new();
    base(&site);
    site.write("data", USER_DATA);
    let how = ["iso", "customize", "base.iso", "--user-data", "data", "--out", "a.iso"];
    let how = [&how[..], &["--kernel-argument", "console=ttyS0"]].concat();
    let ended = site.run(&how).expect(0);
    assert_eq!(ended.stdout, "a.iso\n");
    assert!(ended.stderr.contains("Debian live: user data in /nocloud/user-data, live"));
    let sums = std::fs::read_to_string(site.path("a.iso.sha256")).unwrap();
    assert_eq!(sums, format!("{}  a.iso\n", digest(&site, "a.iso").hex()));
    let ended = site.run(&how).expect(1);
    assert!(ended.stderr.contains("hint: `--force` replaces it"), "{}", ended.stderr);
    let ended = site.run(&[&how[..], &["--force", "-o", "json"]].concat()).expect(0);
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(value["flavor"], "debian-live");
    assert_eq!(value["userData"]["live"], true);
    assert_eq!(value["digest"], digest(&site, "a.iso").as_str());

    let ended = site.run(&["iso", "inspect", "a.iso", "--user-data"]).expect(0);
    assert!(ended.stdout.contains("(NoCloud), live"), "{}", ended.stdout);
    assert!(ended.stdout.contains("console=ttyS0\n"), "{}", ended.stdout);
    assert!(ended.stdout.contains("hostname: site-a"), "{}", ended.stdout);
    site.run(&["iso", "verify", "a.iso"]).expect(0);
    site.write("data", "#cloud-config\nhostname: site-b\n");
    site.run(&["iso", "inject", "a.iso", "--user-data", "data", "--out", "b.iso"]).expect(0);
    let ended = site.run(&["iso", "diff", "a.iso", "b.iso"]).expect(3);
    assert!(ended.stdout.contains("+hostname: site-b"), "{}", ended.stdout);
    assert!(site.leftovers().is_empty());
}

/// What goes onto an image is looked at as its reader would.
#[test]
fn scripts_go_where_scripts_are_read() {
    let site = Site::new();
    base(&site);
    site.write("script", "#!/bin/sh\ntrue\n");
    site.write("data", USER_DATA);
    let how = ["iso", "customize", "base.iso", "--flavor", "combustion", "--out", "a.iso"];
    site.run(&[&how[..], &["--user-data", "script"]].concat()).expect(0);
    let inject = ["iso", "inject", "a.iso", "--user-data"];
    site.write("script", "#!/bin/sh\nfalse\n");
    site.run(&[&inject[..], &["script"]].concat()).expect(0);
    site.write("sites/a.yaml", "#!/bin/sh\necho a\n");
    site.run(&["iso", "fleet", "a.iso", "--sites", "sites", "--out", "isos"]).expect(0);
    let ended = site.run(&[&inject[..], &["data"]].concat()).expect(1);
    assert!(ended.stderr.contains("reads a Combustion script (`#!`)"), "{}", ended.stderr);
    assert!(ended.stderr.contains("`edgectl iso customize`"), "{}", ended.stderr);
}

#[test]
fn what_cannot_be_customised_is_told() {
    let site = baked_site(&[("boot/vmlinuz-1.0", b"k"), ("boot/initrd.img-1.0", b"i")], 1000);
    site.run(&BUILD).expect(0);
    let ended = site.run(&["iso", "customize", "build/installer.iso", "--out", "x.iso"]).expect(1);
    assert!(ended.stderr.contains("`edgectl iso inject` puts user data onto it"));
    base(&site);
    let ended = site.run(&["iso", "customize", "base.iso", "--out", "base.iso"]).expect(2);
    assert!(ended.stderr.contains("is the image itself"), "{}", ended.stderr);
    let with = ["iso", "customize", "base.iso", "--out", "x.iso", "--user-data"];
    site.write("bad", "#cloud-config\nwrite_files:\n  - path: /x\n    path: /y\n");
    let ended = site.run(&[&with[..], &["bad"]].concat()).expect(1);
    assert!(ended.stderr.contains("bad:4:5: error: "), "{}", ended.stderr);
    site.write("large", &format!("#cloud-config\n# {}\n", "x".repeat(2000)));
    let ended = site.run(&[&with[..], &["large", "--user-data-kib", "1"]].concat()).expect(1);
    assert!(ended.stderr.contains("`--user-data-kib`"), "{}", ended.stderr);
    assert!(!site.path("x.iso").exists() && site.leftovers().is_empty());
    // No program is needed.
    site.run_without_tools(&["iso", "customize", "base.iso", "--out", "x.iso"]).expect(0);
}
