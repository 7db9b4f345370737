//! Something to bake, and a place to do it.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use edgectl_iso::{
    BakeReport, BakeRequest, BakeStep, Compression, Content, Input, IsoError, LiveSystem,
    SecureBoot, bake,
};
use edgectl_model::Digest;
use edgectl_process::Cmd;
use tar::EntryType;

use crate::layers::{self, Layer, Layers};

pub(crate) const EPOCH: u64 = 1_767_225_600;
pub(crate) const ROOM: u64 = 64 << 10;
pub(crate) const USER_DATA: &str = "#cloud-config\nusers: [{name: edge, passwd: s3cret}]";
pub(crate) const KERNEL: &[u8] = b"MZ not much of a kernel";

/// What to bake, with a directory to do it in.
pub(crate) struct Bench {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) layers: Layers,
    pub(crate) label: &'static str,
    pub(crate) user_data: Option<String>,
    pub(crate) is_encrypted: bool,
    pub(crate) argument: Option<&'static str>,
    pub(crate) agent: PathBuf,
    pub(crate) has_agent: bool,
    pub(crate) live: Option<LiveSystem>,
    pub(crate) compression: Compression,
    pub(crate) secure_boot: SecureBoot,
    pub(crate) room: u64,
    pub(crate) epoch: u64,
    pub(crate) content: Option<Content>,
    pub(crate) network_config: Option<&'static str>,
    pub(crate) out: PathBuf,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(system())
    }

    pub(crate) fn with(layers: Vec<Layer>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let agent = directory.path().join("agent");
        std::fs::write(&agent, static_program()).unwrap();
        Self {
            layers: Layers(layers.into_iter().map(Layer::bytes).collect()),
            label: "EDGETEST",
            user_data: Some(USER_DATA.to_owned()),
            is_encrypted: false,
            argument: Some("edge.test=a;b"),
            agent,
            has_agent: true,
            live: None,
            compression: Compression::Zstd,
            secure_boot: SecureBoot::Off,
            room: ROOM,
            epoch: EPOCH,
            content: None,
            network_config: None,
            out: directory.path().join("out/installer.iso"),
            directory,
        }
    }

    pub(crate) fn bake(&self) -> Result<BakeReport, IsoError> {
        self.bake_watched(&mut |_| {})
    }

    pub(crate) fn bake_watched(
        &self,
        progress: &mut dyn FnMut(BakeStep),
    ) -> Result<BakeReport, IsoError> {
        let request = BakeRequest {
            is_encrypted: self.is_encrypted,
            layers: &self.layers,
            label: self.label,
            user_data: self.user_data.as_deref().map(str::as_bytes),
            inputs: &|| {
                let (name, digest) = ("operating system".to_owned(), Digest::sha256(b"os"));
                Ok(vec![Input { name, digest }])
            },
            user_data_room: self.room,
            lock: "apiVersion: test\n",
            run: Some("reg.example:5000/pause:1"),
            agent: self.has_agent.then_some(self.agent.as_path()),
            live: self.live,
            secure_boot: self.secure_boot,
            compression: self.compression,
            content: self.content.as_ref(),
            network_config: self.network_config.map(str::as_bytes),
            kernel_arguments: &self.argument.map(str::to_owned).into_iter().collect::<Vec<_>>(),
            epoch: self.epoch,
            out: &self.out,
        };
        bake(&request, progress)
    }

    /// Why baking fails; nothing may be left beside the image.
    pub(crate) fn refused(&self) -> IsoError {
        let error = self.bake().unwrap_err();
        assert_eq!(beside(&self.out), [""; 0], "{error}");
        error
    }

    pub(crate) fn xorriso(&self, args: &[&str]) -> String {
        let cmd = Cmd::new("xorriso").args(["-indev"]).arg(&self.out).args(args);
        String::from_utf8(cmd.read_stdout().unwrap()).unwrap()
    }

    /// A file of the image.
    pub(crate) fn extract(&self, name: &str) -> Vec<u8> {
        let to = self.directory.path().join("extracted");
        let _ = std::fs::remove_file(&to);
        let cmd = Cmd::new("xorriso").args(["-osirrox", "on", "-indev"]).arg(&self.out);
        cmd.args(["-extract", name]).arg(&to).ensure_success().unwrap();
        std::fs::read(&to).unwrap()
    }
}

/// What stands in the image's directory.
pub(crate) fn beside(out: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(out.parent().unwrap()) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// The smallest thing that is a static program: an ELF header, and a program
/// header that loads nothing.
pub(crate) fn static_program() -> Vec<u8> {
    let mut elf = vec![0; 64 + 56];
    elf[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    elf[16] = 2;
    elf[18] = 62;
    elf[32] = 64;
    elf[54] = 56;
    elf[56] = 1;
    elf[64] = 1;
    elf
}

pub(crate) fn system() -> Vec<Layer> {
    let capability = b"\x01\0\0\x02\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let mut owned = layers::header(EntryType::Regular);
    owned.set_uid(1000);
    owned.set_gid(100);
    owned.set_mode(0o4750);
    let lower = Layer::new()
        .dir("./", 0o700)
        .dir("usr", 0o755)
        .dir("usr/bin", 0o755)
        .symlink("bin", "usr/bin")
        .file("etc/gone", "")
        .file("boot/vmlinuz-1.0", KERNEL)
        .file("boot/initrd.img-1.0", vec![0x5a; 300_000]);
    let upper = Layer::new()
        .attribute("SCHILY.xattr.security.capability", capability)
        .file("bin/ping", "ping")
        .entry(owned, b"usr/bin/owned", b"", b"owned")
        .link("usr/bin/second", "usr/bin/owned")
        .device("dev/null", EntryType::Char, 1, 3)
        .dir("secret", 0o700)
        .hide("etc/gone");
    vec![lower, upper]
}
