//! The chain that firmware with Secure Boot starts: Debian's shim, which
//! Microsoft has signed, and Debian's GRUB, which shim knows. Both are used as
//! they are; GRUB finds the medium by a menu of its own beside it.

use std::path::PathBuf;

use edgectl_process::Tool;

use crate::error::IsoError;

/// Signed by Microsoft; starts `grubx64.efi` beside it.
const SHIM: Tool = Tool {
    name: "/usr/lib/shim/shimx64.efi.signed",
    package: "shim-signed",
    purpose: "starting under Secure Boot",
    version: &[],
};
/// Lets an owner enrol keys; shim starts it by its name.
const MOK_MANAGER: Tool =
    Tool { name: "/usr/lib/shim/mmx64.efi.signed", package: "shim-helpers-amd64-signed", ..SHIM };
/// The signed GRUB that reads `/boot/grub/grub.cfg` of the place it is
/// started from.
const GRUB: Tool = Tool {
    name: "/usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed",
    package: "grub-efi-amd64-signed",
    ..SHIM
};

/// Whether an image starts under Secure Boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecureBoot {
    /// Where the packages are installed.
    #[default]
    Auto,
    /// It must.
    On,
    /// It need not: the image is some 10 MB smaller.
    Off,
}

/// The signed files.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) shim: PathBuf,
    pub(crate) mok_manager: PathBuf,
    pub(crate) grub: PathBuf,
}

impl Chain {
    /// The files, where they are wanted and, unless they must be, there.
    pub(crate) fn find(wanted: SecureBoot) -> Result<Option<Self>, IsoError> {
        let found = || {
            let (shim, mok_manager) = (SHIM.find()?, MOK_MANAGER.find()?);
            Ok(Self { shim, mok_manager, grub: GRUB.find()? })
        };
        match (wanted, found()) {
            (SecureBoot::Off, _) | (SecureBoot::Auto, Err(_)) => Ok(None),
            (_, Ok(chain)) => Ok(Some(chain)),
            (SecureBoot::On, Err(error)) => Err(IsoError::Tool(error)),
        }
    }
}
