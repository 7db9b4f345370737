//! `edgectl upload-profile`.

use std::io::BufRead;

use edgectl_model::{ImageLock, LockedImage, Prefix, RegistryConfig, Secret, count};
use edgectl_registry::{
    Access, Credentials, ImageReport, ImageRequest, Registries, UploadOutcome, UploadRequest,
    check, interruptible, upload,
};

use crate::cli::{Output, UploadArgs};
use crate::discovery::{discover_images, show_problems, write_lock};
use crate::exit;
use crate::failure::{Doing, Failure};
use crate::files::read_text;
use crate::pinning::{self, named_by};
use crate::printer::{Printer, table};
use crate::progress::UploadProgress;
use crate::project::{Project, Scope, proxies};
use crate::upload_report;

pub(crate) fn run(args: &UploadArgs, printer: Printer) -> Result<u8, Failure> {
    let (scope, registry, destination) = where_to(args)?;
    let mut discovered = discover_images(&scope, &args.lock)?;
    show_problems(&discovered.problems, printer);
    discovered.ensure_usable(args.lock.strict)?;
    if args.dry_run {
        printer.data(&plan(&discovered.lock, args.output.output))?;
        return Ok(exit::DONE);
    }
    let job =
        Job { scope: &scope, registry: &registry, destination: &destination, jobs: args.jobs };
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
    pub(crate) jobs: u16,
}

impl Job<'_> {
    /// Looks at the registry, pins, uploads, and keeps the pins in the lock.
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
        if self.registry.insecure {
            printer.say(&format!(
                "warning: `insecure` is set: `{}` is not verified, and the credentials may travel in clear",
                self.registry.domain.domain()
            ));
        }
        interruptible(check(self.destination, &self.registry.domain))
            .await
            .doing(format!("looking at the registry `{}`", self.registry.domain))?;
        let sources = self.scope.sources_of(lock)?;
        pinning::pin(lock, &sources).await?;
        // The pins are kept even if the upload is cut short.
        write_lock(self.scope, lock)?;
        let images = lock.images.iter().filter(|i| pinning::is_uploaded(i)).map(request).collect();
        let request = UploadRequest {
            images,
            jobs: usize::from(self.jobs),
            attachments: true,
            platforms: Vec::new(),
        };
        let progress = UploadProgress::new(printer);
        let outcome = upload(request, &sources, self.destination, &progress).await;
        progress.finish();
        Ok(outcome)
    }
}

fn request(image: &LockedImage) -> ImageRequest {
    ImageRequest {
        source: image.source.clone(),
        digest: image.digest.clone(),
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

fn where_to(args: &UploadArgs) -> Result<(Scope, RegistryConfig, Registries), Failure> {
    let Some(prefix) = &args.registry else {
        let project = Project::load(&args.project.file)?;
        let scope = project.scope().reading_as(&args.discover)?;
        let destination = scope.destination(&project.config.registry)?;
        return Ok((scope, project.config.registry, destination));
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
        ..Access::default()
    };
    scope.registry = Some(registry.clone());
    Ok((scope, registry, Registries::single(&host, access)))
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

/// What would be uploaded, and under which name.
fn plan(lock: &ImageLock, output: Output) -> String {
    let images: Vec<&LockedImage> =
        lock.images.iter().filter(|i| pinning::is_uploaded(i)).collect();
    if output == Output::Json {
        let images: Vec<serde_json::Value> = images
            .iter()
            .map(|i| serde_json::json!({ "source": i.source, "target": i.target, "digest": i.digest }))
            .collect();
        return format!("{:#}\n", serde_json::json!({ "schema": 1, "images": images }));
    }
    let mut rows = vec![vec!["SOURCE".to_owned(), "TARGET".to_owned()]];
    rows.extend(images.iter().map(|i| vec![i.source.to_string(), i.target.to_string()]));
    format!("{}{} would be uploaded\n", table(&rows), count(images.len(), "image"))
}
