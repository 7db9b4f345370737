//! `edge-agent`: runs on the host. cloud-init calls it twice: early at every
//! start (`cloud-init init`) to install or to configure the node, and once
//! per installation when the system is up (`cloud-init final`) to preload the
//! images that came on the medium, and to prove that every image can be pulled.

mod configure;
mod cri;
mod error;
mod install;
mod medium;
mod preload;
mod prove;
mod report;
mod stages;
mod unlock;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

/// Installs an edge host, configures its container runtime and proves it.
#[derive(Debug, Parser)]
#[command(name = "edge-agent", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The entry point for cloud-init.
    CloudInit {
        /// When it is called.
        stage: Stage,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Stage {
    /// Early, at every start.
    Init,
    /// Once per installation, when the system is up.
    Final,
}

fn main() -> ExitCode {
    let Arguments { command: Command::CloudInit { stage } } = Arguments::parse();
    let done = match stage {
        Stage::Init => stages::init(),
        Stage::Final => stages::last(),
    };
    if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
