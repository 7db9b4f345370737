//! `edgectl push`.

use edgectl_model::{Layout, Reference, RegistryConfig, UploadConfig};
use edgectl_registry::{
    Archives, ArchivesFirst, ImageRequest, Registries, UploadRequest, forecast, upload,
};
use serde_json::json;

use crate::archive_cli::{LayoutArg, PushArgs};
use crate::archives;
use crate::cli::Output;
use crate::exit;
use crate::failure::Failure;
use crate::preflight::{Looking, look};
use crate::printer::{Printer, bytes, table};
use crate::progress::UploadProgress;
use crate::project::Project;
use crate::runtime::on_runtime;
use crate::transfer_cli::prepared;
use crate::{upload_plan, upload_report};

pub(crate) fn run(args: &PushArgs, printer: Printer) -> Result<u8, Failure> {
    if args.list {
        let archives = archives::open(&args.archives, &args.names, printer)?;
        printer.data(&list(&archives, args.output.output)?)?;
        return Ok(exit::DONE);
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
            self.look_at_registry(Looking::ForUpload, printer).await?;
            let (request, progress) = (self.request.clone(), UploadProgress::new(printer));
            let outcome = upload(request, &self.sources, &self.destination, &progress).await;
            progress.finish();
            Ok(outcome)
        })?;
        upload_report::show(&outcome, self.output, printer)?;
        upload_report::failure(&outcome, &|_| String::new()).map_or(Ok(exit::DONE), Err)
    }

    /// Prints what a push would do.
    fn foretell(self, printer: Printer) -> Result<u8, Failure> {
        let forecast = on_runtime(async {
            self.look_at_registry(Looking::Only, printer).await?;
            Ok(forecast(&self.request, &self.sources, &self.destination).await?)
        })?;
        upload_plan::show(&forecast, self.output, printer)
    }

    async fn look_at_registry(&self, looking: Looking, printer: Printer) -> Result<(), Failure> {
        let targets = self.request.images.iter().map(|image| &image.target);
        look(&self.registry, &self.destination, targets, looking, printer).await.map(drop)
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
    let named = || {
        let images = archives.images().iter();
        images.flat_map(|image| image.names.iter().map(move |name| (name, &image.digest)))
    };
    let targets = registry
        .mirror_rules()
        .plan(named().map(|(name, _)| name))
        .map_err(|e| Failure::of(exit::FAILED, &e).doing("naming the images in the registry"))?;
    let request = |(name, digest): (&Reference, &edgectl_model::Digest)| {
        let target = targets.get(name)?.clone();
        Some(ImageRequest { source: name.clone(), digest: Some(digest.clone()), target })
    };
    // An image may stand in several archives under one name.
    let mut images: Vec<ImageRequest> = named().filter_map(request).collect();
    images.sort_by(|a, b| a.source.cmp(&b.source));
    images.dedup();
    Ok(images)
}

/// What the archives hold.
fn list(archives: &Archives, output: Output) -> Result<String, Failure> {
    let mut rows =
        vec![["IMAGE", "DIGEST", "SIZE", "PLATFORMS", "ARCHIVE"].map(str::to_owned).to_vec()];
    let mut values = Vec::new();
    for image in archives.images() {
        let survey = archives.survey(&image.digest)?;
        let size: u64 = survey.blobs.values().sum();
        let platforms: Vec<String> = survey.platforms.iter().map(ToString::to_string).collect();
        let names: Vec<String> = image.names.iter().map(Reference::canonical).collect();
        values.push(json!({
            "names": names,
            "digest": image.digest,
            "mediaType": survey.media_type,
            "size": size,
            "platforms": platforms,
            "archive": image.place,
            "manifestMade": image.is_made,
            "missing": survey.missing,
        }));
        let shown = if names.is_empty() { vec!["(no name)".to_owned()] } else { names };
        for name in shown {
            let mut size = bytes(size);
            if !survey.missing.is_empty() {
                size.push_str(&format!(", {} missing", survey.missing.len()));
            }
            let digest = image.digest.to_string();
            rows.push(vec![name, digest, size, platforms.join(","), image.place.clone()]);
        }
    }
    Ok(match output {
        Output::Table => table(&rows),
        Output::Json => format!("{:#}\n", json!({ "schema": 1, "images": values })),
    })
}
