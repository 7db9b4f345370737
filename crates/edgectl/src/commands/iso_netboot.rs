//! `edgectl iso netboot`: files for a server that machines start from.

use edgectl_iso::{Inspection, NetbootReport, netboot};
use serde_json::json;

use crate::cli::Output;
use crate::commands::iso_inject::image;
use crate::exit;
use crate::failure::{Doing, Failure};
use crate::iso_encrypt::opener_of;
use crate::iso_netboot_cli::IsoNetbootArgs;
use crate::printer::{Printer, bytes};

pub(crate) fn run(args: &IsoNetbootArgs, printer: Printer) -> Result<u8, Failure> {
    let iso = image(args.iso.as_deref(), &args.project.file)?;
    let doing = || format!("making network boot files of `{}`", iso.display());
    let report = netboot(&iso, &args.url, &args.out).doing(doing())?;
    tell(&report, &Inspection::of(&iso).doing(doing())?, printer);
    printer.data(&match args.output.output {
        Output::Table => format!("{}\n", report.script),
        Output::Json => format!("{:#}\n", value(&report)),
    })?;
    Ok(exit::DONE)
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

fn value(report: &NetbootReport) -> serde_json::Value {
    json!({
        "schema": 1,
        "script": report.script,
        "live": report.live,
        "medium": report.medium,
        "holdsUserData": report.holds_user_data,
        "files": report.files,
        "warnings": report.warnings,
    })
}
