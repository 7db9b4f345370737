//! Archives as sources.

mod forms;
mod hostile;
mod pack;
