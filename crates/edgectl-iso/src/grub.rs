//! GRUB's parts: cores that find their medium by label, the boot menu, and the
//! EFI system partition.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use minijinja::{Environment, UndefinedBehavior, context};

use edgectl_model::grub_word;
use edgectl_process::file_error;

use crate::error::IsoError;
use crate::secure_boot::Chain;
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
/// The EFI system partition is a multiple of this, with some room for what
/// FAT needs for itself.
const ESP_UNIT: u64 = 4 << 20;
const ESP_SPARE: u64 = 1 << 20;

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

/// GRUBs that look for one label.
#[derive(Debug)]
pub(crate) struct Cores {
    /// For SeaBIOS: `core.img`.
    pub(crate) bios: PathBuf,
    /// For UEFI: what goes onto the EFI system partition, by its path there.
    pub(crate) efi: Vec<(&'static str, PathBuf)>,
}

/// Makes the GRUBs that look for `label` in the directory `into`; that for UEFI
/// is the signed one where there is a chain.
pub(crate) fn cores(label: &str, chain: Option<&Chain>, into: &Path) -> Result<Cores, IsoError> {
    let search = into.join("search.cfg");
    let text = fill("grub-search.cfg", SEARCH, context! { label })?;
    std::fs::write(&search, text).map_err(file_error("writing", &search))?;
    let bios = into.join("core.img");
    make_core("i386-pc", &["biosdisk"], &search, &bios)?;
    let efi = match chain {
        Some(chain) => vec![
            ("EFI/BOOT/BOOTX64.EFI", chain.shim.clone()),
            ("EFI/BOOT/grubx64.efi", chain.grub.clone()),
            ("EFI/BOOT/mmx64.efi", chain.mok_manager.clone()),
            ("boot/grub/grub.cfg", search),
        ],
        None => {
            let efi = into.join("BOOTX64.EFI");
            make_core("x86_64-efi", &["efi_gop", "efi_uga"], &search, &efi)?;
            vec![("EFI/BOOT/BOOTX64.EFI", efi)]
        }
    };
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

/// An EFI system partition with these files, the same bytes for the same
/// files and `epoch`.
pub(crate) fn esp(
    files: &[(&str, PathBuf)],
    epoch: u64,
    scratch: &Path,
    out: &Path,
) -> Result<(), IsoError> {
    let tree = scratch.join("esp");
    let mut bytes = ESP_SPARE;
    for (name, from) in files {
        let to = tree.join(name);
        let directory = to.parent().unwrap_or(&tree);
        std::fs::create_dir_all(directory).map_err(file_error("creating", directory))?;
        bytes += std::fs::copy(from, &to).map_err(file_error("copying", from))?;
    }
    set_times(&tree, epoch)?;
    let image = std::fs::File::create(out).map_err(file_error("creating", out))?;
    let bytes = bytes.next_multiple_of(ESP_UNIT);
    image.set_len(bytes).map_err(file_error("writing", out))?;
    drop(image);
    let serial = format!("{:08x}", epoch as u32);
    MKFS_VFAT
        .cmd()?
        .args(["--invariant", "-n", "EFIBOOT", "-i", &serial])
        .arg(out)
        .ensure_success()?;
    let cmd = MCOPY.cmd()?.args(["-s", "-m", "-i"]).arg(out);
    let cmd = cmd.args(sorted(&tree)?).arg("::/");
    // FAT keeps local time; the builder's time zone must not show.
    Ok(cmd.env("TZ", "UTC").ensure_success()?)
}

fn set_times(path: &Path, epoch: u64) -> Result<(), IsoError> {
    if path.is_dir() {
        for below in sorted(path)? {
            set_times(&below, epoch)?;
        }
    }
    set_time(path, epoch)
}

/// What stands in a directory; FAT keeps the order in which it was written.
fn sorted(directory: &Path) -> Result<Vec<PathBuf>, IsoError> {
    let reading = || file_error("reading", directory);
    let entries = std::fs::read_dir(directory).map_err(reading())?;
    let paths = entries.map(|entry| Ok(entry.map_err(reading())?.path()));
    let mut paths = paths.collect::<Result<Vec<_>, IsoError>>()?;
    paths.sort();
    Ok(paths)
}

fn set_time(path: &Path, epoch: u64) -> Result<(), IsoError> {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(epoch);
    let file = std::fs::File::open(path).map_err(file_error("opening", path))?;
    Ok(file.set_modified(time).map_err(file_error("dating", path))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A core reads these line by line and takes a quote in a comment for the
    /// beginning of a word, which goes on to the next quote.
    #[test]
    fn comments_in_cores_have_no_quotes() {
        let comments = SEARCH.lines().filter(|line| line.starts_with('#'));
        assert!(comments.into_iter().all(|line| !line.contains(['\'', '"', '\\'])));
    }

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
