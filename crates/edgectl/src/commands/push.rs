//! `edgectl push`.

use edgectl_model::{Digest, Layout, PlanError, Reference, RegistryConfig, UploadConfig};
use edgectl_registry::{
    Archives, ArchivesFirst, Checked, ImageRequest, RefusedName, Registries, UploadRequest,
    forecast, upload,
};

use crate::archive_cli::{LayoutArg, PushArgs};
use crate::archive_list::Listing;
use crate::archives;
use crate::cli::Output;
use crate::exit;
use crate::failure::Failure;
use crate::preflight::{Looking, look};
use crate::printer::Printer;
use crate::progress::UploadProgress;
use crate::project::Project;
use crate::runtime::on_runtime;
use crate::transfer_cli::prepared;
use crate::{upload_plan, upload_report};

pub(crate) fn run(args: &PushArgs, printer: Printer) -> Result<u8, Failure> {
    if args.list {
        let archives = archives::open(&args.archives, &args.names, printer)?;
        let listing = Listing::of(&archives)?;
        printer.data(&listing.shown(args.output.output))?;
        return listing.failure().map_or(Ok(exit::DONE), Err);
    }
    let (registry, destination, options) = where_to(args)?;
    let destination = prepared(destination, registry.domain.domain(), &options, printer);
    let archives = archives::open(&args.archives, &args.names, printer)?;
    archives::ensure_named(&archives)?;
    let request = UploadRequest {
        images: plan(&archives, &registry)?,
        jobs: usize::from(options.jobs),
        attachments: options.attachments,
        again: args.transfer.again(),
        platforms: options.platforms.clone(),
    };
    let push = Push {
        request,
        sources: ArchivesFirst { archives, upstream: None },
        registry,
        destination,
        output: args.output.output,
    };
    if args.dry_run { push.foretell(printer) } else { push.run(printer) }
}

/// One push: what, from where, to where.
struct Push {
    request: UploadRequest,
    sources: ArchivesFirst,
    registry: RegistryConfig,
    destination: Registries,
    output: Output,
}

impl Push {
    fn run(self, printer: Printer) -> Result<u8, Failure> {
        let outcome = on_runtime(async {
            let looked = self.look_at_registry(Looking::ForUpload, printer).await?;
            let (request, progress) = (self.request.clone(), UploadProgress::new(printer));
            let mut outcome = upload(request, &self.sources, &self.destination, &progress).await;
            outcome.requests += looked.requests;
            progress.finish();
            Ok(outcome)
        })?;
        upload_report::show(&outcome, self.output, printer)?;
        upload_report::failure(&outcome, &|_| String::new()).map_or(Ok(exit::DONE), Err)
    }

    /// Prints what a push would do.
    fn foretell(self, printer: Printer) -> Result<u8, Failure> {
        let forecast = on_runtime(async {
            let looked = self.look_at_registry(Looking::Only, printer).await?;
            let mut forecast = forecast(&self.request, &self.sources, &self.destination).await?;
            forecast.requests += looked.requests;
            Ok(forecast)
        })?;
        upload_plan::show(&forecast, self.output, printer)
    }

    async fn look_at_registry(
        &self,
        looking: Looking,
        printer: Printer,
    ) -> Result<Checked, Failure> {
        let targets = self.request.images.iter().map(|image| &image.target);
        look(&self.registry, &self.destination, targets, looking, printer).await
    }
}

fn where_to(args: &PushArgs) -> Result<(RegistryConfig, Registries, UploadConfig), Failure> {
    let (mut registry, destination, options) = match args.registry.config()? {
        Some(registry) => {
            let destination = args.registry.destination(&registry)?;
            (registry, destination, UploadConfig::default())
        }
        None => {
            let mut project = Project::load(&args.project.file).map_err(|failure| {
                failure.hint("or name the registry: `--registry HOST[:PORT]/NAMESPACE`")
            })?;
            project.config.registry.create_project |= args.registry.create_project;
            let destination = project.scope().destination(&project.config.registry)?;
            (project.config.registry, destination, project.config.upload)
        }
    };
    if let Some(layout) = args.layout {
        registry.layout = match layout {
            LayoutArg::Full => Layout::Full,
            LayoutArg::DropHost => Layout::DropHost,
            LayoutArg::Flatten => Layout::Flatten,
        };
    }
    Ok((registry, destination, args.transfer.over(&options)))
}

/// Every name of every image, with its name in the registry.
fn plan(archives: &Archives, registry: &RegistryConfig) -> Result<Vec<ImageRequest>, Failure> {
    let rules = registry.mirror_rules();
    let named = || {
        let images = archives.images().iter();
        images.flat_map(|image| image.names.iter().map(|name| (name, &image.digest)))
    };
    let targets = rules.plan(named().map(|(name, _)| name)).map_err(|e| nameless_there(&e))?;
    let request = |(name, digest): (&Reference, &Digest)| {
        let (source, target) = (name.clone(), targets.get(name)?.clone());
        Some(ImageRequest { source, digest: Some(digest.clone()), target })
    };
    let mut images: Vec<ImageRequest> = named().filter_map(request).collect();
    // They fail, each with its own reason, and the others are pushed: whatever
    // they would be called in the registry is in nobody's way.
    for (_, RefusedName { name, .. }) in archives.refused() {
        let target = rules.rewrite(name).map_err(|e| nameless_there(&e.into()))?;
        images.push(ImageRequest { source: name.clone(), digest: None, target });
    }
    // An image may stand in several archives under one name.
    images.sort_by(|a, b| a.source.cmp(&b.source));
    images.dedup();
    Ok(images)
}

fn nameless_there(error: &PlanError) -> Failure {
    let failure = Failure::of(exit::FAILED, error).doing("naming the images in the registry");
    match error {
        PlanError::Collision(_) => failure.hint("`--layout full` keeps them apart"),
        PlanError::Rewrite(_) => failure,
    }
}
