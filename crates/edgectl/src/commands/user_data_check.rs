//! `edgectl user-data check`.

use std::path::PathBuf;

use edgectl_cloudconfig::{Against, Finding, Level, check};
use edgectl_model::count;

use crate::discovery::read_lock;
use crate::exit;
use crate::failure::Failure;
use crate::files::read_user_data;
use crate::findings_report::{CheckedFile, as_json, as_sarif, as_text};
use crate::printer::Printer;
use crate::project::Project;
use crate::user_data_cli::{CheckArgs, FindingsForm};

pub(crate) fn run(args: &CheckArgs, printer: Printer) -> Result<u8, Failure> {
    let (files, against) = inputs(args)?;
    let mut checked = Vec::new();
    for file in files {
        let text = read_user_data(&file)?;
        checked.push(CheckedFile { findings: check(&text, against.as_ref()), file });
    }
    printer.data(&match args.output {
        FindingsForm::Text => as_text(&checked),
        FindingsForm::Json => format!("{:#}\n", as_json(&checked)),
        FindingsForm::Sarif => format!("{:#}\n", as_sarif(&checked)),
    })?;
    let findings: Vec<&Finding> = checked.iter().flat_map(|file| &file.findings).collect();
    let errors = findings.iter().filter(|f| f.level == Level::Error).count();
    printer.say(&match findings.len() {
        0 => "Validation successful".to_owned(),
        n => format!("{}, {}", count(errors, "error"), count(n - errors, "warning")),
    });
    match errors > 0 || (args.strict && !findings.is_empty()) {
        true => Ok(exit::FOUND_WRONG),
        false => Ok(exit::DONE),
    }
}

/// Files that are named are checked by themselves; the project's own are held
/// against its lock.
fn inputs(args: &CheckArgs) -> Result<(Vec<PathBuf>, Option<Against>), Failure> {
    let lock = args.lock.as_deref().map(read_lock).transpose()?;
    if !args.files.is_empty() {
        return Ok((args.files.clone(), lock.as_ref().map(Against::from)));
    }
    let project = Project::load(&args.project)?;
    let out = project.path(&project.config.user_data.out);
    let file = match out.exists() {
        true => out,
        false => project.path(&project.config.user_data.file),
    };
    let path = project.path(&project.config.lock);
    let lock = match lock {
        None if path.exists() => Some(read_lock(&path)?),
        lock => lock,
    };
    Ok((vec![file], lock.as_ref().map(Against::from)))
}
