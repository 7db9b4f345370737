//! `edgectl save`.

use edgectl_model::{ImageLock, ListedImage, LockedImage, Reference, UploadConfig, count};
use edgectl_registry::{
    Again, ImageReport, ImageRequest, Packing, SaveForm, SaveTarget, Saved, UploadRequest, save,
};
use serde_json::json;

use crate::archives;
use crate::cli::Output;
use crate::discovery::{discover_images, show_problems};
use crate::exit;
use crate::failure::{Doing, Failure};
use crate::pin_keeper::PinKeeper;
use crate::pinning::{is_uploaded, named_by};
use crate::printer::{Printer, bytes};
use crate::progress::UploadProgress;
use crate::project::{Project, Scope};
use crate::runtime::on_runtime;
use crate::save_cli::{FormatArg, SaveArgs};
use crate::upload_report;

pub(crate) fn run(args: &SaveArgs, printer: Printer) -> Result<u8, Failure> {
    let target = target(args)?;
    let scope = scope(args)?;
    let discovered = discover_images(&scope, &args.lock)?;
    show_problems(&discovered.problems, printer);
    discovered.ensure_usable(args.lock.strict)?;
    let lock = discovered.lock;
    ensure_some(&lock)?;
    scope.source_warnings().iter().for_each(|text| printer.say(text));
    let sources = archives::sources(&args.archives, &scope, &lock, printer)?;
    let request = request(args, &lock, &target);
    // Pins of a part of each image would not be those that others need.
    let kept = Scope { lock: scope.lock.clone().filter(|_| args.platform.is_empty()), ..scope };
    let keeper = PinKeeper::new(&kept, lock.clone(), UploadProgress::new(printer)).of_save();
    let saved = on_runtime(async { Ok(save(request, &sources, &target, &keeper).await?) })
        .doing(format!("saving to `{}`", target.path.display()))?;
    keeper.finish()?;
    report(args, &saved, &target, printer)?;
    let by = |report: &ImageReport| {
        let source = &report.request.source;
        let image = lock.images.iter().find(|image| image.source == *source);
        // Who names it on the command line knows.
        image.filter(|_| !args.images.contains(source)).map(named_by).unwrap_or_default()
    };
    failure(&saved, &target, &by).map_or(Ok(exit::DONE), Err)
}

/// What is read: the project, or what the command line names.
fn scope(args: &SaveArgs) -> Result<Scope, Failure> {
    let mut scope = match (args.profiles.as_slice(), args.images.as_slice()) {
        ([], []) => Project::load(&args.project.file)
            .map_err(|failure| failure.hint("or name inputs, or images with `--image`"))?
            .scope(),
        ([], _) => match args.project.file.exists() {
            // Only for the logins of the sources.
            true => Project::load(&args.project.file)?.scope().without_inputs(),
            false => Scope::of_profiles(&[]),
        },
        (profiles, _) => Scope::of_profiles(profiles),
    };
    let listed = |image: &Reference| {
        let reason = "named on the command line".to_owned();
        ListedImage { image: image.clone(), reason }
    };
    scope.images.include.extend(args.images.iter().map(listed));
    scope.reading_as(&args.discover)
}

fn target(args: &SaveArgs) -> Result<SaveTarget, Failure> {
    let path = args.out.clone();
    let by_name = Packing::by_name(&path);
    let form = match (args.format, by_name) {
        (Some(FormatArg::Oci), _) => SaveForm::OciArchive,
        (Some(FormatArg::DockerArchive), _) => SaveForm::DockerArchive,
        (Some(FormatArg::Dir), _) => SaveForm::Directory,
        (None, Some(_)) => SaveForm::OciArchive,
        (None, None) => SaveForm::Directory,
    };
    let usage = |text: String| Err(Failure::new(exit::USAGE, text));
    let shown = path.display().to_string();
    match (form, path.is_dir(), path.is_file()) {
        (SaveForm::Directory, _, true) => usage(format!("`{shown}` is a file, and no directory")),
        (SaveForm::OciArchive | SaveForm::DockerArchive, true, _) => {
            usage(format!("`{shown}` is a directory"))
        }
        _ => Ok(SaveTarget { path, form, packing: by_name.unwrap_or(Packing::Plain) }),
    }
}

fn ensure_some(lock: &ImageLock) -> Result<(), Failure> {
    match lock.images.iter().any(is_uploaded) {
        true => Ok(()),
        false => Err(Failure::new(exit::FAILED, "there is no image to save")
            .hint("`edgectl images` shows what the inputs name")),
    }
}

fn request(args: &SaveArgs, lock: &ImageLock, target: &SaveTarget) -> UploadRequest {
    let image = |image: &LockedImage| ImageRequest {
        source: image.source.clone(),
        digest: image.digest.clone(),
        target: saved_name(&image.source, args),
    };
    UploadRequest {
        images: lock.images.iter().filter(|i| is_uploaded(i)).map(image).collect(),
        jobs: UploadConfig::default().jobs.into(),
        platforms: args.platform.clone(),
        // `docker load` has no place for them.
        again: Again::Nothing,
        attachments: !args.no_attachments && target.form != SaveForm::DockerArchive,
    }
}

/// The digest in a name is that of all platforms.
fn saved_name(source: &Reference, args: &SaveArgs) -> Reference {
    let tagged = || Reference::from_parts(source.domain(), source.path(), source.tag(), None);
    match (args.platform.is_empty(), source.tag()) {
        (false, Some(_)) => tagged().unwrap_or_else(|_| source.clone()),
        _ => source.clone(),
    }
}

fn report(
    args: &SaveArgs,
    saved: &Saved,
    target: &SaveTarget,
    printer: Printer,
) -> Result<(), Failure> {
    if args.output.output == Output::Json {
        let mut value = upload_report::value(&saved.outcome);
        value["path"] = json!(target.path);
        value["file"] = json!(
            saved.file.as_ref().map(|file| json!({ "size": file.size, "digest": file.digest }))
        );
        return printer.data(&format!("{value:#}\n"));
    }
    let images = count(saved.outcome.images.len(), "image");
    match &saved.file {
        Some(file) => {
            let (path, size) = (target.path.display(), bytes(file.size));
            printer.say(&format!("{images} in {path}: {size}, {}", file.digest));
        }
        None if target.form != SaveForm::Directory => {}
        None => printer.say(&upload_report::sentence(&saved.outcome)),
    }
    Ok(())
}

/// An archive that lacks something isn't there at all; a directory keeps what
/// it got.
fn failure(
    saved: &Saved,
    target: &SaveTarget,
    named_by: &dyn Fn(&ImageReport) -> String,
) -> Option<Failure> {
    let is_one = target.form != SaveForm::Directory;
    let failure = upload_report::failure_of(&saved.outcome, named_by, "saved", is_one)?;
    Some(match is_one && !saved.outcome.interrupted {
        true => failure.hint(format!("nothing was written to `{}`", target.path.display())),
        false => failure,
    })
}
