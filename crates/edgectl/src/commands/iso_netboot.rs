//! `edgectl iso netboot`: files for a server that machines start from.

use edgectl_iso::NetbootReport;
use serde_json::json;

use crate::cli::Output;
use crate::commands::iso_inject::image;
use crate::exit;
use crate::failure::Failure;
use crate::iso_netboot_cli::IsoNetbootArgs;
use crate::netboot::Netboot;
use crate::printer::Printer;
use crate::project::Project;

pub(crate) fn run(args: &IsoNetbootArgs, printer: Printer) -> Result<u8, Failure> {
    let iso = image(args.iso.as_deref(), &args.project.file)?;
    let report = wanted(args)?.write(&iso, printer)?;
    printer.data(&match args.output.output {
        Output::Table => format!("{}\n", report.script),
        Output::Json => format!("{:#}\n", value(&report)),
    })?;
    Ok(exit::DONE)
}

/// What the command line says, else what the project does.
fn wanted(args: &IsoNetbootArgs) -> Result<Netboot, Failure> {
    if let (Some(url), Some(out)) = (&args.url, &args.out) {
        return Ok(Netboot { url: url.clone(), out: out.clone() });
    }
    let lacks = match args.url {
        None => "`--url`: where machines will find the files",
        Some(_) => "`--out`: where the files go",
    };
    let hint = |failure: Failure| failure.hint(format!("or name {lacks}"));
    let project = Project::load(&args.project.file).map_err(hint)?;
    let of_project = Netboot::of(&project);
    let url = args.url.clone().or(of_project.as_ref().map(|netboot| netboot.url.clone()));
    let out = args.out.clone().or(of_project.map(|netboot| netboot.out));
    let missing = || {
        let text = format!("edge.yaml has no `iso.netboot`, and the command line no {lacks}");
        Failure::new(exit::USAGE, text).hint("`iso: {netboot: {url: 'http://192.0.2.1:8080'}}`")
    };
    Ok(Netboot { url: url.ok_or_else(missing)?, out: out.ok_or_else(missing)? })
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
