//! `edgectl user-data show`.

use edgectl_cloudconfig::redact;

use crate::exit;
use crate::failure::Failure;
use crate::files::read_user_data;
use crate::printer::Printer;
use crate::user_data_cli::ShowArgs;

pub(crate) fn run(args: &ShowArgs, printer: Printer) -> Result<u8, Failure> {
    let text = read_user_data(&args.file)?;
    let shown = match args.secrets {
        true => text,
        false => redact(&text).map_err(|error| {
            Failure::of(exit::FAILED, &error)
                .doing(format!("hiding the secrets of `{}`", args.file.display()))
        })?,
    };
    printer.data(&shown)?;
    Ok(exit::DONE)
}
