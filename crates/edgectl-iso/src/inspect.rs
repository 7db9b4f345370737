//! What is on an image.

use std::path::{Path, PathBuf};

use edgectl_model::Digest;

use crate::area::{AreaKind, text_in};
use crate::disc::{BootEntry, Disc, DiscEntry, Kind, PartitionTable};
use crate::error::IsoError;
use crate::manifest::Manifest;

/// More user data than any agent reads.
const USER_DATA_LIMIT: u64 = 64 << 20;
/// A boot menu.
const MENU_LIMIT: u64 = 4 << 20;

/// Places where booting systems look for user data, and which ones do.
const PLACES: [(&str, &str); 8] = [
    ("/nocloud/user-data", "cloud-init (NoCloud)"),
    ("/user-data", "cloud-init (NoCloud, on a disc labelled CIDATA)"),
    ("/config.yaml", "Kairos"),
    ("/files-iso/config.yaml", "Palette"),
    ("/iso-config/config.yaml", "Elemental"),
    ("/combustion/script", "Combustion"),
    ("/ignition/config.ign", "Ignition"),
    ("/autoinstall.yaml", "Ubuntu's installer"),
];

/// User data on an image.
pub struct FoundUserData {
    /// The file.
    pub path: &'static str,
    /// Who reads it.
    pub reader: &'static str,
    /// Whether a system that is started from the image as its menu says reads
    /// this one; false, too, where that can't be told.
    pub is_live: bool,
    /// Its bytes, without what fills its area; secret.
    pub content: Vec<u8>,
}

impl std::fmt::Debug for FoundUserData {
    /// The content holds passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FoundUserData({}, {} bytes)", self.path, self.content.len())
    }
}

/// A network configuration on an image. What it holds is not kept: it may hold
/// the passwords of wireless networks, in any key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundNetworkConfig {
    /// The file.
    pub path: String,
    /// Its size in bytes, without what fills its area.
    pub bytes: usize,
    /// Whether a system that is started from the image reads the user data
    /// beside it; cloud-init 24.3 and later then reads this, too, and the
    /// reference system in any version.
    pub is_live: bool,
    /// Its digest: two may be the same.
    pub digest: Digest,
}

/// What was found on an image.
#[derive(Debug)]
pub struct Inspection {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The volume label.
    pub label: String,
    /// How names are kept.
    pub names: &'static str,
    /// What starts from it as a CD.
    pub boot: Vec<BootEntry>,
    /// What it is as a disk.
    pub partitions: Option<PartitionTable>,
    /// What edgectl says of it, where edgectl baked it.
    pub manifest: Option<Manifest>,
    /// User data, in all places that are known.
    pub user_data: Vec<FoundUserData>,
    /// A network configuration, where one was put there.
    pub network_config: Option<FoundNetworkConfig>,
    /// Kernel arguments that were put there, in the menu's language; none
    /// where there is no room for them.
    pub kernel_arguments: Option<String>,
    /// Its files and directories.
    pub entries: Vec<(String, DiscEntry)>,
}

impl Inspection {
    /// Looks at an image.
    pub fn of(path: &Path) -> Result<Self, IsoError> {
        crate::undo::recover(path)?;
        let disc = Disc::open(path)?;
        let manifest = Manifest::read(&disc)?;
        let user_data = user_data(&disc, manifest.as_ref())?;
        let network_config = network_config(&disc, &user_data)?;
        Ok(Self {
            path: path.to_owned(),
            bytes: disc.bytes(),
            label: disc.label().to_owned(),
            names: disc.names(),
            boot: disc.boot_entries()?,
            partitions: disc.partitions()?,
            user_data,
            network_config,
            kernel_arguments: match &manifest {
                Some(manifest) => kernel_arguments(&disc, manifest)?,
                None => None,
            },
            entries: disc.walk()?,
            manifest,
        })
    }
}

fn user_data(disc: &Disc, manifest: Option<&Manifest>) -> Result<Vec<FoundUserData>, IsoError> {
    let menu = menu(disc)?;
    // Whoever customised the image has looked at more than its menu.
    let live = match manifest.and_then(|manifest| manifest.customized.as_ref()) {
        Some(customized) => customized.live.as_ref().map(|path| format!("/{path}")),
        None => live(&menu, disc.label()).map(str::to_owned),
    };
    let mut found = Vec::new();
    for (path, reader) in PLACES {
        let Some(entry) = disc.find(path)?.filter(|entry| entry.kind == Kind::File) else {
            continue;
        };
        let bytes = disc.read(&entry, USER_DATA_LIMIT)?;
        let content = text_in(&bytes).unwrap_or_default().to_vec();
        found.push(FoundUserData { path, reader, is_live: live.as_deref() == Some(path), content });
    }
    Ok(found)
}

/// The one beside the user data that is live, else any.
fn network_config(
    disc: &Disc,
    user_data: &[FoundUserData],
) -> Result<Option<FoundNetworkConfig>, IsoError> {
    let mut found = None;
    for directory in ["/nocloud/", "/"] {
        let path = format!("{directory}network-config");
        let Some(entry) = disc.find(&path)?.filter(|entry| entry.kind == Kind::File) else {
            continue;
        };
        let bytes = disc.read(&entry, USER_DATA_LIMIT)?;
        let Some(content) = text_in(&bytes) else { continue };
        let beside = format!("{directory}user-data");
        let is_live = user_data.iter().any(|one| one.is_live && one.path == beside);
        let (bytes, digest) = (content.len(), Digest::sha256(content));
        if is_live || found.is_none() {
            found = Some(FoundNetworkConfig { path, bytes, is_live, digest });
        }
    }
    Ok(found)
}

/// The text of the boot menu, as far as there is one.
fn menu(disc: &Disc) -> Result<String, IsoError> {
    for path in ["/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/isolinux/isolinux.cfg"] {
        if let Some(entry) = disc.find(path)?.filter(|entry| entry.kind == Kind::File) {
            return Ok(String::from_utf8_lossy(&disc.read(&entry, MENU_LIMIT)?).into_owned());
        }
    }
    Ok(String::new())
}

/// Which of the places the booted system reads: the kernel arguments of the
/// menu say so, or the label alone.
fn live(menu: &str, label: &str) -> Option<&'static str> {
    let says = |sign: &str| menu.contains(sign);
    if label.eq_ignore_ascii_case("cidata") {
        Some("/user-data")
    } else if says("ds=nocloud") && says("/nocloud/") {
        Some("/nocloud/user-data")
    } else if says("rd.cos") || says("rd.immucore") || label == "COS_LIVE" {
        Some("/config.yaml")
    } else {
        None
    }
}

/// What stands in the first place for arguments; all of them hold the same.
fn kernel_arguments(disc: &Disc, manifest: &Manifest) -> Result<Option<String>, IsoError> {
    let Some(area) = manifest.areas_of(AreaKind::KernelArguments).next() else { return Ok(None) };
    let entry = disc.find(&area.path)?.ok_or(IsoError::NoArea(area.kind))?;
    let menu = disc.read(&entry, MENU_LIMIT)?;
    let range = usize::try_from(area.offset).ok().zip(usize::try_from(area.bytes).ok());
    let text = range.and_then(|(start, length)| menu.get(start..start.checked_add(length)?));
    let text = text.ok_or_else(|| IsoError::AreaOutside(area.path.clone()))?;
    Ok(Some(String::from_utf8_lossy(text).trim_end().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_menu_tells_who_reads_what() {
        let ours = "linux /boot/kernel ds=nocloud\\;s=file:///run/edgectl/medium/nocloud/ quiet";
        assert_eq!(live(ours, "EDGECTL"), Some("/nocloud/user-data"));
        let kairos = "linux (loop)/boot/vmlinuz cdroot root=live:CDLABEL=COS_LIVE rd.cos.disable";
        assert_eq!(live(kairos, "COS_LIVE"), Some("/config.yaml"));
        assert_eq!(live("", "CIDATA"), Some("/user-data"));
        assert_eq!(live("linux /casper/vmlinuz", "Ubuntu"), None);
    }
}
