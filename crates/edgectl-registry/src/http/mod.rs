//! One registry over HTTP: connecting, logging in, asking, trying again.

mod answer;
mod api;
mod body;
mod client;
mod connect;
mod download;
mod forward;
mod login;
mod ping;
mod token;

pub(crate) use api::{Head, Mounted};
pub(crate) use client::Client;
