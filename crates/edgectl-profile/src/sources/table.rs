//! The rules of documents that declare images, and what can be wrong, by name.

use edgectl_model::Tier;

use crate::report::Severity;
use crate::rules::Rule;

const fn rule(id: &'static str, tier: Tier, about: &'static str) -> Rule {
    Rule { id, tier, about }
}

/// Every rule that belongs to one kind of document.
pub const SOURCE_RULES: &[Rule] = &[
    rule("pack-content", Tier::Certain, "`pack.content.images` in the values of a pack."),
    rule("os-pack", Tier::Certain, "`options.system.uri` of an OS pack, or its parts."),
    rule("stylus-package", Tier::Known, "`container://…` in the values of a pack."),
    rule(
        "chart-annotation",
        Tier::Certain,
        "`images`, `artifacthub.io/images` or `helm.sh/images` in a `Chart.yaml`.",
    ),
    rule("image-list", Tier::Certain, "A line of a list, or an item of a YAML or JSON list."),
    rule("images-lock", Tier::Certain, "A lock of Carvel's, of Helm's, or of edgectl."),
    rule("kots-application", Tier::Certain, "`additionalImages` of a KOTS application."),
    rule("kots-airgap", Tier::Certain, "`savedImages` of a KOTS air-gap bundle."),
    rule(
        "kots-collector",
        Tier::Certain,
        "The image of a collector in a preflight or support bundle.",
    ),
    rule("zarf", Tier::Certain, "`images` of a component of a Zarf package."),
    rule("hauler", Tier::Certain, "Hauler's `Images` and `ThickCharts`."),
    rule(
        "eib",
        Tier::Certain,
        "`embeddedArtifactRegistry.images` of an Edge Image Builder definition.",
    ),
    rule(
        "oc-mirror",
        Tier::Certain,
        "`additionalImages` and catalogs of an ImageSetConfiguration.",
    ),
    rule("compose", Tier::Certain, "`image` of a Docker Compose service."),
    rule("flux-artifact", Tier::Certain, "The artifact that a Flux OCIRepository pulls."),
    rule(
        "argo-cd",
        Tier::Known,
        "Image overrides, parameters and updates of an Argo CD application.",
    ),
    rule(
        "kustomize-images",
        Tier::Likely,
        "An image that a kustomization puts in place of another.",
    ),
    rule("template-line", Tier::Likely, "`image: X` in a template of a chart that isn't rendered."),
    rule("include", Tier::Certain, "`images.include` in edge.yaml."),
];

/// Something that can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemRule {
    /// The name that stands behind it in brackets.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it means.
    pub about: &'static str,
}

const fn problem(id: &'static str, severity: Severity, about: &'static str) -> ProblemRule {
    ProblemRule { id, severity, about }
}

/// Everything that discovery complains of.
pub const PROBLEMS: &[ProblemRule] = &[
    problem(
        "render-failed",
        Severity::Error,
        "A chart or kustomization can't be rendered; the exit code is 1.",
    ),
    problem(
        "too-many-places",
        Severity::Error,
        "More than 50,000 places name an image; the rest isn't searched.",
    ),
    problem("bad-reference", Severity::Error, "What stands where an image must stand is none."),
    problem(
        "unresolved-macro",
        Severity::Error,
        "Nothing says what a macro means; `--macro` or `images.macros` can.",
    ),
    problem("unresolved-variable", Severity::Error, "A variable of a Compose file has no default."),
    problem(
        "values-syntax",
        Severity::Error,
        "The values of a pack, or its `pack.json`, can't be read.",
    ),
    problem("manifest-syntax", Severity::Error, "A manifest isn't YAML; its lines are searched."),
    problem("broken-archive", Severity::Error, "An archive in a directory can't be read."),
    problem("pack-content", Severity::Error, "An entry of `pack.content.images` has no image."),
    problem("not-rendered", Severity::Warning, "As `render-failed`, with `--allow-unrendered`."),
    problem("not-read", Severity::Warning, "Something is named that isn't among the inputs."),
    problem(
        "used-not-declared",
        Severity::Warning,
        "A pack or chart uses an image that its list leaves out.",
    ),
    problem(
        "declared-not-used",
        Severity::Warning,
        "A list names an image that nothing rendered uses.",
    ),
    problem("floating-tag", Severity::Warning, "`latest`, or no tag at all."),
    problem(
        "misspelt-key",
        Severity::Warning,
        "A slip of the finger next to a known key; its value is taken.",
    ),
    problem("misplaced-key", Severity::Warning, "A list of images a level off; it is taken."),
    problem("duplicate-key", Severity::Warning, "A key twice in one mapping; both are searched."),
    problem("template", Severity::Warning, "An image that is filled in elsewhere."),
    problem("version-range", Severity::Warning, "An artifact is named by a range of versions."),
    problem(
        "not-utf-8",
        Severity::Warning,
        "Bytes that are no text; what is around them is searched.",
    ),
    problem(
        "exclude-unmatched",
        Severity::Warning,
        "Nothing matches an entry of `images.exclude`.",
    ),
    problem("not-pinned", Severity::Info, "A reference without a digest."),
    problem("blocked-image", Severity::Info, "`blockedImages` of an ImageSetConfiguration."),
    problem("built-service", Severity::Info, "A Compose service that is built and has no image."),
];
