//! A program while it runs.

use std::io::Read;
use std::process::{Child, ExitStatus};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::cmd::{CmdError, Exchange};
use crate::interrupt::interrupted;
use crate::log_tail::LogTail;

/// How much of what a program said an error keeps.
pub(crate) const TAIL: usize = 2048;
/// How often a waiting caller looks at the child and at Ctrl-C.
const TICK: Duration = Duration::from_millis(20);
/// How long reading what a program said may take once it has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Where the words are that an error quotes.
#[derive(Debug)]
pub(crate) enum Said {
    /// Out of reach.
    Elsewhere,
    /// In a log file.
    Log(LogTail),
    /// Kept by a thread that reads them.
    Pipe(JoinHandle<Vec<u8>>),
}

/// A program that was started. Dropping it ends the program.
#[derive(Debug)]
pub struct Running {
    pub(crate) command: String,
    pub(crate) child: Child,
    pub(crate) said: Said,
    pub(crate) started: Instant,
}

impl Running {
    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The exit status, if it has ended.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, CmdError> {
        self.child
            .try_wait()
            .map_err(|source| CmdError::Talk { command: self.command.clone(), source })
    }

    /// Waits for success; Ctrl-C ends the program and the wait.
    pub fn wait(mut self) -> Result<(), CmdError> {
        let status = self.wait_for_end()?;
        self.judge(status)
    }

    /// Waits for the end, whatever it is.
    pub fn wait_status(mut self) -> Result<ExitStatus, CmdError> {
        self.wait_for_end()
    }

    /// Waits for the end and for all that it printed; ends the program after
    /// `limit`. Children that it leaves behind may hold its output open: they
    /// are not waited for any longer than it.
    pub(crate) fn exchange_within(
        mut self,
        stdout: Option<JoinHandle<Vec<u8>>>,
        limit: Duration,
    ) -> Result<Exchange, CmdError> {
        let late = CmdError::TimedOut { command: self.command.clone(), seconds: limit.as_secs() };
        let deadline = self.started + limit;
        let is_read = || stdout.as_ref().is_none_or(JoinHandle::is_finished);
        let status = loop {
            match self.ended()? {
                Some(status) if is_read() => break status,
                _ if Instant::now() >= deadline => return Err(late),
                _ => interrupted()?,
            }
            std::thread::sleep(TICK);
        };
        let stdout = stdout.map(join_bytes).unwrap_or_default();
        let stderr = match self.is_heard_out(deadline.min(Instant::now() + LAST_WORDS))? {
            true => self.tail(),
            false => String::new(),
        };
        Ok(Exchange { success: status.success(), stdout, stderr })
    }

    /// Waits until all that a program that has ended said is read: the thread
    /// that reads may come to it later than we to the program's end. False where
    /// a child of the program's holds its stderr open until `deadline`.
    fn is_heard_out(&self, deadline: Instant) -> Result<bool, CmdError> {
        while matches!(&self.said, Said::Pipe(reader) if !reader.is_finished()) {
            if Instant::now() >= deadline {
                return Ok(false);
            }
            interrupted()?;
            std::thread::sleep(TICK);
        }
        Ok(true)
    }

    /// Asks the program to end and waits; ends it for good after `grace`.
    pub fn stop(mut self, grace: Duration) -> Result<(), CmdError> {
        let Ok(raw) = i32::try_from(self.child.id()) else { return Ok(()) };
        if let Some(pid) = rustix::process::Pid::from_raw(raw) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let deadline = Instant::now() + grace;
        while self.ended()?.is_none() && Instant::now() < deadline {
            std::thread::sleep(TICK);
        }
        Ok(())
    }

    /// The error for a program that ended when it should have gone on.
    pub fn into_failure(mut self) -> CmdError {
        match self.wait_for_end() {
            Ok(status) => {
                CmdError::Failed { command: self.command.clone(), status, stderr: self.tail() }
            }
            Err(error) => error,
        }
    }

    fn wait_for_end(&mut self) -> Result<ExitStatus, CmdError> {
        loop {
            if let Some(status) = self.ended()? {
                let seconds = self.started.elapsed().as_secs_f64();
                tracing::debug!(command = %self.command, %status, seconds, "ended");
                return Ok(status);
            }
            interrupted()?;
            std::thread::sleep(TICK);
        }
    }

    fn judge(&mut self, status: ExitStatus) -> Result<(), CmdError> {
        if status.success() {
            return Ok(());
        }
        Err(CmdError::Failed { command: self.command.clone(), status, stderr: self.tail() })
    }

    fn tail(&mut self) -> String {
        let bytes = match std::mem::replace(&mut self.said, Said::Elsewhere) {
            Said::Elsewhere => Vec::new(),
            // An error that can't quote is still the better error.
            Said::Log(log) => log.read().unwrap_or_default(),
            Said::Pipe(reader) => join_bytes(reader),
        };
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

pub(crate) fn join_bytes(handle: JoinHandle<Vec<u8>>) -> Vec<u8> {
    handle.join().unwrap_or_default()
}

pub(crate) fn read_all(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        bytes
    })
}

/// Reads to the end but keeps only the last [`TAIL`] bytes.
pub(crate) fn read_tail(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        let mut buffer = [0; TAIL];
        while let Ok(n @ 1..) = stream.read(&mut buffer) {
            kept.extend_from_slice(&buffer[..n]);
            let excess = kept.len().saturating_sub(TAIL);
            kept.drain(..excess);
        }
        kept
    })
}
