//! `edgectl init`.

use edgectl_model::EDGE_YAML_TEMPLATE;

use crate::cli::InitArgs;
use crate::exit;
use crate::failure::{Doing, Failure};
use crate::printer::Printer;

pub(crate) fn run(args: &InitArgs, printer: Printer) -> Result<u8, Failure> {
    if args.out.as_os_str() == "-" {
        printer.data(EDGE_YAML_TEMPLATE)?;
        return Ok(exit::DONE);
    }
    let name = args.out.display();
    if args.out.exists() && !args.force {
        return Err(Failure::new(exit::REFUSED, format!("`{name}` exists"))
            .hint("pass `--force` to replace it"));
    }
    edgectl_process::write_file(&args.out, 0o644, EDGE_YAML_TEMPLATE.as_bytes())
        .doing("writing the project file")?;
    printer.say(&format!("wrote {name}; next: name your profile and registry in it"));
    Ok(exit::DONE)
}
