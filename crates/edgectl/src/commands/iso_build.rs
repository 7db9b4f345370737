//! `edgectl iso build`.

use std::path::{Path, PathBuf};

use edgectl_iso::{
    BakeReport, BakeRequest, Compression, Content, IsoError, LiveSystem, SecureBoot, bake, sbom,
};
use edgectl_model::{
    CompressionConfig, ImageLock, IsoConfig, LiveConfig, Reference, SecureBootConfig,
};
use edgectl_process::write_file;
use serde_json::json;

use crate::cli::{AgentArgs, Output};
use crate::discovery::read_lock;
use crate::exit;
use crate::failure::{Doing, Failure};
use crate::files::read_user_data;
use crate::iso_cli::{IsoBuildArgs, MediumArgs};
use crate::iso_content::content;
use crate::iso_encrypt::ForMedium;
use crate::iso_exposure::Exposure;
use crate::iso_network::network_config;
use crate::netboot::Netboot;
use crate::os_base::OsBase;
use crate::overlay::Laid;
use crate::printer::{Printer, bytes};
use crate::project::Project;

pub(crate) fn run(args: &IsoBuildArgs, printer: Printer) -> Result<u8, Failure> {
    let project = Project::load(&args.project.file)?;
    let lock = read_lock(&project.path(&project.config.lock))?;
    let user_data = project.path(&project.config.user_data.out);
    let user_data = (!args.no_user_data).then_some(user_data.as_path());
    let report = build_iso(&project, &lock, user_data, &args.agent, &args.with, printer)?;
    match args.output.output {
        Output::Table => printer.data(&format!("{}\n", report.path.display()))?,
        Output::Json => {
            let value = json!({
                "schema": 1,
                "iso": report.path,
                "bytes": report.bytes,
                "squashfsBytes": report.squashfs_bytes,
                "squashfsSeconds": report.squashfs_time.as_secs_f64(),
                "kernel": report.kernel,
                "live": report.live,
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
    with: &MediumArgs,
    printer: Printer,
) -> Result<BakeReport, Failure> {
    let config = &project.config.iso;
    let agent = find_agent(agent);
    let text = user_data.map(read_injected).transpose()?;
    let base = Laid::over(OsBase::of(project, lock, printer)?, project)?;
    let out = project.path(&config.out);
    let named = config.content.as_ref().map(|directory| project.path(directory));
    let named = with.content.clone().or(named);
    let content = named.map(|directory| content(&directory, printer)).transpose()?;
    let named = config.network.as_ref().map(|file| project.path(file));
    let network = with.network.network_config.clone().or(named);
    let network = network.map(|file| network_config(&file, true)).transpose()?;
    with.encrypt.ensure_goes_into(text.is_some())?;
    let text = text.map(|text| with.encrypt.wish(project)?.apply(&text)).transpose()?;
    let mut exposure = Exposure::default();
    exposure.add(text.as_ref(), network.is_some());
    let netboot = Netboot::of(project);
    netboot.as_ref().map_or(Ok(()), Netboot::ensure)?;
    let run = project.config.boot.run.as_ref().map(Reference::canonical);
    let request = BakeRequest {
        layers: &base,
        label: &config.label,
        user_data: text.as_ref().map(ForMedium::bytes),
        is_encrypted: text.as_ref().is_some_and(ForMedium::is_encrypted),
        inputs: &|| base.inputs(),
        network_config: network.as_deref().map(str::as_bytes),
        user_data_room: u64::from(config.user_data_kib) * 1024,
        lock: &lock.to_text().map_err(|e| Failure::of(exit::BUG, &e))?,
        run: run.as_deref(),
        agent: agent.as_deref().ok(),
        live: live(config),
        secure_boot: secure_boot(config),
        compression: compression(config),
        content: content.as_ref(),
        kernel_arguments: &config.kernel_arguments,
        epoch: base.epoch()?,
        out: &out,
    };
    let report = match bake(&request, &mut |step| printer.say(&format!("  {step}"))) {
        Err(IsoError::NoAgent) => return Err(agent.err().unwrap_or_else(no_agent)),
        baked => baked.doing(format!("baking `{}`", out.display()))?,
    };
    let named = config.sbom.as_ref().map(|file| project.path(file));
    if let Some(file) = with.sbom.clone().or(named) {
        write_sbom(&report, content.as_ref(), &file, printer)?;
    }
    report.warnings.iter().for_each(|text| printer.say(&format!("warning: {text}")));
    printer.say(&format!(
        "baked {} ({}, kernel {})",
        report.path.display(),
        bytes(report.bytes),
        report.kernel
    ));
    exposure.tell("the image", report.live == LiveSystem::Edge, printer);
    if let Some(netboot) = netboot {
        netboot.write(&report.path, printer)?;
    }
    Ok(report)
}

fn write_sbom(
    report: &BakeReport,
    content: Option<&Content>,
    file: &Path,
    printer: Printer,
) -> Result<(), Failure> {
    let doing = || format!("writing the bill of materials `{}`", file.display());
    write_file(file, 0o644, &sbom(report, content).doing(doing())?).doing(doing())?;
    let packages = report.contents.packages.len();
    printer.say(&format!("  bill of materials: {}", file.display()));
    if packages == 0 {
        printer.say(
            "warning: the bill of materials names no package: the system has no list of dpkg or apk",
        );
    }
    Ok(())
}

fn live(config: &IsoConfig) -> Option<LiveSystem> {
    match config.live {
        LiveConfig::Auto => None,
        LiveConfig::Edge => Some(LiveSystem::Edge),
        LiveConfig::Kairos => Some(LiveSystem::Kairos),
        LiveConfig::LiveBoot => Some(LiveSystem::LiveBoot),
        LiveConfig::Dracut => Some(LiveSystem::Dracut),
    }
}

fn secure_boot(config: &IsoConfig) -> SecureBoot {
    match config.secure_boot {
        SecureBootConfig::Auto => SecureBoot::Auto,
        SecureBootConfig::Required => SecureBoot::On,
        SecureBootConfig::None => SecureBoot::Off,
    }
}

fn compression(config: &IsoConfig) -> Compression {
    match config.compression {
        CompressionConfig::Zstd => Compression::Zstd,
        CompressionConfig::Xz => Compression::Xz,
        CompressionConfig::Gzip => Compression::Gzip,
    }
}

/// The user data of a project, ready for the image.
pub(crate) fn read_injected(path: &Path) -> Result<String, Failure> {
    read_user_data(path).map_err(|failure| match path.exists() {
        true => failure,
        false => failure.hint("`edgectl user-data inject` writes it"),
    })
}

fn find_agent(args: &AgentArgs) -> Result<PathBuf, Failure> {
    if let Some(path) = &args.agent {
        return Ok(path.clone());
    }
    let beside =
        std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("edge-agent")));
    beside.filter(|path| path.exists()).ok_or_else(no_agent)
}

fn no_agent() -> Failure {
    Failure::new(exit::FAILED, "the static agent is not beside edgectl")
        .hint("build it with `cargo xtask agent`, and name it with `--agent` or EDGECTL_AGENT")
}
