//! `edgectl prune`.

use std::path::{Path, PathBuf};

use edgectl_model::{ImageLock, LockedImage, Prefix, count};
use edgectl_registry::{
    PruneAction, PruneItem, PruneRequest, Pruned, Registries, VerifyRequest, plan_prune, prune,
};

use crate::access::Reach;
use crate::cli::Output;
use crate::discovery::read_lock;
use crate::exit;
use crate::failure::Failure;
use crate::pinning::is_uploaded;
use crate::printer::Printer;
use crate::project::Project;
use crate::prune_cli::PruneArgs;
use crate::prune_report;
use crate::runtime::on_runtime;

pub(crate) fn run(args: &PruneArgs, printer: Printer) -> Result<u8, Failure> {
    let (domain, registries, own_lock) = where_to(args, printer)?;
    let old = read_lock(&args.old)?;
    if old.registry != domain {
        return Err(Failure::new(
            exit::FAILED,
            format!("`{}` is of `{}`, and not of `{domain}`", args.old.display(), old.registry),
        )
        .hint("nothing outside the registry's prefix is ever deleted"));
    }
    let mut keep = Vec::new();
    for path in locks_in_use(args, own_lock)? {
        let lock = read_lock(&path)?;
        ensure_pinned(&lock, &path)?;
        keep.extend(requests(&lock));
    }
    let jobs = usize::from(args.jobs);
    let request = PruneRequest { prefix: domain, old: requests(&old), keep, jobs };
    // One runtime for both: connections live in it.
    let (plan, done) = on_runtime(async {
        let plan = plan_prune(&request, &registries).await?;
        if !args.yes {
            return Ok((plan, Vec::new()));
        }
        Ok((Vec::new(), prune(plan, &registries, jobs).await?))
    })?;
    if args.yes {
        return finish(&done, args.output.output, printer);
    }
    printer.data(&prune_report::plan(&plan, args.output.output))?;
    printer.say(&match totals(plan.iter()) {
        Some(going) => format!("{going} to delete; `--yes` does it"),
        None => NOTHING.to_owned(),
    });
    Ok(exit::DONE)
}

fn finish(done: &[Pruned], output: Output, printer: Printer) -> Result<u8, Failure> {
    if output == Output::Json {
        printer.data(&prune_report::done(done))?;
    }
    for pruned in done.iter().filter(|pruned| pruned.item.is_deleted() && pruned.result.is_ok()) {
        printer.say(&format!("  deleted {}", prune_report::name(&pruned.item)));
    }
    if let Some(failure) = prune_report::failure(done) {
        return Err(failure);
    }
    let gone = totals(done.iter().map(|pruned| &pruned.item));
    printer.say(&match gone {
        Some(gone) => format!("deleted {gone}; the registry's garbage collection frees the space"),
        None => NOTHING.to_owned(),
    });
    Ok(exit::DONE)
}

const NOTHING: &str = "nothing to delete";

/// What goes, counted; none where nothing does.
fn totals<'a>(items: impl Iterator<Item = &'a PruneItem>) -> Option<String> {
    let (mut manifests, mut tags) = (0, 0);
    for item in items {
        match item.action {
            PruneAction::DeleteManifest => manifests += 1,
            PruneAction::DeleteTags => tags += item.tags.len(),
            PruneAction::Keep(_) => {}
        }
    }
    match (manifests, tags) {
        (0, 0) => None,
        (_, 0) => Some(count(manifests, "manifest")),
        (0, _) => Some(count(tags, "tag")),
        _ => Some(format!("{} and {}", count(manifests, "manifest"), count(tags, "tag"))),
    }
}

/// The registry, and the lock of the project, if there is one.
fn where_to(
    args: &PruneArgs,
    printer: Printer,
) -> Result<(Prefix, Registries, Option<PathBuf>), Failure> {
    let (registry, registries, lock) = match args.registry.config()? {
        Some(registry) => {
            let registries = args.registry.destination(&registry)?;
            (registry, registries, None)
        }
        None => {
            let project = Project::load(&args.project.file)?;
            let registries = project.scope().destination(&project.config.registry)?;
            let lock = project.path(&project.config.lock);
            (project.config.registry, registries, Some(lock))
        }
    };
    if let Some(warning) = Reach::private(&registry).warning() {
        printer.say(&warning);
    }
    Ok((registry.domain, registries, lock))
}

fn locks_in_use(args: &PruneArgs, own: Option<PathBuf>) -> Result<Vec<PathBuf>, Failure> {
    if args.all || !args.locks.is_empty() {
        return Ok(args.locks.clone());
    }
    match own.filter(|path| path.exists()) {
        Some(path) => Ok(vec![path]),
        None => Err(Failure::new(exit::USAGE, "no lock says which images stay").hint(
            "name the locks in use with `--lock`, or pass `--all` to keep nothing of the former one",
        )),
    }
}

/// Fails where it can't be told what has to stay.
fn ensure_pinned(lock: &ImageLock, path: &Path) -> Result<(), Failure> {
    let mut uploaded = lock.images.iter().filter(|image| is_uploaded(image));
    match uploaded.find(|image| image.digest.is_none()) {
        None => Ok(()),
        Some(image) => {
            let text = format!("`{}` has no digest for `{}`", path.display(), image.source);
            Err(Failure::new(exit::FAILED, text)
                .hint("`edgectl upload-profile` uploads what the lock needs, and pins it"))
        }
    }
}

/// What a lock has put into its registry: what has no digest was never there.
fn requests(lock: &ImageLock) -> Vec<VerifyRequest> {
    let request = |image: &LockedImage| {
        let digest = image.mirrored_digest()?.clone();
        Some(VerifyRequest { target: image.target.clone(), digest })
    };
    lock.images.iter().filter(|image| is_uploaded(image)).filter_map(request).collect()
}
