//! The world itself: a working copy of the example and two registries.

use std::path::{Path, PathBuf};

use edgectl_model::{Reference, Secret};

use super::error::{QuickstartError, file_error};
use super::files::{self, Text};
use super::keys::{self, Identity};
use super::push::{Load, push};
use super::recipe::{IMAGES, OS_IMAGE};
use super::{cache, os};
use crate::registry::{RegistryOptions, RegistryServer};

/// Who may push to the external registry.
pub const UPLOADER: &str = "uploader";
/// Who the node is.
pub const PULLER: &str = "edge-puller";

/// Ports as `edge.yaml` of the example has them.
const SOURCE: &str = "127.0.0.1:15000";
const EXTERNAL: &str = "127.0.0.1:18000";

/// How to make a world.
#[derive(Debug, Clone)]
pub struct WorldOptions {
    /// Where the example is copied to and all data is kept. A second world in
    /// the same directory finds what the first one left.
    pub directory: PathBuf,
    /// Port of the registry that stands for the internet; 0 picks a free one.
    pub source_port: u16,
    /// Port of the external registry; 0 picks a free one.
    pub registry_port: u16,
    /// Whether the provider image is built and served, too.
    pub os_image: bool,
}

impl WorldOptions {
    /// All images, and free ports.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory, source_port: 0, registry_port: 0, os_image: true }
    }
}

/// How the external registry is to be; the default is how it should be.
#[derive(Debug, Clone, Default)]
pub struct ExternalRegistry {
    /// Who may log in, in place of [`UPLOADER`] and [`PULLER`] with the
    /// passwords of the working copy.
    pub users: Option<Vec<(String, Secret)>>,
    /// Its certificate is signed by an authority that nobody was told about.
    pub unknown_authority: bool,
}

/// The world. Both registries end with it; the directory stays.
#[derive(Debug)]
pub struct World {
    directory: PathBuf,
    source: RegistryServer,
    // Empty only while one registry ends and the next one starts.
    external: Option<RegistryServer>,
    external_port: u16,
}

impl World {
    /// Makes a world: builds the images that aren't in the cache, copies the
    /// example, starts both registries and fills the source. `say` is told
    /// what is being done.
    pub fn start(options: WorldOptions, say: &dyn Fn(&str)) -> Result<Self, QuickstartError> {
        let loads = build(&options, say)?;
        let directory = options.directory;
        std::fs::create_dir_all(&directory).map_err(file_error("creating", &directory))?;
        let directory =
            std::fs::canonicalize(&directory).map_err(file_error("finding", &directory))?;
        let source = start_source(&directory, options.source_port)?;
        let sent = push(&loads, &source.address())?;
        say(&format!("the internet is {} ({sent} images sent)", source.address()));
        let external =
            start_external(&directory, options.registry_port, &ExternalRegistry::default())?;
        say(&format!("the external registry is {}", external.address()));
        let external_port = external.port();
        let world = Self { directory, source, external: Some(external), external_port };
        world.copy_example()?;
        Ok(world)
    }

    /// Where everything is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The project file of the working copy.
    pub fn edge_yaml(&self) -> PathBuf {
        self.directory.join("edge.yaml")
    }

    /// Port of the registry that stands for the internet.
    pub fn source_port(&self) -> u16 {
        self.source.port()
    }

    /// Port of the external registry on 127.0.0.1.
    pub fn registry_port(&self) -> u16 {
        self.external_port
    }

    /// Certificate of the external registry's authority, PEM.
    pub fn ca(&self) -> PathBuf {
        self.directory.join("certs/registry-ca.pem")
    }

    /// Who asked the external registry for what, since its last start.
    pub fn access_log(&self) -> PathBuf {
        access_log(&self.directory)
    }

    /// The password of [`UPLOADER`] or [`PULLER`].
    pub fn password(&self, user: &str) -> Result<Secret, QuickstartError> {
        keys::password(&self.directory, user)
    }

    /// Ends the external registry and starts it on the same port and data,
    /// with an empty access log.
    pub fn restart_registry(&mut self, how: &ExternalRegistry) -> Result<(), QuickstartError> {
        drop(self.external.take());
        self.external = Some(start_external(&self.directory, self.external_port, how)?);
        Ok(())
    }

    /// Ends the external registry; [`World::restart_registry`] starts it again.
    pub fn stop_registry(&mut self) {
        drop(self.external.take());
    }

    /// Makes the external registry forget a tag and the manifest under it, so
    /// that neither the name nor the digest is found. Blobs stay.
    pub fn delete_image(&self, target: &Reference) -> Result<(), QuickstartError> {
        delete_image(&self.directory.join("registry"), target)
    }

    fn copy_example(&self) -> Result<(), QuickstartError> {
        let mut texts = files::read_all(&files::workspace().join("examples/quickstart"))?;
        let source = self.source.address();
        let external = format!("127.0.0.1:{}", self.external_port);
        for Text { path, content, .. } in &mut texts {
            if path == Path::new("edge.yaml") {
                *content = content.replace(SOURCE, &source).replace(EXTERNAL, &external);
            }
        }
        files::write_all(&texts, &self.directory)
    }
}

fn build(options: &WorldOptions, say: &dyn Fn(&str)) -> Result<Vec<Load>, QuickstartError> {
    let cache = cache::directory()?;
    let images = IMAGES.iter().map(|image| image.reference.to_owned()).collect();
    let mut loads = vec![Load { layout: cache::images(&cache, say)?, images }];
    if options.os_image {
        loads.push(Load {
            layout: cache::os(&cache, &os::description(), say)?,
            images: vec![OS_IMAGE.to_owned()],
        });
    }
    Ok(loads)
}

fn start_source(directory: &Path, port: u16) -> Result<RegistryServer, QuickstartError> {
    let options = RegistryOptions {
        storage: directory.join("source"),
        port,
        log: directory.join("source.log"),
        ..RegistryOptions::below(directory)
    };
    Ok(RegistryServer::start(&options)?)
}

fn start_external(
    directory: &Path,
    port: u16,
    how: &ExternalRegistry,
) -> Result<RegistryServer, QuickstartError> {
    let own = keys::identity(directory, "registry")?;
    let Identity { server, .. } = match how.unknown_authority {
        true => keys::identity(directory, "unknown")?,
        false => own,
    };
    let users = match &how.users {
        Some(users) => users.clone(),
        None => [UPLOADER, PULLER]
            .into_iter()
            .map(|user| Ok((user.to_owned(), keys::password(directory, user)?)))
            .collect::<Result<_, QuickstartError>>()?,
    };
    let options = RegistryOptions {
        storage: directory.join("registry"),
        port,
        tls: Some(server),
        users,
        log: access_log(directory),
        ..RegistryOptions::below(directory)
    };
    Ok(RegistryServer::start(&options)?)
}

fn access_log(directory: &Path) -> PathBuf {
    directory.join("registry-access.log")
}

/// The registry's own files: it looks at them for every request, and there is
/// no request that deletes without an account that may.
fn delete_image(storage: &Path, target: &Reference) -> Result<(), QuickstartError> {
    let repositories = storage.join("docker/registry/v2/repositories");
    let manifests = repositories.join(target.path()).join("_manifests");
    let tag = manifests.join("tags").join(target.tag_or_latest().unwrap_or("latest"));
    let link = tag.join("current/link");
    let digest = std::fs::read_to_string(&link).map_err(file_error("reading", &link))?;
    let revision = manifests.join("revisions").join(digest.trim().replacen(':', "/", 1));
    for directory in [tag, revision] {
        let removed = std::fs::remove_dir_all(&directory);
        removed.map_err(file_error("removing", &directory))?;
    }
    Ok(())
}
