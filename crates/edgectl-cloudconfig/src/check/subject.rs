//! The file under check.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use edgectl_model::{ImageLock, Reference};

use super::registries::Registries;
use super::walk::{Visit, Walked, walk};
use crate::envelope::parts;
use crate::error::Place;
use crate::header::is_kairos_config;
use crate::template::{Template, readable};
use crate::tree::{Data, Document, Id, Node};

/// Which agent reads the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavor {
    /// Palette Edge: `stylus:` beside Kairos' keys.
    Palette,
    /// Kairos: `install:`, `stages:` or another of its keys, or its own headers.
    Kairos,
    /// Canonical cloud-init.
    CloudInit,
}

impl Flavor {
    /// The flavor of a text, or of the cloud-config parts of a MIME multipart or
    /// a cloud-config-archive; none where one of these isn't YAML, or there are
    /// none.
    pub fn detect(text: &str) -> Option<Self> {
        let read = |text: &str| Document::parse(text).ok().map(|doc| Self::of(text, &doc));
        let one = |text: &str| match Template::of(text).ok()? {
            Some(template) => read(template.text()),
            None => read(text),
        };
        let Some(parts) = parts(text) else { return one(text) };
        let found = parts.iter().map(|part| one(&part.text)).collect::<Option<Vec<_>>>()?;
        // Palette's files have Kairos' keys too, and either's have cloud-init's.
        [Self::Palette, Self::Kairos, Self::CloudInit]
            .into_iter()
            .find(|flavor| found.contains(flavor))
    }

    /// Who else than Palette's agent a text is for by its keys: it has none of
    /// Palette's, and some that others alone read.
    pub fn instead_of_palette(text: &str) -> Option<Self> {
        const OF_CLOUD_INIT: [&str; 12] = [
            "runcmd",
            "bootcmd",
            "packages",
            "package_update",
            "package_upgrade",
            "apt",
            "snap",
            "ntp",
            "power_state",
            "mounts",
            "disk_setup",
            "fs_setup",
        ];
        let document = readable(text)?;
        let has = |key| document.root.is_some_and(|root| document.get(root, key).is_some());
        match Self::of(text, &document) {
            Self::Palette => None,
            Self::CloudInit if !OF_CLOUD_INIT.into_iter().any(has) => None,
            flavor => Some(flavor),
        }
    }

    /// Recognises the flavor of cloud-config by its header and its top-level
    /// keys.
    pub(crate) fn of(text: &str, document: &Document) -> Self {
        let has = |key| document.root.is_some_and(|root| document.get(root, key).is_some());
        const KAIROS: [&str; 9] = [
            "install",
            "stages",
            "k3s",
            "k3s-agent",
            "k0s",
            "k0s-worker",
            "p2p",
            "kubevip",
            "kcrypt",
        ];
        if has("stylus") {
            return Self::Palette;
        }
        match is_kairos_config(text) || KAIROS.into_iter().any(has) {
            true => Self::Kairos,
            false => Self::CloudInit,
        }
    }
}

/// What the user data has to provide for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Against {
    /// Original names of the images that the host pulls.
    pub images: Vec<Reference>,
    /// Where they are in the private registry, by original name; of what isn't
    /// here nothing tells where it is.
    pub targets: BTreeMap<String, Reference>,
}

impl From<&ImageLock> for Against {
    fn from(lock: &ImageLock) -> Self {
        let targets =
            lock.workloads().map(|image| (image.source.canonical(), image.target.clone()));
        Self {
            images: lock.workloads().map(|image| image.source.clone()).collect(),
            targets: targets.collect(),
        }
    }
}

/// What rules look at.
pub(super) struct Subject<'a> {
    pub(super) text: &'a str,
    pub(super) document: &'a Document,
    pub(super) flavor: Flavor,
    pub(super) against: Option<&'a Against>,
    registries: OnceCell<Registries>,
    walked: OnceCell<Walked<'a>>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(text: &'a str, document: &'a Document, against: Option<&'a Against>) -> Self {
        Self {
            text,
            document,
            flavor: Flavor::of(text, document),
            against,
            registries: OnceCell::new(),
            walked: OnceCell::new(),
        }
    }

    /// Where images come from, as the file has it.
    pub(super) fn origins(&self) -> &Registries {
        self.registries.get_or_init(|| Registries::read(self))
    }

    /// The file along its schema.
    pub(super) fn visits(&self) -> &[Visit<'a>] {
        &self.walked.get_or_init(|| walk(self)).visits
    }

    /// The first value that was not looked at, as there are too many.
    pub(super) fn passed_over(&self) -> Option<Id> {
        self.walked.get_or_init(|| walk(self)).passed_over
    }

    pub(super) fn node(&self, id: Id) -> &'a Node {
        self.document.node(id)
    }

    pub(super) fn place(&self, id: Id) -> Place {
        self.document.node(id).place
    }

    /// The value at a path of keys, through aliases and merge keys.
    pub(super) fn at(&self, path: &[&str]) -> Option<Id> {
        path.iter().try_fold(self.document.root?, |id, key| self.document.get(id, key))
    }

    /// The text of a scalar.
    pub(super) fn text_of(&self, id: Id) -> Option<&'a str> {
        self.node(self.document.resolve(id)?).scalar().map(|(text, _)| text)
    }

    /// The items of a list; none for anything else.
    pub(super) fn items(&self, id: Id) -> &'a [Id] {
        match self.document.resolve(id).map(|id| &self.node(id).data) {
            Some(Data::Sequence { items, .. }) => items,
            _ => &[],
        }
    }

    /// The entries of a mapping, merge keys aside: key, its text, value.
    pub(super) fn entries(&self, id: Id) -> impl Iterator<Item = (Id, &'a str, Id)> {
        let entries = self.document.resolve(id).map(|id| self.document.entries(id));
        let named = |(key, value): &(Id, Id)| Some((*key, self.text_of(*key)?, *value));
        entries.unwrap_or_default().iter().filter_map(named)
    }

    /// The same with what merge keys (`<<`) bring, one merge deep; what stands
    /// there itself goes over it.
    pub(super) fn entries_with_merged(&self, id: Id) -> Vec<(Id, &'a str, Id)> {
        let mut found: Vec<(Id, &'a str, Id)> = self.entries(id).collect();
        if found.iter().all(|(_, name, _)| *name != "<<") {
            return found;
        }
        let own: BTreeSet<&str> = found.iter().map(|(_, name, _)| *name).collect();
        let mut seen = BTreeSet::new();
        let mut brought = Vec::new();
        for base in self.document.merged(id) {
            let more = self.entries(base).filter(|(_, name, _)| *name != "<<");
            brought.extend(more.filter(|(_, name, _)| !own.contains(name) && seen.insert(*name)));
        }
        found.extend(brought);
        found
    }

    /// All steps of all stages, with their paths.
    pub(super) fn steps(&self) -> Vec<(String, Id)> {
        let stages = self.at(&["stages"]).into_iter().flat_map(|id| self.entries(id));
        let steps = stages.flat_map(|(_, stage, steps)| {
            let numbered = self.items(steps).iter().enumerate();
            numbered.map(move |(n, step)| (format!("stages.{stage}[{n}]"), *step))
        });
        steps.collect()
    }

    /// The registries with credentials, with their paths.
    pub(super) fn registries(&self) -> Vec<(String, Id)> {
        let single = self.at(&["stylus", "registryCredentials"]);
        let listed = self.at(&["stylus", "externalRegistries", "registries"]);
        let items = listed.map(|list| self.items(list)).unwrap_or_default().iter().enumerate();
        let path = |n| format!("stylus.externalRegistries.registries[{n}]");
        let single = single.map(|id| ("stylus.registryCredentials".to_owned(), id));
        single.into_iter().chain(items.map(|(n, id)| (path(n), *id))).collect()
    }

    /// All files that the user data writes: `write_files` and the files of
    /// stages, with their paths.
    pub(super) fn files(&self) -> Vec<(String, Id)> {
        let mut files = Vec::new();
        let mut add = |path: String, list: Option<Id>| {
            let items = list.map(|list| self.items(list)).unwrap_or_default();
            files.extend(items.iter().enumerate().map(|(n, id)| (format!("{path}[{n}]"), *id)));
        };
        add("write_files".to_owned(), self.at(&["write_files"]));
        for (path, step) in self.steps() {
            add(format!("{path}.files"), self.document.get(step, "files"));
        }
        files
    }
}
