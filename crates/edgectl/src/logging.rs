//! Diagnostics on stderr, and what a bug looks like.

use tracing_subscriber::EnvFilter;

/// Starts diagnostics: `-v` to `-vvv`, or `EDGECTL_LOG` with a filter.
pub(crate) fn start(verbose: u8) {
    let level = match verbose {
        0 => "error",
        1 => "edgectl=info,edgectl_registry=info,edgectl_process=info",
        2 => {
            "edgectl=debug,edgectl_registry=debug,edgectl_process=debug,edgectl_qemu=debug,edgectl_iso=debug"
        }
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("EDGECTL_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .try_init();
}

/// A panic is a bug, and says so.
pub(crate) fn report_bugs() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        usual(info);
        crate::printer::Printer::new(false)
            .always("this is a bug in edgectl; please report it with the lines above");
    }));
}
