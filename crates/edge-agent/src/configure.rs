//! From user data to the container runtime's configuration.

use std::path::Path;

use edgectl_cloudconfig::NodeSettings;
use edgectl_model::{HostRule, ImageLock, Layout, MirrorRules, NodeEvent, Reference};
use edgectl_node::{NodeRegistries, NodeRegistry, containerd_files};

use crate::error::AgentError;
use crate::medium;
use crate::report::Reporter;

/// Writes the files that make containerd take every image from the registry
/// in the user data. Runs before containerd starts.
pub(crate) fn configure(reporter: &mut Reporter) -> Result<(), AgentError> {
    let settings = medium::settings()?;
    let lock = medium::lock()?;
    let registries = node_registries(&settings, &lock)?;
    reporter.say(&NodeEvent::UserDataRead {
        registries: registries.registries.len(),
        rules: registries.rules.len(),
        certificates: registries.registries.iter().map(|r| r.ca_pems.len()).sum(),
    });
    let files = containerd_files(&registries)?;
    for file in &files {
        edgectl_process::write_file(Path::new(&file.path), file.mode, file.content.as_bytes())?;
    }
    let files = files.into_iter().map(|file| file.path).collect();
    reporter.say(&NodeEvent::NodeConfigured { files });
    Ok(())
}

fn node_registries(
    settings: &NodeSettings,
    lock: &ImageLock,
) -> Result<NodeRegistries, AgentError> {
    let registries = settings.registries.iter().map(|registry| NodeRegistry {
        domain: registry.domain.clone(),
        username: registry.username.clone(),
        password: registry.password.clone(),
        insecure: registry.insecure,
        ca_pems: registry.ca_pems.iter().chain(&settings.ca_pems).cloned().collect(),
    });
    Ok(NodeRegistries {
        registries: registries.collect(),
        rules: rules(settings, lock)?,
        sandbox_image: sandbox_image(lock).cloned(),
        proxy: None,
    })
}

/// The rules of the user data; without any, what Palette does with one
/// registry: every host below its prefix.
fn rules(settings: &NodeSettings, lock: &ImageLock) -> Result<Vec<HostRule>, AgentError> {
    match (settings.rules.as_slice(), settings.registries.first()) {
        ([], Some(registry)) => {
            let all = MirrorRules::new(registry.domain.clone(), Layout::Full, []);
            Ok(all.host_rules(lock.workloads().map(|image| &image.source))?)
        }
        (rules, _) => Ok(rules.to_vec()),
    }
}

/// The image of the pod sandbox: the profile's `pause`.
pub(crate) fn sandbox_image(lock: &ImageLock) -> Option<&Reference> {
    let is_pause = |source: &Reference| source.path().rsplit('/').next() == Some("pause");
    lock.workloads().map(|image| &image.source).find(|source| is_pause(source))
}
