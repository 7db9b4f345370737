//! A question on the terminal whose answer isn't shown.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};

use edgectl_model::Secret;
use edgectl_process::interrupted;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::exit;
use crate::failure::Failure;

/// How often Ctrl-C is looked at.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Asks on the terminal; none where there is none.
pub(super) fn ask_hidden(question: &str) -> Result<Option<Secret>, Failure> {
    let Ok(terminal) = OpenOptions::new().read(true).write(true).open("/dev/tty") else {
        return Ok(None);
    };
    let asking = |e: io::Error| Failure::of(exit::FAILED, &e).doing("asking for the password");
    let quiet = Quiet::start(&terminal).map_err(asking)?;
    (&terminal).write_all(question.as_bytes()).map_err(asking)?;
    let line = read_line(&terminal);
    drop(quiet);
    // The key that ended the line wasn't shown, either.
    let _ = (&terminal).write_all(b"\n");
    line
}

fn read_line(mut terminal: &File) -> Result<Option<Secret>, Failure> {
    let reading = |e: io::Error| Failure::of(exit::FAILED, &e).doing("reading the password");
    let mut line = Vec::new();
    loop {
        // A blocking read would outlast Ctrl-C.
        let mut ready = [PollFd::new(&terminal, PollFlags::IN)];
        let waited = poll(&mut ready, Some(&TICK));
        interrupted()?;
        match waited {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(reading(error.into())),
        }
        let mut byte = [0];
        let is_end = terminal.read(&mut byte).map_err(reading)? == 0;
        if is_end || matches!(byte[0], b'\n' | b'\r') {
            return Ok(Some(Secret::new(String::from_utf8_lossy(&line))));
        }
        line.push(byte[0]);
    }
}

/// Keeps the terminal from showing what is typed; dropping it ends that.
struct Quiet<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Quiet<'a> {
    fn start(terminal: &'a File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &quiet)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.terminal, OptionalActions::Drain, &self.before);
    }
}
