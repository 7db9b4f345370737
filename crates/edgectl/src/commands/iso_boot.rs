//! `edgectl iso boot`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use edgectl_iso::{Inspection, recover};
use edgectl_model::ImageLock;
use edgectl_qemu::{
    Accel, Door, Firmware, Flash, Medium, Run, TimedEvent, install, judge, judge_install, prove,
    usable_accel,
};
use tempfile::TempPath;

use crate::boot_results::{AccessLog, Results, Verdict};
use crate::cli::Output;
use crate::discovery::read_lock;
use crate::exit;
use crate::failure::{Doing, Failure};
use crate::iso_cli::{FirmwareArg, IsoBootArgs, MediumArg};
use crate::printer::Printer;
use crate::project::Project;

pub(crate) fn run(args: &IsoBootArgs, printer: Printer) -> Result<u8, Failure> {
    let project = Project::load(&args.project.file)?;
    let lock = read_lock(&project.path(&project.config.lock))?;
    let start = match &args.installed {
        Some(disk) => Start::Installed(disk.clone()),
        None => Start::Installer {
            iso: openable(args, &project)?,
            key_disc: args.key_disc.disc()?,
            medium: match args.medium {
                MediumArg::Cd => Medium::Cd,
                MediumArg::Usb => Medium::UsbDisk,
            },
            keep: args.keep_disk.clone(),
        },
    };
    let verdict = boot(&project, &lock, start, args.firmware, printer)?;
    if args.output.output == Output::Json {
        printer.data(&format!("{:#}\n", verdict.value()))?;
    }
    verdict.code(printer)
}

/// The image, with all that it takes to install it unattended.
fn openable(args: &IsoBootArgs, project: &Project) -> Result<PathBuf, Failure> {
    let named = args.iso.clone();
    let iso = whole(named.unwrap_or_else(|| project.path(&project.config.iso.out)))?;
    if iso.exists() {
        let seen = Inspection::of(&iso).doing(format!("reading `{}`", iso.display()))?;
        args.key_disc.ensure_opens(&seen)?;
    }
    Ok(iso)
}

/// An image that nothing is half done to.
fn whole(iso: PathBuf) -> Result<PathBuf, Failure> {
    match iso.exists() {
        true => recover(&iso).doing(format!("reading `{}`", iso.display())).map(|()| iso),
        false => Ok(iso),
    }
}

/// What a run begins with.
pub(crate) enum Start {
    /// Installing.
    Installer { iso: PathBuf, medium: Medium, keep: Option<PathBuf>, key_disc: Option<TempPath> },
    /// A disk that is installed already.
    Installed(PathBuf),
}

/// Boots, watches, judges, and leaves everything in a results directory.
pub(crate) fn boot(
    project: &Project,
    lock: &ImageLock,
    start: Start,
    firmware: FirmwareArg,
    printer: Printer,
) -> Result<Verdict, Failure> {
    ensure_pinned(lock)?;
    let results = Results::create(&project.path(&project.config.boot.results))?;
    let log = AccessLog::open(project)?;
    let run = machine(project, &results, &start, firmware, printer)?;
    let mut watch = |event: &TimedEvent| printer.say(&line(event));

    let mut verdict = Verdict::new(&results);
    let disk = match start {
        Start::Installed(disk) => Some((disk, false)),
        Start::Installer { iso, medium, keep, key_disc: _kept } => {
            if !iso.exists() {
                return Err(Failure::new(
                    exit::FAILED,
                    format!("`{}` is not there", iso.display()),
                )
                .hint("`edgectl iso build` bakes it"));
            }
            let installed = install(&run, &iso, medium, &mut watch).doing("installing")?;
            verdict.findings.extend(judge_install(&installed));
            verdict.phases.push(installed.report);
            installed.disk.map(|disk| (disk, keep.is_none()))
        }
    };
    if let Some((disk, ours)) = disk {
        let proof = prove(&run, &disk, &mut watch).doing("proving")?;
        verdict.findings.extend(judge(lock, &proof.report));
        verdict.findings.extend(log.findings(&proof.report)?);
        verdict.phases.push(proof.report);
        // A failure's disk stays beside its results; else it has done its work.
        if ours && verdict.findings.is_empty() {
            let _ = std::fs::remove_file(&disk);
        }
    }
    verdict.write(&results, lock)?;
    Ok(verdict)
}

/// Without digests there is nothing to compare with.
fn ensure_pinned(lock: &ImageLock) -> Result<(), Failure> {
    match lock.workloads().find(|image| image.digest.is_none()) {
        None => Ok(()),
        Some(image) => Err(Failure::new(
            exit::FAILED,
            format!("the image lock has no digest for `{}`", image.source),
        )
        .hint("`edgectl upload-profile` or `edgectl images --resolve` pins it")),
    }
}

fn machine(
    project: &Project,
    results: &Results,
    start: &Start,
    firmware: FirmwareArg,
    printer: Printer,
) -> Result<Run, Failure> {
    let boot = &project.config.boot;
    let accel = usable_accel().doing("looking for KVM")?;
    printer.say(&format!("booting with {accel}; results in {}", results.directory().display()));
    if accel == Accel::Tcg {
        printer.say("  emulation is slow: this takes a few minutes");
    }
    Ok(Run {
        accel,
        memory_mib: boot.memory_mib,
        cpus: boot.cpus,
        disk_gib: boot.disk_gib,
        timeout: Duration::from_secs(boot.timeout_seconds),
        door: door(project, results.directory())?,
        directory: results.directory().to_owned(),
        key_disc: match start {
            Start::Installer { key_disc, .. } => key_disc.as_deref().map(Path::to_owned),
            Start::Installed(_) => None,
        },
        firmware: match firmware {
            FirmwareArg::Bios => Firmware::Bios,
            FirmwareArg::Uefi => {
                Firmware::Uefi(Flash::in_directory(results.directory()).doing("looking for UEFI")?)
            }
        },
        disk: match start {
            Start::Installer { keep: Some(path), .. } => path.clone(),
            _ => results.directory().join("disk.qcow2"),
        },
    })
}

/// The registry's address in the guest, and the program that leads there.
fn door(project: &Project, results: &Path) -> Result<Door, Failure> {
    let registry = &project.config.registry;
    let domain = registry.domain.domain();
    let (host, port) = domain.rsplit_once(':').unwrap_or((domain, "443"));
    let address = host.parse().map_err(|_| {
        Failure::new(
            exit::FAILED,
            format!("`{host}` is a name, and the closed network has no name service"),
        )
        .hint("give the registry by its IPv4 address in `registry.domain`, as the sites reach it")
    })?;
    let port =
        port.parse().map_err(|_| Failure::new(exit::BUG, "the registry's port is no number"))?;
    let exe = std::env::current_exe()
        .map_err(|e| Failure::of(exit::FAILED, &e).doing("looking for edgectl itself"))?;
    let to = registry.connect_to.clone().unwrap_or_else(|| format!("{host}:{port}"));
    let record = results.join("connections.jsonl");
    let mut command = vec![exe.into_os_string()];
    command.extend(["dev", "forward", "--record"].map(Into::into));
    command.push(record.into_os_string());
    command.push(to.into());
    Ok(Door { address, port, command })
}

fn line(event: &TimedEvent) -> String {
    format!("  {:6.1} s  {}", event.at, event.event)
}
