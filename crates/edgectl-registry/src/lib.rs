//! Registries, OCI layouts and archives as sources and sinks of images.
//!
//! [`upload`] mirrors images into a registry, [`pull_to_layout`] brings one
//! into a directory, [`save`] many into an archive, [`check`] looks whether
//! pushing would work. What is copied is never changed: manifests go byte for
//! byte, blobs are hashed while they pass by.

mod access;
pub mod access_log;
mod again;
#[cfg(test)]
mod any_input;
mod archive;
mod attached;
mod blobs;
mod certs_dir;
mod challenge;
mod check;
mod cloud;
mod content;
mod copy;
mod credential_helper;
pub mod docker_config;
mod error;
mod failure;
mod forecast;
mod http;
mod journal;
mod layout;
mod manifest;
mod narrow;
mod no_proxy;
mod plan;
mod proxy;
mod prune;
mod pull;
mod registries;
mod retry;
mod save;
mod shard;
mod sink;
mod source;
mod together;
mod tree;
mod upload;
mod verify;

pub use access::{Access, ClientCertificate, Credentials};
pub use archive::{ArchivedImage, Archives, ArchivesFirst, Compression, RefusedName, Survey};
pub use attached::{Attached, is_attachment_tag};
pub use certs_dir::{CertsDir, CertsDirError};
pub use check::{CheckRequest, Checked, can_push, check, preflight};
pub use cloud::{
    AcrLogin, AwsKeys, AzureIdentity, CloudHost, CloudLogin, GarLogin, GoogleKey, GoogleKeyError,
};
pub use content::{Chunks, Content, Moved, chunks_of, verified};
pub use credential_helper::helper_login;
pub use docker_config::{DockerConfig, DockerConfigError, Login};
pub use error::{ErrorKind, HttpFailure, Mismatch, RegistryError};
pub use forecast::{Forecast, forecast};
pub use journal::Journal;
pub use layout::{LayerBlob, LayerReader, Layout, LayoutConfig, LayoutImage, WholeLayout};
pub use manifest::{Blob, Pinned, RawManifest};
pub use proxy::{Proxies, ProxyError};
pub use prune::{PruneAction, PruneItem, PruneRequest, Pruned, plan_prune, prune};
pub use pull::{PullRequest, pull_to_layout};
pub use registries::Registries;
pub use retry::Patience;
pub use save::{Packing, SaveForm, SaveTarget, Saved, SavedFile, save};
pub use shard::{Shard, shards};
pub use sink::{Mount, Place, Sink, UploadSession};
pub use source::Source;
pub use upload::{
    Again, ImageOutcome, ImageReport, ImageRequest, Progress, UploadOutcome, UploadRequest,
    interruptible, upload, upload_from,
};
pub use verify::{Depth, Verdict, Verified, VerifyRequest, verify};
