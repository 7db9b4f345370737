//! One registry over HTTP: connecting, logging in, asking, trying again.

mod answer;
mod api;
mod body;
mod chunking;
mod client;
mod connect;
mod download;
mod exchange;
mod forward;
mod gate;
mod harbor;
mod login;
mod ping;
mod probe;
mod referrers;
mod rights;
mod sessions;
mod shown;
mod tags;
mod tls;
mod token;
mod token_server;
mod upload;

pub(crate) use api::{BlobHead, Head};
pub(crate) use client::{Client, Settings};
pub(crate) use probe::Probed;
pub(crate) use referrers::{fallback_tag, with_referrer};
pub(crate) use sessions::Mounted;
pub(crate) use upload::{Ended, Upload};
