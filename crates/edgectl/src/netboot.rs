//! Files for a server that machines start from: where they go, and what is told
//! of them.

use std::path::{Path, PathBuf};

use edgectl_iso::{Inspection, NetbootReport, ensure_netboot, netboot};

use crate::failure::{Doing, Failure};
use crate::iso_encrypt::opener_of;
use crate::printer::{Printer, bytes};
use crate::project::Project;

/// Where machines find the files, and where they go.
pub(crate) struct Netboot {
    pub(crate) url: String,
    pub(crate) out: PathBuf,
}

impl Netboot {
    /// What edge.yaml wants written with every image, if anything.
    pub(crate) fn of(project: &Project) -> Option<Self> {
        let config = project.config.iso.netboot.as_ref()?;
        Some(Self { url: config.url.clone(), out: project.path(&config.out) })
    }

    /// Fails for what would be refused once there is an image.
    pub(crate) fn ensure(&self) -> Result<(), Failure> {
        ensure_netboot(&self.url, &self.out).doing("making network boot files")
    }

    /// Writes the files, and tells of them.
    pub(crate) fn write(&self, iso: &Path, printer: Printer) -> Result<NetbootReport, Failure> {
        let doing = || format!("making network boot files of `{}`", iso.display());
        let report = netboot(iso, &self.url, &self.out).doing(doing())?;
        tell(&report, &Inspection::of(iso).doing(doing())?, printer);
        Ok(report)
    }
}

fn tell(report: &NetbootReport, seen: &Inspection, printer: Printer) {
    for file in &report.files {
        printer.say(&format!("  {} ({})", file.path, bytes(file.bytes)));
    }
    for warning in &report.warnings {
        printer.say(&format!("warning: {warning}"));
    }
    let medium = report.medium.display();
    let opener = seen.user_data.iter().find_map(|found| opener_of(&found.content));
    printer.say(&match report.holds_user_data {
        true if opener.is_some() && seen.network_config.is_none() => {
            format!("{medium} holds the user data encrypted; machines need a key disc, or are asked")
        }
        true if opener.is_some() => format!(
            "warning: {medium} holds the user data encrypted, and the network configuration is not; it \
             has mode 0600, so the server must be let read it"
        ),
        true => format!(
            "warning: {medium} holds the user data with its secrets, and whoever can fetch it has \
             them; it has mode 0600, so the server must be let read it"
        ),
        false => format!("{medium} holds no user data yet; `iso inject` puts some onto the image"),
    });
}
