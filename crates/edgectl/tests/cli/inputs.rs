//! Files, directories, archives and stdin, and those that are broken.

use std::io::Write;

use crate::charts::pack;
use crate::site::Site;
use crate::user_data::gzip;

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: quay.io/a/pod:1}]}\n";

fn list(site: &Site, inputs: &[&str]) -> String {
    let mut all = vec!["images", "-o", "list"];
    all.extend(inputs);
    site.run(&all).expect(0).stdout
}

#[test]
fn directories_are_walked() {
    let site = Site::new();
    site.write("in/pod.yaml", POD);
    site.write("in/images-used", "quay.io/a/listed:1\n");
    site.write("in/.hidden/pod.yaml", &POD.replace("pod:1", "hidden:1"));
    site.write("in/LICENSE", "You may use this image: as you like\n");
    site.write("in/README.md", "image: quay.io/a/readme:1\n");
    site.write("in/main.tf", "image = \"quay.io/a/terraform:1\"\n");
    site.write("in/other.yaml", "just: settings\n");
    site.write("outside/pod.yaml", &POD.replace("pod:1", "outside:1"));
    std::os::unix::fs::symlink("../outside", site.path("in/link")).unwrap();
    std::os::unix::fs::symlink(".", site.path("in/circle")).unwrap();
    std::fs::write(site.path("in/logo.png"), b"\x89PNG\xff\xfe").unwrap();
    assert_eq!(list(&site, &["in"]), "quay.io/a/listed:1\nquay.io/a/pod:1\n");
    // The same file twice is one input.
    let json = site.run(&["images", "in/pod.yaml", "in", "-o", "json"]).expect(0).stdout;
    assert_eq!(json.matches("\"object\": \"Pod p\"").count(), 2, "{json}");
}

#[test]
fn archives_are_read() {
    let site = Site::new();
    site.write("in/pod.yaml", POD);
    site.write("in/more/list.txt", "quay.io/a/listed:1\n");
    let expected = "quay.io/a/listed:1\nquay.io/a/pod:1\n";
    pack(&site, &["in"], "in.tgz");
    assert_eq!(list(&site, &["in.tgz"]), expected);
    let bytes = std::fs::read(site.path("in.tgz")).unwrap();
    let ended = site.run_with_input(&["images", "-", "-o", "list"], &bytes).expect(0);
    assert_eq!(ended.stdout, expected);

    // Tapes and flashing tools fill up with zeros.
    for (name, packed) in [("padded.tgz", bytes.clone()), ("pod.yaml.gz", gzip(POD.as_bytes()))] {
        std::fs::write(site.path(name), [packed, vec![0; 1 << 17]].concat()).unwrap();
    }
    assert_eq!(list(&site, &["padded.tgz"]), expected);
    assert_eq!(list(&site, &["pod.yaml.gz"]), "quay.io/a/pod:1\n");
    std::fs::write(site.path("more.tgz"), [&bytes[..], b"garbage"].concat()).unwrap();
    let ended = site.run(&["images", "more.tgz"]).expect(1);
    assert!(ended.stderr.contains("what follows its end is no gzip"), "{}", ended.stderr);

    let mut tar = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut tar).unwrap();
    std::fs::write(site.path("in.tar"), &tar).unwrap();
    std::fs::write(site.path("in.tar.zst"), zstd::encode_all(&tar[..], 1).unwrap()).unwrap();
    let file = std::fs::File::create(site.path("in.zip")).unwrap();
    let mut zip = zip::ZipWriter::new(file);
    for (name, text) in [("in/pod.yaml", POD), ("in/more/list.txt", "quay.io/a/listed:1\n")] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    for archive in ["in.tar", "in.tar.zst", "in.zip"] {
        assert_eq!(list(&site, &[archive]), expected, "{archive}");
    }
    let json = site.run(&["images", "in.zip", "-o", "json"]).expect(0).stdout;
    assert!(json.contains("\"file\": \"in.zip:in/pod.yaml\""), "{json}");
    assert_eq!(site.leftovers(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn xz_is_read() {
    let site = Site::new();
    // One stored block: `a.yaml` of a pod in a tar would be too long for here;
    // a single packed file is read as it is.
    let mut out = Vec::new();
    let options = lzma_rust2::XzOptions::with_preset(0);
    let mut writer = lzma_rust2::XzWriter::new(&mut out, options).unwrap();
    writer.write_all(POD.as_bytes()).unwrap();
    writer.finish().unwrap();
    std::fs::write(site.path("pod.yaml.xz"), out).unwrap();
    assert_eq!(list(&site, &["pod.yaml.xz"]), "quay.io/a/pod:1\n");
}

#[test]
fn an_archive_that_is_broken() {
    let site = Site::new();
    site.write("in/pod.yaml", POD);
    pack(&site, &["in"], "in.tgz");
    let bytes = std::fs::read(site.path("in.tgz")).unwrap();
    std::fs::write(site.path("cut.tgz"), &bytes[..bytes.len() / 2]).unwrap();
    let ended = site.run(&["images", "cut.tgz"]).expect(1);
    assert!(ended.stderr.starts_with("error: reading the archive `cut.tgz`"), "{}", ended.stderr);
    // All names are there, and the checksum says that they may be others.
    let mut wrong = bytes.clone();
    let at = wrong.len() - 8;
    wrong[at] ^= 1;
    std::fs::write(site.path("wrong.tgz"), &wrong).unwrap();
    let ended = site.run(&["images", "wrong.tgz"]).expect(1);
    assert!(ended.stderr.contains("checksum"), "{}", ended.stderr);
    // Padding is no damage.
    std::fs::write(site.path("padded.tgz"), [&bytes[..], &[0; 512]].concat()).unwrap();
    assert_eq!(list(&site, &["padded.tgz"]), list(&site, &["in.tgz"]));
    // In a directory it is one of many, and told of.
    site.write("both/pod.yaml", POD);
    std::fs::copy(site.path("cut.tgz"), site.path("both/cut.tgz")).unwrap();
    let ended = site.run(&["images", "both", "-o", "list"]).expect(3);
    assert_eq!(ended.stdout, "quay.io/a/pod:1\n");
    assert!(ended.stderr.contains("[broken-archive]"), "{}", ended.stderr);
}

#[test]
fn an_archive_that_leads_out_of_itself() {
    let site = Site::new();
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(0);
    // The library refuses to write such a name.
    header.as_old_mut().name[..11].copy_from_slice(b"../out.yaml");
    header.set_cksum();
    tar.append(&header, std::io::empty()).unwrap();
    std::fs::write(site.path("bad.tar"), tar.into_inner().unwrap()).unwrap();
    let ended = site.run(&["images", "bad.tar"]).expect(1);
    assert!(ended.stderr.contains("`../out.yaml` leads out of it"), "{}", ended.stderr);
}

#[test]
fn an_archive_bomb() {
    let site = Site::new();
    let file = std::fs::File::create(site.path("bomb.tgz")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::default());
    let mut header = tar::Header::new_ustar();
    header.set_path("a.yaml").unwrap();
    header.set_size(300 << 20);
    header.set_cksum();
    gzip.write_all(header.as_bytes()).unwrap();
    let zeros = vec![b' '; 1 << 20];
    (0..300).for_each(|_| gzip.write_all(&zeros).unwrap());
    gzip.finish().unwrap();
    let ended = site.run(&["images", "bomb.tgz"]).expect(1);
    assert!(ended.stderr.contains("an archive bomb"), "{}", ended.stderr);
}

#[test]
fn files_that_are_not_what_they_should_be() {
    let site = Site::new();
    for (name, bytes, message) in [
        ("empty", &b""[..], "line 1, column 1: it is empty"),
        (
            "unknown.yaml",
            b"\n\nsome: settings\n",
            "line 3, column 1: expected a cluster profile export",
        ),
        ("binary", b"\x00\xff\xfe\x01 binary\n", "error: `binary`"),
        ("words.txt", b"these are words\nand more\n", "error: `words.txt`"),
    ] {
        std::fs::write(site.path(name), bytes).unwrap();
        let ended = site.run(&["images", name]).expect(1);
        assert!(ended.stderr.contains(message), "{name}: {}", ended.stderr);
        assert!(ended.stderr.contains("hint: give a cluster profile export"), "{}", ended.stderr);
    }
    let deep = format!("kind: Pod\nspec: {}\n", "[".repeat(10_000));
    site.write("deep.yaml", &deep);
    let ended = site.run(&["images", "deep.yaml"]).expect(1);
    assert!(ended.stderr.contains("nested") || ended.stderr.contains("deep"), "{}", ended.stderr);
    let ended = site.run_with_input(&["images", "-"], b"").expect(1);
    assert!(ended.stderr.contains("`-` names no images"), "{}", ended.stderr);
    let ended = site.run(&["images", "ftp://example.com/chart"]).expect(2);
    assert!(ended.stderr.contains("is not the address of a chart"), "{}", ended.stderr);
}

#[test]
fn texts_that_are_not_utf_8_are_still_searched() {
    let site = Site::new();
    let mut bytes = b"# caf\xe9\n".to_vec();
    bytes.extend(POD.as_bytes());
    std::fs::write(site.path("latin1.yaml"), bytes).unwrap();
    let ended = site.run(&["images", "latin1.yaml", "-o", "list"]).expect(0);
    assert_eq!(ended.stdout, "quay.io/a/pod:1\n");
    assert!(ended.stderr.contains("warning: latin1.yaml:1:"), "{}", ended.stderr);
    assert!(ended.stderr.contains("[not-utf-8]"), "{}", ended.stderr);
}

#[test]
fn files_that_are_named_by_files() {
    let site = Site::new();
    site.write(
        "zarf/zarf.yaml",
        "kind: ZarfPackageConfig\ncomponents:\n- name: a\n  manifests: [{name: m, files: [m/pod.yaml, ../secret.yaml, gone.yaml]}]\n",
    );
    site.write("zarf/m/pod.yaml", POD);
    let ended = site.run(&["images", "zarf/zarf.yaml", "-o", "list"]).expect(0);
    assert_eq!(ended.stdout, "quay.io/a/pod:1\n");
    for message in ["it is outside of the directory", "(it isn't there)"] {
        assert!(ended.stderr.contains(message), "{}", ended.stderr);
    }
}

#[test]
fn tiers_and_exclusions_decide_what_is_mirrored() {
    let site = Site::new();
    site.write("pod.yaml", &POD.replace("{containers", "{note: quay.io/a/noted:1, containers"));
    let json = site.run(&["images", "pod.yaml", "-o", "json"]).expect(0).stdout;
    assert!(json.contains("\"tier\": \"possible\""), "{json}");
    assert_eq!(list(&site, &["pod.yaml"]), "quay.io/a/pod:1\n");
    assert_eq!(
        list(&site, &["pod.yaml", "--tier", "possible"]),
        "quay.io/a/noted:1\nquay.io/a/pod:1\n"
    );
    let told = site.run(&["images", "pod.yaml", "--explain", "quay.io/a/noted:1"]).expect(0);
    assert!(told.stdout.contains("only listed: a text that could be"), "{}", told.stdout);

    site.configure(
        "profile: profile.json",
        "profile: pod.yaml\nimages:\n  exclude: [{image: 'quay.io/a/p*', reason: it is on the node}]\n  include: [{image: 'quay.io/a/noted:1', reason: it is pulled late}]",
    );
    assert_eq!(list(&site, &[]), "quay.io/a/noted:1\n");
    let told = site.run(&["images", "--explain", "quay.io/a/pod:1"]).expect(0);
    assert!(told.stdout.contains("left out by `images.exclude` in edge.yaml: it is on the node"));
    let yaml = site.run(&["images", "-o", "yaml"]).expect(0).stdout;
    assert!(yaml.starts_with("schema: 1\nimages:\n"), "{yaml}");
}
