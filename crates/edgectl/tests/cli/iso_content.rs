//! `iso build --content`: only what is whole goes onto an image.

use edgectl_testkit::TinyImage;

use crate::iso::{BUILD, baked_site};
use crate::site::Site;

const FILES: [(&str, &[u8]); 2] = [("boot/vmlinuz-1.0", b"kernel"), ("boot/initrd.img-1.0", b"i")];

/// A site whose images are saved in `content`.
fn saved() -> Site {
    let site = baked_site(&FILES, 1000);
    let image = |seed| TinyImage::new("amd64").random_layer(3000, seed);
    site.serve(&[("quay.io/a/web:1", image(1)), ("quay.io/a/db:1", image(2))]);
    site.run(&["save", "--out", "content"]).expect(0);
    site
}

#[test]
fn saved_images_go_onto_the_medium() {
    let site = saved();
    site.configure("iso: {os: ./os}", "iso: {os: ./os, content: ./content}");
    let ended = site.run(&BUILD).expect(0);
    assert!(ended.stderr.contains("content: 2 images"), "{}", ended.stderr);
    let ended = site.run(&["iso", "inspect"]).expect(0);
    let row = ended.stdout.lines().find(|line| line.starts_with("images ")).unwrap();
    assert!(row.contains("2 images") && row.ends_with("/content"), "{row}");
    site.run(&["iso", "verify"]).expect(0);
    let ended = site.run(&["iso", "inspect", "-o", "json"]).expect(0);
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let images = &value["manifest"]["content"]["images"];
    assert_eq!(*images, serde_json::json!(["quay.io/a/db:1", "quay.io/a/web:1"]));
}

#[test]
fn a_bill_of_materials_names_them() {
    let site = saved();
    let with = "iso: {os: ./os, content: ./content, sbom: ./build/bill.json}";
    site.configure("iso: {os: ./os}", with);
    let ended = site.run(&BUILD).expect(0);
    assert!(ended.stderr.contains("/build/bill.json\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("no list of dpkg"), "{}", ended.stderr);
    let read = |name: &str| std::fs::read(site.path(name)).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&read("build/bill.json")).unwrap();
    let packages = value["packages"].as_array().unwrap();
    let names: Vec<&str> = packages.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(&names[2..], ["quay.io/a/db:1", "quay.io/a/web:1"]);
    site.run(&[&BUILD[..], &["--sbom", "other.json"]].concat()).expect(0);
    assert!(read("other.json") == read("build/bill.json"), "two bills of one image differ");
    let ended = site.run(&[&BUILD[..], &["--sbom", "os"]].concat()).expect(1);
    assert!(ended.stderr.contains("writing the bill of materials `os`"), "{}", ended.stderr);
}

#[test]
fn a_layout_that_is_not_whole_is_refused_before_anything_is_written() {
    let site = saved();
    let build = [&BUILD[..], &["--content", "content"]].concat();
    let blobs = site.path("content/blobs/sha256");
    let mut files: Vec<_> =
        std::fs::read_dir(&blobs).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for blob in &files {
        let right = std::fs::read(blob).unwrap();
        let name = blob.file_name().unwrap().to_str().unwrap();
        let mut wrong = right.clone();
        wrong[0] ^= 1;
        for bytes in [Some(&wrong[..]), Some(&right[1..]), Some(&[&right[..], b"x"].concat()), None]
        {
            match bytes {
                Some(bytes) => std::fs::write(blob, bytes).unwrap(),
                None => std::fs::remove_file(blob).unwrap(),
            }
            let ended = site.run(&build).expect(1);
            assert!(ended.stderr.contains(name), "{name}:\n{}", ended.stderr);
            assert!(!site.path("build/installer.iso").exists());
        }
        std::fs::write(blob, right).unwrap();
    }
    // What nothing leads to doesn't matter, and stays away.
    std::fs::write(blobs.join("0".repeat(64)), "stray").unwrap();
    site.run(&build).expect(0);
    let ended = site.run(&["iso", "inspect", "--files"]).expect(0);
    assert!(!ended.stdout.contains(&"0".repeat(64)));

    let ended = site.run(&[&BUILD[..], &["--content", "profile.json"]].concat()).expect(1);
    assert!(ended.stderr.contains("`edgectl save --format dir"), "{}", ended.stderr);
    let ended = site.run(&[&BUILD[..], &["--content", "nowhere"]].concat()).expect(1);
    assert!(ended.stderr.contains("reading the content `nowhere`"), "{}", ended.stderr);
}
