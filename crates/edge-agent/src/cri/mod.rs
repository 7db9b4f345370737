//! The Kubernetes container runtime interface (CRI), version `runtime.v1`.

mod client;
mod messages;

pub(crate) use client::Cri;
