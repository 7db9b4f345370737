//! What a machine is started by.

use std::path::{Path, PathBuf};

use edgectl_process::{Tool, file_error};

use crate::error::QemuError;

/// OVMF and its empty variables, as distributions name them.
const PLACES: [(&str, &str); 5] = [
    ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
    ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
    ("/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
    ("/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"),
    ("/usr/share/qemu/ovmf-x86_64-code.bin", "/usr/share/qemu/ovmf-x86_64-vars.bin"),
];
/// What is asked for where none of them is there.
const OVMF: Tool =
    Tool { name: PLACES[0].0, package: "ovmf", purpose: "booting under UEFI", version: &[] };

/// A machine's firmware.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Firmware {
    /// SeaBIOS, which QEMU brings along.
    #[default]
    Bios,
    /// OVMF, with variables that the machine keeps.
    Uefi(Flash),
}

/// UEFI in two flash chips.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    /// The firmware.
    code: PathBuf,
    /// Its variables; a machine writes to them.
    variables: PathBuf,
}

impl Flash {
    /// OVMF of this host, with variables of its own in `directory`.
    pub fn in_directory(directory: &Path) -> Result<Self, QemuError> {
        let found = PLACES
            .iter()
            .find(|(code, variables)| Path::new(code).exists() && Path::new(variables).exists());
        let Some((code, empty)) = found else { return Err(missing()) };
        let variables = directory.join("variables.fd");
        std::fs::copy(empty, &variables).map_err(file_error("writing", &variables))?;
        Ok(Self { code: code.into(), variables })
    }

    #[cfg(test)]
    pub(crate) fn of(code: &str, variables: &str) -> Self {
        Self { code: code.into(), variables: variables.into() }
    }

    /// The drives that QEMU takes for flash, in their order: the beginning of
    /// an option, and the file that ends it.
    pub(crate) fn drives(&self) -> [(&'static str, &Path); 2] {
        [
            ("if=pflash,format=raw,readonly=on,file=", &self.code),
            ("if=pflash,format=raw,file=", &self.variables),
        ]
    }
}

/// The error that names the package.
fn missing() -> QemuError {
    match OVMF.find() {
        Err(error) => error.into(),
        // The code is there, and its variables aren't.
        Ok(code) => {
            file_error("reading the variables of", code)(std::io::ErrorKind::NotFound.into()).into()
        }
    }
}
