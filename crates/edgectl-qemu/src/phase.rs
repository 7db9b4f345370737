//! One start of a machine, until it has said what was waited for.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use edgectl_model::NodeEvent;
use edgectl_process::{Cmd, Running, file_error, interrupted};
use serde::Serialize;

use crate::console;
use crate::error::QemuError;
use crate::events::{EventReader, TimedEvent};
use crate::machine::{Channels, Machine};
use crate::monitor::Monitor;
use crate::tools::QEMU;

const TICK: Duration = Duration::from_millis(100);
const CONSOLE_TAIL: usize = 15;

/// How a phase ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "end", content = "reason")]
pub enum PhaseEnd {
    /// The event that was waited for came.
    Satisfied,
    /// The machine went down by itself (restarted or powered off).
    WentDown,
    /// The time was up.
    TimedOut,
    /// The console shows that it won't come up.
    Stuck(String),
}

/// What happened in a phase.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhaseReport {
    /// `install` or `prove`.
    pub name: String,
    /// How it ended.
    #[serde(flatten)]
    pub end: PhaseEnd,
    /// How long it took.
    pub seconds: f64,
    /// Everything that the node said.
    pub events: Vec<TimedEvent>,
    /// The last lines of the console.
    pub console_tail: Vec<String>,
}

/// A phase to run.
pub(crate) struct Phase<'a> {
    pub(crate) name: &'a str,
    pub(crate) machine: &'a Machine,
    /// Where its files go.
    pub(crate) directory: &'a Path,
    pub(crate) timeout: Duration,
    /// Text on the console that ends the phase.
    pub(crate) text: Option<&'a str>,
    /// Called for each event; true ends the phase.
    pub(crate) watch: &'a mut dyn FnMut(&TimedEvent) -> bool,
}

impl Phase<'_> {
    /// Runs the machine. Whatever happens, argument vector, console, events
    /// and pictures of the screen stay in the directory.
    pub(crate) fn run(self) -> Result<PhaseReport, QemuError> {
        std::fs::create_dir_all(self.directory).map_err(file_error("creating", self.directory))?;
        // A socket's path must be short, which a results directory may not be.
        let sockets =
            tempfile::tempdir().map_err(file_error("creating", "a temporary directory"))?;
        let channels = Channels {
            console: self.directory.join("console.log"),
            firmware: self.directory.join("firmware.log"),
            events: self.directory.join("events.jsonl"),
            monitor: sockets.path().join("monitor"),
        };
        let cmd = QEMU.cmd()?.args(self.machine.argv(&channels));
        self.write("argv", format!("{cmd}\n").as_bytes())?;
        let log = self.directory.join("qemu.log");
        let log = File::create(&log).map_err(file_error("creating", log))?;

        let started = Instant::now();
        let mut running = cmd.start_logging(&log)?;
        let mut reader = EventReader::new(channels.events.clone(), started);
        let mut events = Vec::new();
        let end = loop {
            interrupted()?;
            let new = reader.poll();
            // Every event is shown, also those after the one that was waited for.
            let satisfied = new.iter().filter(|event| (self.watch)(event)).count() > 0;
            if let Some(stage) = new.iter().rev().find_map(|timed| stage(&timed.event)) {
                self.picture(&channels, &format!("screen-{stage}.png"));
            }
            events.extend(new);
            if let Some(end) = self.end(satisfied, started, &mut running, &channels)? {
                break end;
            }
            std::thread::sleep(TICK);
        };
        // The last words may have come after the last look.
        for event in reader.poll() {
            (self.watch)(&event);
            events.push(event);
        }
        let end = match end {
            PhaseEnd::WentDown => self.went_down(running, &events, &cmd)?,
            end => {
                self.shut(running, &channels)?;
                end
            }
        };
        Ok(PhaseReport {
            name: self.name.to_owned(),
            end,
            seconds: started.elapsed().as_secs_f64(),
            events,
            console_tail: console::tail(&read(&channels.console), CONSOLE_TAIL),
        })
    }

    fn end(
        &self,
        satisfied: bool,
        started: Instant,
        running: &mut Running,
        channels: &Channels,
    ) -> Result<Option<PhaseEnd>, QemuError> {
        if satisfied {
            return Ok(Some(PhaseEnd::Satisfied));
        }
        if running.ended()?.is_some() {
            return Ok(Some(PhaseEnd::WentDown));
        }
        if started.elapsed() > self.timeout {
            return Ok(Some(PhaseEnd::TimedOut));
        }
        let console = read(&channels.console);
        if self.text.is_some_and(|text| console::shows(&console, text)) {
            return Ok(Some(PhaseEnd::Satisfied));
        }
        let stuck = console::dead_end(&console);
        let stuck = stuck.or_else(|| console::no_start(&read(&channels.firmware)));
        Ok(stuck.map(|why| PhaseEnd::Stuck(why.to_owned())))
    }

    /// A machine that went down without a word was no machine: QEMU refused.
    fn went_down(
        &self,
        running: Running,
        events: &[TimedEvent],
        cmd: &Cmd,
    ) -> Result<PhaseEnd, QemuError> {
        tracing::debug!(command = %cmd, phase = self.name, "the machine went down");
        let installed = events.iter().any(|e| matches!(e.event, NodeEvent::InstallFinished { .. }));
        match installed {
            true => running.wait_status().map(drop)?,
            false => running.wait()?,
        }
        Ok(PhaseEnd::WentDown)
    }

    fn shut(&self, running: Running, channels: &Channels) -> Result<(), QemuError> {
        self.picture(channels, "screen.png");
        if let Ok(mut monitor) = Monitor::connect(&channels.monitor) {
            let _ = monitor.quit();
        }
        Ok(running.stop(Duration::from_secs(5))?)
    }

    /// Takes a picture of the screen. Pictures are for people who look into a
    /// failure; without one there is still the console.
    fn picture(&self, channels: &Channels, name: &str) {
        if let Ok(mut monitor) = Monitor::connect(&channels.monitor) {
            let _ = monitor.screen_dump(&self.directory.join(name));
        }
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<(), QemuError> {
        Ok(edgectl_process::write_file(&self.directory.join(name), 0o644, content)?)
    }
}

/// Events that show something new on the screen.
fn stage(event: &NodeEvent) -> Option<&'static str> {
    match event {
        NodeEvent::AgentStarted { .. } => Some("agent-started"),
        NodeEvent::InstallStarted { .. } => Some("installing"),
        NodeEvent::InstallFinished { .. } => Some("installed"),
        NodeEvent::RuntimeReady { .. } => Some("runtime-ready"),
        _ => None,
    }
}

fn read(path: &PathBuf) -> Vec<u8> {
    std::fs::read(path).unwrap_or_default()
}
