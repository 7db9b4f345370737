//! `edgectl images`.

use edgectl_model::{ImageLock, LockedImage, Reference, count};
use edgectl_profile::{Problem, Severity};
use serde_json::{Value, json};

use crate::cli::{ImagesArgs, ImagesOutput};
use crate::commands::upload_profile::on_runtime;
use crate::discovery::{Discovered, discover_images, show_problems, write_lock};
use crate::exit;
use crate::failure::Failure;
use crate::pinning;
use crate::printer::{Printer, table};
use crate::project::{Project, Scope};

pub(crate) fn run(args: &ImagesArgs, printer: Printer) -> Result<u8, Failure> {
    let scope = match args.profiles.as_slice() {
        [] => Project::load(&args.project.file)?.scope(),
        profiles => Scope::of_profiles(profiles),
    };
    let mut discovered = discover_images(&scope, &args.lock)?;
    if args.output == ImagesOutput::Lock && scope.registry.is_none() {
        return Err(Failure::new(
            exit::USAGE,
            "a lock names images in a registry, and none is given",
        )
        .hint("name the profile and the registry in edge.yaml (`edgectl init`)"));
    }
    if args.resolve {
        let sources = scope.sources_of(&discovered.lock)?;
        on_runtime(pinning::pin(&mut discovered.lock, &sources))?;
    }
    if !args.lock.locked {
        write_lock(&scope, &discovered.lock)?;
    }
    show_problems(&discovered.problems, printer);
    printer.data(&match &args.explain {
        Some(image) => explain(&discovered.lock, image, scope.registry.is_some())?,
        None => shown(&discovered, args.output)?,
    })?;
    if let Some(path) = scope.lock.as_ref().filter(|_| !args.lock.locked) {
        let images = count(discovered.lock.images.len(), "image");
        printer.say(&format!("{images} in {}", path.display()));
    }
    Ok(discovered.code(args.lock.strict))
}

fn shown(discovered: &Discovered, output: ImagesOutput) -> Result<String, Failure> {
    let lock = &discovered.lock;
    Ok(match output {
        ImagesOutput::Table => as_table(lock),
        ImagesOutput::Json => format!("{:#}\n", as_json(discovered)),
        ImagesOutput::List => lock.images.iter().map(|i| format!("{}\n", i.source)).collect(),
        ImagesOutput::Lock => lock.to_text().map_err(|e| Failure::of(exit::BUG, &e))?,
    })
}

fn as_table(lock: &ImageLock) -> String {
    let mut rows =
        vec![["IMAGE", "DIGEST", "ROLE", "TIER", "DECLARED", "FOUND"].map(str::to_owned).to_vec()];
    rows.extend(lock.images.iter().map(row));
    table(&rows)
}

fn row(image: &LockedImage) -> Vec<String> {
    let digest = image.digest.as_ref().map_or("-".to_owned(), |d| d.short().to_owned());
    let place = image.found.first().map(|f| format!("{} {}", f.object, f.rule)).unwrap_or_default();
    let more = match image.found.len() {
        0 | 1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    vec![
        image.source.to_string(),
        digest,
        word(&image.role),
        word(&image.tier),
        if image.declared { "yes" } else { "NO" }.to_owned(),
        format!("{place}{more}"),
    ]
}

/// The word that a type has in the lock file.
fn word<T: serde::Serialize>(value: &T) -> String {
    json!(value).as_str().unwrap_or_default().to_owned()
}

fn as_json(discovered: &Discovered) -> Value {
    let images: Vec<Value> = discovered
        .lock
        .images
        .iter()
        .map(|image| {
            json!({
                "image": image.source,
                "tier": image.tier,
                "role": image.role,
                "declared": image.declared,
                "digest": image.digest,
                "found": image.found,
            })
        })
        .collect();
    let problems: Vec<Value> = discovered.problems.iter().map(problem_value).collect();
    json!({ "schema": 1, "images": images, "problems": problems })
}

fn problem_value(problem: &Problem) -> Value {
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    json!({
        "severity": severity,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
        "object": problem.object,
        "rule": problem.rule,
        "message": problem.message,
    })
}

fn explain(lock: &ImageLock, wanted: &str, has_target: bool) -> Result<String, Failure> {
    let reference = Reference::parse(wanted).map_err(|e| Failure::of(exit::USAGE, &e))?;
    let Some(image) = lock.images.iter().find(|image| image.source == reference) else {
        return Err(Failure::new(
            exit::FOUND_WRONG,
            format!("`{reference}` is not in the profile"),
        )
        .hint("`edgectl images -o list` shows what is"));
    };
    let target = match has_target {
        true => format!("  in the registry: {}\n", image.target),
        false => String::new(),
    };
    let mut text = format!(
        "{}\n{target}  role {}, tier {}, {}\n",
        image.source,
        word(&image.role),
        word(&image.tier),
        if image.declared { "declared" } else { "used but not declared" },
    );
    for found in &image.found {
        text.push_str(&format!(
            "  found by rule {} in {}\n    {}:{} {}\n",
            found.rule, found.object, found.file, found.line, found.path
        ));
    }
    Ok(text)
}
