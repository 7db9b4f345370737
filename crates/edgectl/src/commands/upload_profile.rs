//! `edgectl upload-profile`.

use edgectl_model::{ImageLock, LockedImage, RegistryConfig, UploadConfig};
use edgectl_registry::{
    Again, ArchivesFirst, Checked, ImageReport, ImageRequest, Registries, UploadOutcome,
    UploadRequest, forecast, upload,
};

use crate::archives;
use crate::cli::{Output, UploadArgs};
use crate::discovery::{discover_images, show_problems};
use crate::exit;
use crate::failure::Failure;
use crate::pin_keeper::PinKeeper;
use crate::pinning::{self, named_by};
use crate::preflight::{self, Looking};
use crate::printer::Printer;
use crate::progress::UploadProgress;
use crate::project::{Project, Scope};
use crate::runtime::on_runtime;
use crate::shard_cli::ShardArg;
use crate::transfer_cli::prepared;
use crate::{upload_plan, upload_report};

pub(crate) fn run(args: &UploadArgs, printer: Printer) -> Result<u8, Failure> {
    let (scope, registry, destination, options) = where_to(args)?;
    let destination = prepared(destination, registry.domain.domain(), &options, printer);
    let mut discovered = discover_images(&scope, &args.lock)?;
    show_problems(&discovered.problems, printer);
    discovered.ensure_usable(args.lock.strict)?;
    if args.check {
        let targets = preflight::targets(&discovered.lock);
        let looking = preflight::look(&registry, &destination, targets, Looking::Only, printer);
        let checked = on_runtime(looking)?;
        printer.data(&match args.output.output {
            Output::Table => preflight::as_table(&checked),
            Output::Json => format!("{:#}\n", preflight::as_json(&checked)),
        })?;
        return Ok(exit::DONE);
    }
    let sources = archives::sources(&args.archives, &scope, &discovered.lock, printer)?;
    let job = Job {
        scope: &scope,
        registry: &registry,
        sources: &sources,
        destination: &destination,
        options: &options,
        again: args.transfer.again(),
        shard: args.shard,
    };
    if args.dry_run {
        return job.foretell(&discovered.lock, args.output.output, printer);
    }
    let (outcome, failure) = job.run(&mut discovered.lock, printer)?;
    upload_report::show(&outcome, args.output.output, printer)?;
    failure.map_or(Ok(exit::DONE), Err)
}

/// One upload: what, from where, to where.
pub(crate) struct Job<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) registry: &'a RegistryConfig,
    pub(crate) sources: &'a ArchivesFirst,
    pub(crate) destination: &'a Registries,
    pub(crate) options: &'a UploadConfig,
    /// What is looked at again of images that are there.
    pub(crate) again: Again,
    /// Only this part of the lock.
    pub(crate) shard: Option<ShardArg>,
}

impl Job<'_> {
    /// Looks at the registry, uploads, and keeps the pins in the lock.
    pub(crate) fn run(
        &self,
        lock: &mut ImageLock,
        printer: Printer,
    ) -> Result<(UploadOutcome, Option<Failure>), Failure> {
        let outcome = on_runtime(self.upload(lock, printer))?;
        let by = |report: &ImageReport| {
            let image = lock.images.iter().find(|i| i.source == report.request.source);
            image.map(named_by).unwrap_or_default()
        };
        let failure = upload_report::failure(&outcome, &by);
        Ok((outcome, failure))
    }

    async fn upload(
        &self,
        lock: &mut ImageLock,
        printer: Printer,
    ) -> Result<UploadOutcome, Failure> {
        let looked = self.look_at_registry(lock, Looking::ForUpload, printer).await?;
        let keeper = PinKeeper::new(self.scope, lock.clone(), UploadProgress::new(printer));
        let request = self.request(lock, printer).await?;
        let mut outcome = upload(request, self.sources, self.destination, &keeper).await;
        outcome.requests += looked.requests;
        *lock = keeper.finish()?;
        Ok(outcome)
    }

    /// Prints what an upload would do.
    fn foretell(&self, lock: &ImageLock, output: Output, printer: Printer) -> Result<u8, Failure> {
        let forecast = on_runtime(async {
            let looked = self.look_at_registry(lock, Looking::Only, printer).await?;
            let request = self.request(lock, printer).await?;
            let mut forecast = forecast(&request, self.sources, self.destination).await?;
            forecast.requests += looked.requests;
            Ok(forecast)
        })?;
        upload_plan::show(&forecast, output, printer)
    }

    async fn look_at_registry(
        &self,
        lock: &ImageLock,
        looking: Looking,
        printer: Printer,
    ) -> Result<Checked, Failure> {
        self.scope.source_warnings().iter().for_each(|text| printer.say(text));
        let targets = preflight::targets(lock);
        preflight::look(self.registry, self.destination, targets, looking, printer).await
    }

    async fn request(&self, lock: &ImageLock, printer: Printer) -> Result<UploadRequest, Failure> {
        let request = UploadRequest {
            images: lock.images.iter().filter(|i| pinning::is_uploaded(i)).map(request).collect(),
            jobs: usize::from(self.options.jobs),
            attachments: self.options.attachments,
            again: self.again,
            platforms: self.options.platforms.clone(),
        };
        match self.shard {
            Some(shard) => shard.narrow(request, self.sources, printer).await,
            None => Ok(request),
        }
    }
}

fn request(image: &LockedImage) -> ImageRequest {
    ImageRequest {
        source: image.source.clone(),
        // A digest in a name alone tells nothing of the image's platforms.
        digest: image.digest.clone().filter(|_| image.media_type.is_some()),
        target: image.target.clone(),
    }
}

type Place = (Scope, RegistryConfig, Registries, UploadConfig);

fn where_to(args: &UploadArgs) -> Result<Place, Failure> {
    let Some(registry) = args.registry.config()? else {
        let mut project = Project::load(&args.project.file)?;
        project.config.registry.create_project |= args.registry.create_project;
        let scope = project.scope().reading_as(&args.discover)?;
        let destination = scope.destination(&project.config.registry)?;
        let options = args.transfer.over(&project.config.upload);
        return Ok((scope, project.config.registry, destination, options));
    };
    let usage = |text: &str| Err(Failure::new(exit::USAGE, text));
    if args.profiles.is_empty() {
        return usage("`--registry` takes the place of edge.yaml: name what is to be read, too");
    }
    if args.registry.login.takes_stdin() && args.profiles.iter().any(|p| p.as_os_str() == "-") {
        return usage("stdin can't be both the password and a profile; use `--password-file`");
    }
    let mut scope = Scope::of_profiles(&args.profiles).reading_as(&args.discover)?;
    let destination = args.registry.destination(&registry)?;
    scope.registry = Some(registry.clone());
    let options = args.transfer.over(&UploadConfig::default());
    Ok((scope, registry, destination, options))
}
