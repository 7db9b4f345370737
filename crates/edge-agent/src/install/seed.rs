//! cloud-init's seed on the installed disk: the same user data, opened if it was
//! encrypted on the medium, under a new instance id, so that everything that runs once per instance runs here.

use std::fs;
use std::path::Path;

use edgectl_model::Secret;
use edgectl_process::file_error;

use crate::error::AgentError;
use crate::medium;

/// Writes `/nocloud` below `target`.
pub(crate) fn write(target: &Path, user_data: &Secret) -> Result<(), AgentError> {
    let seed = target.join("nocloud");
    let random = "/proc/sys/kernel/random/uuid";
    let id = fs::read_to_string(random).map_err(file_error("reading", random))?;
    let meta_data = format!("instance-id: edge-{}\n", id.trim());
    edgectl_process::write_file(&seed.join("user-data"), 0o600, user_data.expose().as_bytes())?;
    edgectl_process::write_file(&seed.join("meta-data"), 0o644, meta_data.as_bytes())?;
    network_config(&seed)?;
    let vendor = medium::on_medium("nocloud/vendor-data");
    let text = fs::read(&vendor).map_err(file_error("reading", &vendor))?;
    edgectl_process::write_file(&seed.join("vendor-data"), 0o644, &text)?;
    Ok(())
}

/// The network configuration as it is on the medium, where there is one: the
/// boot script finds it on either.
fn network_config(seed: &Path) -> Result<(), AgentError> {
    let from = medium::on_medium("nocloud/network-config");
    match fs::read_to_string(&from) {
        Ok(text) => {
            let text = format!("{}\n", text.trim_end());
            edgectl_process::write_file(&seed.join("network-config"), 0o600, text.as_bytes())?;
            Ok(())
        }
        // An image of an older version.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(file_error("reading", from)(error).into()),
    }
}
