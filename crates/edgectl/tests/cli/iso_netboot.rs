//! `iso netboot`: files for a server.

use std::os::unix::fs::PermissionsExt;

use crate::iso::{BUILD, baked_site};

const FILES: [(&str, &[u8]); 2] = [("boot/vmlinuz-1.0", b"kernel"), ("boot/initrd.img-1.0", b"i")];
const URL: &str = "http://192.0.2.1:8080/edge/";

#[test]
fn a_server_gets_its_files_and_is_told_what_is_secret() {
    let site = baked_site(&FILES, 1000);
    site.run(&BUILD).expect(0);
    let netboot = ["iso", "netboot", "--url", URL, "--out", "netboot"];
    let ended = site.run(&netboot).expect(0);
    assert_eq!(ended.stdout, "http://192.0.2.1:8080/edge/boot.ipxe\n");
    assert!(ended.stderr.contains("medium.cpio holds the user data"), "{}", ended.stderr);
    let mode = std::fs::metadata(site.path("netboot/medium.cpio")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    site.run(&["iso", "inject", "--reset"]).expect(0);
    let ended = site.run(&[&netboot[..], &["-o", "json"]].concat()).expect(0);
    assert!(ended.stderr.contains("holds no user data yet"), "{}", ended.stderr);
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&value["holdsUserData"], &value["live"]), (&false.into(), &"edge".into()));
    assert!(site.leftovers().is_empty());

    site.write("netboot/mine", "");
    let ended = site.run(&netboot).expect(1);
    assert!(ended.stderr.contains("netboot/mine` isn't ours"), "{}", ended.stderr);
    let elsewhere = ["iso", "netboot", "--url", "ftp://u:p4ss@h", "--out", "other"];
    let ended = site.run(&elsewhere).expect(1);
    assert!(ended.stderr.contains("without a login"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("p4ss") && !site.path("other").exists());
}
