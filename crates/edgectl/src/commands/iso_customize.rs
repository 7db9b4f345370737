//! `edgectl iso customize`: user data for images that others made.

use std::path::{Path, PathBuf};

use edgectl_iso::{CustomizeReport, CustomizeRequest, Flavor, IsoError, customize};
use edgectl_model::count;
use serde_json::json;

use crate::cli::Output;
use crate::commands::iso_inject::{ensure_free, ensure_good};
use crate::exit;
use crate::failure::{Doing, Failure};
use crate::files::{read_text, read_user_data};
use crate::iso_cli::{FlavorArg, IsoCustomizeArgs};
use crate::iso_encrypt::{ForMedium, Wish};
use crate::iso_exposure::Exposure;
use crate::iso_network::network_config;
use crate::os_base::source_date_epoch;
use crate::printer::{Printer, bytes};

pub(crate) fn run(args: &IsoCustomizeArgs, printer: Printer) -> Result<u8, Failure> {
    ensure_free(&args.iso, &args.out, args.force)?;
    let user_data = args.user_data.as_deref().map(read_user_data).transpose()?;
    args.authority.ensure_goes_into(user_data.is_some())?;
    let user_data = user_data.map(|text| args.authority.put_into(text)).transpose()?;
    if let (Some(path), Some(text)) = (&args.user_data, &user_data)
        && !args.no_check
        && is_cloud_config(text)
    {
        ensure_good(path, text)?;
    }
    let user_data = user_data.map(|text| Wish::Unsaid.apply(&text)).transpose()?;
    if user_data.as_ref().is_some_and(ForMedium::is_encrypted) {
        return Err(IsoError::NoAgentToDecrypt.into());
    }
    let meta_data = text(args.meta_data.as_deref(), "the meta data")?;
    let network = args.network.network_config.as_deref();
    let network = network.map(|file| network_config(file, !args.no_check)).transpose()?;
    let request = CustomizeRequest {
        base: &args.iso,
        user_data: user_data.as_ref().map(ForMedium::bytes),
        user_data_room: u64::from(args.user_data_kib) << 10,
        meta_data: meta_data.as_deref().map(str::as_bytes),
        network_config: network.as_deref().map(str::as_bytes),
        kernel_arguments: &args.kernel_arguments,
        flavor: flavor(args.flavor),
        epoch: source_date_epoch()?,
        out: &args.out,
    };
    let report = customize(&request).doing(format!("customising `{}`", args.iso.display()))?;
    tell(&report, printer);
    let mut exposure = Exposure::default();
    exposure.add(user_data.as_ref(), network.is_some());
    exposure.tell("the image", false, printer);
    printer.data(&match args.output.output {
        Output::Table => format!("{}\n", report.path.display()),
        Output::Json => format!("{:#}\n", value(&report)),
    })?;
    Ok(exit::DONE)
}

fn text(path: Option<&Path>, what: &str) -> Result<Option<String>, Failure> {
    path.map(|path| read_text(path, what)).transpose()
}

/// Combustion's scripts and Ignition's JSON have checks of their own.
fn is_cloud_config(text: &str) -> bool {
    !text.starts_with("#!") && !text.trim_start().starts_with('{')
}

fn flavor(named: FlavorArg) -> Option<Flavor> {
    match named {
        FlavorArg::Auto => None,
        FlavorArg::CloudInit => Some(Flavor::CloudInit),
        FlavorArg::Cidata => Some(Flavor::Cidata),
        FlavorArg::Kairos => Some(Flavor::Kairos),
        FlavorArg::Elemental => Some(Flavor::Elemental),
        FlavorArg::Ubuntu => Some(Flavor::Ubuntu),
        FlavorArg::DebianLive => Some(Flavor::DebianLive),
        FlavorArg::DebianInstaller => Some(Flavor::DebianInstaller),
        FlavorArg::Combustion => Some(Flavor::Combustion),
    }
}

fn tell(report: &CustomizeReport, printer: Printer) {
    let live = if report.is_live { ", live" } else { "" };
    printer.say(&format!("  {}: user data in /{}{live}", report.flavor, report.user_data));
    let menus: Vec<PathBuf> = report.menus.iter().map(|path| Path::new("/").join(path)).collect();
    let names: Vec<String> = menus.iter().map(|path| path.display().to_string()).collect();
    let room = if names.is_empty() { "no boot menu".to_owned() } else { names.join(", ") };
    printer.say(&format!("  room for kernel arguments: {room}"));
    for warning in &report.warnings {
        printer.say(&format!("warning: {warning}"));
    }
    let size = bytes(report.bytes);
    printer.say(&format!("{size}, {}, {}", count(report.menus.len(), "menu"), report.digest));
}

fn value(report: &CustomizeReport) -> serde_json::Value {
    json!({
        "schema": 1,
        "iso": report.path,
        "bytes": report.bytes,
        "digest": report.digest,
        "flavor": report.flavor,
        "userData": { "path": report.user_data, "live": report.is_live },
        "menus": report.menus,
        "warnings": report.warnings,
    })
}
