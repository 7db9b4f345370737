//! The only place that starts programs and renames files into place.
//!
//! [`Cmd`] runs programs without a shell; [`persist`] writes files so that
//! they are either the old or the new ones, whole; [`interrupt`] makes Ctrl-C
//! something that code can ask about; [`tools`] finds external programs.

mod cmd;
mod file_error;
mod file_lock;
mod interrupt;
mod leftovers;
mod log_tail;
mod persist;
mod running;
mod tools;

pub use cmd::{Cmd, CmdError, Exchange};
pub use file_error::{FileError, file_error};
pub use file_lock::FileLock;
pub use interrupt::{Interrupted, interrupted, listen_for_interrupts};
pub use leftovers::is_temporary;
pub use persist::{PersistError, Replacement, Staging, write_file, write_private};
pub use running::Running;
pub use tools::{Tool, ToolError, ToolState};
