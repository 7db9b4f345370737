//! Network configurations for installers: looked at before anything is written.

use std::path::Path;

use edgectl_model::from_yaml;
use serde_json::Value;

use crate::exit;
use crate::failure::Failure;
use crate::files::read_text;

/// A network configuration from a file; nobody else's business, since wireless
/// networks have passwords.
pub(crate) fn network_config(file: &Path, is_checked: bool) -> Result<String, Failure> {
    let text = read_text(file, "the network configuration")?;
    if is_checked {
        ensure_good(&text).map_err(|failure| {
            failure.doing(format!("reading the network configuration `{}`", file.display()))
        })?;
    }
    Ok(text)
}

/// Refuses what cloud-init makes nothing of: it then starts without a network,
/// and says so only in a log.
fn ensure_good(text: &str) -> Result<(), Failure> {
    let wrong = |text: &str| {
        Failure::new(exit::FAILED, text.to_owned()).hint(
            "cloud-init takes `version: 2` with `ethernets`, `wifis` and the like (as netplan), or \
             `version: 1` with a list `config`; `--no-check` puts it there as it is",
        )
    };
    // The error could quote what is a secret.
    let value: Value = from_yaml(text).map_err(|_| wrong("it is no YAML"))?;
    let top = value.get("network").unwrap_or(&value);
    let has = |keys: &[&str]| keys.iter().any(|key| top.get(key).is_some());
    match top.get("version").and_then(Value::as_u64) {
        Some(2) if has(&["ethernets", "bonds", "bridges", "vlans", "wifis"]) => Ok(()),
        Some(1) if top.get("config").is_some_and(Value::is_array) => Ok(()),
        Some(1) => Err(wrong("it has `version: 1`, and no list `config`")),
        Some(2) => Err(wrong("it has `version: 2`, and no interfaces")),
        _ => Err(wrong("it has neither `version: 1` nor `version: 2`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cloud_init_takes_is_good() {
        for good in [
            "version: 2\nethernets: {eth0: {dhcp4: true}}\n",
            "network:\n  version: 2\n  wifis: {}\n",
            "network: {version: 1, config: []}",
        ] {
            ensure_good(good).unwrap();
        }
        for (bad, why) in [
            ("ethernets: {}", "neither `version: 1`"),
            ("version: 1", "no list `config`"),
            ("version: 2\nrenderer: networkd\n", "no interfaces"),
            ("a: [", "no YAML"),
            ("#cloud-config\nhostname: x\n", "neither"),
            ("", "neither"),
        ] {
            let failure = ensure_good(bad).unwrap_err();
            assert!(format!("{failure:?}").contains(why), "{bad}: {failure:?}");
        }
    }
}
