//! Archives as sources.

mod anything;
mod forms;
mod hostile;
mod memory;
mod pack;
mod tools;
