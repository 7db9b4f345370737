//! What a check says.

use std::collections::BTreeSet;

use crate::error::Place;

use super::rules::Rule;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The host won't do what the file says.
    Error,
    /// It may, but something is odd.
    Warning,
}

impl Level {
    /// `error` or `warning`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One finding. Messages quote keys, and never a value that could be a secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Finding {
    /// Id of the rule, for example `duplicate-key`.
    pub rule: &'static str,
    /// How bad it is.
    pub level: Level,
    /// Where.
    pub place: Place,
    /// Path of keys and indexes; empty for the file itself.
    pub path: String,
    /// What is wrong, and what to do.
    pub message: String,
}

/// Findings while they are collected.
#[derive(Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn add(
        &mut self,
        rule: &Rule,
        place: Place,
        path: &str,
        message: impl Into<String>,
    ) {
        let (path, message) = (path.to_owned(), message.into());
        self.0.push(Finding { rule: rule.id, level: rule.level, place, path, message });
    }

    pub(super) fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    pub(super) fn sorted(mut self) -> Vec<Finding> {
        let key = |f: &Finding| (f.place.line, f.place.column, f.rule, f.path.clone());
        self.0.sort_by_key(key);
        // What an alias brings to several places is one fault.
        let mut seen = BTreeSet::new();
        self.0.retain(|f| seen.insert((f.place.line, f.place.column, f.rule, f.message.clone())));
        self.0
    }
}
