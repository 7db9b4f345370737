//! `edgectl`: arguments to request, library call, print.

mod access;
mod archive_cli;
mod archive_list;
mod archives;
mod boot_report;
mod boot_results;
mod cli;
mod commands;
mod discovery;
mod exit;
mod failure;
mod files;
mod findings_report;
mod images_report;
mod inject_cli;
mod injection;
mod inputs;
mod iso_authority;
mod iso_cli;
mod iso_content;
mod iso_encrypt;
mod iso_exposure;
mod iso_key_cli;
mod iso_netboot_cli;
mod iso_network;
mod iso_report;
mod key_disc;
mod logging;
mod netboot;
mod os_base;
mod overlay;
mod pin_keeper;
mod pinning;
mod preflight;
mod printer;
mod progress;
mod project;
mod prune_cli;
mod prune_report;
mod pull_check;
mod read_ahead;
mod read_digest;
mod registry_cli;
mod registry_hint;
mod runtime;
mod runtime_files;
mod save_cli;
mod shard_cli;
mod sites;
mod transfer_cli;
mod upload_plan;
mod upload_report;
mod user_data_cli;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command, DevCommand};
use failure::Failure;
use iso_cli::IsoCommand;
use printer::Printer;
use user_data_cli::UserDataCommand;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` come this way, too, with code 0.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit::USAGE));
        }
    };
    let printer = Printer::new(cli.quiet);
    logging::start(cli.verbose, printer);
    logging::report_bugs();
    let outcome = std::panic::catch_unwind(|| {
        edgectl_process::listen_for_interrupts()
            .map_err(|e| Failure::of(exit::FAILED, &e).doing("listening for signals"))?;
        run(cli.command, printer)
    });
    match outcome {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(failure)) => {
            printer.always(failure.render().trim_end());
            ExitCode::from(failure.code)
        }
        Err(_) => ExitCode::from(exit::BUG),
    }
}

fn run(command: Command, printer: Printer) -> Result<u8, Failure> {
    match command {
        Command::Build(args) => commands::build::run(&args, printer),
        Command::Doctor(args) => commands::doctor::run(&args, printer),
        Command::Init(args) => commands::init::run(&args, printer),
        Command::Images(args) => commands::images::run(&args, printer),
        Command::UploadProfile(args) => commands::upload_profile::run(&args, printer),
        Command::Push(args) => commands::push::run(&args, printer),
        Command::Save(args) => commands::save::run(&args, printer),
        Command::Prune(args) => commands::prune::run(&args, printer),
        Command::Verify(args) => commands::verify::run(&args, printer),
        Command::UserData(command) => user_data(command, printer),
        Command::Iso(command) => iso(command, printer),
        Command::Dev(DevCommand::Forward { to, record }) => {
            commands::dev_forward::run(&to, record.as_deref())
        }
    }
}

fn iso(command: IsoCommand, printer: Printer) -> Result<u8, Failure> {
    match command {
        IsoCommand::Build(args) => commands::iso_build::run(&args, printer),
        IsoCommand::Inject(args) => commands::iso_inject::run(&args, printer),
        IsoCommand::Customize(args) => commands::iso_customize::run(&args, printer),
        IsoCommand::Fleet(args) => commands::iso_fleet::run(&args, printer),
        IsoCommand::Netboot(args) => commands::iso_netboot::run(&args, printer),
        IsoCommand::Inspect(args) => commands::iso_inspect::run(&args, printer),
        IsoCommand::Diff(args) => commands::iso_diff::run(&args, printer),
        IsoCommand::Verify(args) => commands::iso_verify::run(&args, printer),
        IsoCommand::Key(args) => commands::iso_key::run(&args, printer),
        IsoCommand::Boot(args) => commands::iso_boot::run(&args, printer),
    }
}

fn user_data(command: UserDataCommand, printer: Printer) -> Result<u8, Failure> {
    match command {
        UserDataCommand::Inject(args) => commands::user_data_inject::run(&args, printer),
        UserDataCommand::Check(args) => commands::user_data_check::run(&args, printer),
        UserDataCommand::Merge(args) => commands::user_data_merge::run(&args, printer),
        UserDataCommand::Show(args) => commands::user_data_show::run(&args, printer),
    }
}
