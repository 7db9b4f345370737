//! The proof: an installer image is booted in QEMU, installs itself to a
//! blank disk, starts from that disk and pulls every image, with no network
//! but one door to the registry.
//!
//! [`Machine`] describes a machine and gives its argument vector (pure);
//! [`install`] and [`prove`] run one; [`judge`] compares what the node said
//! with the image lock (pure).

mod accel;
mod acceptance;
mod console;
mod disk;
mod error;
mod events;
mod firmware;
mod machine;
mod monitor;
mod phase;
mod tools;
mod verdict;

pub use accel::{Accel, usable_accel};
pub use acceptance::{Installed, Proof, Run, install, prove, wait_for_text};
pub use error::QemuError;
pub use events::TimedEvent;
pub use firmware::{Firmware, Flash};
pub use machine::{Boot, Door, Machine, Medium};
pub use phase::{PhaseEnd, PhaseReport};
pub use tools::TOOLS;
pub use verdict::{Cause, Finding, judge, judge_install};
