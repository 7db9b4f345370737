//! A site's proxy, for the services that pull images.

use crate::file::RuntimeFile;

/// The networks that K3s and RKE2 give their pods and services.
const CLUSTER: [&str; 2] = ["10.42.0.0/16", "10.43.0.0/16"];
/// What never goes through a proxy.
const LOCAL: [&str; 5] = ["localhost", "127.0.0.0/8", "::1", ".svc", ".cluster.local"];

/// The proxy that a site has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeProxy {
    /// For HTTP, as a URL.
    pub http: Option<String>,
    /// For HTTPS, as a URL.
    pub https: Option<String>,
    /// Hosts and networks that are asked without it, separated by commas.
    pub bypass: String,
}

impl NodeProxy {
    /// The variables that programs read. The registries are asked directly,
    /// whatever the site says: they are on its side of the proxy.
    pub(crate) fn variables(&self, registries: &[&str]) -> Vec<(&'static str, String)> {
        let hosts = registries.iter().map(|host| without_port(host));
        let own = self.bypass.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let mut bypass: Vec<&str> = Vec::new();
        for entry in LOCAL.into_iter().chain(CLUSTER).chain(hosts).chain(own) {
            if !bypass.contains(&entry) {
                bypass.push(entry);
            }
        }
        let proxies = [("HTTP_PROXY", &self.http), ("HTTPS_PROXY", &self.https)];
        let proxies = proxies.into_iter().filter_map(|(name, url)| Some((name, url.clone()?)));
        proxies.chain([("NO_PROXY", bypass.join(","))]).collect()
    }
}

/// A systemd drop-in for a service.
pub(crate) fn drop_in(service: &str, variables: &[(&str, String)]) -> RuntimeFile {
    let mut content = "# Written by edgectl.\n[Service]\n".to_owned();
    for (name, value) in variables {
        // systemd has specifiers there.
        let value = escaped(value).replace('%', "%%");
        content.push_str(&format!("Environment=\"{name}={value}\"\n"));
    }
    let path = format!("/etc/systemd/system/{service}.service.d/50-edgectl-proxy.conf");
    RuntimeFile { path, mode: 0o644, content, secret: false }
}

/// The file of variables that a service reads at its start.
pub(crate) fn environment_file(service: &str, variables: &[(&str, String)]) -> RuntimeFile {
    let mut content = "# Written by edgectl.\n".to_owned();
    for (name, value) in variables {
        content.push_str(&format!("{name}=\"{}\"\n", escaped(value)));
    }
    RuntimeFile { path: format!("/etc/default/{service}"), mode: 0o644, content, secret: false }
}

/// Inside double quotes, as systemd reads them.
fn escaped(value: &str) -> String {
    let keep = |c: &char| !c.is_control();
    value.chars().filter(keep).collect::<String>().replace('\\', "\\\\").replace('"', "\\\"")
}

/// Programs compare names without ports, too; addresses of version 6 lose their
/// brackets.
fn without_port(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_and_their_files() {
        let proxy = NodeProxy {
            http: None,
            https: Some("http://10.1.0.9:3128/%7Ea\"".to_owned()),
            bypass: "10.0.0.0/8, reg.local,,".to_owned(),
        };
        let variables = proxy.variables(&["reg.local:5000", "[fd00::1]:5000", "plain"]);
        let bypass = "localhost,127.0.0.0/8,::1,.svc,.cluster.local,10.42.0.0/16,10.43.0.0/16,\
                      reg.local,fd00::1,plain,10.0.0.0/8";
        let https = "http://10.1.0.9:3128/%7Ea\"".to_owned();
        assert_eq!(variables, [("HTTPS_PROXY", https), ("NO_PROXY", bypass.to_owned())]);
        let file = environment_file("k3s", &variables);
        assert_eq!(file.path, "/etc/default/k3s");
        let lines: Vec<&str> = file.content.lines().collect();
        assert_eq!(lines[1], r#"HTTPS_PROXY="http://10.1.0.9:3128/%7Ea\"""#);
        let file = drop_in("containerd", &variables);
        assert_eq!(file.path, "/etc/systemd/system/containerd.service.d/50-edgectl-proxy.conf");
        let lines: Vec<&str> = file.content.lines().collect();
        assert_eq!(
            lines[1..3],
            ["[Service]", r#"Environment="HTTPS_PROXY=http://10.1.0.9:3128/%%7Ea\"""#]
        );
    }
}
