//! `edgectl iso diff`.

use std::path::Path;

use edgectl_iso::{Disc, Inspection, IsoError, diff_files};
use serde_json::json;

use crate::cli::Output;
use crate::exit;
use crate::failure::{Doing, Failure};
use crate::iso_cli::IsoDiffArgs;
use crate::iso_report::differences;
use crate::printer::{Printer, plain};

pub(crate) fn run(args: &IsoDiffArgs, printer: Printer) -> Result<u8, Failure> {
    let (old, new) = (inspect(&args.old)?, inspect(&args.new)?);
    let mut found = differences(&old, &new);
    let files = files(&args.old, &args.new).doing("comparing the images")?;
    found.extend(files.into_iter().map(|(path, change)| (path, change.to_string())));
    printer.data(&match args.output.output {
        Output::Table => {
            found.iter().map(|(what, how)| format!("{}: {how}\n", plain(what))).collect::<String>()
        }
        Output::Json => {
            let items = found.iter().map(|(what, how)| json!({ "what": what, "how": how }));
            format!("{:#}\n", json!({ "schema": 1, "differences": items.collect::<Vec<_>>() }))
        }
    })?;
    if found.is_empty() {
        printer.say("no difference");
    }
    Ok(if found.is_empty() { exit::DONE } else { exit::FOUND_WRONG })
}

fn inspect(path: &Path) -> Result<Inspection, Failure> {
    Inspection::of(path).doing(format!("reading `{}`", path.display()))
}

fn files(old: &Path, new: &Path) -> Result<Vec<(String, edgectl_iso::FileChange)>, IsoError> {
    diff_files(&Disc::open(old)?, &Disc::open(new)?)
}
