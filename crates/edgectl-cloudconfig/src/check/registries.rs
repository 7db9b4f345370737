//! The registry settings of the file, with their places. What can't be read is
//! left to the rules about types.

use edgectl_model::{Prefix, Reference};

use crate::error::Place;
use crate::tree::Id;

use super::host_mirrors;
use super::subject::Subject;

/// A registry of `externalRegistries`.
pub(super) struct Listed {
    pub(super) domain: Prefix,
    pub(super) place: Place,
    pub(super) path: String,
}

/// A mirror rule.
pub(super) struct MirrorRule {
    pub(super) source: Prefix,
    pub(super) target: Prefix,
    pub(super) place: Place,
    pub(super) path: String,
}

/// Where images come from, as the file has it.
pub(super) struct Registries {
    /// The one of `registryCredentials`: it serves every image.
    pub(super) single: Option<Prefix>,
    pub(super) listed: Vec<Listed>,
    pub(super) rules: Vec<MirrorRule>,
    /// A mirror for whatever has none of its own.
    pub(super) everything: bool,
    /// Where one would look for them.
    pub(super) place: Place,
}

impl Registries {
    pub(super) fn read(subject: &Subject<'_>) -> Self {
        const EXTERNAL: [&str; 2] = ["stylus", "externalRegistries"];
        const RULES: &str = "stylus.externalRegistries.registryMappingRules";
        let external = subject.at(&EXTERNAL);
        let top = external.or_else(|| subject.at(&["stylus"])).or(subject.document.root);
        let below = |key| external.and_then(|id| subject.document.get(id, key));
        let own = subject.at(&["edgectl", "registry", "rules"]);
        let mut found = Self {
            single: subject
                .at(&["stylus", "registryCredentials", "domain"])
                .and_then(|id| prefix(subject, id)),
            listed: listed(subject, below("registries")),
            rules: rules(subject, below("registryMappingRules"), RULES)
                .into_iter()
                .chain(rules(subject, own, "edgectl.registry.rules"))
                .collect(),
            everything: false,
            place: top.map_or(Place::new(1, 1), |id| subject.place(id)),
        };
        host_mirrors::read(subject, &mut found);
        found
    }

    /// Whether the file says nothing of where images come from.
    pub(super) fn is_empty(&self) -> bool {
        self.single.is_none() && self.listed.is_empty() && self.rules.is_empty() && !self.everything
    }

    /// Whether the host finds an image without the internet.
    pub(super) fn covers(&self, image: &Reference) -> bool {
        let is_there = |prefix: &Prefix| prefix.remainder(image).is_some();
        self.single.is_some()
            || self.everything
            || self.rules.iter().any(|rule| is_there(&rule.source))
            || self.listed.iter().any(|listed| is_there(&listed.domain))
    }
}

impl Registries {
    /// The rule that an image takes.
    pub(super) fn rule_of(&self, image: &Reference) -> Option<&MirrorRule> {
        let takes = |rule: &&MirrorRule| rule.source.remainder(image).is_some();
        self.rules.iter().filter(takes).max_by_key(|rule| rule.source.to_string().len())
    }
}

impl MirrorRule {
    /// Whether the rule leads an image to where it is.
    pub(super) fn leads_to(&self, image: &Reference, target: &Reference) -> bool {
        let below = self.source.remainder(image).unwrap_or_default();
        let place = match below.trim_start_matches('/') {
            "" => Ok(self.target.clone()),
            below => self.target.join(below),
        };
        place.is_ok_and(|place| (place.domain(), place.path()) == (target.domain(), target.path()))
    }
}

fn listed(subject: &Subject<'_>, list: Option<Id>) -> Vec<Listed> {
    let items = list.map(|list| subject.items(list)).unwrap_or_default();
    let read = |(n, item): (usize, &Id)| {
        let domain = subject.document.get(*item, "domain")?;
        Some(Listed {
            domain: prefix(subject, domain)?,
            place: subject.place(domain),
            path: format!("stylus.externalRegistries.registries[{n}].domain"),
        })
    };
    items.iter().enumerate().filter_map(read).collect()
}

fn rules(subject: &Subject<'_>, map: Option<Id>, path: &str) -> Vec<MirrorRule> {
    let entries = map.into_iter().flat_map(|map| subject.entries(map));
    let read = |(key, source, target): (Id, &str, Id)| {
        Some(MirrorRule {
            source: Prefix::parse(source).ok()?,
            target: prefix(subject, target)?,
            place: subject.place(key),
            path: format!("{path}.{source}"),
        })
    };
    entries.filter_map(read).collect()
}

fn prefix(subject: &Subject<'_>, id: Id) -> Option<Prefix> {
    Prefix::parse(subject.text_of(id)?.trim_end_matches('/')).ok()
}
