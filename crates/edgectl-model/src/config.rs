//! `edge.yaml`: one file that says what to build. Types only; reading it is
//! in `config_text`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config_iso::IsoConfig;
use crate::credentials::CredentialsConfig;
use crate::known::KnownField;
use crate::pattern::ImagePattern;
use crate::prefix::Prefix;
use crate::reference::Reference;
use crate::rules::{HostRule, Layout, MirrorRules};
use crate::upload_config::UploadConfig;
use crate::user_data_config::UserDataConfig;

/// The project file. Paths are relative to the file itself.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EdgeConfig {
    /// Always `edgectl.dev/v1`.
    pub api_version: String,
    /// Inputs that name images, one or several: cluster profile exports, packs,
    /// charts, manifests, lists; files, directories, archives, addresses.
    pub profile: OneOrMany,
    /// Where the lock is kept.
    #[serde(default = "default_lock")]
    pub lock: String,
    /// How source registries are reached.
    #[serde(default)]
    pub sources: SourcesConfig,
    /// The private registry that the site pulls from.
    pub registry: RegistryConfig,
    /// How images are sent there.
    #[serde(default)]
    pub upload: UploadConfig,
    /// Corrections to what discovery finds.
    #[serde(default)]
    pub images: ImagesConfig,
    /// The user data that goes onto the installer.
    #[serde(default)]
    pub user_data: UserDataConfig,
    /// The installer image.
    #[serde(default)]
    pub iso: IsoConfig,
    /// The acceptance run.
    #[serde(default)]
    pub boot: BootConfig,
}

/// A single text or a list of texts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl OneOrMany {
    /// All of them.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// How source registries are reached.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourcesConfig {
    /// Source prefix to the prefix really asked: pull-through caches and
    /// mirrors. The longest matching prefix wins.
    #[serde(default)]
    pub mirrors: BTreeMap<Prefix, Prefix>,
    /// Settings per registry host that is really asked.
    #[serde(default)]
    pub registries: BTreeMap<String, SourceRegistry>,
}

/// Settings of one source registry.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceRegistry {
    /// Login; without it the Docker configuration is looked at, then nobody.
    #[serde(default)]
    pub credentials: Option<CredentialsConfig>,
    /// File with the PEM certificate of its authority.
    #[serde(default)]
    pub ca: Option<String>,
    /// File with the PEM certificate that we show to it; `key` has its key.
    #[serde(default)]
    pub cert: Option<String>,
    /// File with the key of `cert`, PEM and not encrypted.
    #[serde(default)]
    pub key: Option<String>,
    /// Directory as Docker's `certs.d`: `*.crt` of authorities, `*.cert` and
    /// `*.key` of ours; or one that has it in `HOST[:PORT]`.
    #[serde(default)]
    pub certs_dir: Option<String>,
    /// Allow plain HTTP and certificates that can't be verified.
    #[serde(default)]
    pub insecure: bool,
    /// `host:port` to connect to in place of the registry's own.
    #[serde(default)]
    pub connect_to: Option<String>,
}

/// The private registry.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegistryConfig {
    /// `host[:port][/namespace]`, the same on the host and on the node.
    pub domain: Prefix,
    /// How names are laid out below it.
    #[serde(default)]
    pub layout: Layout,
    /// Source prefix to target prefix, before the layout is looked at.
    #[serde(default)]
    pub rules: BTreeMap<Prefix, Prefix>,
    /// Login for the upload.
    #[serde(default)]
    pub credentials: Option<CredentialsConfig>,
    /// Login that goes into the user data, best a pull-only account; the
    /// upload's where absent.
    #[serde(default)]
    pub pull_credentials: Option<CredentialsConfig>,
    /// File with the PEM certificate of its authority.
    #[serde(default)]
    pub ca: Option<String>,
    /// File with the PEM certificate that we show to it; `key` has its key.
    #[serde(default)]
    pub cert: Option<String>,
    /// File with the key of `cert`, PEM and not encrypted.
    #[serde(default)]
    pub key: Option<String>,
    /// Directory as Docker's `certs.d`: `*.crt` of authorities, `*.cert` and
    /// `*.key` of ours; or one that has it in `HOST[:PORT]`.
    #[serde(default)]
    pub certs_dir: Option<String>,
    /// Allow plain HTTP and certificates that can't be verified.
    #[serde(default)]
    pub insecure: bool,
    /// Make the project (Harbor) or the repositories (ECR) that are missing.
    #[serde(default)]
    pub create_project: bool,
    /// `host:port` to connect to in place of the domain's own, as curl's
    /// `--connect-to`: for a registry that is reached another way from here.
    #[serde(default)]
    pub connect_to: Option<String>,
}

impl RegistryConfig {
    /// A registry of which nothing but its place is said.
    pub fn new(domain: Prefix) -> Self {
        Self {
            domain,
            layout: Layout::default(),
            rules: BTreeMap::new(),
            credentials: None,
            pull_credentials: None,
            ca: None,
            cert: None,
            key: None,
            certs_dir: None,
            insecure: false,
            create_project: false,
            connect_to: None,
        }
    }

    /// The naming rules.
    pub fn mirror_rules(&self) -> MirrorRules {
        let rules = self
            .rules
            .iter()
            .map(|(source, target)| HostRule { source: source.clone(), target: target.clone() });
        MirrorRules::new(self.domain.clone(), self.layout, rules)
    }
}

/// Corrections to what discovery finds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImagesConfig {
    /// Images to add.
    #[serde(default)]
    pub include: Vec<ListedImage>,
    /// Images to leave out.
    #[serde(default)]
    pub exclude: Vec<ExcludedImage>,
    /// Fields of custom resources that hold images, besides those that edgectl
    /// knows.
    #[serde(default)]
    pub known_fields: Vec<KnownField>,
    /// What macros mean that the inputs don't tell, by name without braces:
    /// `spectro.macro.registry: reg.local`.
    #[serde(default)]
    pub macros: BTreeMap<String, String>,
    /// How charts and kustomizations among the inputs are rendered.
    #[serde(default)]
    pub render: RenderConfig,
}

/// How charts and kustomizations among the inputs are rendered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RenderConfig {
    /// Files of values for every chart, later ones over earlier ones.
    #[serde(default)]
    pub values: Vec<String>,
    /// Single values for every chart, as `helm --set` takes them.
    #[serde(default)]
    pub set: Vec<String>,
    /// Version of Kubernetes; that of the profile where absent.
    #[serde(default)]
    pub kube_version: Option<String>,
    /// API versions that the cluster has besides Kubernetes' own.
    #[serde(default)]
    pub api_versions: Vec<String>,
    /// Go on without what can't be rendered, with warnings.
    #[serde(default)]
    pub allow_unrendered: bool,
    /// Fetch charts that are only named.
    #[serde(default)]
    pub fetch: bool,
}

/// Images left out by hand, and why.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExcludedImage {
    /// Which ones.
    pub image: ImagePattern,
    /// Why they aren't needed.
    pub reason: String,
}

/// An image named by hand, and why.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListedImage {
    /// The reference.
    pub image: Reference,
    /// Why it is named here.
    pub reason: String,
}

/// The acceptance run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BootConfig {
    /// Memory of the machine, in MiB.
    #[serde(default = "default_memory")]
    pub memory_mib: u32,
    /// Processors of the machine.
    #[serde(default = "default_cpus")]
    pub cpus: u32,
    /// Size of the blank disk, in GiB.
    #[serde(default = "default_disk")]
    pub disk_gib: u32,
    /// Seconds after which a phase (installing, proving) is given up.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
    /// The image to start a container from; one of the workloads where absent.
    #[serde(default)]
    pub run: Option<Reference>,
    /// The registry's access log, if it can be read from here.
    #[serde(default)]
    pub access_log: Option<String>,
    /// Directory for the results of each run.
    #[serde(default = "default_results")]
    pub results: String,
}

impl Default for BootConfig {
    fn default() -> Self {
        Self {
            memory_mib: default_memory(),
            cpus: default_cpus(),
            disk_gib: default_disk(),
            timeout_seconds: default_timeout(),
            run: None,
            access_log: None,
            results: default_results(),
        }
    }
}

fn default_lock() -> String {
    "images.lock".to_owned()
}
fn default_memory() -> u32 {
    2048
}
fn default_cpus() -> u32 {
    2
}
fn default_disk() -> u32 {
    8
}
fn default_timeout() -> u64 {
    900
}
fn default_results() -> String {
    "build/boot".to_owned()
}
