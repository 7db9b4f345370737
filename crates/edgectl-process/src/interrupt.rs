//! Ctrl-C and SIGTERM as a flag that long work asks about.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use thiserror::Error;

static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// The user asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("interrupted")]
pub struct Interrupted;

/// Starts to listen for SIGINT and SIGTERM. The first one sets the flag that
/// [`interrupted`] reads, so that temporary files are removed on the way out;
/// a second one ends the process at once.
pub fn listen_for_interrupts() -> std::io::Result<()> {
    let flag = FLAG.get_or_init(Arc::default);
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(flag))?;
        signal_hook::flag::register(signal, Arc::clone(flag))?;
    }
    Ok(())
}

/// Fails once the user has asked to stop.
pub fn interrupted() -> Result<(), Interrupted> {
    match FLAG.get().is_some_and(|flag| flag.load(Ordering::Relaxed)) {
        true => Err(Interrupted),
        false => Ok(()),
    }
}
