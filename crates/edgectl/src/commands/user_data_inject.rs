//! `edgectl user-data inject`.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use edgectl_cloudconfig::{Flavor, Injection, has_mark, inject, other_logins, redact};
use edgectl_model::ImageLock;

use crate::commands::user_data_fleet::{self, Fleet};
use crate::commands::user_data_remove::removed;
use crate::discovery::read_lock;
use crate::exit;
use crate::failure::{Doing, Failure};
use crate::files::{Form, read_user_data_of_form};
use crate::inject_cli::{InjectArgs, InjectionArgs};
use crate::injection::injection;
use crate::printer::Printer;
use crate::project::Project;
use crate::pull_check::warn_of_push;

pub(crate) fn run(args: &InjectArgs, printer: Printer) -> Result<u8, Failure> {
    let project = Project::load(&args.project.file)?;
    let config = &project.config.user_data;
    let from = args.input.clone().unwrap_or_else(|| project.path(&config.file));
    if from.as_os_str() == "-" && args.what.login.takes_stdin() {
        return Err(Failure::new(exit::USAGE, "stdin can't be the user data and the password")
            .hint("give one of them as a file: `--in FILE` or `--password-file FILE`"));
    }
    let (text, form) = read_user_data_of_form(&from)?;
    if args.remove {
        let after = removed(&text, &from, args, &project, printer)?;
        return finish(&text, &after, form, &from, args, &project, printer);
    }
    let lock = read_lock(&project.path(&project.config.lock))?;
    let injection = injection(&project, &lock, &args.what, &text)?;
    warn_of_mark(&text, &from, printer);
    warn_of_other_readers(&text, &injection, args.what.flavor.is_some(), &from, printer);
    if !args.diff {
        warn_of_push(&project, &injection, printer);
    }
    if let (Some(sites), Some(out)) = (&args.sites, &args.out) {
        let job = Fleet { template: &from, text: &text, form, sites, out };
        return user_data_fleet::run(&job, &injection, &lock, printer);
    }
    let after = injected(&text, &injection, &from)?;
    warn_of_other_logins(&after, &injection, printer);
    finish(&text, &after, form, &from, args, &project, printer)
}

/// Shows the change, or writes it.
fn finish(
    text: &str,
    after: &str,
    form: Form,
    from: &Path,
    args: &InjectArgs,
    project: &Project,
    printer: Printer,
) -> Result<u8, Failure> {
    if args.diff {
        printer.data(&difference(text, after, from)?)?;
        return Ok(exit::DONE);
    }
    let config = &project.config;
    let to = args.out.clone().unwrap_or_else(|| project.path(&config.user_data.out));
    if to.as_os_str() == "-" {
        ensure_takes(form)?;
        printer.bytes(&form.written(after)?)?;
        return Ok(exit::DONE);
    }
    write(&to, after, form)?;
    let word = if args.remove { "without" } else { "for" };
    printer.say(&format!("wrote {} {word} {}", to.display(), config.registry.domain));
    Ok(exit::DONE)
}

/// Palette's section is of no use to anybody else, and Palette is what is taken where
/// nobody says who reads the file.
fn warn_of_other_readers(
    text: &str,
    injection: &Injection,
    is_named: bool,
    from: &Path,
    printer: Printer,
) {
    let other = Flavor::instead_of_palette(text);
    let reader = match other.filter(|_| !is_named && injection.flavor == Flavor::Palette) {
        Some(Flavor::Kairos) => "kairos",
        Some(Flavor::CloudInit) => "cloud-init",
        Some(Flavor::Palette) | None => return,
    };
    printer.always(&format!(
        "warning: `{}` has nothing of Palette's (`stylus:`), and keys for another reader: nobody \
         else reads what is added for Palette; `--flavor {reader}` (`userData.flavor`) if that is \
         who reads it, else `--flavor palette`",
        from.display()
    ));
}

/// The mark stays, as every byte does that isn't the registry's.
fn warn_of_mark(text: &str, from: &Path, printer: Printer) {
    if has_mark(text) {
        printer.always(&format!(
            "warning: `{}` begins with a byte order mark, and cloud-init and Kairos' agents pass \
             such a file over, the registry too; save it as UTF-8 without the mark",
            from.display()
        ));
    }
}

/// An earlier injection, for another runtime say, has left its login: injecting
/// sets, and takes nothing out.
fn warn_of_other_logins(after: &str, injection: &Injection, printer: Printer) {
    let others = other_logins(after, injection);
    if !others.is_empty() {
        printer.always(&format!(
            "warning: {} still has a login from before; `edgectl user-data inject --remove` on \
             that file takes out what was injected, then inject again",
            others.join(", ")
        ));
    }
}

/// Injects as the project says and writes the project's own file.
pub(crate) fn inject_project(
    project: &Project,
    lock: &ImageLock,
    printer: Printer,
) -> Result<PathBuf, Failure> {
    let config = &project.config.user_data;
    let from = project.path(&config.file);
    let (text, form) = read_user_data_of_form(&from)?;
    let injection = injection(project, lock, &InjectionArgs::default(), &text)?;
    warn_of_mark(&text, &from, printer);
    warn_of_other_readers(&text, &injection, false, &from, printer);
    warn_of_push(project, &injection, printer);
    let text = injected(&text, &injection, &from)?;
    let to = project.path(&config.out);
    write(&to, &text, form)?;
    Ok(to)
}

/// The file holds a password: nobody else may read it. What came compressed
/// stays so.
fn write(to: &Path, text: &str, form: Form) -> Result<(), Failure> {
    edgectl_process::write_file(to, 0o600, &form.written(text)?).doing("writing the user data")
}

/// Refuses to write what is no text to a terminal.
fn ensure_takes(form: Form) -> Result<(), Failure> {
    match form == Form::Gzip && io::stdout().is_terminal() {
        true => Err(Failure::new(exit::USAGE, "compressed user data is nothing for a terminal")
            .hint("name a file with `--out`, or pipe it: `… --out - | zcat`")),
        false => Ok(()),
    }
}

fn injected(text: &str, injection: &Injection, from: &Path) -> Result<String, Failure> {
    inject(text, injection).map_err(|error| {
        Failure::of(exit::FAILED, &error)
            .doing(format!("injecting the registry into `{}`", from.display()))
    })
}

/// The change as a unified diff, secrets hidden.
fn difference(before: &str, after: &str, file: &Path) -> Result<String, Failure> {
    let hide = |text: &str| {
        redact(text).map_err(|error| {
            Failure::of(exit::FAILED, &error).doing("hiding the secrets of the user data")
        })
    };
    let (before, after) = (hide(before)?, hide(after)?);
    let diff = similar::TextDiff::from_lines(&before, &after);
    let name = file.display().to_string();
    Ok(diff.unified_diff().context_radius(3).header(&name, &name).to_string())
}
