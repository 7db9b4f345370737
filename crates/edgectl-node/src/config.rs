//! `config.toml` of containerd 1.5 to 1.7; 2.x reads it, too.

use edgectl_model::{Reference, Secret};

use crate::text::quoted;

const CRI: &str = "plugins.\"io.containerd.grpc.v1.cri\"";

/// A login, keyed by the host that is really contacted.
pub(crate) struct Login<'a> {
    pub(crate) host: &'a str,
    pub(crate) username: &'a str,
    pub(crate) password: &'a Secret,
}

/// The whole file. Nothing is switched off, and no other default is touched.
pub(crate) fn config_file(
    hosts_dir: &str,
    sandbox_image: Option<&Reference>,
    logins: &[Login<'_>],
) -> String {
    let mut text = "# Written by edgectl.\nversion = 2\n".to_owned();
    if let Some(image) = sandbox_image {
        // The source name: containerd applies the mirrors to it as to any other.
        let image = quoted(&image.canonical());
        text.push_str(&format!("\n[{CRI}]\n  sandbox_image = {image}\n"));
    }
    text.push_str(&format!("\n[{CRI}.registry]\n  config_path = {}\n", quoted(hosts_dir)));
    for login in logins {
        text.push_str(&format!(
            "\n[{CRI}.registry.configs.{}.auth]\n  username = {}\n  password = {}\n",
            quoted(login.host),
            quoted(login.username),
            quoted(login.password.expose()),
        ));
    }
    text
}
