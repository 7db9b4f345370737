//! `edge.yaml`, read: paths made absolute, secrets fetched, clients made.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use edgectl_model::{
    EdgeConfig, ImageLock, ImagesConfig, Reference, RegistryConfig, SourcesConfig, Tier,
    parse_edge_yaml,
};
use edgectl_registry::{Credentials, Registries};

use crate::access::Reach;
use crate::cli::{DiscoverArgs, TierArg};
use crate::exit;
use crate::failure::Failure;
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
            login: None,
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
    /// The login to `registry` that the command line names.
    pub(crate) login: Option<Credentials>,
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
            login: None,
        }
    }

    /// The same sources, and none of the project's images.
    pub(crate) fn without_inputs(self) -> Self {
        let images = ImagesConfig::default();
        Self { profiles: Vec::new(), lock: None, registry: None, images, ..self }
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
            access.insert(host.clone(), self.place.access(&Reach::source(host, source), None)?);
        }
        for host in self.hosts_without_settings(references) {
            // What is there already is read as it is written.
            let own = self.registry.as_ref().filter(|own| own.domain.domain() == host);
            let one = match own {
                Some(own) => self.place.access(&Reach::private(own), self.login.clone())?,
                None => self.place.access(&Reach::unsaid(&host), None)?,
            };
            access.insert(host, one);
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
        let access = self.place.access(&Reach::private(registry), None)?;
        Ok(Registries::single(registry.domain.domain(), access))
    }

    /// What to be careful about with source registries.
    pub(crate) fn source_warnings(&self) -> Vec<String> {
        let reaches = self.sources.registries.iter().map(|(host, one)| Reach::source(host, one));
        reaches.filter_map(|reach| reach.warning()).collect()
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
        registry.ca.as_deref().map(|file| self.place.authority(file)).transpose()
    }
}
