//! The only place that starts programs and renames files into place.
//!
//! [`Cmd`] runs programs without a shell; [`persist`] writes files so that
//! they are either the old or the new ones, whole; [`interrupt`] makes Ctrl-C
//! something that code can ask about; [`tools`] finds external programs.

mod cmd;
mod interrupt;
mod persist;
mod tools;

pub use cmd::{Cmd, CmdError, Running};
pub use interrupt::{Interrupted, interrupted, listen_for_interrupts};
pub use persist::{PersistError, Replacement, Staging, write_file};
pub use tools::{Tool, ToolError, ToolState};
