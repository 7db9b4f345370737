//! Cargo, and where things of the workspace are.

use std::path::{Path, PathBuf};

use edgectl_process::{Cmd, CmdError};
use serde_json::Value;

use crate::Result;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).unwrap_or(own).to_owned()
}

/// The cargo that runs us, in the workspace, talking on our own stdout.
pub(crate) fn cargo() -> Cmd {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Cmd::new(PathBuf::from(program)).current_dir(root()).inherit_output()
}

/// What cargo knows of the workspace and all its dependencies.
pub(crate) fn metadata() -> Result<Value> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let cmd = Cmd::new(PathBuf::from(program)).current_dir(root());
    let text = cmd.args(["metadata", "--format-version=1", "--locked"]).read_stdout()?;
    Ok(serde_json::from_slice(&text)?)
}

/// Where cargo puts what it builds.
pub(crate) fn target_directory() -> Result<PathBuf> {
    let metadata = metadata()?;
    let directory =
        metadata["target_directory"].as_str().ok_or("cargo names no target directory")?;
    Ok(PathBuf::from(directory))
}

/// The exit code of a program that ran: a failure of its own is no error.
pub(crate) fn exit_code(result: std::result::Result<(), CmdError>) -> Result<u8> {
    match result {
        Ok(()) => Ok(0),
        Err(CmdError::Failed { status, .. }) if status.code().is_some() => {
            Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
        }
        Err(error) => Err(error.into()),
    }
}
