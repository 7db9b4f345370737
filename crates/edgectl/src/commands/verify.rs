//! `edgectl verify`.

use std::path::PathBuf;

use edgectl_model::{Digest, ImageLock, LockedImage, Reference, RegistryConfig, count};
use edgectl_registry::{Depth, Registries, Verdict, Verified, VerifyRequest, verify};
use serde_json::{Value, json};

use crate::cli::{Output, VerifyArgs};
use crate::discovery::read_lock;
use crate::exit;
use crate::failure::{Failure, with_causes};
use crate::pinning::is_uploaded;
use crate::printer::{Printer, table};
use crate::project::Project;
use crate::runtime::on_runtime;

pub(crate) fn run(args: &VerifyArgs, printer: Printer) -> Result<u8, Failure> {
    let (registry, destination, path) = where_to(args)?;
    let lock = read_lock(&path)?;
    if lock.registry != registry.domain {
        return Err(Failure::new(
            exit::FAILED,
            format!("the lock is of `{}`, and not of `{}`", lock.registry, registry.domain),
        )
        .hint("run `edgectl images`, or name the project file of the lock with `-f`, or the lock's registry with `--registry`"));
    }
    ensure_below(&lock, &registry)?;
    let depth = if args.deep { Depth::Contents } else { Depth::Names };
    let (requests, unpinned) = requests(&lock);
    let found = on_runtime(async {
        Ok(verify(requests, &destination, depth, usize::from(args.jobs)).await?)
    })?;
    let mut states: Vec<State<'_>> = found.iter().map(State::from).collect();
    states.extend(unpinned.iter().map(|image| State::unpinned(image)));
    printer.data(&match args.output.output {
        Output::Table => as_table(&states),
        Output::Json => format!("{:#}\n", as_json(&states)),
    })?;
    let wrong = states.iter().filter(|state| state.word != SAME).count();
    let images = count(states.len(), "image");
    printer.say(&match wrong {
        0 => format!("{images} in {}, all as in the lock", registry.domain),
        n => format!("{images} in the lock, {n} not as they should be in {}", registry.domain),
    });
    if found.iter().any(|image| matches!(image.verdict, Verdict::Damaged(_))) {
        printer.say(REPAIR);
    }
    // Where nothing was found wrong, something couldn't be told.
    let is_wrong = |image: &Verified| !matches!(image.verdict, Verdict::Same | Verdict::Unknown(_));
    match found.iter().any(is_wrong) {
        true => Ok(exit::FOUND_WRONG),
        false if !unpinned.is_empty() => Err(not_pinned(&unpinned)),
        false => Ok(if wrong == 0 { exit::DONE } else { exit::FAILED }),
    }
}

/// What is elsewhere says nothing of this registry, and its login doesn't go
/// there.
fn ensure_below(lock: &ImageLock, registry: &RegistryConfig) -> Result<(), Failure> {
    let is_below = |image: &LockedImage| {
        let mut prefixes = registry.rules.values().chain([&registry.domain]);
        prefixes.any(|prefix| prefix.remainder(&image.target).is_some())
    };
    let mut uploaded = lock.images.iter().filter(|image| is_uploaded(image));
    match uploaded.find(|image| !is_below(image)) {
        None => Ok(()),
        Some(image) => {
            let (target, domain) = (&image.target, &registry.domain);
            let text = format!("the lock has `{target}`, which is not in `{domain}`");
            Err(Failure::new(exit::FAILED, text)
                .hint("`edgectl images` makes the lock for this registry"))
        }
    }
}

fn not_pinned(images: &[&LockedImage]) -> Failure {
    let first = images.first().map(|image| image.source.to_string()).unwrap_or_default();
    let text = match images.len() {
        1 => format!("`{first}` has no digest in the lock"),
        n => format!("{n} images have no digest in the lock, `{first}` is the first"),
    };
    Failure::new(exit::FAILED, text)
        .hint("`edgectl upload-profile` pins every image, `edgectl images --resolve` too")
}

/// The registry and the lock: those that are named, else the project's.
fn where_to(args: &VerifyArgs) -> Result<(RegistryConfig, Registries, PathBuf), Failure> {
    if let Some(registry) = args.registry.config()? {
        let lock = args.lock.clone().ok_or_else(|| {
            let text = "`--registry` takes the place of edge.yaml: name the lock, too";
            Failure::new(exit::USAGE, text)
        })?;
        let destination = args.registry.destination(&registry)?;
        return Ok((registry, destination, lock));
    }
    let project = Project::load(&args.project.file)?;
    let path = args.lock.clone().unwrap_or_else(|| project.path(&project.config.lock));
    let destination = project.scope().destination(&project.config.registry)?;
    Ok((project.config.registry, destination, path))
}

/// What can be asked for, and what no digest is known of.
fn requests(lock: &ImageLock) -> (Vec<VerifyRequest>, Vec<&LockedImage>) {
    let (mut requests, mut unpinned) = (Vec::new(), Vec::new());
    for image in lock.images.iter().filter(|image| is_uploaded(image)) {
        let target = image.target.clone();
        match image.mirrored_digest().cloned() {
            Some(digest) => requests.push(VerifyRequest { target, digest }),
            None => unpinned.push(image),
        }
    }
    (requests, unpinned)
}

const REPAIR: &str = "hint: `edgectl upload-profile --repair` sends what is missing of them; what is there with other bytes has to be deleted in the registry first";

/// What is as it should be.
const SAME: &str = "same";

/// An image: one word, and what there is to say about it.
struct State<'a> {
    target: &'a Reference,
    digest: Option<&'a Digest>,
    word: &'static str,
    detail: String,
}

impl<'a> From<&'a Verified> for State<'a> {
    fn from(image: &'a Verified) -> Self {
        let (word, detail) = match &image.verdict {
            Verdict::Same => (SAME, String::new()),
            Verdict::Missing => ("missing", "not in the registry".to_owned()),
            Verdict::Moved(digest) => ("moved", format!("stands for {digest} now")),
            Verdict::Damaged(error) => ("damaged", with_causes(error)),
            Verdict::Unknown(error) => ("unknown", with_causes(error)),
        };
        let VerifyRequest { target, digest } = &image.request;
        Self { target, digest: Some(digest), word, detail }
    }
}

impl<'a> State<'a> {
    fn unpinned(image: &'a LockedImage) -> Self {
        let detail = "no digest in the lock".to_owned();
        Self { target: &image.target, digest: None, word: "unpinned", detail }
    }
}

/// What is as it should be needs no line.
fn as_table(states: &[State<'_>]) -> String {
    let mut rows = vec![["IMAGE", "STATE", "DETAIL"].map(str::to_owned).to_vec()];
    for state in states.iter().filter(|state| state.word != SAME) {
        rows.push(vec![state.target.to_string(), state.word.to_owned(), state.detail.clone()]);
    }
    if rows.len() == 1 { String::new() } else { table(&rows) }
}

fn as_json(states: &[State<'_>]) -> Value {
    let images = states.iter().map(|state| {
        json!({
            "image": state.target,
            "digest": state.digest,
            "state": state.word,
            "detail": state.detail,
        })
    });
    json!({ "schema": 1, "images": images.collect::<Vec<_>>() })
}
