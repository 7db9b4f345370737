//! Archives as the user named them, and images as the user calls them.

use std::path::PathBuf;

use edgectl_model::{Digest, ImageLock, Reference, count};
use edgectl_registry::{ArchivedImage, Archives, ArchivesFirst};

use crate::archive_cli::FromArgs;
use crate::exit;
use crate::failure::{Doing, Failure};
use crate::pinning::{is_uploaded, named_by};
use crate::printer::{Printer, plain};
use crate::project::Scope;

/// Looks through archives, and gives names to images that have none.
pub(crate) fn open(
    paths: &[PathBuf],
    names: &[String],
    printer: Printer,
) -> Result<Archives, Failure> {
    for path in paths {
        printer.say(&plain(&format!("looking through {}", path.display())));
    }
    let mut archives = Archives::open(paths).doing("looking through the archives")?;
    for name in names {
        let (digest, reference) = parse_name(name, &archives)?;
        if archives.images().iter().all(|image| image.digest != digest) {
            return Err(Failure::new(exit::USAGE, format!("no archive holds `{digest}`"))
                .hint("`edgectl push --list` shows what they hold"));
        }
        archives.name(&digest, reference);
    }
    ensure_one_meaning(&archives)?;
    printer.say(&format!("  {} found", count(archives.images().len(), "image")));
    Ok(archives)
}

/// `[DIGEST=]IMAGE`; without a digest it is the only image without a name.
fn parse_name(text: &str, archives: &Archives) -> Result<(Digest, Reference), Failure> {
    let usage = |e: &dyn std::error::Error| {
        Failure::of(exit::USAGE, e).doing(format!("reading `--name {text}`"))
    };
    if let Some((digest, name)) = text.split_once('=') {
        let digest = Digest::parse(digest).map_err(|e| usage(&e))?;
        return Ok((digest, Reference::parse(name).map_err(|e| usage(&e))?));
    }
    let name = Reference::parse(text).map_err(|e| usage(&e))?;
    let mut nameless = archives.images().iter().filter(|image| image.names.is_empty());
    match (nameless.next(), nameless.next()) {
        (Some(image), None) => Ok((image.digest.clone(), name)),
        (None, _) => {
            Err(Failure::new(exit::USAGE, format!("`--name {text}`: every image has a name"))
                .hint(format!("say which image it is: `--name sha256:…={text}`")))
        }
        (Some(image), Some(_)) => {
            Err(Failure::new(exit::USAGE, format!("`--name {text}`: several images have no name"))
                .hint(format!("say which image it is: `--name {}={text}`", image.digest)))
        }
    }
}

/// Fails for the first image without a name.
pub(crate) fn ensure_named(archives: &Archives) -> Result<(), Failure> {
    // What an image isn't called is told when it is asked for.
    let is_nameless = |image: &&ArchivedImage| image.names.is_empty() && image.refused.is_empty();
    let Some(image) = archives.images().iter().find(is_nameless) else {
        return Ok(());
    };
    let ArchivedImage { digest, place, tag, .. } = image;
    let tag_text = tag.as_ref().map(|tag| format!(", only the tag `{tag}`")).unwrap_or_default();
    let tag = tag.as_deref().unwrap_or("TAG");
    let text = format!("the image `{digest}` of `{place}` has no name{tag_text}");
    Err(Failure::new(exit::FAILED, plain(&text))
        .hint(plain(&format!("give it one: `--name {digest}=HOST/PATH:{tag}`"))))
}

fn ensure_one_meaning(archives: &Archives) -> Result<(), Failure> {
    for image in archives.images() {
        for name in &image.names {
            let first = archives.find(name);
            if let Some(first) = first.filter(|first| first.digest != image.digest) {
                let text = format!(
                    "`{name}` is `{}` in `{}`, and `{}` in `{}`",
                    first.digest, first.place, image.digest, image.place
                );
                return Err(
                    Failure::new(exit::FAILED, plain(&text)).hint("leave one of the archives out")
                );
            }
        }
    }
    Ok(())
}

/// Fails for all images of a lock that the archives lack, unless others may be
/// asked.
fn ensure_there(lock: &ImageLock, sources: &ArchivesFirst) -> Result<(), Failure> {
    let uploaded = lock.images.iter().filter(|image| is_uploaded(image));
    let lacking: Vec<String> = uploaded
        .clone()
        .filter_map(|image| {
            let error = sources.check(&image.source, image.digest.as_ref()).err()?;
            Some(plain(&format!("{error}{}", named_by(image))))
        })
        .collect();
    if lacking.is_empty() {
        return Ok(());
    }
    let text = format!(
        "{} of {} can't be taken from the archives",
        lacking.len(),
        count(uploaded.count(), "image")
    );
    let mut failure = Failure::new(exit::FAILED, text)
        .hint("name the archive that has them with another `--from`, or ask the source registries for them with `--or-upstream`");
    failure.frames.extend(lacking);
    Err(failure)
}

/// The archives that are named, and the registries if they may be asked.
pub(crate) fn sources(
    args: &FromArgs,
    scope: &Scope,
    lock: &ImageLock,
    printer: Printer,
) -> Result<ArchivesFirst, Failure> {
    let FromArgs { from, or_upstream, names } = args;
    if from.is_empty() {
        return Ok(scope.sources_of(lock)?.into());
    }
    let archives = open(from, names, printer)?;
    let upstream = or_upstream.then(|| scope.sources_of(lock)).transpose()?;
    let sources = ArchivesFirst { archives, upstream };
    ensure_there(lock, &sources)?;
    Ok(sources)
}
