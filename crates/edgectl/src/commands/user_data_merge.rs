//! `edgectl user-data merge`.

use edgectl_cloudconfig::{Merged, Source, merge};

use crate::exit;
use crate::failure::{Doing, Failure};
use crate::files::read_user_data;
use crate::printer::Printer;
use crate::user_data_cli::MergeArgs;

pub(crate) fn run(args: &MergeArgs, printer: Printer) -> Result<u8, Failure> {
    let mut texts = Vec::new();
    for file in &args.files {
        texts.push((file.display().to_string(), read_user_data(file)?));
    }
    let sources: Vec<Source<'_>> = texts.iter().map(|(name, text)| Source { name, text }).collect();
    let merged = merge(&sources)
        .map_err(|error| Failure::of(exit::FAILED, &error).doing("merging the user data"))?;
    match &args.explain {
        Some(path) => explain(&merged, path, printer),
        None => write(&merged, args, printer),
    }
}

fn explain(merged: &Merged, path: &str, printer: Printer) -> Result<u8, Failure> {
    let Some(steps) = merged.explain(path) else {
        return Err(Failure::new(exit::FOUND_WRONG, format!("no file has `{path}`"))
            .hint("name it like `stylus.site.name` or `write_files[0].path`"));
    };
    let mut text = String::new();
    for (n, step) in steps.iter().enumerate() {
        let has_last_word = n + 1 == steps.len();
        let word = match (step.takes_away, step.is_over) {
            (true, _) => " (takes it away)",
            (false, true) => " (a later file goes over it)",
            (false, false) if has_last_word => "",
            (false, false) => " (a part of it)",
        };
        let (line, column) = (step.place.line, step.place.column);
        text.push_str(&format!("{}:{line}:{column}{word}\n", step.file));
    }
    printer.data(&text)?;
    Ok(exit::DONE)
}

fn write(merged: &Merged, args: &MergeArgs, printer: Printer) -> Result<u8, Failure> {
    let text = merged.to_text();
    if args.out.as_os_str() == "-" {
        printer.data(&text)?;
        return Ok(exit::DONE);
    }
    // It may hold passwords: nobody else may read it.
    edgectl_process::write_file(&args.out, 0o600, text.as_bytes())
        .doing("writing the user data")?;
    printer.say(&format!("wrote {}", args.out.display()));
    Ok(exit::DONE)
}
