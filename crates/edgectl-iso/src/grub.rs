//! GRUB's parts: cores that find their medium by label, the boot menu, and the
//! EFI system partition.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use minijinja::{Environment, UndefinedBehavior, context};

use edgectl_model::grub_word;
use edgectl_process::file_error;

use crate::error::IsoError;
use crate::xorriso::{GRUB_MKIMAGE, MCOPY, MKFS_VFAT};

/// Label of the partition that the installed system starts from.
pub const INSTALLED_LABEL: &str = "EDGE_STATE";

const SEARCH: &str = include_str!("../../../templates/grub-search.cfg");
const MENU: &str = include_str!("../../../templates/iso-grub.cfg");
/// GRUB's own directory of BIOS parts, from grub-pc-bin.
const BIOS_PARTS: &str = "/usr/lib/grub/i386-pc";
const MODULES: [&str; 16] = [
    "iso9660",
    "part_msdos",
    "part_gpt",
    "ext2",
    "fat",
    "normal",
    "configfile",
    "search",
    "search_label",
    "linux",
    "serial",
    "terminal",
    "echo",
    "test",
    "halt",
    "chain",
];
/// Size of the EFI system partition: room for one loader of about 1 MiB.
const ESP_BYTES: u64 = 4 << 20;

/// The boot menu of the installer, with `room` bytes for more arguments.
pub(crate) fn menu(arguments: &[String], room: u64) -> Result<String, IsoError> {
    let words: Vec<String> = arguments.iter().map(|a| grub_word(a)).collect();
    let room = " ".repeat(usize::try_from(room).unwrap_or(0));
    fill("iso-grub.cfg", MENU, context! { arguments => words.join(" "), room })
}

/// Where in the menu there is room for more arguments: the spaces that end its
/// longest line. Offset and length in bytes.
pub(crate) fn arguments_area(menu: &[u8]) -> Option<(u64, u64)> {
    let line = menu.split_inclusive(|byte| *byte == b'\n').max_by_key(|line| line.len())?;
    let offset = menu.windows(line.len()).position(|window| window == line)?;
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    let words = text.iter().rposition(|byte| *byte != b' ')? + 1;
    // The first space parts the last word from the area.
    let (start, end) = (words + 1, text.len());
    (end > start).then(|| ((offset + start) as u64, (end - start) as u64))
}

fn fill(name: &'static str, text: &str, values: minijinja::Value) -> Result<String, IsoError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let rendered = environment.render_str(text, values);
    // The renderer drops the last newline.
    rendered.map(|t| t + "\n").map_err(|source| IsoError::Template { name, source })
}

/// GRUB cores that look for one label.
#[derive(Debug)]
pub(crate) struct Cores {
    /// For SeaBIOS: `core.img`.
    pub(crate) bios: PathBuf,
    /// For UEFI: `BOOTX64.EFI`.
    pub(crate) efi: PathBuf,
}

/// Makes the cores that look for `label` in the directory `into`.
pub(crate) fn cores(label: &str, into: &Path) -> Result<Cores, IsoError> {
    let search = into.join("search.cfg");
    let text = fill("grub-search.cfg", SEARCH, context! { label })?;
    std::fs::write(&search, text).map_err(file_error("writing", &search))?;
    let bios = into.join("core.img");
    let efi = into.join("BOOTX64.EFI");
    make_core("i386-pc", &["biosdisk"], &search, &bios)?;
    make_core("x86_64-efi", &["efi_gop", "efi_uga"], &search, &efi)?;
    Ok(Cores { bios, efi })
}

fn make_core(format: &str, more: &[&str], search: &Path, out: &Path) -> Result<(), IsoError> {
    let cmd = GRUB_MKIMAGE
        .cmd()?
        .args(["-O", format, "-p", "/boot/grub", "-c"])
        .arg(search)
        .arg("-o")
        .arg(out)
        .args(more)
        .args(MODULES);
    Ok(cmd.ensure_success()?)
}

/// The boot record for hard disks.
pub(crate) fn boot_record() -> PathBuf {
    Path::new(BIOS_PARTS).join("boot.img")
}

/// The boot record for hybrid images.
pub(crate) fn hybrid_record() -> PathBuf {
    Path::new(BIOS_PARTS).join("boot_hybrid.img")
}

/// The El Torito image: GRUB's CD loader in front of the core.
pub(crate) fn el_torito(core: &Path, out: &Path) -> Result<(), IsoError> {
    let loader = Path::new(BIOS_PARTS).join("cdboot.img");
    let mut bytes = std::fs::read(&loader).map_err(file_error("reading", &loader))?;
    bytes.extend(std::fs::read(core).map_err(file_error("reading", core))?);
    Ok(std::fs::write(out, bytes).map_err(file_error("writing", out))?)
}

/// An EFI system partition with one loader, the same bytes for the same
/// loader and `epoch`.
pub(crate) fn esp(loader: &Path, epoch: u64, scratch: &Path, out: &Path) -> Result<(), IsoError> {
    let tree = scratch.join("esp");
    let boot = tree.join("EFI/BOOT");
    std::fs::create_dir_all(&boot).map_err(file_error("creating", &boot))?;
    let copy = boot.join("BOOTX64.EFI");
    std::fs::copy(loader, &copy).map_err(file_error("copying", loader))?;
    for path in [copy, boot, tree.join("EFI")] {
        set_time(&path, epoch)?;
    }
    let image = std::fs::File::create(out).map_err(file_error("creating", out))?;
    image.set_len(ESP_BYTES).map_err(file_error("writing", out))?;
    drop(image);
    let serial = format!("{:08x}", epoch as u32);
    MKFS_VFAT
        .cmd()?
        .args(["--invariant", "-n", "EFIBOOT", "-i", &serial])
        .arg(out)
        .ensure_success()?;
    let cmd = MCOPY.cmd()?.args(["-s", "-m", "-i"]).arg(out).arg(tree.join("EFI")).arg("::/");
    // FAT keeps local time; the builder's time zone must not show.
    Ok(cmd.env("TZ", "UTC").ensure_success()?)
}

fn set_time(path: &Path, epoch: u64) -> Result<(), IsoError> {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(epoch);
    let file = std::fs::File::open(path).map_err(file_error("opening", path))?;
    Ok(file.set_modified(time).map_err(file_error("dating", path))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_menu_holds_the_arguments() {
        let menu = menu(&["quiet".to_owned(), "a;b".to_owned()], 300).unwrap();
        let (offset, bytes) = arguments_area(menu.as_bytes()).unwrap();
        assert_eq!(bytes, 300);
        let (front, back) = menu.split_at(offset as usize);
        assert!(front.ends_with("linux /boot/kernel quiet a\\;b "), "{menu}");
        assert!(back[300..].starts_with('\n'));
        assert!(menu.ends_with("}\n"), "{menu}");
    }
}
