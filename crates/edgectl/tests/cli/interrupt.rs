//! Ctrl-C: exit 130, nothing half-written, and the next run goes on.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::time::Duration;

use edgectl_process::Cmd;
use edgectl_testkit::TinyImage;

use crate::iso::{BUILD, baked_site};
use crate::site::{Ended, Site};

fn interrupt(child: &Child) {
    Cmd::new("kill").args(["-INT", &child.id().to_string()]).ensure_success().unwrap();
}

/// Interrupts a command as soon as it says `marker`.
fn interrupted_at(site: &Site, arguments: &[&str], marker: &str, then: Duration) -> Ended {
    let mut child = site.start(arguments);
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains(marker) {
        assert!(stderr.read_line(&mut said).unwrap() > 0, "it ended before `{marker}`:\n{said}");
    }
    std::thread::sleep(then);
    interrupt(&child);
    let rest = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = std::io::Read::read_to_string(&mut stderr, &mut text);
        text
    });
    let mut ended = site.finish(child, b"");
    ended.stderr = said + &rest.join().unwrap();
    ended.expect(130)
}

#[test]
fn reading_and_asking_can_be_stopped() {
    let site = Site::new();
    for command in [&["images", "-"][..], &["user-data", "inject", "--in", "-"]] {
        site.run(&["images"]).expect(0);
        let mut child = site.start(command);
        let stdin = child.stdin.take().unwrap();
        std::thread::sleep(Duration::from_millis(300));
        interrupt(&child);
        assert_eq!(child.wait().unwrap().code(), Some(130), "{command:?}");
        drop(stdin);
    }
    // A registry that takes the connection and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    site.configure(&site.source.address(), &address);
    let child = site.start(&["images", "--resolve"]);
    std::thread::sleep(Duration::from_millis(500));
    interrupt(&child);
    site.finish(child, b"").expect(130);
    site.configure(&address, &site.source.address());
    site.serve_all();
    site.run(&["images", "--resolve"]).expect(0);
}

#[test]
fn an_upload_goes_on_where_it_was() {
    let site = Site::new();
    let big = |seed| TinyImage::new("amd64").random_layer(96 << 20, seed);
    site.serve(&[("quay.io/a/web:1", big(1)), ("quay.io/a/db:1", big(2))]);
    site.run(&["images", "--resolve"]).expect(0);
    let mut child = site.start(&["upload-profile"]);
    // The look at the registry opens an upload too, in a repository of its own.
    let uploading =
        |path: &std::path::PathBuf| path.ends_with("data") && path.iter().any(|p| p == "quay.io");
    while !site.registry_files().iter().any(uploading) {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it sent anything");
        std::thread::sleep(Duration::from_millis(5));
    }
    interrupt(&child);
    let ended = site.finish(child, b"").expect(130);
    assert!(ended.stderr.contains("error: interrupted"), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: run the same command again to continue"));
    assert!(site.leftovers().is_empty());
    site.run(&["upload-profile"]).expect(0);
}

#[test]
fn baking_leaves_nothing_behind() {
    let files: [(&str, &[u8]); 2] = [("boot/vmlinuz-1.0", b"k"), ("boot/initrd.img-1.0", b"i")];
    let site = baked_site(&files, 192 << 20);
    let wait = Duration::from_millis(50);
    interrupted_at(&site, &BUILD, "packing the operating system", wait);
    assert!(site.leftovers().is_empty(), "{:?}", site.leftovers());
    assert!(!site.path("build/installer.iso").exists());
    site.run(&BUILD).expect(0);
}

#[test]
fn booting_ends_the_machine() {
    let files: [(&str, &[u8]); 2] = [("boot/vmlinuz-1.0", b"k"), ("boot/initrd.img-1.0", b"i")];
    let site = baked_site(&files, 1000);
    site.serve_all();
    site.run(&["images", "--resolve"]).expect(0);
    site.run(&BUILD).expect(0);
    let wait = Duration::from_secs(2);
    interrupted_at(&site, &["iso", "boot"], "booting with", wait);
    assert!(site.leftovers().is_empty());
    let run = site.path("build/boot/latest");
    let argv = std::fs::read_to_string(run.join("install/argv")).unwrap();
    assert!(argv.contains("restrict=on"), "{argv}");
    let processes = Cmd::new("ps").args(["-eo", "args"]).read_stdout().unwrap();
    let disk = std::fs::canonicalize(run).unwrap().join("disk.qcow2");
    let running = String::from_utf8_lossy(&processes).contains(disk.to_str().unwrap());
    assert!(!running, "QEMU still runs");
}
