//! Against Debian's registry on loopback, with TLS and login.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod archive;
mod bench;
mod chaos;
mod connect;
mod failures;
mod fake;
mod layout;
mod login;
mod memory;
mod storm;
mod trouble;
mod upload;
