//! Archives as sources.

mod anything;
pub(crate) mod forms;
mod hostile;
mod memory;
pub(crate) mod pack;
mod tools;
