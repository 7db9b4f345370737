//! Two registries and the images that go from one to the other.

use std::path::{Path, PathBuf};
use std::time::Duration;

use edgectl_process::file_error;
use edgectl_testkit::quickstart::{Load, push};
use edgectl_testkit::{RegistryOptions, RegistryServer, TinyImage, TinyLayout};

use super::line::Line;
use super::tools::{Job, write};
use crate::Result;

const MIB: usize = 1 << 20;
/// As in the figures that are published for other tools: two layers that all
/// share, and a third of their own.
const IMAGES: u64 = 12;
const OWN: usize = 12 * MIB;
const SHARED: usize = 12 * MIB;
const LARGE: usize = 512 * MIB;
/// Small ones, to see what an image costs that is there already.
const MANY: u64 = 100;
const SMALL: usize = 64 << 10;

/// A source with images, and a destination that begins empty each time.
pub(super) struct World {
    directory: PathBuf,
    edgectl: PathBuf,
    delay: Duration,
    _source: RegistryServer,
    source_line: Line,
    target: Option<(RegistryServer, Line)>,
}

/// What goes over.
#[derive(Debug, Clone, Copy)]
pub(super) enum Set {
    /// Twelve images that share layers.
    Twelve,
    /// One image with one large layer.
    Large,
    /// A hundred small images.
    Hundred,
}

impl World {
    pub(super) fn new(directory: &Path, edgectl: PathBuf, delay: Duration) -> Result<Self> {
        std::fs::create_dir_all(directory).map_err(file_error("creating", directory))?;
        let options = RegistryOptions::below(&directory.join("source"));
        std::fs::create_dir_all(directory.join("source"))?;
        let source = RegistryServer::start(&options)?;
        let source_line = Line::open(&source.address(), delay)?;
        fill(&directory.join("layout"), &source.address())?;
        let directory = directory.to_owned();
        Ok(Self { directory, edgectl, delay, _source: source, source_line, target: None })
    }

    /// The images as tools are to copy them.
    pub(super) fn jobs(set: Set) -> Vec<Job> {
        let job = |name: String| Job {
            source: format!("quay.io/{name}:1"),
            target: format!("quay.io/{name}:1"),
        };
        match set {
            Set::Twelve => (0..IMAGES).map(|n| job(format!("src/i{n}"))).collect(),
            Set::Large => vec![job("src/large".to_owned())],
            Set::Hundred => (0..MANY).map(|n| job(format!("src/s{n}"))).collect(),
        }
    }

    /// An empty destination, and nothing known of it.
    pub(super) fn begin_anew(&mut self) -> Result {
        self.target = None;
        for name in ["target", "home", "state"] {
            let path = self.path(name);
            if path.exists() {
                std::fs::remove_dir_all(&path).map_err(file_error("removing", &path))?;
            }
            std::fs::create_dir_all(&path).map_err(file_error("creating", &path))?;
        }
        let _ = std::fs::remove_file(self.path("images.lock"));
        let server = RegistryServer::start(&RegistryOptions::below(&self.path("target")))?;
        let line = Line::open(&server.address(), self.delay)?;
        self.target = Some((server, line));
        Ok(())
    }

    /// Requests that the destination has had, and bytes that went to it.
    pub(super) fn counted(&self) -> Result<(u64, u64)> {
        let Some((server, line)) = &self.target else { return Ok((0, 0)) };
        let log = server.log_text()?;
        let requests = log.lines().filter(|line| line.contains("http.response.status")).count();
        Ok((requests as u64, line.sent()))
    }

    pub(super) fn edgectl(&self) -> &Path {
        &self.edgectl
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result {
        write(&self.path(name), text)
    }

    pub(super) fn source_host(&self) -> String {
        self.source_line.address().to_owned()
    }

    pub(super) fn target_host(&self) -> String {
        self.target.as_ref().map(|(_, line)| line.address().to_owned()).unwrap_or_default()
    }
}

/// Makes the images, once, and sends them to the source.
fn fill(layout: &Path, host: &str) -> Result {
    let mut tiny = TinyLayout::new(layout)?;
    let mut names = Vec::new();
    for n in 0..IMAGES {
        let image = TinyImage::new("amd64")
            .label(&n.to_string())
            .random_layer(SHARED, 1000)
            .random_layer(SHARED, 1001)
            .random_layer(OWN, n);
        names.push((format!("src/i{n}:1"), tiny.image(&image)?));
    }
    names.push((
        "src/large:1".to_owned(),
        tiny.image(&TinyImage::new("amd64").random_layer(LARGE, 2000))?,
    ));
    for n in 0..MANY {
        let image = TinyImage::new("amd64").label(&n.to_string()).random_layer(SMALL, 3000 + n);
        names.push((format!("src/s{n}:1"), tiny.image(&image)?));
    }
    for (name, written) in &names {
        tiny.name(&format!("quay.io/{name}"), written)?;
    }
    let images = names.into_iter().map(|(name, _)| format!("quay.io/{name}")).collect();
    push(&[Load { layout: layout.to_owned(), images }], host)?;
    Ok(())
}
