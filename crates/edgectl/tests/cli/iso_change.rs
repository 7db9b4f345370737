//! Images after they were baked: `iso inject`, `inspect`, `diff`, `verify`.

use std::os::unix::fs::FileExt;
use std::process::Child;

use edgectl_model::Digest;

use crate::iso::{BUILD, baked_site};
use crate::site::{PASSWORD, Site};
use crate::user_data::gzip;

const ISO: &str = "build/installer.iso";

/// A site with an image that has no user data yet.
fn base() -> Site {
    let files: [(&str, &[u8]); 2] = [("boot/vmlinuz-1.0", b"k"), ("boot/initrd.img-1.0", b"i")];
    let site = baked_site(&files, 1000);
    site.run(&[&BUILD[..], &["--no-user-data"]].concat()).expect(0);
    site
}

fn digest(site: &Site, name: &str) -> Digest {
    Digest::sha256(&std::fs::read(site.path(name)).unwrap())
}

fn holds(site: &Site, name: &str, text: &str) -> bool {
    std::fs::read(site.path(name)).unwrap().windows(text.len()).any(|w| w == text.as_bytes())
}

#[test]
fn the_projects_user_data_goes_onto_its_image() {
    let site = base();
    let empty = digest(&site, ISO);
    let sums = std::fs::read_to_string(site.path("build/installer.iso.sha256")).unwrap();
    assert_eq!(sums, format!("{}  installer.iso\n", empty.hex()));
    let ended = site.run(&["iso", "inspect"]).expect(0);
    assert!(
        ended.stdout.contains("/nocloud/user-data: none yet (cloud-init (NoCloud), live)"),
        "{}",
        ended.stdout
    );

    let ended = site.run(&["iso", "inject"]).expect(0);
    assert!(ended.stderr.contains("removed ./build/installer.iso.sha256"), "{}", ended.stderr);
    assert!(holds(&site, ISO, PASSWORD.split('"').next().unwrap()));
    site.run(&["iso", "verify"]).expect(0);
    let full = digest(&site, ISO);

    // The same as baking with it.
    site.run(&BUILD).expect(0);
    assert_eq!(digest(&site, ISO), full);
    site.run(&["iso", "inject", "--reset", "--checksum"]).expect(0);
    assert_eq!(digest(&site, ISO), empty);
    let again = std::fs::read_to_string(site.path("build/installer.iso.sha256")).unwrap();
    assert_eq!(again, sums);
    // On an image it is a plain text, whatever the file is.
    let finished = site.path("build/user-data");
    std::fs::write(&finished, gzip(&std::fs::read(&finished).unwrap())).unwrap();
    site.run(&["iso", "inject"]).expect(0);
    assert_eq!(digest(&site, ISO), full);
    assert!(site.leftovers().is_empty());
}

#[test]
fn a_copy_and_a_stream_leave_the_image_alone() {
    let site = base();
    let before = digest(&site, ISO);
    let ended = site.run(&["iso", "inject", "--out", "site.iso"]).expect(0);
    assert_eq!(ended.stdout, "site.iso\n");
    let shell = format!("'{}' iso inject --out - > piped.iso", env!("CARGO_BIN_EXE_edgectl"));
    let cmd = edgectl_process::Cmd::new("sh").arg("-c").arg(&shell);
    cmd.current_dir(site.dir.path()).ensure_success().unwrap();
    assert_eq!(digest(&site, "site.iso"), digest(&site, "piped.iso"));
    assert_eq!(digest(&site, ISO), before);

    let ended = site.run(&["iso", "inject", "--out", "site.iso"]).expect(1);
    assert!(ended.stderr.contains("hint: `--force` replaces it"), "{}", ended.stderr);
    site.run(&["iso", "inject", "--out", "site.iso", "--force"]).expect(0);
    // What stands beside it is of the image before; a refused change touches neither.
    let sums = ["iso", "inject", "--checksum", "--force", "--out", "site.iso"];
    site.run(&sums).expect(0);
    site.write("site.iso.manifest.json", "{}");
    let large = format!("#cloud-config\n# {}\n", "x".repeat(2 << 20));
    site.write("large", &large);
    let refused = ["iso", "inject", "--user-data", "large", "--no-check"];
    let out = ["--out", "site.iso", "--force"];
    site.run(&[&refused[..], &out].concat()).expect(1);
    assert!(site.path("site.iso.manifest.json").exists());
    // Beside a link stands nothing.
    std::os::unix::fs::symlink("site.iso", site.path("link.iso")).unwrap();
    let through = ["iso", "inject", "--reset", "--force", "--out", "link.iso"];
    let ended = site.run(&through).expect(0);
    assert!(ended.stderr.contains("site.iso.sha256, which was of"), "{}", ended.stderr);
    assert_eq!(digest(&site, "site.iso"), before);
    assert!(
        !site.path("site.iso.sha256").exists() && !site.path("site.iso.manifest.json").exists()
    );
    let ended = site.run(&["iso", "inject", "--out", "./build/../build/installer.iso"]).expect(2);
    assert!(ended.stderr.contains("is the image itself"), "{}", ended.stderr);
    // A terminal is nothing for an image.
    let command = format!("'{}' iso inject --out -", env!("CARGO_BIN_EXE_edgectl"));
    let cmd = edgectl_process::Cmd::new("script").args(["-qec", &command, "/dev/null"]);
    let (_, said) = cmd.current_dir(site.dir.path()).exchange(b"").unwrap();
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("nothing for a terminal"), "{said}");
}

#[test]
fn kernel_arguments_are_put_there_and_taken_away() {
    let site = base();
    let before = digest(&site, ISO);
    let set = ["iso", "inject", "--kernel-argument", "console=ttyS1", "--kernel-argument", "-x;y"];
    site.run(&set).expect(0);
    let ended = site.run(&["iso", "inspect", "-o", "json"]).expect(0);
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(value["kernelArguments"], "console=ttyS1 -x\\;y");
    assert_eq!(value["userData"][0]["bytes"], 0);
    site.run(&["iso", "verify"]).expect(0);
    site.run(&["iso", "inject", "--no-kernel-arguments"]).expect(0);
    assert_eq!(digest(&site, ISO), before);
}

#[test]
fn user_data_that_no_node_reads_is_refused() {
    let site = base();
    let before = digest(&site, ISO);
    site.write("bad", "#cloud-config\nwrite_files:\n  - path: /x\n    path: /y\n");
    let ended = site.run(&["iso", "inject", "--user-data", "bad"]).expect(1);
    assert!(ended.stderr.contains("bad:4:5: error: "), "{}", ended.stderr);
    assert!(ended.stderr.contains("`--no-check`"), "{}", ended.stderr);
    assert_eq!(digest(&site, ISO), before);
    let large = format!("#cloud-config\n# {}\n", "x".repeat(2 << 20));
    let ended =
        site.run_with_input(&["iso", "inject", "--user-data", "-", "--no-check"], large.as_bytes());
    assert!(ended.expect(1).stderr.contains("`iso.userDataKib`"));
    assert_eq!(digest(&site, ISO), before);
    site.run(&["iso", "inject", "--user-data", "bad", "--no-check"]).expect(0);
}

#[test]
fn what_was_changed_is_found_and_told() {
    let site = base();
    site.run(&["iso", "inject", "--out", "site.iso"]).expect(0);
    let ended = site.run(&["iso", "diff", ISO, "site.iso"]).expect(3);
    assert!(ended.stdout.contains("/nocloud/user-data: \n"), "{}", ended.stdout);
    assert!(ended.stdout.contains("+    password: \"<hidden>\""), "{}", ended.stdout);
    assert!(!ended.stdout.contains("squashfs"), "{}", ended.stdout);
    site.run(&["iso", "diff", ISO, ISO]).expect(0);

    let data = std::fs::read_to_string(site.path("build/user-data")).unwrap();
    site.write("other", &data.replace("S3ntinel", "0ther"));
    site.run(&["iso", "inject", "--user-data", "other", "--out", "other.iso"]).expect(0);
    let ended = site.run(&["iso", "diff", "site.iso", "other.iso", "-o", "json"]).expect(3);
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(value["differences"][0]["how"], "only secrets differ");

    let file = std::fs::File::options().read(true).write(true).open(site.path("site.iso")).unwrap();
    let bytes = std::fs::read(site.path("site.iso")).unwrap();
    let kernel = bytes.chunks(2048).position(|block| block.starts_with(b"k\0")).unwrap() as u64;
    file.write_all_at(b"K", kernel * 2048).unwrap();
    let ended = site.run(&["iso", "verify", "site.iso"]).expect(3);
    assert!(ended.stdout.starts_with("`boot/kernel` is sha256:"), "{}", ended.stdout);
    let ended = site.run(&["iso", "diff", ISO, "site.iso", "-o", "json"]).expect(3);
    assert!(ended.stdout.contains("\"/boot/kernel\""), "{}", ended.stdout);
    file.set_len(bytes.len() as u64 - 4096).unwrap();
    let ended = site.run(&["iso", "verify", "site.iso"]).expect(1);
    assert!(ended.stderr.contains("cut short"), "{}", ended.stderr);
}

/// `kill -9` at any moment leaves the old image or the new one.
#[test]
fn a_killed_change_leaves_the_old_or_the_new_image() {
    let site = base();
    let old = digest(&site, ISO);
    site.run(&["iso", "inject", "--out", "site.iso"]).expect(0);
    let new = digest(&site, "site.iso");
    for round in 0..30_u64 {
        let mut child: Child = site.start(&["iso", "inject"]);
        std::thread::sleep(std::time::Duration::from_micros(round * 1700));
        let _ = child.kill();
        child.wait().unwrap();
        site.run(&["iso", "inspect"]).expect(0);
        assert!([&old, &new].contains(&&digest(&site, ISO)), "round {round}");
        assert!(!site.path("build/installer.iso.undo").exists());
        site.run(&["iso", "inject", "--reset"]).expect(0);
        assert_eq!(digest(&site, ISO), old);
    }
}

#[test]
fn images_of_others_are_told_apart() {
    let site = base();
    site.write("tree/user-data", "#cloud-config\nhostname: x\n");
    let cmd = edgectl_process::Cmd::new("xorriso")
        .args(["-no_rc", "-as", "mkisofs", "-R", "-V", "CIDATA"]);
    cmd.arg("-o").arg(site.path("seed.iso")).arg(site.path("tree")).ensure_success().unwrap();
    let ended = site.run(&["iso", "inspect", "seed.iso", "--user-data", "--files"]).expect(0);
    assert!(ended.stdout.contains("somebody else"), "{}", ended.stdout);
    assert!(ended.stdout.contains("hostname: x"), "{}", ended.stdout);
    for command in ["inject", "verify"] {
        let ended = site.run(&["iso", command, "seed.iso"]).expect(1);
        assert!(ended.stderr.contains("has no manifest of edgectl's"), "{}", ended.stderr);
    }
    site.write("text.iso", "no image");
    let ended = site.run(&["iso", "inspect", "text.iso"]).expect(1);
    assert!(ended.stderr.contains("has 8 bytes, less than any ISO 9660"), "{}", ended.stderr);
    site.write("text.iso", &"no image".repeat(5000));
    let ended = site.run(&["iso", "inspect", "text.iso"]).expect(1);
    assert!(ended.stderr.contains("is no ISO 9660 image"), "{}", ended.stderr);
}

/// User data of three sites, as `user-data inject --sites` writes it.
fn with_sites() -> Site {
    let site = base();
    site.write("user-data", "#cloud-config\nhostname: {{ name }}\nstylus: {site: {name: x}}\n");
    site.write("sites.csv", "name\na\nb\nc-1\n");
    let inject = ["user-data", "inject", "--sites", "sites.csv", "--out", "build/sites"];
    site.run(&inject).expect(0);
    site
}

fn ensure_sums(site: &Site, directory: &str) {
    let cmd = edgectl_process::Cmd::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]);
    cmd.current_dir(site.path(directory)).ensure_success().unwrap();
}

#[test]
fn an_image_for_each_site() {
    let site = with_sites();
    let fleet = ["iso", "fleet", "--sites", "build/sites", "--out", "isos"];
    let ended = site.run(&fleet).expect(0);
    assert!(ended.stderr.contains("3 images in isos\n"), "{}", ended.stderr);
    ensure_sums(&site, "isos");
    site.run(&["iso", "inject", "--user-data", "build/sites/b.yaml", "--out", "b.iso"]).expect(0);
    assert_eq!(digest(&site, "b.iso"), digest(&site, "isos/b.iso"));
    // A run that was stopped goes on: what is there stays, what isn't right is made anew.
    std::fs::remove_file(site.path("isos/a.iso")).unwrap();
    std::fs::File::options()
        .write(true)
        .open(site.path("isos/c-1.iso"))
        .unwrap()
        .set_len(1 << 20)
        .unwrap();
    // What stood beside the one that goes isn't that of the new one.
    site.write("isos/c-1.iso.sha256", "0  c-1.iso\n");
    site.write("isos/c-1.iso.manifest.json", "{}");
    let ended = site.run(&fleet).expect(0);
    let beside = ["isos/c-1.iso.sha256", "isos/c-1.iso.manifest.json"];
    assert!(beside.iter().all(|name| !site.path(name).exists()));
    assert!(ended.stderr.contains("3 images in isos, 1 of them there already"), "{}", ended.stderr);
    ensure_sums(&site, "isos");
    // Damage is found wherever it is.
    let file = std::fs::File::options().write(true).open(site.path("isos/a.iso")).unwrap();
    let middle = file.metadata().unwrap().len() / 2;
    file.write_all_at(b"damage", middle).unwrap();
    let ended = site.run(&fleet).expect(0);
    assert!(ended.stderr.contains("3 images in isos, 2 of them there already"), "{}", ended.stderr);
    ensure_sums(&site, "isos");
    // One that is wrong is told before any is written.
    site.write("build/sites/b.yaml", "#cloud-config\nx: [\n");
    let out = ["iso", "fleet", "--sites", "build/sites", "--out", "none"];
    let ended = site.run(&out).expect(1);
    assert!(ended.stderr.contains("build/sites/b.yaml:"), "{}", ended.stderr);
    assert!(!site.path("none").exists());
    site.write("build/sites/b.yaml", "#cloud-config\n{}\n");
    std::fs::copy(site.path(ISO), site.path("isos/b.iso")).unwrap();
    let ended =
        site.run(&["iso", "fleet", "isos/b.iso", "--sites", "build/sites", "--out", "isos"]);
    assert!(ended.expect(2).stderr.contains("would replace the one it is made from"));
    let seeds = ["iso", "fleet", "--seeds", "--sites", "build/sites", "--out", "isos"];
    let ended = site.run(&seeds).expect(1);
    assert!(ended.stderr.contains(".iso` is no seed"), "{}", ended.stderr);
    let ended = site.run(&["iso", "fleet", "--sites", "sites.csv", "--out", "none"]).expect(1);
    assert!(ended.stderr.contains("hint: `edgectl user-data inject --sites"), "{}", ended.stderr);
}

#[test]
fn a_seed_for_each_site() {
    let site = with_sites();
    let fleet = ["iso", "fleet", "--seeds", "--sites", "build/sites", "--out", "seeds"];
    for _ in 0..2 {
        site.run(&fleet).expect(0);
        ensure_sums(&site, "seeds");
    }
    let ended = site.run(&["iso", "inspect", "seeds/c-1.iso", "--user-data"]).expect(0);
    assert!(ended.stdout.contains("label             cidata"), "{}", ended.stdout);
    assert!(ended.stdout.contains("hostname: c-1"), "{}", ended.stdout);
    site.write("seeds/mine.txt", "keep");
    let ended = site.run(&fleet).expect(1);
    assert!(ended.stderr.contains("`seeds/mine.txt` is no seed"), "{}", ended.stderr);
}
