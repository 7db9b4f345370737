//! The program itself: stdout, stderr and exit code, against real registries.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod charts;
mod containerd;
mod fleet;
mod images;
mod inputs;
mod interrupt;
mod iso;
mod iso_change;
mod iso_content;
mod iso_customize;
mod iso_encryption;
mod iso_netboot;
mod iso_network;
mod large;
mod logins;
mod prune;
mod push;
mod save;
mod secrets;
mod site;
mod upload;
mod user_data;
mod user_data_check;
mod user_data_cloud_init;
mod user_data_containerd;
mod user_data_runtime;
mod user_data_schema;
mod verify;
