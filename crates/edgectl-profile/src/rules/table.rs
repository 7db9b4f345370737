//! The rules by name, as images and `--explain` show them.

use edgectl_model::Tier;

/// A rule that finds images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The name that stands beside every place it found.
    pub id: &'static str,
    /// How sure it is at best.
    pub tier: Tier,
    /// What it looks at, in one line.
    pub about: &'static str,
}

pub(crate) const POD_SPEC: Rule = Rule {
    id: "pod-spec",
    tier: Tier::Certain,
    about: "Containers and image volumes in the pod specification of a built-in kind.",
};

pub(crate) const POD_TEMPLATE: Rule = Rule {
    id: "pod-template",
    tier: Tier::Certain,
    about: "Containers and image volumes anywhere in an object of any other kind.",
};

pub(crate) const KNOWN_FIELD: Rule = Rule {
    id: "known-field",
    tier: Tier::Known,
    about: "A field of a custom resource that is known to hold an image, or its parts.",
};

pub(crate) const IMAGE_KEY: Rule = Rule {
    id: "image-key",
    tier: Tier::Likely,
    about: "A key such as `image`, `sidecarImage` or `imageName`, in an object of any kind.",
};

pub(crate) const IMAGE_PARTS: Rule = Rule {
    id: "image-parts",
    tier: Tier::Likely,
    about: "Registry, repository, name, tag and digest in keys beside one another.",
};

pub(crate) const ENVIRONMENT: Rule = Rule {
    id: "environment",
    tier: Tier::Likely,
    about: "A variable or parameter such as `RELATED_IMAGE_X` or `STRIMZI_KAFKA_IMAGES`.",
};

pub(crate) const ARGUMENT: Rule = Rule {
    id: "argument",
    tier: Tier::Likely,
    about: "An argument such as `--solver-image=X` or `--solver-image X`.",
};

pub(crate) const LINE: Rule = Rule {
    id: "line",
    tier: Tier::Likely,
    about: "A line such as `image: X` in a template, a script or a text that can't be parsed.",
};

pub(crate) const REFERENCE: Rule = Rule {
    id: "reference",
    tier: Tier::Possible,
    about: "Any other text that is a full reference, or a bare word where an image belongs.",
};

/// Every rule that looks into objects and values, the surest first.
pub const RULES: &[Rule] = &[
    POD_SPEC,
    POD_TEMPLATE,
    KNOWN_FIELD,
    IMAGE_KEY,
    IMAGE_PARTS,
    ENVIRONMENT,
    ARGUMENT,
    LINE,
    REFERENCE,
];
