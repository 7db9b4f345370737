//! The program itself: stdout, stderr and exit code, against real registries.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod fleet;
mod images;
mod interrupt;
mod iso;
mod secrets;
mod site;
mod upload;
mod user_data;
mod user_data_check;
