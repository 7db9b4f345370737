//! From a source name to its name in the private registry.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::prefix::{Prefix, PrefixError};
use crate::reference::{Reference, ReferenceError};

/// How the rest of a name is laid out below the registry's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// The whole original name, host included (Palette). Never collides.
    #[default]
    Full,
    /// The name without its host (bmctl).
    DropHost,
    /// The last path component alone (KOTS, Aspen Mesh, airctl).
    Flatten,
    /// Only what the rules say.
    Mapped,
}

/// Why a reference has no name in the registry.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RewriteError {
    /// A port can't stand in a path.
    #[error(
        "`{0}` names a registry with a port, which can't be part of a path: add a rule for it to `registry.rules`, or leave hosts out (`layout: drop-host`, `--layout drop-host`)"
    )]
    SourcePort(String),
    /// No rule matches, and the layout is `mapped`.
    #[error("no rule in `registry.rules` covers `{0}`, and the layout is `mapped`")]
    NoRule(String),
    /// The new name isn't a legal reference.
    #[error("`{source_name}` can't be named below `{target}`")]
    Illegal {
        /// Source reference.
        source_name: String,
        /// Prefix it should be put under.
        target: String,
        /// What is wrong.
        #[source]
        source: ReferenceError,
    },
}

/// Two sources that would get one name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{first}` and `{second}` would both become `{target}`; choose the layout `full` or add a rule for one of them"
)]
pub struct Collision {
    /// One source.
    pub first: Reference,
    /// The other source.
    pub second: Reference,
    /// The name both would get.
    pub target: Reference,
}

/// One source prefix and what replaces it: the form in which user data and
/// container runtimes carry mirror rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostRule {
    /// Prefix of source names.
    pub source: Prefix,
    /// What stands in its place.
    pub target: Prefix,
}

/// Where each source image lives in the private registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorRules {
    target: Prefix,
    layout: Layout,
    /// Most specific first.
    rules: Vec<HostRule>,
}

impl MirrorRules {
    /// Rules that put every image below `target`. Explicit `rules` go first,
    /// the longest matching prefix wins.
    pub fn new(target: Prefix, layout: Layout, rules: impl IntoIterator<Item = HostRule>) -> Self {
        let mut rules: Vec<HostRule> = rules.into_iter().collect();
        rules.sort_by(|a, b| {
            let longest_first = b.source.specificity().cmp(&a.source.specificity());
            longest_first.then_with(|| a.cmp(b))
        });
        Self { target, layout, rules }
    }

    /// The registry's prefix.
    pub fn target(&self) -> &Prefix {
        &self.target
    }

    /// The name of `source` in the registry. A name that already lies below
    /// the registry's prefix stays as it is.
    pub fn rewrite(&self, source: &Reference) -> Result<Reference, RewriteError> {
        if self.target.remainder(source).is_some_and(|rest| !rest.is_empty()) {
            return Ok(source.clone());
        }
        for rule in &self.rules {
            if let Some(rest) = rule.source.remainder(source) {
                return place(source, &rule.target, rest);
            }
        }
        match self.layout {
            Layout::Full if source.domain().contains([':', '[']) => {
                Err(RewriteError::SourcePort(source.to_string()))
            }
            Layout::Full => place(source, &self.target, &source.repository()),
            Layout::DropHost => place(source, &self.target, source.path()),
            Layout::Flatten => {
                let last = source.path().rsplit('/').next().unwrap_or_default();
                place(source, &self.target, last)
            }
            Layout::Mapped => Err(RewriteError::NoRule(source.to_string())),
        }
    }

    /// The names of all `sources`, refused where two of them would meet.
    /// Tags matter: `a:1` and `b:2` may share a repository.
    pub fn plan<'a>(
        &self,
        sources: impl IntoIterator<Item = &'a Reference>,
    ) -> Result<BTreeMap<Reference, Reference>, PlanError> {
        let mut taken: BTreeMap<Reference, &Reference> = BTreeMap::new();
        let mut names = BTreeMap::new();
        for source in sources {
            let target = self.rewrite(source)?;
            if let Some(first) = taken.get(&target)
                && *first != source
            {
                let collision =
                    Collision { first: (*first).clone(), second: source.clone(), target };
                return Err(PlanError::Collision(Box::new(collision)));
            }
            taken.insert(target.clone(), source);
            names.insert(source.clone(), target);
        }
        Ok(names)
    }

    /// The rules as pairs of prefixes that together name every one of
    /// `sources` as [`rewrite`](Self::rewrite) does: one per source host where
    /// the layout allows it, one per repository where it doesn't (`flatten`).
    pub fn host_rules<'a>(
        &self,
        sources: impl IntoIterator<Item = &'a Reference>,
    ) -> Result<Vec<HostRule>, HostRuleError> {
        let mut found = std::collections::BTreeSet::new();
        for source in sources {
            if self.target.remainder(source).is_some() {
                continue;
            }
            match self.rules.iter().find(|r| r.source.remainder(source).is_some()) {
                Some(rule) => found.insert(rule.clone()),
                None => found.insert(self.implicit_rule(source)?),
            };
        }
        Ok(found.into_iter().collect())
    }

    fn implicit_rule(&self, source: &Reference) -> Result<HostRule, HostRuleError> {
        let target = self.rewrite(source)?;
        Ok(match self.layout {
            Layout::Full => HostRule {
                source: Prefix::parse(source.domain())?,
                target: self.target.join(source.domain())?,
            },
            Layout::DropHost => {
                HostRule { source: Prefix::parse(source.domain())?, target: self.target.clone() }
            }
            Layout::Flatten | Layout::Mapped => HostRule {
                source: Prefix::parse(&source.repository())?,
                target: Prefix::parse(&target.repository())?,
            },
        })
    }
}

/// Why a set of images has no names.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// One of them has none.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// Two of them have the same.
    #[error(transparent)]
    Collision(Box<Collision>),
}

/// Why rules can't be written as pairs of prefixes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HostRuleError {
    /// An image has no name.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// A prefix isn't legal.
    #[error(transparent)]
    Prefix(#[from] PrefixError),
}

fn place(source: &Reference, target: &Prefix, rest: &str) -> Result<Reference, RewriteError> {
    let path = match (target.path(), rest) {
        ("", rest) => rest.to_owned(),
        (path, "") => path.to_owned(),
        (path, rest) => format!("{path}/{rest}"),
    };
    Reference::from_parts(target.domain(), &path, source.tag_or_latest(), source.digest()).map_err(
        |error| RewriteError::Illegal {
            source_name: source.to_string(),
            target: target.to_string(),
            source: error,
        },
    )
}
