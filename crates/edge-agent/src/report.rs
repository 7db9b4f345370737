//! What the agent says: a line of JSON per event on its own serial port if
//! the machine has one, and a sentence for people on the console.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use edgectl_model::{EVENT_PORT, NodeEvent};

const PORTS: &str = "/sys/class/virtio-ports";

/// Where events go.
pub(crate) struct Reporter {
    port: Option<File>,
    log: Option<File>,
}

impl Reporter {
    /// Opens the event port if the machine has one.
    pub(crate) fn open() -> Self {
        let log = OpenOptions::new().create(true).append(true).open("/var/log/edge-agent.jsonl");
        Self {
            port: event_port().and_then(|path| OpenOptions::new().write(true).open(path).ok()),
            log: log.ok(),
        }
    }

    /// Whether the machine asks for proof.
    pub(crate) fn is_asked_for_proof(&self) -> bool {
        self.port.is_some()
    }

    /// Reports one event.
    pub(crate) fn say(&mut self, event: &NodeEvent) {
        let Ok(line) = serde_json::to_string(event) else { return };
        for sink in [&mut self.port, &mut self.log].into_iter().flatten() {
            // Reporting must never stop the work that is reported.
            let _ = sink.write_all(format!("{line}\n").as_bytes());
            let _ = sink.flush();
        }
        let _ = writeln!(std::io::stdout(), "edge-agent: {event}");
    }
}

/// The device of the virtio port by its name; udev's link may not be there yet.
fn event_port() -> Option<PathBuf> {
    for entry in std::fs::read_dir(PORTS).ok()?.flatten() {
        let name = std::fs::read_to_string(entry.path().join("name")).unwrap_or_default();
        if name.trim() == EVENT_PORT {
            return Some(Path::new("/dev").join(entry.file_name()));
        }
    }
    None
}
