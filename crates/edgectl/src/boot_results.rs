//! What an acceptance run leaves behind: a directory with everything, and a
//! verdict.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use edgectl_model::{ImageLock, NodeEvent, Prefix, count};
use edgectl_qemu::{Finding, PhaseReport};
use edgectl_registry::access_log::{self, AccessEntry};
use serde_json::{Value, json};

use crate::boot_report::{html, image_rows, junit};
use crate::exit;
use crate::failure::{Doing, Failure};
use crate::printer::Printer;
use crate::project::Project;

/// The directory of one run.
#[derive(Debug)]
pub(crate) struct Results {
    directory: PathBuf,
}

impl Results {
    /// Makes a new directory below `parent`: `run-1`, `run-2`, … and points
    /// `latest` to it.
    pub(crate) fn create(parent: &Path) -> Result<Self, Failure> {
        let made = || -> std::io::Result<PathBuf> {
            std::fs::create_dir_all(parent)?;
            // QEMU is told these names, and its monitor wants absolute ones.
            let parent = std::fs::canonicalize(parent)?;
            let mut number = 1;
            let directory = loop {
                let candidate = parent.join(format!("run-{number}"));
                match std::fs::create_dir(&candidate) {
                    Ok(()) => break candidate,
                    Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                    Err(e) => return Err(e),
                }
            };
            let latest = parent.join("latest");
            let _ = std::fs::remove_file(&latest);
            let _ = std::os::unix::fs::symlink(format!("run-{number}"), latest);
            Ok(directory)
        };
        let directory = made().map_err(|e| {
            Failure::of(exit::FAILED, &e)
                .doing(format!("making a directory for results below `{}`", parent.display()))
        })?;
        Ok(Self { directory })
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }
}

/// What was found in the end.
#[derive(Debug)]
pub(crate) struct Verdict {
    directory: PathBuf,
    pub(crate) phases: Vec<PhaseReport>,
    pub(crate) findings: Vec<Finding>,
}

impl Verdict {
    pub(crate) fn new(results: &Results) -> Self {
        let directory = results.directory().to_owned();
        Self { directory, phases: Vec::new(), findings: Vec::new() }
    }

    /// The machine-readable summary.
    pub(crate) fn value(&self) -> Value {
        let findings: Vec<Value> = self
            .findings
            .iter()
            .map(|finding| {
                let mut value = json!(finding);
                value["message"] = json!(finding.to_string());
                value
            })
            .collect();
        let phases: Vec<Value> = self.phases.iter().map(phase_value).collect();
        json!({
            "schema": 1,
            "passed": self.findings.is_empty(),
            "findings": findings,
            "phases": phases,
            "directory": self.directory,
        })
    }

    /// Writes `summary.json`, `summary.txt`, `report.html` and `junit.xml`.
    pub(crate) fn write(&self, results: &Results, lock: &ImageLock) -> Result<(), Failure> {
        let put = |name: &str, text: String| {
            edgectl_process::write_file(&results.directory().join(name), 0o644, text.as_bytes())
                .doing("writing the summary")
        };
        put("summary.json", format!("{:#}\n", self.value()))?;
        put("summary.txt", self.text())?;
        let (phases, findings) = (&self.phases, &self.findings);
        let rows = image_rows(lock, phases, findings);
        put("junit.xml", junit(&rows, phases, findings))?;
        put("report.html", html(&rows, phases, findings, results.directory())?)
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for phase in &self.phases {
            text.push_str(&format!("{}: {:.0} s\n", phase.name, phase.seconds));
        }
        let pulled = self.pulled();
        match self.findings.as_slice() {
            [] => text.push_str(&format!(
                "PASSED: {} pulled from the registry\n",
                count(pulled, "image")
            )),
            findings => {
                text.push_str(&format!("FAILED: {}\n", count(findings.len(), "finding")));
                for finding in findings {
                    text.push_str(&format!("  {finding}\n"));
                }
            }
        }
        text
    }

    fn pulled(&self) -> usize {
        let events = self.phases.iter().flat_map(|phase| &phase.events);
        events.filter(|e| matches!(e.event, NodeEvent::ImagePulled { .. })).count()
    }

    /// Tells the verdict; 3 if anything is wrong.
    pub(crate) fn code(&self, printer: Printer) -> Result<u8, Failure> {
        if self.findings.is_empty() {
            printer.say(self.text().trim_end());
            return Ok(exit::DONE);
        }
        let mut failure = Failure::new(
            exit::FOUND_WRONG,
            format!("the acceptance run found {}", count(self.findings.len(), "fault")),
        );
        failure.frames.extend(self.findings.iter().map(Finding::to_string));
        let console = self.phases.last().map(|p| p.name.clone()).unwrap_or_default();
        let place = self.directory.join(console).join("console.log");
        Err(failure
            .hint(format!("everything about the run is in {}", self.directory.display()))
            .hint(format!("the console is in {}", place.display())))
    }
}

fn phase_value(phase: &PhaseReport) -> Value {
    let mut value = json!(phase);
    if let Some(map) = value.as_object_mut() {
        map.insert("seconds".to_owned(), json!((phase.seconds * 10.0).round() / 10.0));
    }
    value
}

/// The registry's access log from now on, if it can be read.
#[derive(Debug)]
pub(crate) struct AccessLog {
    path: Option<PathBuf>,
    offset: u64,
    prefix: Prefix,
}

impl AccessLog {
    /// Remembers where the log ends now.
    pub(crate) fn open(project: &Project) -> Result<Self, Failure> {
        let path = project.config.boot.access_log.as_ref().map(|path| project.path(path));
        let length = path.as_deref().map(std::fs::metadata).transpose().map_err(|e| {
            Failure::of(exit::FAILED, &e)
                .doing("looking at the registry's access log")
                .hint("`boot.accessLog` in edge.yaml names it")
        })?;
        let prefix = project.config.registry.domain.clone();
        Ok(Self { path, offset: length.map_or(0, |m| m.len()), prefix })
    }

    /// What the registry served that it should not have.
    pub(crate) fn findings(&self, proof: &PhaseReport) -> Result<Vec<Finding>, Failure> {
        let Some(path) = &self.path else { return Ok(Vec::new()) };
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(self.offset))?;
                file.read_to_end(&mut bytes)
            })
            .map_err(|e| {
                Failure::of(exit::FAILED, &e).doing("reading the registry's access log")
            })?;
        let entries = access_log::parse(&String::from_utf8_lossy(&bytes));
        let pulled = proof.events.iter().any(|e| matches!(e.event, NodeEvent::ImagePulled { .. }));
        Ok(self.judge(&entries, pulled))
    }

    fn judge(&self, entries: &[AccessEntry], pulled: bool) -> Vec<Finding> {
        let served: Vec<&AccessEntry> = entries.iter().filter(|e| e.is_success()).collect();
        if served.is_empty() && pulled {
            let what = "has none of the node's requests in its access log, so nothing shows where the images came from".to_owned();
            return vec![Finding::Access { what }];
        }
        served.into_iter().filter_map(|entry| self.fault(entry)).collect()
    }

    fn fault(&self, entry: &AccessEntry) -> Option<Finding> {
        let AccessEntry { method, path, .. } = entry;
        // `/v2/` says only that the login is right.
        if path == "/v2/" && entry.authorized {
            return None;
        }
        let below = match self.prefix.path() {
            "" => "/v2/".to_owned(),
            namespace => format!("/v2/{namespace}/"),
        };
        let what = if entry.user.is_none() {
            format!("served `{method} {path}` without a login")
        } else if !path.starts_with(&below) {
            format!("served `{method} {path}`, which is outside `{}`", self.prefix)
        } else {
            return None;
        };
        Some(Finding::Access { what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(user: Option<&str>, path: &str, status: u16) -> AccessEntry {
        AccessEntry {
            user: user.map(str::to_owned),
            authorized: user.is_some(),
            method: "GET".to_owned(),
            path: path.to_owned(),
            status,
        }
    }

    fn faults(entries: &[AccessEntry]) -> Vec<String> {
        let prefix = Prefix::parse("10.10.254.254:8000/ns").unwrap();
        let log = AccessLog { path: None, offset: 0, prefix };
        log.judge(entries, true).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_login_and_the_prefix_are_demanded() {
        let good = entry(Some("puller"), "/v2/ns/quay.io/a/manifests/1", 200);
        let refused = entry(None, "/v2/ns/quay.io/a/manifests/1", 401);
        assert!(faults(&[good.clone(), refused]).is_empty());
        let anonymous = entry(None, "/v2/ns/quay.io/a/manifests/1", 200);
        let outside = entry(Some("puller"), "/v2/nsother/a/manifests/1", 200);
        let found = faults(&[good, anonymous, outside]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].ends_with("without a login"));
        assert!(found[1].contains("is outside `10.10.254.254:8000/ns`"));
    }

    #[test]
    fn an_empty_log_proves_nothing() {
        assert_eq!(faults(&[]).len(), 1);
    }
}
