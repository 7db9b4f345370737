//! `edgectl user-data inject --remove`.

use std::path::Path;

use edgectl_cloudconfig::{RemoveError, remove, remove_by_force};

use crate::discovery::read_lock;
use crate::exit;
use crate::failure::Failure;
use crate::inject_cli::InjectArgs;
use crate::injection::nameless_injection;
use crate::printer::Printer;
use crate::project::Project;

/// The text without what was added. Only by force is it asked what would be
/// injected today.
pub(crate) fn removed(
    text: &str,
    from: &Path,
    args: &InjectArgs,
    project: &Project,
    printer: Printer,
) -> Result<String, Failure> {
    let failed = |error: RemoveError| {
        Failure::of(exit::REFUSED, &error)
            .doing(format!("removing the registry from `{}`", from.display()))
    };
    let error = match remove(text) {
        Ok(removed) => {
            if removed.is_edited {
                printer.say("the user data was changed since the registry was added; only what was added is taken out");
            }
            return Ok(removed.text);
        }
        Err(error) => error,
    };
    let is_text = matches!(error, RemoveError::Text(_));
    if !args.force || is_text {
        let failure = failed(error);
        return Err(match is_text {
            true => failure,
            false => failure.hint(
                "`--force` takes out the registry's keys, files and rules, whoever wrote them",
            ),
        });
    }
    let lock = read_lock(&project.path(&project.config.lock))?;
    let injection = nameless_injection(project, &lock, &args.what, text)?;
    remove_by_force(text, &injection).map_err(failed)
}
