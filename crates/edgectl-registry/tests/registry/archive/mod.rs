//! Archives as sources.

mod anything;
pub(crate) mod forms;
mod hostile;
mod lacking;
mod memory;
pub(crate) mod pack;
mod tools;
mod whole;
