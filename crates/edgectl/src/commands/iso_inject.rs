//! `edgectl iso inject`.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use edgectl_cloudconfig::{Level, check};
use edgectl_iso::{
    Change, Inspection, forget_checksum, forget_manifest, inject_in_place, inject_into_copy,
    inject_into_stream, write_checksum,
};

use crate::commands::iso_build::read_injected;
use crate::exit;
use crate::failure::{Doing, Failure};
use crate::files::read_user_data;
use crate::findings_report::{CheckedFile, as_text};
use crate::iso_cli::IsoInjectArgs;
use crate::iso_encrypt::{ForMedium, There};
use crate::iso_exposure::Exposure;
use crate::iso_network::network_config;
use crate::printer::Printer;
use crate::project::Project;

pub(crate) fn run(args: &IsoInjectArgs, printer: Printer) -> Result<u8, Failure> {
    let iso = image(args.iso.as_deref(), &args.project.file)?;
    let Named { user_data: text, network } = named(args)?;
    args.authority.ensure_goes_into(text.is_some())?;
    args.encrypt.ensure_goes_into(text.is_some())?;
    let with = |(path, text)| Ok::<_, Failure>((path, args.authority.put_into(text)?));
    let text = text.map(with).transpose()?;
    if let Some((path, text)) = text.as_ref().filter(|_| !args.no_check)
        && takes_cloud_config(&iso)?
    {
        ensure_good(path, text)?;
    }
    let names_arguments = !args.kernel_arguments.is_empty() || args.no_kernel_arguments;
    let network = network.map(|file| network_config(&file, !args.no_check)).transpose()?;
    let there = There::on(&iso)?;
    let text = text.map(|(_, text)| for_image(&text, args, &there)).transpose()?;
    let mut exposure = Exposure::default();
    exposure.add(text.as_ref(), network.is_some());
    let change = Change {
        reset: args.reset,
        network_config: network.as_deref().map(str::as_bytes),
        is_encrypted: text.as_ref().is_some_and(ForMedium::is_encrypted),
        user_data: text.as_ref().map(ForMedium::bytes),
        kernel_arguments: names_arguments.then_some(args.kernel_arguments.as_slice()),
    };
    let doing = || format!("changing `{}`", iso.display());
    match &args.out {
        None => {
            inject_in_place(&iso, &change).doing(doing())?;
            settle(&iso, args.checksum, printer)?;
            printer.say(&format!("changed {}", iso.display()));
        }
        Some(out) if out.as_os_str() == "-" && args.checksum => {
            let text = "`--checksum` has no place beside stdout";
            return Err(Failure::new(exit::USAGE, text));
        }
        Some(out) if out.as_os_str() == "-" => to_stdout(&iso, &change).doing(doing())?,
        Some(out) => {
            ensure_free(&iso, out, args.force)?;
            inject_into_copy(&iso, &change, out).doing(doing())?;
            forget_manifest(out)?;
            settle(out, args.checksum, printer)?;
            printer.data(&format!("{}\n", out.display()))?;
        }
    }
    exposure.tell("the image", there.decrypts, printer);
    Ok(exit::DONE)
}

/// Scripts and JSON have checks of their own.
pub(crate) fn takes_cloud_config(iso: &Path) -> Result<bool, Failure> {
    let seen = Inspection::of(iso).doing(format!("reading `{}`", iso.display()))?;
    Ok(seen.manifest.is_none_or(|manifest| manifest.takes_cloud_config()))
}

/// The user data as it goes onto an image.
fn for_image(text: &str, args: &IsoInjectArgs, there: &There) -> Result<ForMedium, Failure> {
    let takes_stdin = args.user_data.as_ref().is_some_and(|file| file.as_os_str() == "-");
    if takes_stdin && args.encrypt.takes_stdin() {
        return Err(Failure::new(exit::USAGE, "stdin can't be the user data and the passphrase")
            .hint("name a file for one of them"));
    }
    let wish = args.encrypt.wish_beside(&args.project.file)?;
    let new = wish.apply(text)?;
    wish.ensure_no_less(&new, there)?;
    Ok(new)
}

/// The image that is named, or the project's.
pub(crate) fn image(named: Option<&Path>, project: &Path) -> Result<PathBuf, Failure> {
    match named {
        Some(path) => Ok(path.to_owned()),
        None => {
            let project = Project::load(project).map_err(|failure| {
                failure.hint("or name the image: it comes first on the command line")
            })?;
            Ok(project.path(&project.config.iso.out))
        }
    }
}

/// What is to be put there.
struct Named {
    user_data: Option<(PathBuf, String)>,
    network: Option<PathBuf>,
}

/// What the command line names, else what the project does: its user data and
/// its network.
fn named(args: &IsoInjectArgs) -> Result<Named, Failure> {
    let network = args.network.network_config.clone();
    let names_others = args.reset
        || args.no_kernel_arguments
        || !args.kernel_arguments.is_empty()
        || network.is_some();
    if let Some(path) = &args.user_data {
        let text = read_user_data(path)?;
        return Ok(Named { user_data: Some((path.clone(), text)), network });
    }
    if names_others {
        return Ok(Named { user_data: None, network });
    }
    let project = Project::load(&args.project.file)
        .map_err(|failure| failure.hint("or name what is to be changed: `--user-data FILE`"))?;
    let path = project.path(&project.config.user_data.out);
    let text = read_injected(&path)?;
    let network = project.config.iso.network.as_ref().map(|file| project.path(file));
    Ok(Named { user_data: Some((path, text)), network })
}

/// Refuses what a node couldn't read.
pub(crate) fn ensure_good(path: &Path, text: &str) -> Result<(), Failure> {
    let mut findings = check(text, None);
    findings.retain(|finding| finding.level == Level::Error);
    if findings.is_empty() {
        return Ok(());
    }
    let lines = as_text(&[CheckedFile { file: path.to_owned(), findings }]);
    let text = format!("`{}` is not ready to ship", path.display());
    let mut failure = Failure::new(exit::FAILED, text);
    failure.frames.extend(lines.lines().map(str::to_owned));
    Err(failure.hint("`edgectl user-data check` tells more; `--no-check` puts it there as it is"))
}

pub(crate) fn ensure_free(iso: &Path, out: &Path, force: bool) -> Result<(), Failure> {
    let place = |path: &Path| path.canonicalize().ok();
    if place(out).is_some_and(|place_of_out| place(iso) == Some(place_of_out)) {
        let text = format!("`{}` is the image itself", out.display());
        return Err(Failure::new(exit::USAGE, text)
            .hint("name another file with `--out`; without it `iso inject` works in place"));
    }
    match out.exists() && !force {
        true => {
            let text = format!("`{}` exists", out.display());
            Err(Failure::new(exit::FAILED, text).hint("`--force` replaces it"))
        }
        false => Ok(()),
    }
}

/// A checksum beside the image is of the image, or gone.
fn settle(image: &Path, with_checksum: bool, printer: Printer) -> Result<(), Failure> {
    if with_checksum {
        write_checksum(image)?;
    } else if let Some(old) = forget_checksum(image)? {
        printer.say(&format!(
            "  removed {}, which was of the image before; `--checksum` writes a new one",
            old.display()
        ));
    }
    Ok(())
}

fn to_stdout(iso: &Path, change: &Change<'_>) -> Result<(), Failure> {
    let mut out = io::stdout();
    if out.is_terminal() {
        return Err(Failure::new(exit::USAGE, "an image is nothing for a terminal")
            .hint("redirect stdout, or name a file: `--out FILE`"));
    }
    Ok(inject_into_stream(iso, change, &mut out)?)
}
