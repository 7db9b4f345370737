//! Where the settings of a registry stand, by flavor.

use crate::check::Flavor;

/// Paths of keys.
pub(crate) struct Sections {
    /// Holds domain, username, password and insecure.
    pub(crate) credentials: [&'static str; 2],
    /// Holds the mirror rules, source to target.
    pub(crate) rules: [&'static str; 3],
    /// The list of certificate authorities.
    pub(crate) authorities: [&'static str; 3],
}

const PALETTE: Sections = Sections {
    credentials: ["stylus", "registryCredentials"],
    rules: ["stylus", "externalRegistries", "registryMappingRules"],
    authorities: ["stylus", "site", "caCerts"],
};

/// The agent's own section, for readers that have no place for a registry.
pub(crate) const OWN: Sections = Sections {
    credentials: ["edgectl", "registry"],
    rules: ["edgectl", "registry", "rules"],
    authorities: ["edgectl", "registry", "certificates"],
};

impl Sections {
    pub(crate) fn of(flavor: Flavor) -> &'static Self {
        match flavor {
            Flavor::Palette => &PALETTE,
            Flavor::Kairos | Flavor::CloudInit => &OWN,
        }
    }

    /// The top-level key of them all.
    pub(crate) fn top(&self) -> &'static str {
        self.credentials[0]
    }
}
