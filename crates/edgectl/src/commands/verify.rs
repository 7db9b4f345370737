//! `edgectl verify`.

use std::path::PathBuf;

use edgectl_model::{ImageLock, LockedImage, RegistryConfig, count};
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
    let depth = if args.deep { Depth::Contents } else { Depth::Names };
    let requests = requests(&lock)?;
    let found = on_runtime(async {
        Ok(verify(requests, &destination, depth, usize::from(args.jobs)).await?)
    })?;
    printer.data(&match args.output.output {
        Output::Table => as_table(&found),
        Output::Json => format!("{:#}\n", as_json(&found)),
    })?;
    let wrong = found.iter().filter(|image| !matches!(image.verdict, Verdict::Same)).count();
    let images = count(found.len(), "image");
    printer.say(&match wrong {
        0 => format!("{images} in {}, all as in the lock", registry.domain),
        n => format!("{images} in the lock, {n} not as they should be in {}", registry.domain),
    });
    let is_unknown = |image: &Verified| matches!(image.verdict, Verdict::Unknown(_));
    Ok(match wrong {
        0 => exit::DONE,
        // Nothing was found wrong: the registry didn't answer.
        _ if found.iter().all(is_unknown) => exit::FAILED,
        _ => exit::FOUND_WRONG,
    })
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

fn requests(lock: &ImageLock) -> Result<Vec<VerifyRequest>, Failure> {
    let request = |image: &LockedImage| match image.mirrored_digest() {
        Some(digest) => Ok(VerifyRequest { target: image.target.clone(), digest: digest.clone() }),
        None => {
            Err(Failure::new(exit::FAILED, format!("`{}` has no digest in the lock", image.source))
                .hint("`edgectl upload-profile` pins every image, `edgectl images --resolve` too"))
        }
    };
    lock.images.iter().filter(|image| is_uploaded(image)).map(request).collect()
}

/// One word, and what there is to say about it.
fn told(verdict: &Verdict) -> (&'static str, String) {
    match verdict {
        Verdict::Same => ("same", String::new()),
        Verdict::Missing => ("missing", "not in the registry".to_owned()),
        Verdict::Moved(digest) => ("moved", format!("stands for {digest} now")),
        Verdict::Damaged(error) => ("damaged", with_causes(error)),
        Verdict::Unknown(error) => ("unknown", with_causes(error)),
    }
}

/// What is as it should be needs no line.
fn as_table(found: &[Verified]) -> String {
    let mut rows = vec![["IMAGE", "STATE", "DETAIL"].map(str::to_owned).to_vec()];
    for image in found.iter().filter(|image| !matches!(image.verdict, Verdict::Same)) {
        let (word, detail) = told(&image.verdict);
        rows.push(vec![image.request.target.to_string(), word.to_owned(), detail]);
    }
    if rows.len() == 1 { String::new() } else { table(&rows) }
}

fn as_json(found: &[Verified]) -> Value {
    let images: Vec<Value> = found
        .iter()
        .map(|image| {
            let (state, detail) = told(&image.verdict);
            json!({
                "image": image.request.target,
                "digest": image.request.digest,
                "state": state,
                "detail": detail,
            })
        })
        .collect();
    json!({ "schema": 1, "images": images })
}
