//! Harness of the acceptance scenarios: builds the programs, runs them in a
//! world of real registries, and reads what they say.
//!
//! Everything here panics with what went wrong: it is for tests alone.
#![allow(clippy::unwrap_used)]

mod console;
mod disk;
mod netboot;
mod programs;
mod run;

pub use console::read_console;
pub use disk::replace_on_disk;
pub use netboot::{FileServer, Firmware, NetworkMachine};
pub use programs::Programs;
pub use run::{Edgectl, Ended};
