//! `edgectl iso key`: a pair of keys for user data on media.

use edgectl_encryption::generate_key;
use edgectl_process::write_file;
use serde_json::json;

use crate::cli::Output;
use crate::exit;
use crate::failure::Failure;
use crate::iso_key_cli::IsoKeyArgs;
use crate::printer::Printer;

/// Nobody but the owner reads it.
const MODE: u32 = 0o600;

pub(crate) fn run(args: &IsoKeyArgs, printer: Printer) -> Result<u8, Failure> {
    if args.out.as_os_str() == "-" {
        return Err(Failure::new(exit::USAGE, "a secret key is nothing for stdout")
            .hint("name a file with `--out`"));
    }
    if !args.force && args.out.symlink_metadata().is_ok() {
        let text = format!("`{}` exists", args.out.display());
        return Err(Failure::new(exit::FAILED, text).hint(
            "`--force` replaces it; what is encrypted to a key that is gone can't be opened any more",
        ));
    }
    let key = generate_key();
    write_file(&args.out, MODE, key.to_file().expose().as_bytes())?;
    printer.say(&format!(
        "wrote {}; keep it: nothing else opens what is encrypted to it",
        args.out.display()
    ));
    let public = key.public.to_string();
    printer.data(&match args.output.output {
        Output::Table => format!("{public}\n"),
        Output::Json => {
            format!("{:#}\n", json!({ "schema": 1, "publicKey": public, "file": args.out }))
        }
    })?;
    Ok(exit::DONE)
}
