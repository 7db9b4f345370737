//! Against Debian's registry on loopback, with TLS and login.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod archive;
mod attached;
mod bench;
mod by_itself;
mod chaos;
mod connect;
mod damaged;
mod failures;
mod fake;
mod forecast;
mod holes;
mod layout;
mod line;
mod login;
mod memory;
mod mutual_tls;
mod proxies;
mod prune;
mod resume;
mod save;
mod storm;
mod tokens;
mod traps;
mod trouble;
mod upload;
