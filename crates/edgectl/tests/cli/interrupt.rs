//! Ctrl-C: exit 130, nothing half-written, and the next run goes on.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::time::Duration;

use edgectl_process::Cmd;
use edgectl_testkit::TinyImage;

use crate::iso::{BUILD, baked_site};
use crate::site::{Ended, Site};

/// Its number on Linux.
const SIGINT: u32 = 2;

fn interrupt(child: &Child) {
    Cmd::new("kill").args(["-INT", &child.id().to_string()]).ensure_success().unwrap();
}

/// Waits for something that a command does. Only that tells when it is there:
/// how long it takes is up to the machine.
fn wait_until<T>(child: &mut Child, mut seen: impl FnMut(&Child) -> Option<T>) -> T {
    loop {
        if let Some(seen) = seen(child) {
            return seen;
        }
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it came to that");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a command has started a program that still runs.
fn runs(child: &Child, program: &str) -> Option<()> {
    let children = Cmd::new("ps").args(["-o", "args=", "--ppid", &child.id().to_string()]);
    // It fails where there are none.
    let listed = children.read_stdout().unwrap_or_default();
    let is_it = |line: &str| line.split(' ').next().is_some_and(|name| name.ends_with(program));
    String::from_utf8_lossy(&listed).lines().any(is_it).then_some(())
}

/// Interrupts a command as soon as it has said `marker` and runs `program`.
fn interrupted_at(site: &Site, arguments: &[&str], marker: &str, program: &str) -> Ended {
    let mut child = site.start(arguments);
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains(marker) {
        assert!(stderr.read_line(&mut said).unwrap() > 0, "it ended before `{marker}`:\n{said}");
    }
    wait_until(&mut child, |child| runs(child, program));
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

/// Whether a command does anything of its own about SIGINT yet: before that, the
/// kernel ends it.
fn catches_interrupts(child: &Child) -> Option<()> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    let caught = u64::from_str_radix(caught.trim(), 16).unwrap();
    (caught & 1 << (SIGINT - 1) != 0).then_some(())
}

/// Waits for a connection of a command's, and keeps it.
fn connection(child: &mut Child, listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    wait_until(child, |_| listener.accept().ok()).0
}

#[test]
fn reading_and_asking_can_be_stopped() {
    let site = Site::new();
    // More than a pipe holds: once it is all written, somebody reads.
    let start = "# more is to come\n".repeat(5000);
    for command in [&["images", "-"][..], &["user-data", "inject", "--in", "-"]] {
        site.run(&["images"]).expect(0);
        for start in ["", &start] {
            let mut child = site.start(command);
            let mut stdin = child.stdin.take().unwrap();
            wait_until(&mut child, catches_interrupts);
            stdin.write_all(start.as_bytes()).unwrap();
            interrupt(&child);
            assert_eq!(child.wait().unwrap().code(), Some(130), "{command:?}");
            drop(stdin);
        }
    }
    // A registry that takes the connection and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    site.configure(&site.source.address(), &address);
    let mut child = site.start(&["images", "--resolve"]);
    let _connection = connection(&mut child, &silent);
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
    interrupted_at(&site, &BUILD, "packing the operating system", "mksquashfs");
    assert!(site.leftovers().is_empty(), "{:?}", site.leftovers());
    assert!(!site.path("build/installer.iso").exists());
    site.run(&BUILD).expect(0);
}

/// A kernel that GRUB starts and that does nothing, for ever: with one that GRUB
/// refuses, the machine may come to its end before the interrupt.
fn endless_kernel() -> Vec<u8> {
    // Boot protocol 2.06: a boot sector, one of set-up, and code at 1 MiB.
    let mut bytes = vec![0; 8192];
    bytes[0x1f1] = 1; // setup_sects
    bytes[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    bytes[0x202..0x206].copy_from_slice(b"HdrS");
    bytes[0x206..0x208].copy_from_slice(&[0x06, 0x02]);
    bytes[0x211] = 1; // loadflags: loaded high
    bytes[0x214..0x218].copy_from_slice(&0x10_0000_u32.to_le_bytes()); // code32_start
    bytes[1024..1026].copy_from_slice(&[0xeb, 0xfe]); // jumps to itself
    bytes
}

#[test]
fn booting_ends_the_machine() {
    let kernel = endless_kernel();
    let files: [(&str, &[u8]); 2] = [("boot/vmlinuz-1.0", &kernel), ("boot/initrd.img-1.0", b"i")];
    let site = baked_site(&files, 1000);
    site.serve_all();
    site.run(&["images", "--resolve"]).expect(0);
    site.run(&BUILD).expect(0);
    interrupted_at(&site, &["iso", "boot"], "booting with", "qemu-system-x86_64");
    assert!(site.leftovers().is_empty());
    let run = site.path("build/boot/latest");
    let argv = std::fs::read_to_string(run.join("install/argv")).unwrap();
    assert!(argv.contains("restrict=on"), "{argv}");
    let processes = Cmd::new("ps").args(["-eo", "args"]).read_stdout().unwrap();
    let disk = std::fs::canonicalize(run).unwrap().join("disk.qcow2");
    let running = String::from_utf8_lossy(&processes).contains(disk.to_str().unwrap());
    assert!(!running, "QEMU still runs");
}
