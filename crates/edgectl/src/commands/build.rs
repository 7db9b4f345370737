//! `edgectl build`: the whole job.

use std::time::Instant;

use edgectl_model::count;
use edgectl_qemu::Medium;

use crate::cli::BuildArgs;
use crate::commands::iso_boot::{Start, boot};
use crate::commands::iso_build::build_iso;
use crate::commands::upload_profile::Job;
use crate::commands::user_data_inject::inject_project;
use crate::discovery::{discover_images, show_problems, write_lock};
use crate::exit;
use crate::failure::Failure;
use crate::iso_cli::{FirmwareArg, MediumArgs};
use crate::key_disc::missing;
use crate::os_base::ensure_named;
use crate::printer::Printer;
use crate::project::Project;
use crate::transfer_cli::prepared;
use crate::upload_report;

pub(crate) fn run(args: &BuildArgs, printer: Printer) -> Result<u8, Failure> {
    let started = Instant::now();
    let project = Project::load(&args.project.file)?;
    let registry = &project.config.registry;
    // Before the long work.
    ensure_named(&project)?;
    if project.config.iso.encrypt.is_some() && !args.no_boot && args.key_disc.key_disc.is_none() {
        return Err(missing("`iso.encrypt` has the user data encrypted")
            .hint("`--no-boot` stops after the image is baked"));
    }
    let scope = project.scope().reading_as(&args.discover)?;

    printer.say("[1/5] images: finding every image of the profile");
    let mut discovered = discover_images(&scope, &args.lock)?;
    show_problems(&discovered.problems, printer);
    discovered.ensure_usable(args.lock.strict)?;
    if !args.lock.locked {
        write_lock(&scope, &discovered.lock)?;
    }
    printer.say(&format!("  {} found", count(discovered.lock.images.len(), "image")));

    printer.say(&format!("[2/5] upload-profile: mirroring to {}", registry.domain));
    let options = &project.config.upload;
    let destination = scope.destination(registry)?;
    let destination = prepared(destination, registry.domain.domain(), options, printer);
    let sources = scope.sources_of(&discovered.lock)?.into();
    let job = Job {
        scope: &scope,
        registry,
        sources: &sources,
        destination: &destination,
        options,
        again: edgectl_registry::Again::Nothing,
        shard: None,
    };
    let (outcome, failure) = job.run(&mut discovered.lock, printer)?;
    printer.say(&format!("  {}", upload_report::sentence(&outcome)));
    if let Some(failure) = failure {
        return Err(failure);
    }

    printer.say("[3/5] user-data inject: credentials, certificate and mirror rules");
    let user_data = inject_project(&project, &discovered.lock, printer)?;
    printer.say(&format!("  wrote {}", user_data.display()));

    printer.say("[4/5] iso build: baking the installer");
    let iso = build_iso(
        &project,
        &discovered.lock,
        Some(&user_data),
        &args.agent,
        &MediumArgs::default(),
        printer,
    )?;

    if args.no_boot {
        printer.say("[5/5] iso boot: left out; nothing is proven");
        return Ok(exit::DONE);
    }
    printer.say("[5/5] iso boot: installing and proving in QEMU");
    let key_disc = args.key_disc.disc()?;
    let start = Start::Installer { iso: iso.path, medium: Medium::Cd, keep: None, key_disc };
    let verdict = boot(&project, &discovered.lock, start, FirmwareArg::Bios, printer)?;
    let code = verdict.code(printer)?;
    printer.say(&format!("done in {:.0} s", started.elapsed().as_secs_f64()));
    Ok(code)
}
