//! `iso:` of edge.yaml: the installer image.

use schemars::JsonSchema;
use serde::Deserialize;

/// The installer image.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IsoConfig {
    /// The operating system: an OCI layout directory (`./os`, `/srv/os`), a
    /// registry reference, or a root file system, in a directory or in a tar
    /// (gzip, xz, zstd). Whatever makes an image needs it.
    #[serde(default)]
    pub os: String,
    /// Directories whose files are laid over the system, in this order; all
    /// belong to root there.
    #[serde(default)]
    pub overlay: Vec<String>,
    /// What starts the system from the medium; `auto` looks into its initial
    /// RAM file system.
    #[serde(default)]
    pub live: LiveConfig,
    /// Whether the image starts under Secure Boot; `auto` where the packages
    /// `shim-signed` and `grub-efi-amd64-signed` are installed.
    #[serde(default)]
    pub secure_boot: SecureBootConfig,
    /// How the system is packed; its kernel must be able to read that.
    #[serde(default)]
    pub compression: CompressionConfig,
    /// Volume label: at most 16 of `A-Z`, `0-9` and `_`.
    #[serde(default = "default_label")]
    pub label: String,
    /// Where the image is put.
    #[serde(default = "default_iso_out")]
    pub out: String,
    /// Room for user data on the image, in KiB.
    #[serde(default = "default_area")]
    pub user_data_kib: u32,
    /// More kernel arguments.
    #[serde(default)]
    pub kernel_arguments: Vec<String>,
    /// Images that go onto the medium: an OCI layout directory, as
    /// `edgectl save` writes it. The agent preloads them on the node.
    #[serde(default)]
    pub content: Option<String>,
    /// cloud-init's network configuration, in a file.
    #[serde(default)]
    pub network: Option<String>,
    /// Whom the user data on the medium is encrypted to; without it whoever has
    /// the medium can read it.
    #[serde(default)]
    pub encrypt: Option<EncryptConfig>,
    /// Where a bill of materials (SPDX 2.3, JSON) goes, if one is wanted.
    #[serde(default)]
    pub sbom: Option<String>,
    /// Files that machines start the image from over a network, written with
    /// every image, if they are wanted.
    #[serde(default)]
    pub netboot: Option<NetbootConfig>,
}

/// Where files for starting over a network go, and where machines find them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetbootConfig {
    /// Where machines will find the files: `http://` or `https://`.
    pub url: String,
    /// Where the files go; the directory is replaced as a whole.
    #[serde(default = "default_netboot_out")]
    pub out: String,
}

/// Whom user data is encrypted to: owners of keys, or whoever knows a passphrase.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EncryptConfig {
    /// Public keys of age (`age1…`); `edgectl iso key` makes one.
    #[serde(default)]
    pub recipients: Vec<String>,
    /// A file with public keys, one a line.
    #[serde(default)]
    pub recipients_file: Option<String>,
    /// A file with a passphrase, in place of keys.
    #[serde(default)]
    pub passphrase_file: Option<String>,
}

impl EncryptConfig {
    /// Whether it names keys or a passphrase, and not both.
    pub(crate) fn is_one_way(&self) -> bool {
        let has_keys = !self.recipients.is_empty() || self.recipients_file.is_some();
        has_keys != self.passphrase_file.is_some()
    }
}

/// What starts a system from a medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LiveConfig {
    /// What the system's initial RAM file system knows.
    #[default]
    Auto,
    /// edgectl's boot script; its agent installs.
    Edge,
    /// Kairos, with its own installer.
    Kairos,
    /// Debian's live-boot.
    LiveBoot,
    /// dracut's module dmsquash-live.
    Dracut,
}

/// Whether an image starts under Secure Boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SecureBootConfig {
    /// Where the packages are installed.
    #[default]
    Auto,
    /// It must.
    Required,
    /// It need not.
    None,
}

/// How a system is packed into its squashfs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CompressionConfig {
    /// Fast, and smaller than gzip.
    #[default]
    Zstd,
    /// Smallest, and slow.
    Xz,
    /// For old kernels.
    Gzip,
}

impl Default for IsoConfig {
    fn default() -> Self {
        Self {
            os: String::new(),
            overlay: Vec::new(),
            live: LiveConfig::default(),
            secure_boot: SecureBootConfig::default(),
            compression: CompressionConfig::default(),
            label: default_label(),
            out: default_iso_out(),
            user_data_kib: default_area(),
            kernel_arguments: Vec::new(),
            content: None,
            network: None,
            encrypt: None,
            sbom: None,
            netboot: None,
        }
    }
}

fn default_label() -> String {
    "EDGECTL".to_owned()
}

fn default_netboot_out() -> String {
    "build/netboot".to_owned()
}

fn default_iso_out() -> String {
    "build/installer.iso".to_owned()
}

fn default_area() -> u32 {
    512
}
