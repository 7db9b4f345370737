//! Which crate of the workspace may know which. Siblings don't know each
//! other; the binaries join them.

/// What one crate may depend on, within the workspace.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) may: &'static [&'static str],
    /// It must not reach files, network, clock or environment.
    pub(crate) pure: bool,
}

const fn rule(name: &'static str, may: &'static [&'static str]) -> Rule {
    Rule { name, may, pure: false }
}

const fn pure(name: &'static str, may: &'static [&'static str]) -> Rule {
    Rule { name, may, pure: true }
}

/// Everything below the binaries.
const LIBRARIES: &[&str] = &[
    "edgectl-cloudconfig",
    "edgectl-encryption",
    "edgectl-iso",
    "edgectl-model",
    "edgectl-node",
    "edgectl-process",
    "edgectl-profile",
    "edgectl-qemu",
    "edgectl-registry",
];

/// One rule per crate.
pub(crate) const RULES: &[Rule] = &[
    pure("edgectl-cloudconfig", &["edgectl-model"]),
    pure("edgectl-encryption", &["edgectl-model"]),
    pure("edgectl-model", &[]),
    pure("edgectl-node", &["edgectl-model"]),
    pure("edgectl-profile", &["edgectl-model"]),
    rule("edgectl-process", &[]),
    rule("edgectl-iso", &["edgectl-model", "edgectl-process"]),
    rule("edgectl-qemu", &["edgectl-model", "edgectl-process"]),
    rule("edgectl-registry", &["edgectl-model", "edgectl-process"]),
    rule("edgectl", LIBRARIES),
    rule(
        "edge-agent",
        &[
            "edgectl-cloudconfig",
            "edgectl-encryption",
            "edgectl-model",
            "edgectl-node",
            "edgectl-process",
        ],
    ),
    rule("edgectl-testkit", LIBRARIES),
    rule("qemu-tests", &["edgectl-model", "edgectl-process", "edgectl-qemu", "edgectl-testkit"]),
    rule("xtask", &["edgectl-model", "edgectl-process", "edgectl-testkit"]),
];

/// The test bench: for tests of every crate, for nobody's program.
pub(crate) const TESTKIT: &str = "edgectl-testkit";

/// What pure crates must not reach, by whatever way.
pub(crate) const IMPURE: &[&str] = &["edgectl-process", "reqwest", "rustix", "tokio", "ureq"];

/// Packages that only one crate may name.
pub(crate) const RESERVED: &[(&str, &str)] =
    &[("reqwest", "edgectl-registry"), ("tonic", "edge-agent"), ("signal-hook", "edgectl-process")];

/// What the source of pure crates must not mention.
pub(crate) const IMPURE_TEXT: &[&str] = &[
    "std::env::",
    "std::fs",
    "std::net",
    "std::os::",
    "std::process",
    "std::thread",
    "Instant::now",
    "SystemTime",
];
