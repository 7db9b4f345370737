//! The nouns every other crate speaks: image references, digests, platforms,
//! mirror rules, secrets, the image lock and the `edge.yaml` project file.
//!
//! This crate is pure: it never touches files, the network, the clock or the
//! environment. Text goes in, values come out.

mod config;
mod config_iso;
mod config_text;
mod credentials;
mod digest;
mod event;
mod grub;
mod known;
mod lock;
mod pattern;
mod platform;
mod plural;
mod prefix;
mod reference;
mod rules;
mod secret;
mod suggest;
mod upload_config;
mod user_data_config;
mod yaml;

pub use config::{
    BootConfig, EdgeConfig, ExcludedImage, ImagesConfig, ListedImage, OneOrMany, RegistryConfig,
    RenderConfig, SourceRegistry, SourcesConfig,
};
pub use config_iso::{
    CompressionConfig, EncryptConfig, IsoConfig, LiveConfig, NetbootConfig, SecureBootConfig,
};
pub use config_text::{ConfigError, EDGE_YAML_TEMPLATE, edge_yaml_schema, parse_edge_yaml};
pub use credentials::{CloudConfig, CredentialsConfig, LoginWay, SecretPlace};
pub use digest::{Digest, DigestError, Hasher};
pub use event::{EVENT_PORT, NodeEvent};
pub use grub::grub_word;
pub use known::{FieldPath, FieldPathError, FieldStep, KnownField};
pub use lock::{Found, ImageLock, LOCK_SCHEMA, LockError, LockedImage, Role, Tier};
pub use pattern::ImagePattern;
pub use platform::Platform;
pub use plural::{count, list_and};
pub use prefix::{Prefix, PrefixError};
pub use reference::{Reference, ReferenceError};
pub use rules::{Collision, HostRule, HostRuleError, Layout, MirrorRules, PlanError, RewriteError};
pub use secret::Secret;
pub use suggest::did_you_mean;
pub use upload_config::{ByteSize, UploadConfig};
pub use user_data_config::{
    HostRuntime, PaletteSection, SiteConfig, UserDataConfig, UserDataFlavor,
};
pub use yaml::{YamlError, from_yaml};
