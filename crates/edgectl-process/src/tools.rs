//! External programs: looked up once, named with their package when missing.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::cmd::Cmd;

/// An external program that some step needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tool {
    /// Name of the program, or absolute path of a file that must be there.
    pub name: &'static str,
    /// Debian package that brings it.
    pub package: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// Arguments that print its version; none for files.
    pub version: &'static [&'static str],
}

/// A tool that isn't there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{name}` is missing, which is needed for {purpose}; install it with `apt-get install {package}`"
)]
pub struct ToolError {
    /// The program or file.
    pub name: &'static str,
    /// Its Debian package.
    pub package: &'static str,
    /// What it is for.
    pub purpose: &'static str,
}

/// What was found of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolState {
    /// The tool.
    pub tool: Tool,
    /// Where it is, and the first line of what it says of its version.
    pub found: Option<(PathBuf, String)>,
}

impl Tool {
    /// Where the tool is.
    pub fn find(&self) -> Result<PathBuf, ToolError> {
        let missing = ToolError { name: self.name, package: self.package, purpose: self.purpose };
        if self.name.starts_with('/') {
            let path = PathBuf::from(self.name);
            return if path.exists() { Ok(path) } else { Err(missing) };
        }
        search_path(self.name).ok_or(missing)
    }

    /// A command that runs the tool.
    pub fn cmd(&self) -> Result<Cmd, ToolError> {
        self.find().map(Cmd::new)
    }

    /// Where it is and which version.
    pub fn state(&self) -> ToolState {
        let found = self.find().ok().map(|path| {
            let version = version_of(&path, self.version);
            (path, version)
        });
        ToolState { tool: *self, found }
    }
}

/// Administrators' directories are looked at too: they are not on every
/// user's `PATH`, and file system tools live there.
fn search_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    directories.map(|d| d.join(name)).find(|candidate| candidate.is_file())
}

fn version_of(path: &Path, arguments: &[&str]) -> String {
    if arguments.is_empty() {
        return String::new();
    }
    // Some tools print their version on stderr or with a failure; then the
    // place where they are is all there is to say.
    let output = Cmd::new(path).args(arguments).read_stdout().unwrap_or_default();
    let text = String::from_utf8_lossy(&output);
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_names_its_package() {
        let tool = Tool {
            name: "no-such-tool",
            package: "no-such-package",
            purpose: "testing",
            version: &[],
        };
        let text = tool.find().unwrap_err().to_string();
        assert_eq!(
            text,
            "`no-such-tool` is missing, which is needed for testing; install it with `apt-get install no-such-package`"
        );
        assert_eq!(tool.state().found, None);
    }

    #[test]
    fn a_present_tool_tells_its_version() {
        let tool =
            Tool { name: "tar", package: "tar", purpose: "testing", version: &["--version"] };
        let (_, version) = tool.state().found.unwrap();
        assert!(version.starts_with("tar "), "{version}");
    }
}
