//! The programs under test, built as a user would build them.

use std::path::PathBuf;

use escargot::CargoBuild;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// `edgectl` and the static agent.
#[derive(Debug)]
pub struct Programs {
    /// The command line tool.
    pub edgectl: PathBuf,
    /// The agent.
    pub agent: PathBuf,
}

impl Programs {
    /// Builds both.
    pub fn build() -> Self {
        let edgectl = CargoBuild::new().package("edgectl").bin("edgectl").run().unwrap();
        let agent = CargoBuild::new()
            .package("edge-agent")
            .bin("edge-agent")
            .target(TARGET)
            .args(["--profile", "agent"])
            .env("RUSTFLAGS", "-C target-feature=+crt-static")
            .run()
            .unwrap();
        Self { edgectl: edgectl.path().to_owned(), agent: agent.path().to_owned() }
    }
}
