//! `edgectl iso inspect`.

use edgectl_iso::Inspection;

use crate::cli::Output;
use crate::commands::iso_inject::image;
use crate::exit;
use crate::failure::{Doing, Failure};
use crate::iso_cli::IsoInspectArgs;
use crate::iso_report::{inspection_text, inspection_value};
use crate::printer::Printer;

pub(crate) fn run(args: &IsoInspectArgs, printer: Printer) -> Result<u8, Failure> {
    let iso = image(args.iso.as_deref(), &args.project.file)?;
    let seen = Inspection::of(&iso).doing(format!("reading `{}`", iso.display()))?;
    printer.data(&match args.output.output {
        Output::Table => inspection_text(&seen, args.files, args.user_data),
        Output::Json => format!("{:#}\n", inspection_value(&seen, args.files, args.user_data)),
    })?;
    Ok(exit::DONE)
}
