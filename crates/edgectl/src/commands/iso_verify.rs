//! `edgectl iso verify`.

use edgectl_iso::{Disc, recover, verify_disc};
use edgectl_model::count;
use serde_json::json;

use crate::cli::Output;
use crate::commands::iso_inject::image;
use crate::exit;
use crate::failure::{Doing, Failure};
use crate::iso_cli::IsoVerifyArgs;
use crate::printer::{Printer, bytes, plain};

pub(crate) fn run(args: &IsoVerifyArgs, printer: Printer) -> Result<u8, Failure> {
    let iso = image(args.iso.as_deref(), &args.project.file)?;
    let doing = || format!("verifying `{}`", iso.display());
    recover(&iso).doing(doing())?;
    let check =
        Disc::open(&iso).map_err(edgectl_iso::IsoError::from).and_then(|disc| verify_disc(&disc));
    let check = check.doing(doing())?;
    match args.output.output {
        Output::Table => {
            printer.data(&check.findings.iter().map(|f| plain(f) + "\n").collect::<String>())?;
        }
        Output::Json => {
            let value = json!({
                "schema": 1,
                "iso": iso,
                "files": check.files,
                "bytes": check.bytes,
                "findings": check.findings,
            });
            printer.data(&format!("{value:#}\n"))?;
        }
    }
    let (read, files) = (bytes(check.bytes), count(check.files, "file"));
    printer.say(&match check.findings.len() {
        0 => format!("{read} as they were baked, {files} among them"),
        n => format!("{} in {read}", count(n, "difference")),
    });
    Ok(if check.findings.is_empty() { exit::DONE } else { exit::FOUND_WRONG })
}
