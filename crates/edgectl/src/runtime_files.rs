//! The files of a host's own container runtime, for user data.

use edgectl_cloudconfig::{Flavor, HostFile, Injection, RuntimeSetup, cloud_configs};
use edgectl_model::{HostRuntime, ImageLock, Reference, Secret};
use edgectl_node::{
    NodeProxy, NodeRegistries, NodeRegistry, Rancher, RuntimeFile, containerd_files, rancher_files,
};

use crate::exit;
use crate::failure::Failure;
use crate::inject_cli::RuntimeArg;

/// What in a user data tells the runtime of its host.
const HINTS: [(&str, HostRuntime); 8] = [
    ("\nedgectl:", HostRuntime::Agent),
    ("/etc/rancher/k3s", HostRuntime::K3s),
    ("get.k3s.io", HostRuntime::K3s),
    ("\nk3s:", HostRuntime::K3s),
    ("/etc/rancher/rke2", HostRuntime::Rke2),
    ("get.rke2.io", HostRuntime::Rke2),
    ("\nrke2:", HostRuntime::Rke2),
    ("/etc/containerd/", HostRuntime::Containerd),
];

/// As the command line says, else as edge.yaml does, else as the text shows.
pub(crate) fn runtime(
    argument: Option<RuntimeArg>,
    config: HostRuntime,
    text: &str,
) -> Result<HostRuntime, Failure> {
    let chosen = match argument {
        None => config,
        Some(RuntimeArg::Agent) => HostRuntime::Agent,
        Some(RuntimeArg::Containerd) => HostRuntime::Containerd,
        Some(RuntimeArg::K3s) => HostRuntime::K3s,
        Some(RuntimeArg::Rke2) => HostRuntime::Rke2,
        Some(RuntimeArg::Detect) => HostRuntime::Detect,
    };
    if chosen != HostRuntime::Detect {
        return Ok(chosen);
    }
    // Other parts, such as scripts, may name what they like.
    let text = cloud_configs(text).join("\n");
    let mut seen: Vec<HostRuntime> =
        HINTS.iter().filter(|(hint, _)| text.contains(hint)).map(|(_, runtime)| *runtime).collect();
    seen.dedup();
    match seen.as_slice() {
        [one] => Ok(*one),
        found => {
            let what = if found.is_empty() { "nothing" } else { "more than one" };
            let message = format!("{what} in the user data tells the host's container runtime");
            Err(Failure::new(exit::USAGE, message)
                .hint("name it: `--runtime agent`, `containerd`, `k3s` or `rke2`"))
        }
    }
}

/// The files for `runtime`; none where an agent writes them.
pub(crate) fn setup(
    runtime: HostRuntime,
    injection: &Injection,
    lock: &ImageLock,
) -> Result<Option<RuntimeSetup>, Failure> {
    let mut settings = node_registries(injection);
    let mut restart = Vec::new();
    let files = match runtime {
        HostRuntime::Agent | HostRuntime::Detect => return Ok(None),
        HostRuntime::K3s => rancher_files(Rancher::K3s, &settings),
        HostRuntime::Rke2 => rancher_files(Rancher::Rke2, &settings),
        HostRuntime::Containerd => {
            settings.sandbox_image = sandbox_image(lock).cloned();
            // It may have started while cloud-init was at work. K3s and RKE2
            // start later.
            if settings.proxy.is_some() {
                restart.push("systemctl daemon-reload".to_owned());
            }
            restart.push("systemctl try-restart containerd.service".to_owned());
            containerd_files(&settings)
        }
    };
    let files = files
        .map_err(|e| Failure::of(exit::FAILED, &e).doing("writing the runtime's files"))?
        .into_iter()
        .map(|RuntimeFile { path, mode, content, .. }| HostFile {
            path,
            mode,
            content: Secret::new(content),
        });
    Ok(Some(RuntimeSetup { files: files.collect(), restart }))
}

fn node_registries(injection: &Injection) -> NodeRegistries {
    NodeRegistries {
        registries: vec![NodeRegistry {
            domain: injection.registry.clone(),
            username: injection.username.clone(),
            password: injection.password.clone(),
            insecure: injection.insecure,
            ca_pems: injection.ca_pem.iter().cloned().collect(),
        }],
        rules: injection.rules.clone(),
        sandbox_image: None,
        proxy: proxy(injection),
    }
}

/// The site's proxy, for hosts whose user data has no keys for one.
fn proxy(injection: &Injection) -> Option<NodeProxy> {
    let site = &injection.site;
    let given = [&site.http_proxy, &site.https_proxy, &site.no_proxy];
    let is_given = given.into_iter().any(Option::is_some);
    (is_given && injection.flavor != Flavor::Palette).then(|| NodeProxy {
        http: site.http_proxy.clone(),
        https: site.https_proxy.clone(),
        bypass: site.no_proxy.clone().unwrap_or_default(),
    })
}

/// The image of the pod sandbox: the profile's `pause`.
fn sandbox_image(lock: &ImageLock) -> Option<&Reference> {
    let is_pause = |source: &Reference| source.path().rsplit('/').next() == Some("pause");
    lock.workloads().map(|image| &image.source).find(|source| is_pause(source))
}
