//! One registry over HTTP: connecting, logging in, asking, trying again.

mod answer;
mod api;
mod client;
mod connect;
mod forward;
mod login;
mod token;

pub(crate) use api::{Head, Mounted};
pub(crate) use client::Client;
