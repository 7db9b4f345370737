//! What a run proves, and what it doesn't: events against the image lock.

use edgectl_model::{Digest, ImageLock, NodeEvent, Reference};
use serde::Serialize;

use crate::acceptance::Installed;
use crate::phase::{PhaseEnd, PhaseReport};

/// Why an image couldn't be pulled, as far as the runtime's words tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The registry refused the credentials of the user data.
    LoginRefused,
    /// No authority in the user data signed the registry's certificate.
    UnknownAuthority,
    /// The registry doesn't have it.
    NotInRegistry,
    /// The registry can't be reached from the node.
    Unreachable,
    /// Something else.
    Other,
}

impl Cause {
    /// Reads containerd's words.
    fn of(error: &str) -> Self {
        let error = error.to_lowercase();
        let says = |signs: &[&str]| signs.iter().any(|sign| error.contains(sign));
        if says(&["unknown authority", "x509", "certificate"]) {
            Self::UnknownAuthority
        } else if says(&["401", "403", "unauthorized", "authorization failed", "denied"]) {
            Self::LoginRefused
        } else if says(&["not found", "404"]) {
            Self::NotInRegistry
        } else if says(&["refused", "timeout", "unreachable", "no route", "reset by peer", "eof"]) {
            Self::Unreachable
        } else {
            Self::Other
        }
    }

    /// For people.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::LoginRefused => "the registry refuses the credentials in the user data",
            Self::UnknownAuthority => {
                "no certificate authority in the user data signed the registry's certificate"
            }
            Self::NotInRegistry => "the registry doesn't have it",
            Self::Unreachable => "the registry can't be reached from the node",
            Self::Other => "the container runtime gives another reason",
        }
    }
}

/// Something that the run proved to be wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Finding {
    /// A phase didn't reach its end.
    PhaseFailed {
        /// Which.
        phase: String,
        /// Why.
        reason: String,
    },
    /// The agent gave up.
    AgentFailed {
        /// What it was doing.
        stage: String,
        /// Its words.
        error: String,
    },
    /// An image couldn't be pulled.
    ImageMissing {
        /// The original name.
        image: Reference,
        /// Why.
        cause: Cause,
        /// The runtime's words.
        error: String,
    },
    /// An image has another digest than the lock.
    WrongDigest {
        /// The original name.
        image: Reference,
        /// The lock's digest.
        expected: Option<Digest>,
        /// What the runtime recorded.
        found: Option<Digest>,
    },
    /// Nobody tried to pull an image.
    NotTried {
        /// The original name.
        image: Reference,
    },
    /// No container could be started.
    ContainerFailed {
        /// Its image; none if none was tried.
        image: Option<Reference>,
        /// Why.
        error: String,
    },
    /// The registry served a request that it should not have.
    Access {
        /// What was served to whom.
        what: String,
    },
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |d: &Option<Digest>| d.as_ref().map_or("none".to_owned(), Digest::to_string);
        match self {
            Self::PhaseFailed { phase, reason } => {
                write!(f, "the phase `{phase}` failed: {reason}")
            }
            Self::AgentFailed { stage, error } => {
                write!(f, "the agent gave up in stage `{stage}`: {error}")
            }
            Self::ImageMissing { image, cause, error } => {
                write!(f, "`{image}` was not pulled: {} ({error})", cause.sentence())
            }
            Self::WrongDigest { image, expected, found } => write!(
                f,
                "`{image}` has another digest: expected {}, found {}",
                shown(expected),
                shown(found)
            ),
            Self::NotTried { image } => write!(f, "`{image}` was never pulled"),
            Self::ContainerFailed { image: Some(image), error } => {
                write!(f, "no container could be started from `{image}`: {error}")
            }
            Self::ContainerFailed { image: None, error } => write!(f, "no container ran: {error}"),
            Self::Access { what } => write!(f, "the registry {what}"),
        }
    }
}

/// Compares what the installed system said with the lock.
pub fn judge(lock: &ImageLock, report: &PhaseReport) -> Vec<Finding> {
    let mut findings: Vec<Finding> = phase_finding(report).into_iter().collect();
    for image in lock.workloads() {
        findings.extend(image_finding(&image.source, image.mirrored_digest(), report));
    }
    findings.extend(container_finding(report));
    findings
}

/// What kept the installer from installing; nothing if it did.
pub fn judge_install(installed: &Installed) -> Option<Finding> {
    let Installed { report, disk } = installed;
    let failed = agent_failure(report);
    let reason = match (&report.end, disk) {
        (PhaseEnd::Satisfied, _) | (PhaseEnd::WentDown, Some(_)) => return failed,
        (PhaseEnd::WentDown, None) => "the machine went down before it was installed".to_owned(),
        (PhaseEnd::TimedOut, _) => {
            format!("not installed and restarted within {:.0} s", report.seconds)
        }
        (PhaseEnd::Stuck(why), _) => why.clone(),
    };
    failed.or(Some(Finding::PhaseFailed { phase: report.name.clone(), reason }))
}

fn agent_failure(report: &PhaseReport) -> Option<Finding> {
    report.events.iter().find_map(|timed| match &timed.event {
        NodeEvent::Failed { stage, error } => {
            Some(Finding::AgentFailed { stage: stage.clone(), error: error.clone() })
        }
        _ => None,
    })
}

fn phase_finding(report: &PhaseReport) -> Option<Finding> {
    let failed = agent_failure(report);
    let reason = match &report.end {
        PhaseEnd::Satisfied => return failed,
        PhaseEnd::WentDown => "the machine went down before the proof was finished".to_owned(),
        PhaseEnd::TimedOut => format!("nothing more came within {:.0} s", report.seconds),
        PhaseEnd::Stuck(why) => why.clone(),
    };
    failed.or(Some(Finding::PhaseFailed { phase: report.name.clone(), reason }))
}

fn image_finding(
    image: &Reference,
    expected: Option<&Digest>,
    report: &PhaseReport,
) -> Option<Finding> {
    for timed in &report.events {
        match &timed.event {
            NodeEvent::ImagePulled { image: pulled, digest, .. } if pulled == image => {
                let same = expected.is_some() && expected == digest.as_ref();
                return (!same).then(|| Finding::WrongDigest {
                    image: image.clone(),
                    expected: expected.cloned(),
                    found: digest.clone(),
                });
            }
            NodeEvent::ImageFailed { image: failed, error } if failed == image => {
                return Some(Finding::ImageMissing {
                    image: image.clone(),
                    cause: Cause::of(error),
                    error: error.clone(),
                });
            }
            _ => {}
        }
    }
    Some(Finding::NotTried { image: image.clone() })
}

fn container_finding(report: &PhaseReport) -> Option<Finding> {
    let last = report.events.iter().rev().find_map(|timed| match &timed.event {
        NodeEvent::ContainerStarted { .. } => Some(None),
        NodeEvent::ContainerFailed { image, error } => Some(Some(Finding::ContainerFailed {
            image: Some(image.clone()),
            error: error.clone(),
        })),
        _ => None,
    });
    let none = || Finding::ContainerFailed { image: None, error: "none was started".to_owned() };
    last.unwrap_or_else(|| Some(none()))
}

#[cfg(test)]
mod tests {
    use edgectl_model::{LOCK_SCHEMA, Layout, LockedImage, Prefix, Role, Tier};

    use super::*;
    use crate::events::TimedEvent;

    fn lock() -> ImageLock {
        let image = |name: &str| LockedImage {
            source: Reference::parse(name).unwrap(),
            digest: Some(Digest::sha256(name.as_bytes())),
            media_type: None,
            platforms: Vec::new(),
            mirrored: None,
            target: Reference::parse(&format!("reg.local/{name}")).unwrap(),
            role: Role::Workload,
            tier: Tier::Certain,
            declared: true,
            found: Vec::new(),
        };
        ImageLock {
            schema: LOCK_SCHEMA,
            inputs: Digest::sha256(b""),
            registry: Prefix::parse("reg.local").unwrap(),
            layout: Layout::Full,
            images: vec![image("quay.io/a:1"), image("quay.io/b:1")],
        }
    }

    fn pulled(name: &str, content: &str) -> NodeEvent {
        NodeEvent::ImagePulled {
            image: Reference::parse(name).unwrap(),
            digest: Some(Digest::sha256(content.as_bytes())),
            seconds: 1.0,
        }
    }

    fn started() -> NodeEvent {
        let image = Reference::parse("quay.io/a:1").unwrap();
        NodeEvent::ContainerStarted { image, state: "running".into() }
    }

    fn findings(end: PhaseEnd, events: Vec<NodeEvent>) -> Vec<String> {
        let report = PhaseReport {
            name: "prove".into(),
            end,
            seconds: 1.0,
            events: events.into_iter().map(|event| TimedEvent { at: 0.0, event }).collect(),
            console_tail: Vec::new(),
        };
        judge(&lock(), &report).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_complete_run_has_no_findings() {
        let events = vec![
            pulled("quay.io/a:1", "quay.io/a:1"),
            pulled("quay.io/b:1", "quay.io/b:1"),
            started(),
        ];
        assert_eq!(findings(PhaseEnd::Satisfied, events), Vec::<String>::new());
    }

    #[test]
    fn each_fault_is_named() {
        let failed = NodeEvent::ImageFailed {
            image: Reference::parse("quay.io/b:1").unwrap(),
            error: "401 Unauthorized".into(),
        };
        let found =
            findings(PhaseEnd::Satisfied, vec![pulled("quay.io/a:1", "other"), failed, started()]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("`quay.io/a:1` has another digest: expected sha256:"));
        assert_eq!(
            found[1],
            "`quay.io/b:1` was not pulled: the registry refuses the credentials in the user data (401 Unauthorized)"
        );
    }

    #[test]
    fn silence_is_no_proof() {
        let found = findings(PhaseEnd::TimedOut, Vec::new());
        assert_eq!(
            found,
            [
                "the phase `prove` failed: nothing more came within 1 s",
                "`quay.io/a:1` was never pulled",
                "`quay.io/b:1` was never pulled",
                "no container ran: none was started",
            ]
        );
    }

    #[test]
    fn causes() {
        for (words, cause) in [
            ("x509: certificate signed by unknown authority", Cause::UnknownAuthority),
            ("unexpected status code 401 Unauthorized", Cause::LoginRefused),
            ("docker.io/library/x:1: not found", Cause::NotInRegistry),
            ("dial tcp: connection refused", Cause::Unreachable),
            ("no space left on device", Cause::Other),
        ] {
            assert_eq!(Cause::of(words), cause, "{words}");
        }
    }
}
