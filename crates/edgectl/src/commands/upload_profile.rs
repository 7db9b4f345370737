//! `edgectl upload-profile`.

use std::io::BufRead;

use edgectl_model::{ImageLock, LockedImage, Prefix, RegistryConfig, Secret, UploadConfig};
use edgectl_registry::{
    Access, Credentials, ImageReport, ImageRequest, Registries, UploadOutcome, UploadRequest,
    check, forecast, interruptible, upload,
};

use crate::cli::{Output, UploadArgs};
use crate::discovery::{discover_images, show_problems};
use crate::exit;
use crate::failure::{Doing, Failure};
use crate::files::read_text;
use crate::pin_keeper::PinKeeper;
use crate::pinning::{self, named_by};
use crate::printer::Printer;
use crate::progress::UploadProgress;
use crate::project::{Project, Scope, proxies};
use crate::transfer_cli::prepared;
use crate::{upload_plan, upload_report};

pub(crate) fn run(args: &UploadArgs, printer: Printer) -> Result<u8, Failure> {
    let (scope, registry, destination, options) = where_to(args)?;
    let destination = prepared(destination, registry.domain.domain(), &options, printer);
    let mut discovered = discover_images(&scope, &args.lock)?;
    show_problems(&discovered.problems, printer);
    discovered.ensure_usable(args.lock.strict)?;
    let job =
        Job { scope: &scope, registry: &registry, destination: &destination, options: &options };
    if args.dry_run {
        return job.foretell(&discovered.lock, args.output.output, printer);
    }
    let (outcome, failure) = job.run(&mut discovered.lock, printer)?;
    match args.output.output {
        Output::Table => printer.say(&upload_report::sentence(&outcome)),
        Output::Json => printer.data(&format!("{:#}\n", upload_report::value(&outcome)))?,
    }
    failure.map_or(Ok(exit::DONE), Err)
}

/// One upload: what, from where, to where.
pub(crate) struct Job<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) registry: &'a RegistryConfig,
    pub(crate) destination: &'a Registries,
    pub(crate) options: &'a UploadConfig,
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
        self.look_at_registry(printer).await?;
        let sources = self.scope.sources_of(lock)?;
        let keeper = PinKeeper::new(self.scope, lock.clone(), UploadProgress::new(printer));
        let outcome = upload(self.request(lock), &sources, self.destination, &keeper).await;
        *lock = keeper.finish()?;
        Ok(outcome)
    }

    /// Prints what an upload would do.
    fn foretell(&self, lock: &ImageLock, output: Output, printer: Printer) -> Result<u8, Failure> {
        let forecast = on_runtime(async {
            self.look_at_registry(printer).await?;
            let sources = self.scope.sources_of(lock)?;
            Ok(forecast(&self.request(lock), &sources, self.destination).await?)
        })?;
        printer.data(&match output {
            Output::Table => upload_plan::text(&forecast),
            Output::Json => format!("{:#}\n", upload_plan::value(&forecast)),
        })?;
        upload_plan::ensure_possible(&forecast).map(|()| exit::DONE)
    }

    async fn look_at_registry(&self, printer: Printer) -> Result<(), Failure> {
        if self.registry.insecure {
            printer.say(&format!(
                "warning: `insecure` is set: `{}` is not verified, and the credentials may travel in clear",
                self.registry.domain.domain()
            ));
        }
        interruptible(check(self.destination, &self.registry.domain))
            .await
            .doing(format!("looking at the registry `{}`", self.registry.domain))?;
        Ok(())
    }

    fn request(&self, lock: &ImageLock) -> UploadRequest {
        UploadRequest {
            images: lock.images.iter().filter(|i| pinning::is_uploaded(i)).map(request).collect(),
            jobs: usize::from(self.options.jobs),
            attachments: self.options.attachments,
            platforms: self.options.platforms.clone(),
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

/// Runs the asynchronous part of a command.
pub(crate) fn on_runtime<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::of(exit::FAILED, &e).doing("starting the runtime"))?;
    runtime.block_on(work)
}

type Place = (Scope, RegistryConfig, Registries, UploadConfig);

fn where_to(args: &UploadArgs) -> Result<Place, Failure> {
    let Some(prefix) = &args.registry else {
        let project = Project::load(&args.project.file)?;
        let scope = project.scope().reading_as(&args.discover)?;
        let destination = scope.destination(&project.config.registry)?;
        let options = args.transfer.over(&project.config.upload);
        return Ok((scope, project.config.registry, destination, options));
    };
    let domain = Prefix::parse(prefix).map_err(|e| Failure::of(exit::USAGE, &e))?;
    let registry = RegistryConfig {
        domain,
        layout: edgectl_model::Layout::Full,
        rules: Default::default(),
        credentials: None,
        pull_credentials: None,
        ca: None,
        insecure: args.insecure,
        connect_to: None,
    };
    let mut scope = Scope::of_profiles(&args.profiles).reading_as(&args.discover)?;
    let ca = args.ca.as_deref().map(|file| read_text(file, "the certificate authority"));
    let host = registry.domain.domain().to_owned();
    let credentials = match &args.username {
        Some(name) => Credentials::basic(name.clone(), password(args.password_stdin)?),
        None => scope.place.credentials(None, &host, registry.domain.path())?,
    };
    let access = Access {
        credentials,
        ca_pem: ca.transpose()?,
        insecure: args.insecure,
        proxies: proxies()?,
        ..Access::default()
    };
    scope.registry = Some(registry.clone());
    let options = args.transfer.over(&UploadConfig::default());
    Ok((scope, registry, Registries::single(&host, access), options))
}

fn password(from_stdin: bool) -> Result<Secret, Failure> {
    if from_stdin {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        read.map_err(|e| Failure::of(exit::FAILED, &e).doing("reading the password"))?;
        return Ok(Secret::new(line.trim_end_matches(['\r', '\n'])));
    }
    std::env::var("EDGECTL_REGISTRY_PASSWORD").map(Secret::new).map_err(|_| {
        Failure::new(exit::USAGE, "no password was given")
            .hint("pass `--password-stdin`, or set EDGECTL_REGISTRY_PASSWORD")
    })
}
