//! Images as others make them: small contents, real layouts.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "tests")]

pub(crate) mod sound;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use edgectl_iso::{CustomizeReport, CustomizeRequest, IsoError, customize};
use edgectl_process::Cmd;
use edgectl_testkit::media_file;

const GRUB: &str = "/usr/lib/grub/i386-pc";
/// What stands in the user data that an image brings along.
pub(crate) const OLD_SECRET: &str = "s3cret-of-the-base";

/// A place to make images in.
pub(crate) struct Lab {
    pub(crate) directory: tempfile::TempDir,
}

/// What to customise with; the rest is as the command has it.
#[derive(Clone, Copy, Default)]
pub(crate) struct With<'a> {
    pub(crate) user_data: Option<&'a str>,
    pub(crate) arguments: &'a [&'a str],
    pub(crate) network_config: Option<&'a str>,
    pub(crate) room: Option<u64>,
    pub(crate) flavor: Option<edgectl_iso::Flavor>,
}

impl<'a> With<'a> {
    pub(crate) fn user_data(text: &'a str) -> Self {
        Self { user_data: Some(text), ..Self::default() }
    }
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file of an image's tree.
    pub(crate) fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        // Images have it so, whatever the umask is here.
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o644)).unwrap();
    }

    pub(crate) fn customize(
        &self,
        base: &Path,
        with: With<'_>,
        out: &Path,
    ) -> Result<CustomizeReport, IsoError> {
        let arguments: Vec<String> = with.arguments.iter().map(|word| (*word).to_owned()).collect();
        customize(&CustomizeRequest {
            base,
            user_data: with.user_data.map(str::as_bytes),
            user_data_room: with.room.unwrap_or(16 << 10),
            meta_data: None,
            network_config: with.network_config.map(str::as_bytes),
            kernel_arguments: &arguments,
            flavor: with.flavor,
            epoch: None,
            out,
        })
    }

    pub(crate) fn mkisofs(&self, tree: &str, name: &str, options: &[&str]) -> PathBuf {
        let out = self.path(name);
        let cmd = Cmd::new("xorriso").args(["-no_rc", "-as", "mkisofs", "-o"]).arg(&out);
        cmd.args(options).arg(self.path(tree)).ensure_success().unwrap();
        out
    }

    /// A core of GRUB for CDs, in the file `tree/name`.
    fn el_torito(&self, name: &str) {
        let core = self.path("core.img");
        if !core.exists() {
            let modules = ["biosdisk", "iso9660", "normal"];
            let cmd = Cmd::new("grub-mkimage").args(["-O", "i386-pc", "-p", "/boot/grub", "-o"]);
            cmd.arg(&core).args(modules).ensure_success().unwrap();
        }
        let loader = std::fs::read(Path::new(GRUB).join("cdboot.img")).unwrap();
        self.put(name, [loader, std::fs::read(core).unwrap()].concat());
    }

    /// An EFI system partition; that it is one no test needs.
    fn esp(&self, name: &str) -> String {
        self.put(name, [b"ESP ".repeat(1024), vec![0x5e; 300_000]].concat());
        self.path(name).display().to_string()
    }

    /// As AuroraBoot writes Kairos: GRUB, an appended partition in a GPT, the
    /// volume twice.
    pub(crate) fn kairos(&self) -> PathBuf {
        self.el_torito("kairos/boot/eltorito.img");
        let esp = self.esp("kairos/boot/uefi.img");
        self.put("kairos/rootfs.squashfs", vec![7; 100_000]);
        self.put("kairos/boot/kernel", "kernel");
        let menu = "menuentry \"Kairos\" {\n  linux ($root)/boot/kernel cdroot root=live:CDLABEL=COS_LIVE rd.cos.disable\n  initrd ($root)/boot/initrd\n}\n";
        self.put("kairos/boot/grub2/grub.cfg", menu);
        self.put("kairos/config.yaml", format!("#cloud-config\n# {OLD_SECRET}\n"));
        let out = self.path("kairos.iso");
        let record = format!("grub2_mbr={GRUB}/boot_hybrid.img");
        let boot = |what: &'static str| ["-boot_image", "any", what];
        let mut cmd = Cmd::new("xorriso")
            .args(["-no_rc", "-volid", "COS_LIVE", "-joliet", "on", "-padding", "0", "-outdev"])
            .arg(&out)
            .args(["-map"])
            .arg(self.path("kairos"))
            .args(["/", "-boot_image", "grub", "bin_path=/boot/eltorito.img"])
            .args(["-boot_image", "grub", &record, "-boot_image", "grub", "grub2_boot_info=on"]);
        for what in [
            "partition_offset=16",
            "cat_path=/boot/boot.catalog",
            "cat_hidden=on",
            "boot_info_table=on",
            "platform_id=0x00",
            "emul_type=no_emulation",
            "load_size=2048",
        ] {
            cmd = cmd.args(boot(what));
        }
        cmd = cmd.args(["-append_partition", "2", "0xef", &esp]);
        for what in [
            "next",
            "efi_path=--interval:appended_partition_2:all::",
            "platform_id=0xef",
            "emul_type=no_emulation",
            "appended_part_as=gpt",
            "mbr_force_bootable=on",
        ] {
            cmd = cmd.args(boot(what));
        }
        cmd.ensure_success().unwrap();
        out
    }

    /// Ubuntu's live server: casper, checksums, an appended partition, no Joliet.
    pub(crate) fn ubuntu(&self) -> PathBuf {
        self.el_torito("ubuntu/boot/grub/i386-pc/eltorito.img");
        let esp = self.esp("ubuntu.esp");
        self.put("ubuntu/casper/vmlinuz", "kernel");
        self.put("ubuntu/casper/base.squashfs", vec![9; 50_000]);
        self.put("ubuntu/.disk/info", "Ubuntu-Server 24.04 LTS \"Noble Numbat\"");
        let menu = |more: &str| {
            format!(
                "menuentry \"Try or Install\" {{\n\tlinux\t/casper/vmlinuz {more} ---\n\tinitrd\t/casper/initrd\n}}\n"
            )
        };
        self.put("ubuntu/boot/grub/grub.cfg", menu(""));
        self.put("ubuntu/boot/grub/loopback.cfg", menu("iso-scan/filename=${iso_path}"));
        std::os::unix::fs::symlink(".", self.path("ubuntu/ubuntu")).unwrap();
        let sums = "find . -type f ! -name eltorito.img | sort | xargs md5sum > ../sums; mv ../sums md5sum.txt";
        let cmd = Cmd::new("sh").args(["-c", sums]).current_dir(self.path("ubuntu"));
        cmd.ensure_success().unwrap();
        let record = format!("{GRUB}/boot_hybrid.img");
        let options = [
            &["-r", "-V", "Ubuntu-Server 24.04 LTS amd64", "--grub2-mbr", &record][..],
            &["--protective-msdos-label", "-partition_cyl_align", "off", "-partition_offset", "16"],
            &["--mbr-force-bootable", "-append_partition", "2"],
            &["28732ac11ff8d211ba4b00a0c93ec93b", &esp, "-appended_part_as_gpt"],
            &["-iso_mbr_part_type", "a2a0d0ebe5b9334487c068b6b72699c7", "-c", "/boot.catalog"],
            &["-b", "/boot/grub/i386-pc/eltorito.img", "-no-emul-boot", "-boot-load-size", "4"],
            &["-boot-info-table", "--grub2-boot-info", "-eltorito-alt-boot"],
            &["-e", "--interval:appended_partition_2:all::", "-no-emul-boot"],
        ];
        self.mkisofs("ubuntu", "ubuntu.iso", &options.concat())
    }

    /// Debian's live image: ISOLINUX and GRUB, hybrid, GPT and Apple's map.
    pub(crate) fn debian_live(&self) -> PathBuf {
        self.put("live/isolinux/isolinux.bin", std::fs::read(media_file("isolinux.bin")).unwrap());
        self.esp("live/boot/grub/efi.img");
        self.put("live/live/vmlinuz", "kernel");
        self.put("live/live/filesystem.squashfs", vec![3; 70_000]);
        let label = "label live-amd64\r\n\tlinux /live/vmlinuz\r\n\tinitrd /live/initrd.img\r\n\tappend boot=live components quiet\r\n";
        self.put("live/isolinux/live.cfg", label);
        self.put("live/isolinux/isolinux.cfg", "include live.cfg\ndefault vesamenu.c32\n");
        let menu = "menuentry \"Live system\" {\n\tlinux /live/vmlinuz boot=live components\n\tinitrd /live/initrd.img\n}\n";
        self.put("live/boot/grub/grub.cfg", menu);
        let record = media_file("isohdpfx.bin").display().to_string();
        let options = [
            &["-r", "-J", "-joliet-long", "-iso-level", "3", "-V", "d-live 12", "-isohybrid-mbr"][..],
            &[&record, "-partition_offset", "16", "-b", "isolinux/isolinux.bin"],
            &["-c", "isolinux/boot.cat", "-no-emul-boot", "-boot-load-size", "4"],
            &["-boot-info-table", "-eltorito-alt-boot", "-e", "boot/grub/efi.img"],
            &["-no-emul-boot", "-isohybrid-gpt-basdat", "-isohybrid-apm-hfsplus"],
        ];
        self.mkisofs("live", "live.iso", &options.concat())
    }

    /// SL Micro's self-installing image.
    pub(crate) fn sl_micro(&self) -> PathBuf {
        self.el_torito("micro/boot/eltorito.img");
        self.esp("micro/boot/efi");
        self.put("micro/SL-Micro.raw.xz", vec![5; 80_000]);
        let menu = "menuentry \"Install SL-Micro\" {\n    $linux ($root)/boot/x86_64/loader/linux rd.kiwi.install.pass.bootparam root=install:CDLABEL=INSTALL ${extra_cmdline}\n}\n";
        self.put("micro/boot/grub2/grub.cfg", menu);
        let record = format!("{GRUB}/boot_hybrid.img");
        let options = [
            &["-R", "-J", "-V", "INSTALL", "--grub2-mbr", &record, "-b", "boot/eltorito.img"][..],
            &["-c", "boot/boot.catalog", "-no-emul-boot", "-boot-load-size", "4"],
            &["-boot-info-table", "--grub2-boot-info", "-eltorito-alt-boot", "-e", "boot/efi"],
            &["-no-emul-boot", "-isohybrid-gpt-basdat"],
        ];
        self.mkisofs("micro", "micro.iso", &options.concat())
    }

    /// What `grub-mkrescue` makes: HFS+, GPT and Apple's map.
    pub(crate) fn rescue(&self) -> PathBuf {
        self.mkrescue("linux /kernel quiet\n")
    }

    fn mkrescue(&self, menu: &str) -> PathBuf {
        self.put("rescue/boot/grub/grub.cfg", menu);
        let out = self.path("rescue.iso");
        let cmd = Cmd::new("grub-mkrescue").arg("-o").arg(&out).arg(self.path("rescue"));
        cmd.ensure_success().unwrap();
        out
    }

    /// No loader; directories of several blocks, deep ones, names of any length.
    pub(crate) fn plain(&self, name: &str, options: &[&str]) -> PathBuf {
        for number in 0..200 {
            self.put(&format!("plain/many-{number:03}-{}", "x".repeat(20)), format!("{number}"));
            self.put(&format!("plain/d{number:03}/file"), format!("{number}"));
        }
        self.put("plain/a/b/c/d/e/f/g/h/i/j/deep", "deep");
        self.put("plain/empty", "");
        let _ = std::os::unix::fs::symlink("empty", self.path("plain/link"));
        self.mkisofs("plain", name, options)
    }

    /// An image without a loader whose files are given; `tree` is where they are put.
    pub(crate) fn of_files(&self, tree: &str, label: &str, files: &[(&str, &str)]) -> PathBuf {
        for (name, content) in files {
            self.put(&format!("{tree}/{name}"), content);
        }
        self.mkisofs(tree, &format!("{tree}.iso"), &["-r", "-J", "-V", label])
    }

    /// The same where directories deeper than eight are relocated.
    pub(crate) fn relocating(&self, tree: &str, label: &str) -> PathBuf {
        let out = self.path(&format!("{tree}.iso"));
        let cmd = Cmd::new("xorriso").args(["-no_rc", "-compliance", "deep_paths_off"]);
        let cmd = cmd.args(["-as", "mkisofs", "-r", "-J", "-V", label, "-o"]).arg(&out);
        cmd.arg(self.path(tree)).ensure_success().unwrap();
        out
    }

    /// The same with a loader for UEFI, of whose length the catalog knows
    /// nothing.
    pub(crate) fn with_loader(&self, tree: &str, label: &str, loader: &[u8]) -> PathBuf {
        self.put(&format!("{tree}/efi.img"), loader);
        let options = ["-r", "-J", "-V", label, "-c", "boot.cat", "-e", "efi.img", "-no-emul-boot"];
        let image = self.mkisofs(tree, &format!("{tree}.iso"), &options);
        let mut bytes = std::fs::read(&image).unwrap();
        let record = &bytes[17 * 2048..];
        let catalog = u32::from_le_bytes(record[71..75].try_into().unwrap()) as usize * 2048;
        bytes[catalog + 38..catalog + 40].copy_from_slice(&[1, 0]);
        std::fs::write(&image, bytes).unwrap();
        image
    }

    /// An EFI system partition whose GRUB reads the menu of the image that holds
    /// the file `sign`.
    fn uefi_loader(&self, name: &str, sign: &str) {
        let search = "set prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n";
        self.put("search.cfg", format!("search --no-floppy --set=root --file {sign}\n{search}"));
        let (core, esp) = (self.path("BOOTX64.EFI"), self.path(name));
        let modules = ["fat", "iso9660", "part_gpt", "part_msdos", "normal", "linux", "search"];
        let cmd = Cmd::new("grub-mkimage").args(["-O", "x86_64-efi", "-p", "/boot/grub", "-c"]);
        let cmd = cmd.arg(self.path("search.cfg")).arg("-o").arg(&core).args(modules);
        cmd.args(["configfile", "search_fs_file", "efi_gop"]).ensure_success().unwrap();
        self.put(name, vec![0; 4 << 20]);
        Cmd::new("mkfs.vfat").arg(&esp).ensure_success().unwrap();
        for directory in ["::/EFI", "::/EFI/BOOT"] {
            Cmd::new("mmd").arg("-i").arg(&esp).arg(directory).ensure_success().unwrap();
        }
        let copy = Cmd::new("mcopy").arg("-i").arg(&esp).arg(&core);
        copy.arg("::/EFI/BOOT/").ensure_success().unwrap();
    }

    /// Debian's small installer image with what starts it under UEFI.
    pub(crate) fn mini_for_uefi(&self) -> PathBuf {
        self.uefi_loader("uefi.img", "/.disk/mini-info");
        let menu = "set timeout=0\nmenuentry 'Install' {\n\tlinux /linux vga=788 --- quiet\n\tinitrd /initrd.gz\n}\n";
        self.put("mini/boot/grub/grub.cfg", menu);
        self.mini_with(&std::fs::read(self.path("uefi.img")).unwrap())
    }

    /// What `grub-mkrescue` makes, with a kernel to start.
    pub(crate) fn rescue_with_kernel(&self) -> PathBuf {
        self.put("rescue/linux", std::fs::read(media_file("linux")).unwrap());
        let menu = "set timeout=0\nmenuentry 'Start' {\n\tlinux /linux quiet\n}\n";
        self.mkrescue(menu)
    }

    /// Debian's small installer image, from its parts.
    pub(crate) fn mini(&self) -> PathBuf {
        self.esp("esp");
        self.mini_with(&std::fs::read(self.path("esp")).unwrap())
    }

    fn mini_with(&self, esp: &[u8]) -> PathBuf {
        for name in [
            "linux",
            "initrd.gz",
            "isolinux.bin",
            "ldlinux.c32",
            "libcom32.c32",
            "libutil.c32",
            "vesamenu.c32",
        ] {
            self.put(&format!("mini/{name}"), std::fs::read(media_file(name)).unwrap());
        }
        for name in ["menu.cfg", "txt.cfg", "stdmenu.cfg"] {
            let text = std::fs::read_to_string(media_file(name)).unwrap();
            let flat = text.replace("debian-installer/amd64/boot-screens/", "");
            self.put(&format!("mini/{name}"), flat.replace("debian-installer/amd64/", ""));
        }
        let first = "path \ninclude menu.cfg\ndefault vesamenu.c32\nprompt 0\ntimeout 10\n";
        self.put("mini/isolinux.cfg", first);
        self.put("mini/.disk/mini-info", "Debian GNU/Linux installer");
        self.put("mini/boot/grub/efi.img", esp);
        let record = media_file("isohdpfx.bin").display().to_string();
        let options = [
            &["-r", "-J", "-V", "ISOIMAGE", "-isohybrid-mbr", &record, "-c", "boot.cat"][..],
            &["-b", "isolinux.bin", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table"],
            &["-eltorito-alt-boot", "-e", "boot/grub/efi.img", "-no-emul-boot"],
            &["-isohybrid-gpt-basdat"],
        ];
        self.mkisofs("mini", "mini.iso", &options.concat())
    }
}

/// Whether a file holds these bytes anywhere.
pub(crate) fn holds(path: &Path, text: &str) -> bool {
    std::fs::read(path).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
}
