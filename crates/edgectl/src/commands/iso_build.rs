//! `edgectl iso build`.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use edgectl_iso::{BakeReport, BakeRequest, Input, LayerSource, bake};
use edgectl_model::{Digest, ImageLock, Platform, Reference};
use edgectl_registry::{Layout, LayoutImage, PullRequest, interruptible, pull_to_layout};
use serde_json::json;

use crate::cli::{AgentArgs, Output};
use crate::commands::upload_profile::on_runtime;
use crate::discovery::read_lock;
use crate::exit;
use crate::failure::{Doing, Failure};
use crate::files::read_text;
use crate::iso_cli::IsoBuildArgs;
use crate::printer::{Printer, bytes};
use crate::progress::UploadProgress;
use crate::project::Project;
use crate::read_ahead::ReadAhead;

/// Blobs in flight when the operating system image is pulled.
const PULL_JOBS: usize = 4;

pub(crate) fn run(args: &IsoBuildArgs, printer: Printer) -> Result<u8, Failure> {
    let project = Project::load(&args.project.file)?;
    let lock = read_lock(&project.path(&project.config.lock))?;
    let user_data = project.path(&project.config.user_data.out);
    let user_data = (!args.no_user_data).then_some(user_data.as_path());
    let report = build_iso(&project, &lock, user_data, &args.agent, printer)?;
    match args.output.output {
        Output::Table => printer.data(&format!("{}\n", report.path.display()))?,
        Output::Json => {
            let value = json!({
                "schema": 1,
                "iso": report.path,
                "bytes": report.bytes,
                "squashfsBytes": report.squashfs_bytes,
                "kernel": report.kernel,
                "digest": report.digest,
            });
            printer.data(&format!("{value:#}\n"))?;
        }
    }
    Ok(exit::DONE)
}

/// Bakes the project's image.
pub(crate) fn build_iso(
    project: &Project,
    lock: &ImageLock,
    user_data: Option<&Path>,
    agent: &AgentArgs,
    printer: Printer,
) -> Result<BakeReport, Failure> {
    let config = &project.config.iso;
    let agent = find_agent(agent)?;
    let text = user_data.map(read_injected).transpose()?;
    let image = operating_system(project, lock, printer)?;
    let out = project.path(&config.out);
    let run = project.config.boot.run.as_ref().map(Reference::canonical);
    let request = BakeRequest {
        layers: &Layers(&image),
        label: &config.label,
        user_data: text.as_deref().map(str::as_bytes),
        inputs: inputs(&image),
        user_data_room: u64::from(config.user_data_kib) * 1024,
        lock: &lock.to_text().map_err(|e| Failure::of(exit::BUG, &e))?,
        run: run.as_deref(),
        agent: &agent,
        kernel_arguments: &config.kernel_arguments,
        epoch: epoch(&image)?,
        out: &out,
    };
    let report = bake(&request, &mut |step| printer.say(&format!("  {step}")))
        .doing(format!("baking `{}`", out.display()))?;
    printer.say(&format!(
        "baked {} ({}, kernel {})",
        report.path.display(),
        bytes(report.bytes),
        report.kernel
    ));
    Ok(report)
}

/// The user data of a project, ready for the image.
pub(crate) fn read_injected(path: &Path) -> Result<String, Failure> {
    read_text(path, "the user data").map_err(|failure| match path.exists() {
        true => failure,
        false => failure.hint("`edgectl user-data inject` writes it"),
    })
}

/// What the system is made of, for the manifest on the image.
fn inputs(image: &LayoutImage) -> Vec<Input> {
    let input = |name: String, digest: &Digest| Input { name, digest: digest.clone() };
    let mut inputs = vec![input("operating system".to_owned(), &image.digest)];
    let layers = image.layers.iter().enumerate();
    inputs.extend(layers.map(|(n, layer)| input(format!("layer {}", n + 1), &layer.digest)));
    inputs
}

/// The layers of an image in a layout, lowest first.
struct Layers<'a>(&'a LayoutImage);

impl LayerSource for Layers<'_> {
    fn count(&self) -> usize {
        self.0.layers.len()
    }

    fn open(&self, index: usize) -> io::Result<Box<dyn Read + '_>> {
        let reader = self.0.layers[index].open().map_err(io::Error::other)?;
        Ok(Box::new(ReadAhead::new(reader)))
    }
}

fn find_agent(args: &AgentArgs) -> Result<PathBuf, Failure> {
    if let Some(path) = &args.agent {
        return Ok(path.clone());
    }
    let beside =
        std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("edge-agent")));
    beside.filter(|path| path.exists()).ok_or_else(|| {
        Failure::new(exit::FAILED, "the static agent is not beside edgectl")
            .hint("build it with `cargo xtask agent`, and name it with `--agent` or EDGECTL_AGENT")
    })
}

/// The operating system: a layout directory, or pulled from a registry into a
/// layout that is kept.
fn operating_system(
    project: &Project,
    lock: &ImageLock,
    printer: Printer,
) -> Result<LayoutImage, Failure> {
    let os = &project.config.iso.os;
    let platform = Platform::new("linux", "amd64");
    let directory = project.path(os);
    let doing = || format!("reading the operating system image `{os}`");
    if os.starts_with(['.', '/']) || directory.join("oci-layout").exists() {
        let layout = Layout::open(&directory).doing(doing())?;
        return layout.image(&platform).doing(doing());
    }
    let reference =
        Reference::parse(os).map_err(|e| Failure::of(exit::USAGE, &e).doing(doing()))?;
    let pinned = lock.images.iter().find(|image| image.source == reference);
    let digest = pinned.and_then(|image| image.digest.clone());
    pulled(project, &reference, digest, &platform, printer).doing(doing())
}

fn pulled(
    project: &Project,
    reference: &Reference,
    digest: Option<Digest>,
    platform: &Platform,
    printer: Printer,
) -> Result<LayoutImage, Failure> {
    // One directory for each content, so that two projects never meet in one.
    let name = digest.clone().unwrap_or_else(|| Digest::sha256(reference.canonical().as_bytes()));
    let directory = cache_directory()?.join("os").join(name.hex());
    if digest.is_some()
        && let Ok(image) = Layout::open(&directory).and_then(|layout| layout.image(platform))
    {
        return Ok(image);
    }
    printer.say(&format!("  pulling {reference}"));
    let sources = project.scope().source_registries([reference])?;
    let request = PullRequest {
        source: reference.clone(),
        digest,
        platform: Some(platform.clone()),
        directory,
        jobs: PULL_JOBS,
    };
    let progress = UploadProgress::new(printer);
    let pulled = on_runtime(async {
        Ok(interruptible(pull_to_layout(request, &sources, &progress)).await?)
    });
    progress.finish();
    let (layout, _) = pulled?;
    Ok(layout.image(platform)?)
}

/// `$XDG_CACHE_HOME/edgectl`, else `~/.cache/edgectl`.
fn cache_directory() -> Result<PathBuf, Failure> {
    let own = std::env::var_os("XDG_CACHE_HOME").filter(|v| !v.is_empty()).map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
    own.or_else(home).map(|base| base.join("edgectl")).ok_or_else(|| {
        Failure::new(exit::FAILED, "neither XDG_CACHE_HOME nor HOME is set, so there is no cache")
    })
}

/// The date of everything on the image: `SOURCE_DATE_EPOCH`, else the day the
/// operating system image was made, so that the same inputs give the same bytes.
fn epoch(image: &LayoutImage) -> Result<u64, Failure> {
    if let Ok(text) = std::env::var("SOURCE_DATE_EPOCH") {
        return text.parse().map_err(|_| {
            Failure::new(exit::USAGE, "SOURCE_DATE_EPOCH is not a number of seconds since 1970")
        });
    }
    let created = image.config.created.as_deref().and_then(|text| {
        let format = &time::format_description::well_known::Rfc3339;
        time::OffsetDateTime::parse(text, format).ok()
    });
    Ok(created.and_then(|date| u64::try_from(date.unix_timestamp()).ok()).unwrap_or(0))
}
