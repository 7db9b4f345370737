//! Pulling every image of the lock through the container runtime, the way the
//! kubelet does, and starting a container.

use std::time::{Duration, Instant};

use edgectl_model::{Digest, ImageLock, NodeEvent, Reference};

use crate::configure::sandbox_image;
use crate::cri::Cri;
use crate::error::AgentError;
use crate::medium;
use crate::report::Reporter;

/// containerd starts beside cloud-init's last stage.
const RUNTIME_WAIT: Duration = Duration::from_secs(180);

/// Pulls, compares and starts; reports each, then [`NodeEvent::Finished`].
pub(crate) fn prove(reporter: &mut Reporter) -> Result<(), AgentError> {
    let lock = medium::lock()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| AgentError::Runtime(e.to_string()))?;
    runtime.block_on(prove_all(&lock, reporter))
}

async fn prove_all(lock: &ImageLock, reporter: &mut Reporter) -> Result<(), AgentError> {
    let (mut cri, name) = Cri::connect(RUNTIME_WAIT).await?;
    reporter.say(&NodeEvent::RuntimeReady { runtime: name });
    let (mut pulled, mut failed) = (0, 0);
    for image in lock.workloads() {
        match pull(&mut cri, &image.source).await {
            Ok(event) => {
                pulled += 1;
                reporter.say(&event);
            }
            Err(error) => {
                failed += 1;
                let error = error.to_string();
                reporter.say(&NodeEvent::ImageFailed { image: image.source.clone(), error });
            }
        }
    }
    if let Some(image) = image_to_run(lock) {
        start(&mut cri, &image, reporter).await;
    }
    reporter.say(&NodeEvent::Finished { pulled, failed });
    Ok(())
}

async fn pull(cri: &mut Cri, image: &Reference) -> Result<NodeEvent, AgentError> {
    let started = Instant::now();
    let name = image.canonical();
    cri.pull(&name).await?;
    let digest = recorded_digest(image, &cri.repo_digests(&name).await?);
    Ok(NodeEvent::ImagePulled {
        image: image.clone(),
        digest,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// The digest under the image's own repository.
fn recorded_digest(image: &Reference, repo_digests: &[String]) -> Option<Digest> {
    let parsed = repo_digests.iter().filter_map(|text| Reference::parse(text).ok());
    let mut own = parsed.filter(|found| found.repository() == image.repository());
    own.find_map(|found| found.digest().cloned())
}

async fn start(cri: &mut Cri, image: &Reference, reporter: &mut Reporter) {
    let event = match cri.start_container(&image.canonical()).await {
        Ok(state) => NodeEvent::ContainerStarted { image: image.clone(), state },
        Err(error) => NodeEvent::ContainerFailed { image: image.clone(), error: error.to_string() },
    };
    reporter.say(&event);
}

/// The image that `edge.yaml` names, else the first that isn't the sandbox.
fn image_to_run(lock: &ImageLock) -> Option<Reference> {
    let named = std::fs::read_to_string(medium::on_medium("edgectl/run")).ok();
    if let Some(image) = named.and_then(|text| Reference::parse(text.trim()).ok()) {
        return Some(image);
    }
    let sandbox = sandbox_image(lock);
    lock.workloads().map(|image| &image.source).find(|source| Some(*source) != sandbox).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_the_own_repository_counts() {
        let image = Reference::parse("nginx:1").unwrap();
        let (a, b) = (Digest::sha256(b"a"), Digest::sha256(b"b"));
        let recorded =
            [format!("quay.io/library/nginx@{a}"), format!("docker.io/library/nginx@{b}")];
        assert_eq!(recorded_digest(&image, &recorded), Some(b));
        assert_eq!(recorded_digest(&image, &[]), None);
    }
}
