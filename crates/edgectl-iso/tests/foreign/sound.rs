//! What holds for every image of others that was customised.

use std::collections::BTreeSet;
use std::path::Path;

use edgectl_iso::{Base, Change, Disc, Flavor, Inspection, inject_in_place, verify_disc};
use edgectl_model::Digest;
use edgectl_process::Cmd;

use super::{Lab, OLD_SECRET, With, holds};

pub(crate) const FIRST: &str = "#cloud-config\nusers: [{name: edge, passwd: f1rst-secret}]\n";
const FIRST_SCRIPT: &str = "#!/bin/sh\necho f1rst-secret\n";
const SECOND_SCRIPT: &str = "#!/bin/sh\necho an0ther\n";
pub(crate) const SECOND: &str = "#cloud-config\nusers: [{name: edge, passwd: an0ther}]\n";
/// Reset to what a customising without anything makes.
pub(crate) const RESET: Change<'_> = Change {
    reset: true,
    user_data: None,
    is_encrypted: false,
    network_config: None,
    kernel_arguments: None,
};

pub(crate) fn digest(path: &Path) -> Digest {
    Digest::sha256(&std::fs::read(path).unwrap())
}

/// A file of an image, as xorriso reads it.
pub(crate) fn extract(lab: &Lab, image: &Path, name: &str) -> Vec<u8> {
    let to = lab.path("extracted");
    let _ = std::fs::remove_file(&to);
    let has_capitals = Disc::open(image).unwrap().names() == "ISO 9660";
    let name = if has_capitals { name.to_uppercase() } else { name.to_owned() };
    let cmd = Cmd::new("xorriso").args(["-no_rc", "-osirrox", "on", "-indev"]).arg(image);
    cmd.args(["-extract", &name]).arg(&to).ensure_success().unwrap();
    std::fs::read(&to).unwrap()
}

/// What holds for every image, whatever it is.
pub(crate) fn ensure_sound(lab: &Lab, base: &Path, user_data: &str, flavor: Flavor, is_live: bool) {
    let is_script = flavor == Flavor::Combustion;
    let (first, second) = if is_script { (FIRST_SCRIPT, SECOND_SCRIPT) } else { (FIRST, SECOND) };
    let before = digest(base);
    let name = |suffix: &str| base.with_extension(suffix);
    let report = lab.customize(base, With::user_data(first), &name("first")).unwrap();
    assert_eq!((report.flavor, report.is_live), (flavor, is_live), "{:?}", report.warnings);
    assert_eq!((report.user_data.as_str(), &report.digest), (user_data, &digest(&name("first"))));
    let stored = extract(lab, &name("first"), &format!("/{user_data}"));
    assert!(stored.starts_with(first.as_bytes()) && stored.len() == 16 << 10);

    // Twice is once, and nothing of the first run or of the base's own is left.
    lab.customize(&name("first"), With::user_data(second), &name("twice")).unwrap();
    lab.customize(base, With::user_data(second), &name("once")).unwrap();
    assert_eq!(digest(&name("twice")), digest(&name("once")));
    assert!(!holds(&name("twice"), "f1rst-secret") && !holds(&name("twice"), OLD_SECRET));
    let check = verify_disc(&Disc::open(&name("twice")).unwrap()).unwrap();
    assert_eq!(check.findings, [""; 0]);

    // `inject` does the same, and takes everything away again.
    lab.customize(base, With::default(), &name("empty")).unwrap();
    let change = Change { user_data: Some(second.as_bytes()), ..Change::default() };
    inject_in_place(&name("first"), &change).unwrap();
    assert_eq!(digest(&name("first")), digest(&name("once")));
    inject_in_place(&name("first"), &RESET).unwrap();
    assert_eq!(digest(&name("first")), digest(&name("empty")));
    let fleet = Base::open(&name("empty")).unwrap();
    assert_eq!(fleet.write(&change, &name("fleet")).unwrap(), digest(&name("once")));

    // What starts it is what it was; the base is untouched.
    let (old, new) = (Inspection::of(base).unwrap(), Inspection::of(&name("once")).unwrap());
    assert_eq!(old.label, new.label);
    let forms = |seen: &Inspection| -> Vec<_> {
        seen.boot.iter().map(|entry| (entry.platform, entry.bytes)).collect()
    };
    assert_eq!(forms(&old), forms(&new));
    let live: Vec<&str> =
        new.user_data.iter().filter(|found| found.is_live).map(|found| found.path).collect();
    assert_eq!(live.len(), usize::from(is_live), "{live:?}");
    assert_eq!(digest(base), before);
    ensure_readable_front_to_end(base, &name("once"));
}

/// Who reads an image from its front to its end, as libarchive does, finds what was there,
/// too.
pub(crate) fn ensure_readable_front_to_end(base: &Path, made: &Path) {
    let listed = |image: &Path| -> BTreeSet<String> {
        let said = Cmd::new("bsdtar").arg("-tf").arg(image).read_stdout().unwrap();
        String::from_utf8(said).unwrap().lines().map(str::to_owned).collect()
    };
    let (old, new) = (listed(base), listed(made));
    let lost: Vec<&String> = old.difference(&new).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

/// A partition that is the volume once more has the same files.
pub(crate) fn ensure_second_volume(lab: &Lab, image: &Path, name: &str, content: &str) {
    let bytes = std::fs::read(image).unwrap();
    let partition = lab.path("partition.iso");
    std::fs::write(&partition, &bytes[64 * 512..]).unwrap();
    assert!(extract(lab, &partition, name).starts_with(content.as_bytes()));
    assert!(Disc::open(image).unwrap().partitions().unwrap().unwrap().partitions.len() > 1);
}

/// The same partitions, each with the same bytes where it is no volume, and
/// nothing that a strict reader finds wrong that wasn't before.
pub(crate) fn ensure_disk(base: &Path, made: &Path) {
    let table = |path: &Path| Disc::open(path).unwrap().partitions().unwrap().unwrap();
    let (old, new) = (table(base), table(made));
    assert_eq!((old.kind, &old.faults), (new.kind, &new.faults));
    let (old_bytes, new_bytes) = (std::fs::read(base).unwrap(), std::fs::read(made).unwrap());
    for (a, b) in old.partitions.iter().zip(&new.partitions) {
        assert_eq!((&a.kind, &a.name), (&b.kind, &b.name));
        let end = (b.offset + b.bytes) as usize;
        assert!(end <= new_bytes.len());
        let is_system = a.kind.starts_with("C12A7328") || a.kind == "0xef";
        if is_system {
            let of = |bytes: &[u8], at: u64| bytes[at as usize..(at + a.bytes) as usize].to_vec();
            assert!(of(&old_bytes, a.offset) == of(&new_bytes, b.offset), "{}", a.name);
        }
    }
    assert_eq!(old.partitions.len(), new.partitions.len());
}
