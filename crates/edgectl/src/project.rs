//! `edge.yaml`, read: paths made absolute, secrets fetched, clients made.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use edgectl_model::{
    CredentialsConfig, EdgeConfig, ImageLock, ImagesConfig, Reference, RegistryConfig, Secret,
    SourcesConfig, Tier, parse_edge_yaml,
};
use edgectl_registry::{Access, Credentials, DockerConfig, Proxies, Registries};

use crate::cli::{DiscoverArgs, TierArg};
use crate::exit;
use crate::failure::{Doing, Failure};
use crate::files::read_text;

/// The project file and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    pub(crate) config: EdgeConfig,
    pub(crate) place: Place,
}

/// The directory that relative paths start from.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    directory: PathBuf,
}

impl Project {
    /// Reads a project file.
    pub(crate) fn load(file: &Path) -> Result<Self, Failure> {
        let text = read_text(file, "the project file").map_err(|failure| match file.exists() {
            true => failure,
            false => failure.hint("`edgectl init` writes a commented one"),
        })?;
        let config = parse_edge_yaml(&text)
            .map_err(|error| Failure::new(exit::USAGE, format!("`{}`: {error}", file.display())))?;
        let directory = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(Self { config, place: Place { directory } })
    }

    /// A path of the project file.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.place.path(path)
    }

    /// What the upload and discovery need.
    pub(crate) fn scope(&self) -> Scope {
        let profiles = self.config.profile.as_slice().iter();
        Scope {
            place: self.place.clone(),
            profiles: profiles.map(|p| (p.clone(), self.path(p))).collect(),
            lock: Some(self.path(&self.config.lock)),
            sources: self.config.sources.clone(),
            registry: Some(self.config.registry.clone()),
            images: self.config.images.clone(),
            tier: Tier::Likely,
        }
    }
}

impl Place {
    /// Paths start where the command was called.
    pub(crate) fn here() -> Self {
        Self { directory: PathBuf::new() }
    }

    /// A path relative to the project file.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.directory.join(path)
    }

    /// The login that a `credentials` section refers to.
    pub(crate) fn credentials(
        &self,
        config: Option<&CredentialsConfig>,
        host: &str,
        path: &str,
    ) -> Result<Credentials, Failure> {
        let Some(config) = config else { return docker_login(host, path) };
        if let Some(file) = &config.docker_config {
            let file = self.path(file);
            let text = read_text(&file, "the Docker configuration")?;
            return login_from(&text, &file, host, path);
        }
        let username = config.username.clone().unwrap_or_default();
        Ok(Credentials::basic(username, self.password(config)?))
    }

    fn password(&self, config: &CredentialsConfig) -> Result<Secret, Failure> {
        if let Some(file) = &config.password_file {
            let text = read_text(&self.path(file), "the password file")?;
            return Ok(Secret::new(text.lines().next().unwrap_or_default()));
        }
        let name = config.password_env.clone().unwrap_or_default();
        let missing = || {
            Failure::new(exit::USAGE, format!("the environment variable `{name}` is not set"))
                .hint("`passwordEnv` in edge.yaml names the variable that holds the password")
        };
        std::env::var(&name).map(Secret::new).map_err(|_| missing())
    }

    fn ca(&self, ca: Option<&str>) -> Result<Option<String>, Failure> {
        ca.map(|file| read_text(&self.path(file), "the certificate authority")).transpose()
    }
}

/// The proxies that the environment names.
pub(crate) fn proxies() -> Result<Proxies, Failure> {
    Proxies::from_variables(|name| std::env::var(name).ok())
        .map_err(|error| Failure::of(exit::USAGE, &error))
}

/// The user's own Docker login, where there is one.
fn docker_login(host: &str, path: &str) -> Result<Credentials, Failure> {
    let directory = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HOME")?;
        Some(PathBuf::from(home).join(".docker"))
    });
    let Some(file) = directory.map(|d| d.join("config.json")).filter(|f| f.exists()) else {
        return Ok(Credentials::Anonymous);
    };
    let text = read_text(&file, "the Docker configuration")?;
    login_from(&text, &file, host, path)
}

fn login_from(text: &str, file: &Path, host: &str, path: &str) -> Result<Credentials, Failure> {
    let doing = || format!("reading the Docker configuration `{}`", file.display());
    let config =
        DockerConfig::parse(text).map_err(|e| Failure::of(exit::FAILED, &e).doing(doing()))?;
    config.credentials(host, path).doing(doing())
}

/// How a chart of a registry is pulled.
#[derive(Debug, Clone)]
pub(crate) struct ChartPlace {
    /// Host and path, without a version.
    pub(crate) reference: String,
    pub(crate) insecure: bool,
    pub(crate) ca: Option<PathBuf>,
}

/// What discovery and upload work on: an `edge.yaml`, or a command line alone.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub(crate) place: Place,
    /// As given, and where to read.
    pub(crate) profiles: Vec<(String, PathBuf)>,
    pub(crate) lock: Option<PathBuf>,
    pub(crate) sources: SourcesConfig,
    pub(crate) registry: Option<RegistryConfig>,
    pub(crate) images: ImagesConfig,
    /// The least sure tier that is mirrored.
    pub(crate) tier: Tier,
}

impl Scope {
    /// Profiles named on the command line, without a project file.
    pub(crate) fn of_profiles(profiles: &[PathBuf]) -> Self {
        let shown = |path: &PathBuf| (path.display().to_string(), path.clone());
        Self {
            place: Place::here(),
            profiles: profiles.iter().map(shown).collect(),
            lock: None,
            sources: SourcesConfig::default(),
            registry: None,
            images: ImagesConfig::default(),
            tier: Tier::Likely,
        }
    }

    /// Takes over what the command line says of reading the inputs.
    pub(crate) fn reading_as(mut self, args: &DiscoverArgs) -> Result<Self, Failure> {
        self.tier = match args.tier {
            TierArg::Certain => Tier::Certain,
            TierArg::Known => Tier::Known,
            TierArg::Likely => Tier::Likely,
            TierArg::Possible => Tier::Possible,
        };
        let render = &mut self.images.render;
        for file in &args.values {
            // The others are relative to edge.yaml, these to where we are.
            let file = std::path::absolute(file).map_err(|e| Failure::of(exit::USAGE, &e))?;
            render.values.push(file.display().to_string());
        }
        render.set.extend(args.set.iter().cloned());
        if args.kube_version.is_some() {
            render.kube_version.clone_from(&args.kube_version);
        }
        render.api_versions.extend(args.api_versions.iter().cloned());
        render.allow_unrendered |= args.allow_unrendered;
        render.fetch |= args.fetch;
        for pair in &args.macros {
            let (name, value) = pair.split_once('=').ok_or_else(|| {
                Failure::new(exit::USAGE, format!("`--macro {pair}` has no `=`"))
                    .hint("write --macro spectro.macro.NAME=VALUE")
            })?;
            let name = name.trim_start_matches(['{', '.']).trim_end_matches('}');
            self.images.macros.insert(name.to_owned(), value.to_owned());
        }
        Ok(self)
    }

    /// Clients of the registries that `references` come from.
    pub(crate) fn source_registries<'a>(
        &self,
        references: impl IntoIterator<Item = &'a Reference>,
    ) -> Result<Registries, Failure> {
        let mut access = BTreeMap::new();
        for (host, source) in &self.sources.registries {
            let one = Access {
                credentials: self.place.credentials(source.credentials.as_ref(), host, "")?,
                ca_pem: self.place.ca(source.ca.as_deref())?,
                insecure: source.insecure,
                connect_to: source.connect_to.clone(),
                proxies: proxies()?,
                ..Access::default()
            };
            access.insert(host.clone(), one);
        }
        for host in self.hosts_without_settings(references) {
            let credentials = docker_login(&host, "")?;
            access.insert(host, Access { credentials, proxies: proxies()?, ..Access::default() });
        }
        Ok(Registries::new(access, self.sources.mirrors.clone()))
    }

    /// Hosts that are asked with the user's own Docker login. Only those that
    /// are needed: looking a login up may run a helper.
    fn hosts_without_settings<'a>(
        &self,
        references: impl IntoIterator<Item = &'a Reference>,
    ) -> BTreeSet<String> {
        let hosts = references.into_iter().map(|reference| self.host_asked(reference).to_owned());
        hosts.filter(|host| !self.sources.registries.contains_key(host)).collect()
    }

    /// The host that is really asked for a reference.
    fn host_asked<'a>(&'a self, reference: &'a Reference) -> &'a str {
        let covering =
            self.sources.mirrors.iter().filter(|(s, _)| s.remainder(reference).is_some());
        let longest = covering.max_by_key(|(source, _)| source.path().len());
        longest.map_or(reference.domain(), |(_, target)| target.domain())
    }

    /// Clients of the registries that a lock's images come from.
    pub(crate) fn sources_of(&self, lock: &ImageLock) -> Result<Registries, Failure> {
        self.source_registries(lock.images.iter().map(|image| &image.source))
    }

    /// The client of the private registry.
    pub(crate) fn destination(&self, registry: &RegistryConfig) -> Result<Registries, Failure> {
        let host = registry.domain.domain();
        let credentials =
            self.place.credentials(registry.credentials.as_ref(), host, registry.domain.path())?;
        let access = Access {
            credentials,
            ca_pem: self.place.ca(registry.ca.as_deref())?,
            insecure: registry.insecure,
            connect_to: registry.connect_to.clone(),
            proxies: proxies()?,
            ..Access::default()
        };
        Ok(Registries::single(host, access))
    }

    /// Where a chart of a registry is really asked for, mirrors looked through.
    pub(crate) fn chart_place(&self, reference: &str) -> Result<ChartPlace, Failure> {
        let parsed = Reference::parse(reference).map_err(|e| Failure::of(exit::USAGE, &e))?;
        let covering = self.sources.mirrors.iter().filter_map(|(source, target)| {
            Some((source.path().len(), source.remainder(&parsed)?, target))
        });
        let longest = covering.max_by_key(|(length, _, _)| *length);
        let reference = match longest {
            Some((_, rest, target)) => format!("{target}/{}", rest.trim_start_matches('/')),
            None => parsed.repository(),
        };
        let host = reference.split('/').next().unwrap_or_default();
        let settings = self.sources.registries.get(host);
        Ok(ChartPlace {
            insecure: settings.is_some_and(|one| one.insecure),
            ca: settings.and_then(|one| one.ca.as_deref()).map(|ca| self.place.path(ca)),
            reference,
        })
    }

    /// The certificate authority of the private registry.
    pub(crate) fn registry_ca(&self, registry: &RegistryConfig) -> Result<Option<String>, Failure> {
        self.place.ca(registry.ca.as_deref())
    }
}
