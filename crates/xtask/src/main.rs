//! What one does with the repository: set-up, quickstart, tests, checks.

// Talking to the developer is all this program is for.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod cargo;
mod corpus;
mod deps;
mod fence;
mod packages;
mod quickstart;
mod schema;
mod setup;
mod test;
mod test_tools;
mod tidy;
mod unpacked;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use edgectl_process::{interrupted, listen_for_interrupts};

/// Any failure; `main` shows it with its causes.
type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Exit code after Ctrl-C.
const INTERRUPTED: u8 = 130;

/// What one does with the edgectl repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Install what is missing: Debian packages, and helm and kubectl for tests.
    Setup,
    /// Set up, build, and run the main job on examples/quickstart.
    Quickstart {
        /// Arguments for `edgectl build`, for example `-- --no-boot`.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Set up and run every check and every test.
    Test,
    /// Check which crate depends on which.
    Deps,
    /// Write the JSON Schema of edge.yaml to docs/.
    Schema(SchemaArgs),
    /// Look for what should never be committed.
    Tidy,
    /// Build the static agent and print where it is.
    Agent,
    /// Measure discovery on a directory of real cases; fail below 99 %.
    Corpus {
        /// The directory.
        directory: PathBuf,
    },
    /// Measure ourselves against what others do, in one run.
    #[command(subcommand)]
    Bench(bench::Bench),
}

#[derive(Debug, Clone, Copy, clap::Args)]
struct SchemaArgs {
    /// Only fail if the file isn't up to date.
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    let task = Task::parse();
    if let Err(error) = listen_for_interrupts() {
        eprintln!("error: listening for Ctrl-C: {error}");
        return ExitCode::FAILURE;
    }
    match run(task) {
        _ if interrupted().is_err() => {
            say("interrupted; the next run goes on from here");
            ExitCode::from(INTERRUPTED)
        }
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            causes(&*error).for_each(|cause| eprintln!("  cause: {cause}"));
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    let done = |result: Result| result.map(|()| ExitCode::SUCCESS);
    match task {
        Task::Setup => done(setup::setup()),
        Task::Quickstart { arguments } => quickstart::quickstart(&arguments),
        Task::Test => test::test(),
        Task::Deps => done(deps::check()),
        Task::Schema(SchemaArgs { check: true }) => done(schema::check()),
        Task::Schema(SchemaArgs { check: false }) => done(schema::write()),
        Task::Tidy => done(tidy::check()),
        Task::Corpus { directory } => corpus::corpus(&directory),
        Task::Bench(what) => bench::bench(what),
        Task::Agent => done(quickstart::agent().map(|path| println!("{}", path.display()))),
    }
}

type Cause<'a> = &'a (dyn Error + 'static);

/// Why an error happened, the nearest cause first.
fn causes<'a>(error: Cause<'a>) -> impl Iterator<Item = Cause<'a>> {
    std::iter::successors(error.source(), |cause: &Cause<'a>| (*cause).source())
}

/// Says what is being done.
fn say(text: &str) {
    eprintln!("xtask: {text}");
}
