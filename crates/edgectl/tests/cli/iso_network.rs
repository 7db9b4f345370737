//! Network configurations and authorities on images that are there already.

use edgectl_testkit::TestCa;

use crate::iso::{BUILD, baked_site};
use crate::site::Site;

const FILES: [(&str, &[u8]); 2] = [("boot/vmlinuz-1.0", b"kernel"), ("boot/initrd.img-1.0", b"i")];
const USER_DATA: &str = "#cloud-config\nhostname: a # here\n";
const NETWORK: &str = "version: 2\nethernets: {eth0: {addresses: [192.0.2.7/24]}}\n";

/// A project with an image that waits for user data.
fn base() -> Site {
    let site = baked_site(&FILES, 1000);
    site.run(&[&BUILD[..], &["--no-user-data"]].concat()).expect(0);
    site.write("data", USER_DATA);
    site.write("net", NETWORK);
    site
}

fn shown(site: &Site, iso: &str) -> String {
    site.run(&["iso", "inspect", iso, "--user-data"]).expect(0).stdout
}

#[test]
fn a_network_configuration_goes_in_out_and_into_a_fleet() {
    let site = base();
    let iso = "build/installer.iso";
    let original = std::fs::read(site.path(iso)).unwrap();
    site.run(&["iso", "inject", "--network-config", "net"]).expect(0);
    let text = shown(&site, iso);
    assert!(text.contains("/nocloud/network-config: 58 bytes, live\n"), "{text}");
    assert!(text.contains("none yet"), "the user data is left alone: {text}");
    site.run(&["iso", "verify"]).expect(0);
    site.run(&["iso", "inject", "--reset"]).expect(0);
    assert!(std::fs::read(site.path(iso)).unwrap() == original);

    for (bad, why) in [("#cloud-config\na: 1\n", "neither `version: 1`"), ("a: [", "no YAML")] {
        site.write("bad", bad);
        let ended = site.run(&["iso", "inject", "--network-config", "bad"]).expect(1);
        assert!(ended.stderr.contains(why), "{}", ended.stderr);
    }
    assert!(std::fs::read(site.path(iso)).unwrap() == original);

    // One for a site of its own, and one for all.
    site.write("sites/a.yaml", USER_DATA);
    site.write("sites/b.yaml", USER_DATA);
    site.write("nets/b.yaml", NETWORK);
    let fleet = ["iso", "fleet", "--sites", "sites", "--network-config"];
    site.run(&[&fleet[..], &["nets", "--out", "isos"]].concat()).expect(0);
    let has_one = |iso: &str| shown(&site, iso).contains("/network-config");
    assert!(!has_one("isos/a.iso") && has_one("isos/b.iso"));
    let ended = site.run(&["iso", "diff", "isos/a.iso", "isos/b.iso"]).expect(3);
    assert!(ended.stdout.contains("network configuration"), "{}", ended.stdout);
    site.run(&[&fleet[..], &["net", "--out", "seeds", "--seeds"]].concat()).expect(0);
    assert!(shown(&site, "seeds/a.iso").contains("/network-config: 58 bytes, live"));

    // In edge.yaml, too.
    site.configure("iso: {os: ./os}", "iso: {os: ./os, network: ./net}");
    site.run(&BUILD).expect(0);
    assert!(has_one(iso));
    let baked = std::fs::read(site.path(iso)).unwrap();
    site.run(&["iso", "inject", "--reset"]).expect(0);
    assert!(!has_one(iso));
    site.run(&["iso", "inject"]).expect(0);
    assert!(std::fs::read(site.path(iso)).unwrap() == baked, "as it was baked");
    // Whoever names something means that alone.
    site.run(&["iso", "inject", "--reset"]).expect(0);
    site.run(&["iso", "inject", "--user-data", "data"]).expect(0);
    assert!(!has_one(iso));
}

#[test]
fn an_authority_goes_into_the_user_data_that_is_put_there() {
    let site = base();
    site.write("ca.pem", &TestCa::new("site").unwrap().ca_pem());
    let inject = ["iso", "inject", "--user-data", "data", "--site-ca", "ca.pem"];
    site.run(&inject).expect(0);
    let text = shown(&site, "build/installer.iso");
    assert!(text.contains("hostname: a # here\n"), "{text}");
    assert!(text.contains("trusted:") && text.contains("BEGIN CERTIFICATE"), "{text}");
    assert!(!text.contains("localhost") && !text.contains("\nedgectl:"), "{text}");

    let ended = site.run(&["iso", "inject", "--reset", "--site-ca", "ca.pem"]).expect(2);
    assert!(ended.stderr.contains("there is none"), "{}", ended.stderr);
    site.write("data", "#cloud-config\nstylus:\n  site: {name: x}\n");
    let ended = site.run(&inject).expect(1);
    assert!(ended.stderr.contains("user-data inject --site-ca"), "{}", ended.stderr);
}
