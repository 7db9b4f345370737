//! The two calls from cloud-init.

use edgectl_model::NodeEvent;

use crate::error::{AgentError, chain};
use crate::medium::{self, Mode};
use crate::report::Reporter;
use crate::{configure, install, preload, prove};

/// Early, at every start: install, or configure the node.
pub(crate) fn init() -> bool {
    run("init", |mode, reporter| match mode {
        Mode::Install => install::install(reporter),
        Mode::Installed => configure::configure(reporter),
    })
}

/// Once per installation, when the system is up: preload what came on the
/// medium, and prove, if the machine asks.
pub(crate) fn last() -> bool {
    run("final", |mode, reporter| {
        if mode == Mode::Install {
            return Ok(());
        }
        preload::preload(reporter)?;
        if reporter.is_asked_for_proof() { prove::prove(reporter) } else { Ok(()) }
    })
}

fn run(stage: &str, work: impl FnOnce(Mode, &mut Reporter) -> Result<(), AgentError>) -> bool {
    let mut reporter = Reporter::open();
    let outcome = medium::command_line()
        .map_err(AgentError::from)
        .and_then(|line| Mode::of(&line))
        .and_then(|mode| {
            reporter.say(&NodeEvent::AgentStarted {
                mode: mode.word().to_owned(),
                stage: stage.to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            });
            work(mode, &mut reporter)
        });
    if let Err(error) = &outcome {
        reporter.say(&NodeEvent::Failed { stage: stage.to_owned(), error: chain(error) });
    }
    outcome.is_ok()
}
