//! Reading the agent's events while they are written.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Instant;

use edgectl_model::NodeEvent;
use serde::Serialize;

/// An event and when it came.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TimedEvent {
    /// Seconds since the machine was started.
    pub at: f64,
    /// The event.
    #[serde(flatten)]
    pub event: NodeEvent,
}

/// Follows a file of JSON lines.
pub(crate) struct EventReader {
    path: PathBuf,
    started: Instant,
    offset: u64,
    partial: Vec<u8>,
}

impl EventReader {
    pub(crate) fn new(path: PathBuf, started: Instant) -> Self {
        Self { path, started, offset: 0, partial: Vec::new() }
    }

    /// What has come since the last call. Lines that aren't events (a port
    /// may carry noise) are left to the log.
    pub(crate) fn poll(&mut self) -> Vec<TimedEvent> {
        let at = self.started.elapsed().as_secs_f64();
        let bytes = self.new_bytes();
        self.partial.extend(bytes);
        let mut found = Vec::new();
        while let Some(end) = self.partial.iter().position(|c| *c == b'\n') {
            let line: Vec<u8> = self.partial.drain(..=end).collect();
            match serde_json::from_slice(&line) {
                Ok(event) => found.push(TimedEvent { at, event }),
                Err(error) => tracing::debug!(%error, "skipping a line on the event port"),
            }
        }
        found
    }

    fn new_bytes(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let read = File::open(&self.path).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.offset))?;
            file.read_to_end(&mut bytes)
        });
        self.offset += read.unwrap_or(0) as u64;
        bytes
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn takes_whole_lines_only() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut reader = EventReader::new(file.path().to_owned(), Instant::now());
        write!(file, "noise\n{{\"event\":\"finished\",\"pulled\":1,").unwrap();
        assert!(reader.poll().is_empty());
        writeln!(file, "\"failed\":0}}").unwrap();
        let events: Vec<NodeEvent> = reader.poll().into_iter().map(|e| e.event).collect();
        assert_eq!(events, [NodeEvent::Finished { pulled: 1, failed: 0 }]);
        assert!(reader.poll().is_empty());
    }
}
