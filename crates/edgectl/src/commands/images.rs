//! `edgectl images`.

use edgectl_model::count;

use crate::cli::{ImagesArgs, ImagesOutput};
use crate::discovery::{Discovered, discover_images, show_problems, write_lock};
use crate::exit;
use crate::failure::Failure;
use crate::images_report::{as_json, as_table, as_yaml, explain};
use crate::pinning;
use crate::printer::Printer;
use crate::project::{Project, Scope};
use crate::runtime::on_runtime;

pub(crate) fn run(args: &ImagesArgs, printer: Printer) -> Result<u8, Failure> {
    let scope = scope(args)?.reading_as(&args.discover)?;
    let mut discovered = discover_images(&scope, &args.lock)?;
    if args.output == ImagesOutput::Lock && scope.registry.is_none() {
        return Err(Failure::new(
            exit::USAGE,
            "a lock names images in a registry, and none is given",
        )
        .hint("name it with `--registry`, or profile and registry in edge.yaml (`edgectl init`)"));
    }
    show_problems(&discovered.problems, printer);
    if args.resolve {
        let sources = scope.sources_of(&discovered.lock)?;
        on_runtime(pinning::pin(&mut discovered.lock, &sources))?;
    }
    let is_kept = !args.lock.locked && !discovered.has_failed();
    if is_kept {
        write_lock(&scope, &discovered.lock)?;
    }
    printer.data(&match &args.explain {
        Some(image) => explain(&discovered, image, &scope)?,
        None => shown(&discovered, args.output)?,
    })?;
    printer.say(&summary(&discovered, &scope, is_kept));
    Ok(discovered.code(args.lock.strict))
}

/// The inputs that are named, in the registry that is named, else the project.
fn scope(args: &ImagesArgs) -> Result<Scope, Failure> {
    let registry = args.registry.config()?;
    let mut scope = match (args.profiles.as_slice(), &registry) {
        ([], None) => Project::load(&args.project.file)?.scope(),
        ([], Some(_)) => {
            let text = "`--registry` takes the place of edge.yaml: name what is to be read, too";
            return Err(Failure::new(exit::USAGE, text));
        }
        (profiles, _) => Scope::of_profiles(profiles),
    };
    let Some(registry) = registry else { return Ok(scope) };
    // Only asking the sources takes a login, and asking for one a person.
    if args.resolve {
        if args.registry.login.takes_stdin() && args.profiles.iter().any(|p| p.as_os_str() == "-") {
            let text = "stdin can't be both the password and a profile; use `--password-file`";
            return Err(Failure::new(exit::USAGE, text));
        }
        scope.login = args.registry.login.login(registry.domain.domain())?;
    }
    scope.registry = Some(registry);
    Ok(scope)
}

fn shown(discovered: &Discovered, output: ImagesOutput) -> Result<String, Failure> {
    let lock = &discovered.lock;
    Ok(match output {
        ImagesOutput::Table => as_table(discovered),
        ImagesOutput::Json => format!("{:#}\n", as_json(discovered)),
        ImagesOutput::Yaml => as_yaml(discovered)?,
        ImagesOutput::List => lock.images.iter().map(|i| format!("{}\n", i.source)).collect(),
        ImagesOutput::Lock => lock.to_text().map_err(|e| Failure::of(exit::BUG, &e))?,
    })
}

/// `12 images in ./images.lock, 3 without a digest, 2 more are possible`.
fn summary(discovered: &Discovered, scope: &Scope, is_kept: bool) -> String {
    let images = &discovered.lock.images;
    let mut text = count(images.len(), "image");
    if let Some(path) = scope.lock.as_ref().filter(|_| is_kept) {
        text.push_str(&format!(" in {}", path.display()));
    }
    let open = images.iter().filter(|image| image.digest.is_none()).count();
    if open > 0 {
        text.push_str(&format!(", {open} without a digest"));
    }
    if !discovered.listed.is_empty() {
        text.push_str(&format!(", {} more that may be images", discovered.listed.len()));
    }
    text
}
