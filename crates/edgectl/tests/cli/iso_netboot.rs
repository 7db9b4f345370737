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

#[test]
fn the_project_can_want_them_with_every_image() {
    let site = baked_site(&FILES, 1000);
    let with = |netboot: &str| {
        let iso = format!("iso: {{os: ./os{netboot}}}");
        site.write("edge.yaml", &site.edge_yaml().replace("iso: {os: ./os}", &iso));
    };
    // Refused before anything is baked.
    with(", netboot: {url: 'ftp://192.0.2.1'}");
    let ended = site.run(&BUILD).expect(1);
    assert!(ended.stderr.contains("http://"), "{}", ended.stderr);
    assert!(!site.path("build/installer.iso").exists());

    with(", netboot: {url: 'http://192.0.2.1:8080', out: served}");
    let ended = site.run(&BUILD).expect(0);
    assert_eq!(ended.stdout, "./build/installer.iso\n");
    assert!(ended.stderr.contains("served/medium.cpio holds the user data"), "{}", ended.stderr);
    let script = std::fs::read_to_string(site.path("served/boot.ipxe")).unwrap();
    assert!(script.contains("set base http://192.0.2.1:8080\n"), "{script}");

    let ended = site.run(&["iso", "netboot", "--url", URL]).expect(0);
    assert_eq!(ended.stdout, "http://192.0.2.1:8080/edge/boot.ipxe\n");
    with("");
    let ended = site.run(&["iso", "netboot", "--url", URL]).expect(2);
    assert!(ended.stderr.contains("no `--out`"), "{}", ended.stderr);
}
