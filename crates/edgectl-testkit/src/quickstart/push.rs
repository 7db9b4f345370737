//! Sends the built images to the source registry.

use std::path::{Path, PathBuf};

use edgectl_model::Reference;
use edgectl_registry::{
    Access, ImageOutcome, ImageRequest, Layout, Registries, RegistryError, UploadRequest,
    upload_from,
};

use super::error::{QuickstartError, file_error};

/// Blobs sent at once.
const JOBS: usize = 4;

/// What one layout has.
#[derive(Debug)]
pub struct Load {
    /// The layout's directory.
    pub layout: PathBuf,
    /// The names of its images.
    pub images: Vec<String>,
}

/// Sends what the registry at `host` doesn't have yet, below the names of the
/// images' own registries; says how many images that were. The registry
/// speaks plain HTTP and wants no login.
pub fn push(loads: &[Load], host: &str) -> Result<usize, QuickstartError> {
    // A thread of its own: the caller may be inside a runtime already.
    std::thread::scope(|scope| {
        let pushing = scope.spawn(|| push_all(loads, host));
        pushing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn push_all(loads: &[Load], host: &str) -> Result<usize, QuickstartError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(file_error("starting threads for", Path::new(host)))?;
    let access = Access { insecure: true, ..Access::default() };
    let registry = Registries::single(host, access);
    let mut sent = 0;
    for load in loads {
        sent += runtime.block_on(push_layout(load, host, &registry))?;
    }
    Ok(sent)
}

async fn push_layout(
    load: &Load,
    host: &str,
    registry: &Registries,
) -> Result<usize, QuickstartError> {
    let layout = Layout::open(&load.layout).map_err(Box::new)?;
    let images = load.images.iter().map(|name| request(name, host));
    let images = images.collect::<Result<Vec<_>, QuickstartError>>()?;
    let request = UploadRequest::new(images, JOBS);
    let outcome = upload_from(request, &layout, registry, &()).await;
    let mut sent = 0;
    for report in outcome.images {
        match report.outcome {
            ImageOutcome::AlreadyThere(_) => {}
            ImageOutcome::Copied(_) => sent += 1,
            ImageOutcome::Failed(RegistryError::Interrupted(stop)) => return Err(stop.into()),
            ImageOutcome::Failed(error) => {
                let image = report.request.source.to_string();
                return Err(QuickstartError::Send { image, source: Box::new(error) });
            }
        }
    }
    Ok(sent)
}

/// `<host>/<host on the internet>/<path>:<tag>`, which is what the example's
/// mirrors ask for.
fn request(name: &str, host: &str) -> Result<ImageRequest, QuickstartError> {
    let source = Reference::parse(name)?;
    let target = Reference::parse(&format!("{host}/{}", source.canonical()))?;
    Ok(ImageRequest { source, digest: None, target })
}
