//! From a scope to a lock without network: what every command starts with.

use std::path::Path;

use edgectl_model::{
    Digest, ImageLock, LOCK_SCHEMA, Layout, LockedImage, MirrorRules, Prefix, Reference, count,
};
use edgectl_profile::{DiscoveredImage, Discovery, Excluded, Problem, Severity};

use crate::cli::LockArgs;
use crate::exit;
use crate::failure::{Doing, Failure};
use crate::files::read_text;
use crate::inputs::discover_inputs;
use crate::printer::{Printer, plain};
use crate::project::Scope;

/// What discovery found, and the lock that follows from it.
#[derive(Debug)]
pub(crate) struct Discovered {
    /// What is mirrored.
    pub(crate) lock: ImageLock,
    /// What is known, and not sure enough to be mirrored.
    pub(crate) listed: Vec<DiscoveredImage>,
    /// What the user leaves out.
    pub(crate) excluded: Vec<Excluded>,
    pub(crate) problems: Vec<Problem>,
}

impl Discovered {
    /// 3 if there is something to mend, else 0.
    pub(crate) fn code(&self, strict: bool) -> u8 {
        let least = if strict { Severity::Warning } else { Severity::Error };
        let is_found = self.problems.iter().any(|problem| problem.severity >= least);
        match is_found {
            _ if self.has_failed() => exit::FAILED,
            true => exit::FOUND_WRONG,
            false => exit::DONE,
        }
    }

    /// Whether something couldn't be rendered: what is found then is less than
    /// there is, and no lock should say otherwise.
    pub(crate) fn has_failed(&self) -> bool {
        self.problems.iter().any(|problem| problem.rule == "render-failed")
    }

    /// Fails where going on would leave an image behind.
    pub(crate) fn ensure_usable(&self, strict: bool) -> Result<(), Failure> {
        match self.code(strict) {
            exit::DONE => Ok(()),
            exit::FAILED => {
                Err(Failure::new(exit::FAILED, "not everything could be rendered (see above)")
                    .hint("mend what helm or kustomize complains of, or pass `--allow-unrendered`"))
            }
            code => Err(Failure::new(code, "the profile has findings (see above)")
                .hint("mend the profile, or correct it under `images` in edge.yaml")),
        }
    }
}

/// Reads the profiles, finds the images, names them, and keeps the digests of
/// an older lock.
pub(crate) fn discover_images(scope: &Scope, args: &LockArgs) -> Result<Discovered, Failure> {
    let discovery = discover_inputs(scope)?;
    let Discovery { images, excluded, problems, inputs } = discovery;
    let (sure, listed) = images.into_iter().partition(|image| image.tier <= scope.tier);
    let mut lock = build_lock(scope, sure, inputs)?;
    let former = former_lock(scope)?;
    if args.locked {
        ensure_locked(scope, former.as_ref(), &lock)?;
    }
    if let Some(former) = former.filter(|_| !args.update) {
        lock.keep_pins(&former);
    }
    Ok(Discovered { lock, listed, excluded, problems })
}

fn build_lock(
    scope: &Scope,
    images: Vec<DiscoveredImage>,
    inputs: Digest,
) -> Result<ImageLock, Failure> {
    let (prefix, layout, rules) = naming(scope)?;
    let sources: Vec<&Reference> = images.iter().map(|image| &image.reference).collect();
    let targets = rules
        .plan(sources)
        .map_err(|e| Failure::of(exit::FAILED, &e).doing("naming the images in the registry"))?;
    let images = images.into_iter().filter_map(|image| {
        Some(LockedImage {
            digest: image.reference.digest().cloned(),
            media_type: None,
            platforms: Vec::new(),
            mirrored: None,
            target: targets.get(&image.reference)?.clone(),
            source: image.reference,
            role: image.role,
            tier: image.tier,
            declared: image.declared,
            found: image.found,
        })
    });
    Ok(ImageLock {
        schema: LOCK_SCHEMA,
        inputs,
        registry: prefix,
        layout,
        images: images.collect(),
    })
}

/// Without a registry every image keeps its name.
fn naming(scope: &Scope) -> Result<(Prefix, Layout, MirrorRules), Failure> {
    let parse = |text| Prefix::parse(text).map_err(|e| Failure::of(exit::BUG, &e));
    match &scope.registry {
        Some(registry) => Ok((registry.domain.clone(), registry.layout, registry.mirror_rules())),
        None => {
            let prefix = parse("registry.invalid/none")?;
            Ok((prefix.clone(), Layout::Full, MirrorRules::new(prefix, Layout::Full, [])))
        }
    }
}

fn former_lock(scope: &Scope) -> Result<Option<ImageLock>, Failure> {
    match scope.lock.as_deref().filter(|path| path.exists()) {
        Some(path) => read_lock(path).map(Some),
        None => Ok(None),
    }
}

/// Reads a lock file.
pub(crate) fn read_lock(path: &Path) -> Result<ImageLock, Failure> {
    let text = read_text(path, "the image lock").map_err(|f| match path.exists() {
        true => f,
        false => f.hint("`edgectl images` writes it"),
    })?;
    ImageLock::parse(&text)
        .map_err(|e| Failure::new(exit::FAILED, format!("`{}`: {e}", path.display())))
}

/// Writes the lock where the scope keeps it.
pub(crate) fn write_lock(scope: &Scope, lock: &ImageLock) -> Result<(), Failure> {
    let Some(path) = &scope.lock else { return Ok(()) };
    let text = lock.to_text().map_err(|e| Failure::of(exit::BUG, &e))?;
    edgectl_process::write_file(path, 0o644, text.as_bytes()).doing("writing the image lock")
}

fn ensure_locked(
    scope: &Scope,
    former: Option<&ImageLock>,
    now: &ImageLock,
) -> Result<(), Failure> {
    let name = scope.lock.as_deref().unwrap_or(Path::new("images.lock")).display().to_string();
    let stale = |why: &str| {
        Failure::new(exit::FOUND_WRONG, format!("`{name}` {why}"))
            .hint("run `edgectl images` without `--locked` and commit the lock")
    };
    let former = former.ok_or_else(|| stale("is not there"))?;
    if former.inputs != now.inputs {
        return Err(stale("was made from other inputs than today's profile"));
    }
    let names = |lock: &ImageLock| -> Vec<(String, String)> {
        lock.images.iter().map(|i| (i.source.canonical(), i.target.canonical())).collect()
    };
    match names(former) == names(now) {
        true => Ok(()),
        false => Err(stale("names other images or targets than edge.yaml does today")),
    }
}

/// Shows what discovery found strange; what is only good to know is counted
/// elsewhere.
pub(crate) fn show_problems(problems: &[Problem], printer: Printer) {
    let shown: Vec<&Problem> = problems.iter().filter(|p| p.severity > Severity::Info).collect();
    for problem in &shown {
        let Problem { severity, file, line, column, object, message, rule, .. } = problem;
        let kind = severity.as_str();
        let named = plain(file);
        let place = if *line == 0 { named } else { format!("{named}:{line}:{column}") };
        let object = if object == file { String::new() } else { plain(object) };
        let separator = if object.is_empty() { "" } else { ": " };
        printer.say(&format!("{kind}: {place}{separator}{object}: {message} [{rule}]"));
    }
    let errors = shown.iter().filter(|p| p.severity == Severity::Error).count();
    if !shown.is_empty() {
        let warnings = shown.len() - errors;
        printer.say(&format!("{}, {}", count(errors, "error"), count(warnings, "warning")));
    }
}
