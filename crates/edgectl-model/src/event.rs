//! What a node says while it is installed and proven: one line of JSON per
//! event, on a serial port of its own.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::plural::count;
use crate::reference::Reference;

/// Name of the virtio serial port. A machine that has it asks for proof; the
/// installer image is the same with and without.
pub const EVENT_PORT: &str = "dev.edgectl.events";

/// One event. No variant ever carries a secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum NodeEvent {
    /// The agent runs, called by cloud-init.
    AgentStarted {
        /// `install` or `installed`.
        mode: String,
        /// `init` (early, every start) or `final` (system up).
        stage: String,
        /// Version of the agent.
        version: String,
    },
    /// The user data that cloud-init handed over was understood.
    UserDataRead {
        /// Registries with credentials.
        registries: usize,
        /// Mirror rules.
        rules: usize,
        /// Certificates of authorities.
        certificates: usize,
    },
    /// Installing begins.
    InstallStarted {
        /// The disk.
        device: String,
    },
    /// One step of installing is done.
    InstallStep {
        /// What was done.
        step: String,
    },
    /// The disk can be started from.
    InstallFinished {
        /// The disk.
        device: String,
        /// How long it took.
        seconds: f64,
    },
    /// The container runtime's configuration is written.
    NodeConfigured {
        /// Absolute paths of the files.
        files: Vec<String>,
    },
    /// The container runtime answers.
    RuntimeReady {
        /// Its name and version.
        runtime: String,
    },
    /// The images that came on the medium are in the runtime's store.
    ImagesPreloaded {
        /// How many.
        images: usize,
        /// How long it took.
        seconds: f64,
    },
    /// The runtime has pulled an image, by its original name.
    ImagePulled {
        /// The original name.
        image: Reference,
        /// The digest that the runtime recorded.
        digest: Option<Digest>,
        /// How long it took.
        seconds: f64,
    },
    /// The runtime couldn't pull an image.
    ImageFailed {
        /// The original name.
        image: Reference,
        /// The runtime's words.
        error: String,
    },
    /// A container runs.
    ContainerStarted {
        /// Its image.
        image: Reference,
        /// `running`, or `exited` with code 0.
        state: String,
    },
    /// The container didn't start.
    ContainerFailed {
        /// Its image.
        image: Reference,
        /// What went wrong.
        error: String,
    },
    /// The agent gave up.
    Failed {
        /// What it was doing.
        stage: String,
        /// What went wrong.
        error: String,
    },
    /// Everything has been tried.
    Finished {
        /// Images pulled.
        pulled: usize,
        /// Images that couldn't be pulled.
        failed: usize,
    },
}

/// A sentence for people.
impl std::fmt::Display for NodeEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AgentStarted { mode, stage, version } => {
                write!(f, "agent {version}, system `{mode}`, stage `{stage}`")
            }
            Self::UserDataRead { registries, rules, certificates } => write!(
                f,
                "the user data names {registries} registries, {rules} mirror rules, {certificates} certificates"
            ),
            Self::InstallStarted { device } => write!(f, "installing to {device}"),
            Self::InstallStep { step } => f.write_str(step),
            Self::InstallFinished { device, seconds } => {
                write!(f, "installed to {device} in {seconds:.0} s")
            }
            Self::NodeConfigured { files } => {
                write!(f, "wrote {} of the container runtime", count(files.len(), "file"))
            }
            Self::RuntimeReady { runtime } => write!(f, "{runtime} answers"),
            Self::ImagesPreloaded { images, seconds } => {
                write!(f, "preloaded {} in {seconds:.0} s", count(*images, "image"))
            }
            Self::ImagePulled { image, seconds, .. } => {
                write!(f, "pulled {image} in {seconds:.1} s")
            }
            Self::ImageFailed { image, error } => write!(f, "FAILED to pull {image}: {error}"),
            Self::ContainerStarted { image, state } => {
                write!(f, "started a container from {image}: {state}")
            }
            Self::ContainerFailed { image, error } => {
                write!(f, "FAILED to start a container from {image}: {error}")
            }
            Self::Failed { stage, error } => write!(f, "FAILED while {stage}: {error}"),
            Self::Finished { pulled, failed } => {
                write!(f, "proof finished: {pulled} images pulled, {failed} failed")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_single_lines() {
        let event = NodeEvent::ImageFailed {
            image: Reference::parse("nginx:1").unwrap(),
            error: "first\nsecond".into(),
        };
        let line = serde_json::to_string(&event).unwrap();
        assert!(line.starts_with(r#"{"event":"image-failed","image":"docker.io/library/nginx:1""#));
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<NodeEvent>(&line).unwrap(), event);
    }
}
