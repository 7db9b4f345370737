//! `registries.yaml` of K3s and RKE2.

use std::collections::BTreeMap;

use edgectl_model::Prefix;

use crate::access::Registry;
use crate::text::quoted;

/// The whole file: where the images of each source host come from, and how
/// each registry is reached.
pub(crate) fn registries_file(
    mirrors: &BTreeMap<&str, Prefix>,
    registries: &BTreeMap<&str, Registry<'_>>,
) -> String {
    let mut text = "# Written by edgectl.\nmirrors:\n".to_owned();
    for (source, target) in mirrors {
        let insecure = registries.get(target.domain()).is_some_and(|found| found.given.insecure);
        text.push_str(&format!("  {}:\n    endpoint:\n", quoted(source)));
        let schemes: &[&str] = if insecure { &["https", "http"] } else { &["https"] };
        for scheme in schemes {
            let url = format!("{scheme}://{}", target.domain());
            text.push_str(&format!("      - {}\n", quoted(&url)));
        }
        text.push_str(&rewrite(target));
    }
    text.push_str("configs:\n");
    for (host, registry) in registries {
        text.push_str(&config(host, registry));
    }
    text
}

/// The namespace before every repository. A path in the endpoint would do for
/// containerd, but RKE2 itself, which pulls its runtime by this file, looks for
/// the registry's API below that path and gives up.
fn rewrite(target: &Prefix) -> String {
    match target.path() {
        "" => String::new(),
        path => format!("    rewrite:\n      \"^(.*)$\": {}\n", quoted(&format!("{path}/$1"))),
    }
}

fn config(host: &str, registry: &Registry<'_>) -> String {
    let given = registry.given;
    let mut text = String::new();
    if !given.username.is_empty() {
        text.push_str(&format!(
            "    auth:\n      username: {}\n      password: {}\n",
            quoted(&given.username),
            quoted(given.password.expose())
        ));
    }
    match (given.insecure, &registry.ca) {
        (true, _) => text.push_str("    tls:\n      insecure_skip_verify: true\n"),
        (false, Some(ca)) => text.push_str(&format!("    tls:\n      ca_file: {}\n", quoted(ca))),
        (false, None) => {}
    }
    match text.is_empty() {
        true => format!("  {}: {{}}\n", quoted(host)),
        false => format!("  {}:\n{text}", quoted(host)),
    }
}
