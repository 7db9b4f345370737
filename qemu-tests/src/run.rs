//! Running `edgectl` and reading what it says.

use std::path::{Path, PathBuf};

use edgectl_process::Cmd;
use serde_json::Value;

use crate::programs::Programs;

/// `edgectl` in one project.
#[derive(Debug)]
pub struct Edgectl {
    programs: Programs,
    project: PathBuf,
    cache: PathBuf,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code.
    pub code: i32,
    /// Everything on stdout.
    pub stdout: String,
    /// Everything on stderr.
    pub stderr: String,
}

impl Edgectl {
    /// Commands for the project file `project`.
    pub fn new(programs: Programs, project: PathBuf, cache: PathBuf) -> Self {
        Self { programs, project, cache }
    }

    /// Runs `edgectl ARGUMENTS -f PROJECT`.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        let project = self.project.to_str().unwrap();
        self.run_without_project(&[arguments, &["-f", project]].concat())
    }

    /// Runs `edgectl ARGUMENTS`.
    pub fn run_without_project(&self, arguments: &[&str]) -> Ended {
        let directory = self.project.parent().unwrap();
        let out = directory.join("stdout");
        let err = directory.join("stderr");
        // A shell keeps both streams apart in files, whatever their length.
        let script = r#"out=$1 err=$2; shift 2; "$@" >"$out" 2>"$err"; echo "$?""#;
        let code = Cmd::new("sh")
            .args(["-c", script, "sh"])
            .arg(&out)
            .arg(&err)
            .arg(&self.programs.edgectl)
            .args(arguments)
            .env("EDGECTL_AGENT", &self.programs.agent)
            .env("XDG_CACHE_HOME", &self.cache)
            .read_stdout()
            .unwrap();
        let read =
            |path: &Path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        let code = String::from_utf8(code).unwrap().trim().parse().unwrap();
        Ended { code, stdout: read(&out), stderr: read(&err) }
    }
}

impl Ended {
    /// Demands an exit code.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// What was printed, as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("{e}\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr))
    }
}
