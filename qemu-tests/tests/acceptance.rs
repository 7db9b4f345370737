//! The main job on the quickstart, from the profile to a booted, installed
//! machine that has pulled every image; then the same machine against a
//! registry with one fault each, which the run has to find and name.
//!
//! One test, because one installed disk serves all scenarios.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use edgectl_model::{ImageLock, Reference};
use edgectl_testkit::quickstart::{ExternalRegistry, PULLER, World, WorldOptions};
use edgectl_testkit::{TinyImage, TinyLayout};
use qemu_tests::{Edgectl, FileServer, Firmware, NetworkMachine, Programs, replace_on_disk};
use serde_json::Value;

const FORGOTTEN: &str = "docker.io/library/memcached:1.6";
const DELETED: &str = "quay.io/prometheus/node-exporter:v1.5.0";

const PASSPHRASE: &str = "seven words that nobody says";

/// An address that no DHCP server gives, in the network of the machine under
/// proof, for the card that QEMU gives it.
const NETWORK: &str = "version: 2
ethernets:
  edge0:
    match: {macaddress: \"52:54:00:12:34:56\"}
    set-name: edge0
    addresses: [10.10.254.77/24]
";

struct Scenario {
    world: World,
    edgectl: Edgectl,
    disk: PathBuf,
}

#[test]
fn the_quickstart_installs_and_pulls_everything_and_faults_are_found() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("acceptance");
    let _ = std::fs::remove_dir_all(&directory);
    let programs = Programs::build();
    let say = |line: &str| eprintln!("{line}");
    let world = World::start(WorldOptions::new(directory.join("site")), &say).unwrap();
    let edgectl = Edgectl::new(programs, world.edge_yaml(), directory.join("cache"));
    let disk = directory.join("installed.qcow2");
    let mut scenario = Scenario { world, edgectl, disk };

    bakes(&scenario);
    bakes_images_and_a_network_in(&scenario);
    sends_nothing_twice(&scenario);
    starts_over_a_network(&scenario);
    encrypts(&scenario);
    installs_and_pulls_everything(&scenario);
    finds_a_wrong_password(&scenario);
    finds_an_unknown_authority(&mut scenario);
    finds_an_open_registry(&mut scenario);
    finds_a_missing_image(&scenario);
    leaves_no_password_behind(&scenario);
}

fn bakes(s: &Scenario) {
    let ended = s.edgectl.run(&["build", "--no-boot"]).expect(0);
    assert!(ended.stderr.contains(&format!("`{FORGOTTEN}` is used")), "{}", ended.stderr);
    assert!(ended.stderr.contains("but not declared"), "{}", ended.stderr);
    let lock = lock(s);
    assert!(lock.workloads().count() >= 7);
    assert!(lock.images.iter().all(|image| image.digest.is_some()));
    let pause = lock.images.iter().find(|i| i.source.path() == "pause").unwrap();
    assert_eq!(pause.platforms.len(), 2, "an index of two platforms");
}

/// The same installer with an image to preload, and an address of its own.
fn bakes_images_and_a_network_in(s: &Scenario) {
    let directory = s.world.directory();
    let mut layout = TinyLayout::new(&directory.join("content")).unwrap();
    let image = layout.image(&TinyImage::new("amd64").files(&[("hello", b"edge")])).unwrap();
    layout.name("quay.io/edge-demo/preloaded:1", &image).unwrap();
    std::fs::write(directory.join("network"), NETWORK).unwrap();
    let place = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let (content, network) = (place("content"), place("network"));
    let with = ["--content", &content, "--network-config", &network];
    s.edgectl.run(&[&["iso", "build"][..], &with].concat()).expect(0);
}

fn sends_nothing_twice(s: &Scenario) {
    let value = s.edgectl.run(&["upload-profile", "-o", "json"]).expect(0).json();
    assert_eq!((&value["bytesSent"], &value["blobsSent"]), (&0.into(), &0.into()), "{value:#}");
}

/// As far as the agent, which knows from the user data that it is to install;
/// the passphrase of that is typed at the console.
fn starts_over_a_network(s: &Scenario) {
    let words = s.world.directory().join("passphrase");
    std::fs::write(&words, format!("{PASSPHRASE}\n")).unwrap();
    let encrypt = ["iso", "inject", "--passphrase-file", words.to_str().unwrap()];
    s.edgectl.run(&encrypt).expect(0);
    let directory = s.world.directory().join("build/netboot");
    let server = FileServer::start(directory.clone());
    let out = directory.to_str().unwrap();
    let ended = s.edgectl.run(&["iso", "netboot", "--url", &server.url(), "--out", out]).expect(0);
    assert!(ended.stderr.contains("holds the user data encrypted"), "{}", ended.stderr);
    let machine = directory.with_extension("machine");
    let script = ended.stdout.trim();
    let start = |name, firmware| NetworkMachine::start(&machine.join(name), script, firmware);
    let question = "Passphrase of the user data";
    let mut machine = start("uefi", Firmware::Uefi);
    machine.wait_for_question(question, 1);
    assert!(machine.said("console.log").contains("efi: EFI v"));
    drop(machine);
    let mut machine = start("bios", Firmware::Bios);
    machine.answer(question, 1, "not this one");
    machine.answer(question, 2, PASSPHRASE);
    machine.wait_for_event("install-started");
    assert!(machine.said("events.jsonl").contains("the passphrase is wrong"));
    assert!(!machine.said("console.log").contains(PASSPHRASE), "it is hidden");
    assert!(machine.said("console.log").contains(" initrd=medium.cpio "));
    drop(machine);
    // A second medium with the same password, and nothing that tests it any more.
    std::fs::remove_dir_all(directory).unwrap();
}

/// From here on the medium has the password for the owner of a key alone.
fn encrypts(s: &Scenario) {
    let key = site_key(s);
    let key = ["iso", "key", "--out", key.to_str().unwrap()];
    let public = s.edgectl.run_without_project(&key).expect(0).stdout;
    let iso = s.world.directory().join("build/installer.iso");
    let password = s.world.password(PULLER).unwrap();
    assert!(!holds(&iso, password.expose()));
    s.edgectl.run(&["iso", "inject", "--plain"]).expect(0);
    assert!(holds(&iso, password.expose()));
    s.edgectl.run(&["iso", "inject", "--recipient", public.trim()]).expect(0);
    assert!(!holds(&iso, password.expose()));
    s.edgectl.run(&["iso", "verify"]).expect(0);
}

fn site_key(s: &Scenario) -> PathBuf {
    s.world.directory().join("site.key")
}

fn holds(file: &Path, text: &str) -> bool {
    let bytes = std::fs::read(file).unwrap();
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// With a disc that has the key of the user data.
fn installs_and_pulls_everything(s: &Scenario) {
    let (keep, key) = (s.disk.to_str().unwrap(), site_key(s));
    let boot = ["iso", "boot", "--keep-disk", keep, "--key-disc", key.to_str().unwrap()];
    let value = s.edgectl.run(&[&boot[..], &["-o", "json"]].concat()).expect(0).json();
    let steps = value["phases"][0]["events"].as_array().unwrap();
    let opened = "opened the user data with the key disc";
    assert!(steps.iter().any(|event| event["step"] == opened), "{value:#}");
    assert_eq!(value["passed"], true, "{value:#}");
    let events = value["phases"][1]["events"].as_array().unwrap();
    let pulled: Vec<&Value> = events.iter().filter(|e| e["event"] == "image-pulled").collect();
    for image in lock(s).workloads() {
        let name = image.source.canonical();
        let digest = image.digest.as_ref().unwrap().as_str();
        let found = pulled.iter().any(|e| e["image"] == *name && e["digest"] == *digest);
        assert!(found, "{name} was not pulled\n{value:#}");
    }
    assert!(events.iter().any(|e| e["event"] == "container-started"), "{value:#}");
    let preloaded = events.iter().find(|e| e["event"] == "images-preloaded").unwrap();
    assert_eq!(preloaded["images"], 1, "{value:#}");
    let results = PathBuf::from(value["directory"].as_str().unwrap());
    // The system renames its card as the network configuration says.
    for phase in ["install", "prove"] {
        let console = std::fs::read(results.join(phase).join("console.log")).unwrap();
        assert!(String::from_utf8_lossy(&console).contains(" edge0: renamed from "), "{phase}");
    }
    for file in [
        "install/argv",
        "install/console.log",
        "install/screen-agent-started.png",
        "prove/events.jsonl",
        "prove/screen.png",
        "summary.txt",
        "report.html",
    ] {
        assert!(results.join(file).exists(), "{file} is missing");
    }
    let junit = std::fs::read_to_string(results.join("junit.xml")).unwrap();
    assert!(junit.contains("failures=\"0\""), "{junit}");
}

/// The password in the user data, where it lies on the installed disk.
fn finds_a_wrong_password(s: &Scenario) {
    let password = s.world.password(PULLER).unwrap();
    let wrong: String = password.expose().chars().rev().collect();
    assert_ne!(wrong, password.expose());
    let copy = s.disk.with_file_name("wrong-password.qcow2");
    assert!(replace_on_disk(&s.disk, &copy, password.expose(), &wrong) > 0);
    let value = faulty(s, &copy);
    let causes = causes(&value);
    assert_eq!(causes.len(), lock(s).workloads().count(), "{value:#}");
    assert!(causes.iter().all(|cause| cause == "login-refused"), "{value:#}");
}

fn finds_an_unknown_authority(s: &mut Scenario) {
    let how = ExternalRegistry { unknown_authority: true, ..ExternalRegistry::default() };
    s.world.restart_registry(&how).unwrap();
    let value = faulty(s, &s.disk);
    let causes = causes(&value);
    assert_eq!(causes.len(), lock(s).workloads().count(), "{value:#}");
    assert!(causes.iter().all(|cause| cause == "unknown-authority"), "{value:#}");
}

/// Everything is pulled, but nobody had to log in.
fn finds_an_open_registry(s: &mut Scenario) {
    let how = ExternalRegistry { users: Some(Vec::new()), ..ExternalRegistry::default() };
    s.world.restart_registry(&how).unwrap();
    let value = faulty(s, &s.disk);
    assert!(causes(&value).is_empty(), "{value:#}");
    let messages = messages(&value);
    assert!(messages.iter().all(|m| m.ends_with("without a login")), "{value:#}");
    s.world.restart_registry(&ExternalRegistry::default()).unwrap();
}

fn finds_a_missing_image(s: &Scenario) {
    let deleted = Reference::parse(DELETED).unwrap();
    let lock = lock(s);
    let image = lock.images.iter().find(|i| i.source == deleted).unwrap();
    s.world.delete_image(&image.target).unwrap();
    // The disk that SeaBIOS has installed starts under UEFI, too.
    let value = faulty_with(s, &s.disk, &["--firmware", "uefi"]);
    let console = s.world.directory().join("build/boot/latest/prove/console.log");
    assert!(String::from_utf8_lossy(&std::fs::read(console).unwrap()).contains("efi: EFI v"));
    let findings = value["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{value:#}");
    assert_eq!(findings[0]["image"], DELETED);
    assert_eq!(findings[0]["cause"], "not-in-registry");
    // The next upload mends it.
    let value = s.edgectl.run(&["upload-profile", "-o", "json"]).expect(0).json();
    let copied: Vec<&Value> =
        value["images"].as_array().unwrap().iter().filter(|i| i["result"] == "copied").collect();
    assert_eq!(copied.len(), 1, "{value:#}");
}

/// Passwords are in the user data, the key that opens it is in its file, and
/// both are nowhere else.
fn leaves_no_password_behind(s: &Scenario) {
    let mut passwords: Vec<String> = ["uploader", PULLER]
        .iter()
        .map(|user| s.world.password(user).unwrap().expose().to_owned())
        .collect();
    let key = std::fs::read_to_string(site_key(s)).unwrap();
    passwords.extend(key.lines().last().map(str::to_owned));
    let results = s.world.directory().join("build/boot");
    let mut files = vec![s.world.directory().join("images.lock")];
    collect(&results, &mut files);
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        let leaked = passwords.iter().any(|password| text.contains(password.as_str()));
        assert!(!leaked, "a password is in {}", file.display());
    }
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            collect(&path, files);
        } else if path.is_file() && path.extension().is_none_or(|e| e != "qcow2") {
            files.push(path);
        }
    }
}

/// Proves an installed disk and expects findings.
fn faulty(s: &Scenario, disk: &Path) -> Value {
    faulty_with(s, disk, &[])
}

fn faulty_with(s: &Scenario, disk: &Path, more: &[&str]) -> Value {
    let boot = ["iso", "boot", "--installed", disk.to_str().unwrap(), "-o", "json"];
    let ended = s.edgectl.run(&[&boot[..], more].concat()).expect(3);
    let value = ended.json();
    assert_eq!(value["passed"], false, "{value:#}");
    // What the user reads names every finding, too.
    for message in messages(&value) {
        assert!(ended.stderr.contains(&message), "{message}\n{}", ended.stderr);
    }
    value
}

fn messages(value: &Value) -> Vec<String> {
    let findings = value["findings"].as_array().unwrap();
    findings.iter().map(|f| f["message"].as_str().unwrap().to_owned()).collect()
}

/// Why images are missing.
fn causes(value: &Value) -> Vec<String> {
    let findings = value["findings"].as_array().unwrap();
    let causes = findings.iter().filter(|f| f["kind"] == "image-missing");
    causes.map(|f| f["cause"].as_str().unwrap().to_owned()).collect()
}

fn lock(s: &Scenario) -> ImageLock {
    let text = std::fs::read_to_string(s.world.directory().join("images.lock")).unwrap();
    ImageLock::parse(&text).unwrap()
}
