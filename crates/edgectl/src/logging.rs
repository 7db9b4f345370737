//! Diagnostics on stderr, warnings of the libraries among them, and what a bug
//! looks like.

use std::fmt::{Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::printer::Printer;

/// Starts diagnostics: `-v` to `-vvv`, or `EDGECTL_LOG` with a filter.
pub(crate) fn start(verbose: u8, printer: Printer) {
    let level = match verbose {
        0 => "error",
        1 => "edgectl=info,edgectl_registry=info,edgectl_process=info",
        2 => {
            "edgectl=debug,edgectl_registry=debug,edgectl_process=debug,edgectl_qemu=debug,edgectl_iso=debug"
        }
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("EDGECTL_LOG");
    // Whoever asks for diagnostics sees warnings there.
    let warnings = (verbose == 0 && filter.is_err()).then_some(Warnings(printer));
    let filter = filter.unwrap_or_else(|_| EnvFilter::new(level));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let _ =
        tracing_subscriber::registry().with(lines.with_filter(filter)).with(warnings).try_init();
}

/// Tells the user what goes on at registries that he should know of.
struct Warnings(Printer);

impl<S: Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if *metadata.level() == Level::WARN && metadata.target().starts_with("edgectl_registry") {
            let mut text = Text("warning".to_owned());
            event.record(&mut text);
            self.0.say(&crate::printer::plain(&text.0));
        }
    }
}

/// What an event says, its message first.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
        let _ = write!(self.0, ": {value:?}");
    }
}

/// A panic is a bug, and says so.
pub(crate) fn report_bugs() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        usual(info);
        Printer::new(false)
            .always("this is a bug in edgectl; please report it with the lines above");
    }));
}
