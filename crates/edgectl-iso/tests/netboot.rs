//! Network boot files of a baked image.

#![allow(clippy::unwrap_used, reason = "tests")]

mod bench;
mod layers;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bench::{Bench, KERNEL, USER_DATA, system};
use edgectl_iso::{IsoError, LiveSystem, NetbootError, netboot};
use edgectl_model::Digest;
use layers::Layer;

const URL: &str = "http://192.0.2.1:8080/site";

/// An initial RAM file system with these empty files.
fn initrd(names: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for name in names.iter().chain(&["TRAILER!!!"]) {
        let numbers = [0, 0o100_644, 0, 0, 1, 0, 0, 0, 0, 0, 0, name.len() + 1, 0];
        let numbers: String = numbers.iter().map(|number| format!("{number:08x}")).collect();
        write!(out, "070701{numbers}{name}\0").unwrap();
        out.resize(out.len().next_multiple_of(4), 0);
    }
    out
}

/// An image whose initial RAM file system has these files.
fn bench(names: &[&str]) -> Bench {
    let mut layers = system();
    let more = Layer::new().file("boot/initrd.img-1.0", initrd(names));
    layers.push(more.file("usr/bin/cloud-init", ""));
    let mut bench = Bench::with(layers);
    bench.argument = Some("edge.test=a;b");
    bench
}

const EDGE: [&str; 2] = ["scripts/edge", "scripts/edge-medium"];

fn read(bench: &Bench, name: &str) -> Vec<u8> {
    std::fs::read(bench.directory.path().join("netboot").join(name)).unwrap()
}

#[test]
fn the_reference_system_gets_its_medium_in_memory() {
    let bench = bench(&EDGE);
    bench.bake().unwrap();
    let out = bench.directory.path().join("netboot");
    let report = netboot(&bench.out, &format!("{URL}/"), &out).unwrap();
    assert_eq!((report.live, report.holds_user_data), (LiveSystem::Edge, true));
    assert_eq!(report.script, format!("{URL}/boot.ipxe"));
    let names: Vec<&str> = report.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(names, ["boot.ipxe", "kernel", "initrd", "medium.cpio"]);
    let script = String::from_utf8(read(&bench, "boot.ipxe")).unwrap();
    for line in [
        "#!ipxe\n",
        "\nset base http://192.0.2.1:8080/site\n",
        "\nkernel ${base}/kernel initrd=initrd initrd=medium.cpio boot=edge ",
        " ds=nocloud;s=file:///run/edgectl/medium/nocloud/ ",
        " edge.test=a;b || goto failed\n",
        "\ninitrd ${base}/medium.cpio || goto failed\nboot || goto failed\n",
    ] {
        assert!(script.contains(line), "{line}\n{script}");
    }
    assert_eq!(read(&bench, "kernel"), KERNEL);
    let packed = read(&bench, "initrd");
    assert!(packed.starts_with(&initrd(&EDGE)) && packed.len().is_multiple_of(512));
    let iso = std::fs::read(&bench.out).unwrap();
    let medium = read(&bench, "medium.cpio");
    let start = medium.windows(5).position(|part| part == b".iso\0").unwrap() + 5;
    let start = start.next_multiple_of(4);
    assert!(medium[start..].starts_with(&iso), "the medium as it is");

    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    // What user and machine give to files that are for everybody.
    let usual = bench.directory.path().join("usual");
    std::fs::write(&usual, "").unwrap();
    for file in &report.files {
        let bytes = read(&bench, &file.path);
        assert_eq!((file.bytes, &file.digest), (bytes.len() as u64, &Digest::sha256(&bytes)));
        let expected = if file.path == "medium.cpio" { 0o600 } else { mode(&usual) };
        assert_eq!(mode(&out.join(&file.path)), expected, "{}", file.path);
    }
    let sums = String::from_utf8(read(&bench, "SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), 4);
    // Once more, into the same place: the same bytes.
    let again = netboot(&bench.out, URL, &out).unwrap();
    assert_eq!(again, report);
}

#[test]
fn others_fetch_it() {
    for (names, live) in [
        (&["scripts/live", "usr/lib/live/boot/9990-mount-http.sh"][..], LiveSystem::LiveBoot),
        (&["sbin/dmsquash-live-root", "sbin/livenetroot"], LiveSystem::Dracut),
        (&["sbin/dmsquash-live-root", "sbin/livenetroot", "sbin/ifup"], LiveSystem::Dracut),
    ] {
        let mut bench = bench(names);
        bench.user_data = None;
        bench.bake().unwrap();
        let out = bench.directory.path().join("netboot");
        let report = netboot(&bench.out, URL, &out).unwrap();
        assert_eq!((report.live, report.holds_user_data), (live, false));
        // dracut's modules for networks do it, not all of them.
        let is_waiting = live == LiveSystem::Dracut && !names.contains(&"sbin/ifup");
        assert_eq!(report.warnings.len(), usize::from(is_waiting), "{:?}", report.warnings);
        assert!(read(&bench, "medium.iso") == std::fs::read(&bench.out).unwrap());
        let script = String::from_utf8(read(&bench, "boot.ipxe")).unwrap();
        assert!(script.contains(&format!("={}", live_place(live))), "{script}");
        assert!(!script.contains("CDLABEL") && !script.contains("medium.cpio"), "{script}");
    }
}

fn live_place(live: LiveSystem) -> String {
    let scheme = if live == LiveSystem::Dracut { "live:" } else { "" };
    format!("{scheme}{URL}/medium.iso ")
}

#[test]
fn what_cannot_work_is_refused() {
    for (names, why) in [
        (&["scripts/edge"][..], "its boot script is of a former edgectl"),
        (&["scripts/live"], "9990-mount-http.sh"),
        (&["sbin/dmsquash-live-root"], "dracut --add livenet"),
    ] {
        let bench = bench(names);
        bench.bake().unwrap();
        let out = bench.directory.path().join("netboot");
        let error = netboot(&bench.out, URL, &out).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        assert!(!out.exists());
    }
    let bench = bench(&EDGE);
    bench.bake().unwrap();
    let out = bench.directory.path().join("netboot");
    let error = netboot(&bench.out, "http://me:s3cret@host", &out).unwrap_err();
    assert!(
        matches!(error, IsoError::Netboot(NetbootError::Address))
            && !error.to_string().contains("s3cret")
    );
    // A place of somebody else's stays.
    for name in ["other", "kernel"] {
        std::fs::create_dir_all(&out).unwrap();
        std::fs::write(out.join(name), "mine").unwrap();
        let error = netboot(&bench.out, URL, &out).unwrap_err();
        assert!(matches!(error, IsoError::Netboot(NetbootError::Place(_))), "{error}");
        assert_eq!(read(&bench, name), b"mine");
        std::fs::remove_dir_all(&out).unwrap();
    }
}

/// What can't be looked into may be able to.
#[test]
fn what_is_not_known_is_said() {
    let bench = Bench::new();
    bench.bake().unwrap();
    let report = netboot(&bench.out, URL, &bench.directory.path().join("netboot")).unwrap();
    assert!(report.warnings[0].contains("isn't known"), "{:?}", report.warnings);
    let text = String::from_utf8_lossy(&read(&bench, "medium.cpio")).into_owned();
    assert!(text.contains(USER_DATA), "as on the medium");
}
