//! Programs: argument vectors, never a shell.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::interrupt::Interrupted;
use crate::log_tail::LogTail;
use crate::running::{Running, Said, join_bytes, read_all, read_tail};

/// Why a program didn't do its work.
#[derive(Debug, Error)]
pub enum CmdError {
    /// It couldn't be started.
    #[error("starting `{command}`")]
    Start {
        /// The command line.
        command: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It ended with a failure.
    #[error("`{command}` failed ({status}){}", stderr_part(.stderr))]
    Failed {
        /// The command line.
        command: String,
        /// Its exit status.
        status: ExitStatus,
        /// The end of what it said.
        stderr: String,
    },
    /// It couldn't be waited for or talked to.
    #[error("talking to `{command}`")]
    Talk {
        /// The command line.
        command: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It didn't end in time, and was ended.
    #[error("`{command}` did not end within {seconds} s")]
    TimedOut {
        /// The command line.
        command: String,
        /// How long it had.
        seconds: u64,
    },
    /// The user asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

fn stderr_part(stderr: &str) -> String {
    match stderr.trim() {
        "" => String::new(),
        text => format!(": {text}"),
    }
}

/// Room in the pipe to a program that is fed a stream, or from one that gives
/// one, in bytes.
const PIPE: usize = 1 << 20;

/// A program to run. `Display` is a line that can be pasted into a shell.
#[derive(Debug, Clone)]
pub struct Cmd {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
    inherit_output: bool,
}

impl Cmd {
    /// A program by name (looked up on `PATH`) or by path.
    pub fn new(program: impl AsRef<Path>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: None,
            inherit_output: false,
        }
    }

    /// Adds an argument. Never a secret: other users can read it.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<T: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets the working directory.
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = Some(directory.as_ref().to_owned());
        self
    }

    /// Lets the program talk on our own stdout and stderr.
    pub fn inherit_output(mut self) -> Self {
        self.inherit_output = true;
        self
    }

    /// The argument vector, program first.
    pub fn argv(&self) -> Vec<OsString> {
        let mut argv = vec![self.program.clone().into_os_string()];
        argv.extend(self.arguments.iter().cloned());
        argv
    }

    /// Runs to the end; anything but success is an error.
    pub fn ensure_success(&self) -> Result<(), CmdError> {
        self.read_stdout().map(drop)
    }

    /// Runs to the end with its stdout in `file`; anything but success is an
    /// error.
    pub fn ensure_success_into(&self, file: File) -> Result<(), CmdError> {
        let output = Output { stdout: file.into(), stderr: self.stderr() };
        self.start(Stdio::null(), output)?.wait()
    }

    /// Runs to the end and gives what it printed.
    pub fn read_stdout(&self) -> Result<Vec<u8>, CmdError> {
        let stdout = if self.inherit_output { Stdio::inherit() } else { Stdio::piped() };
        let mut running = self.start(Stdio::null(), Output { stdout, stderr: self.stderr() })?;
        let reader = running.child.stdout.take().map(read_all);
        running.wait()?;
        Ok(reader.map(join_bytes).unwrap_or_default())
    }

    /// Runs to the end with `input` on stdin and gives what it printed on
    /// stdout and whether it succeeded. For programs, such as credential
    /// helpers, that say on stdout why they failed.
    pub fn exchange(&self, input: &[u8]) -> Result<(bool, Vec<u8>), CmdError> {
        let mut running =
            self.start(Stdio::piped(), Output { stdout: Stdio::piped(), stderr: self.stderr() })?;
        let reader = running.child.stdout.take().map(read_all);
        if let Some(mut stdin) = running.child.stdin.take() {
            use io::Write;
            // A program may answer without reading; that is its own affair.
            let _ = stdin.write_all(input);
        }
        let status = running.wait_status()?;
        Ok((status.success(), reader.map(join_bytes).unwrap_or_default()))
    }

    /// As [`exchange`](Self::exchange), with what it said on stderr, too; ends
    /// the program if it takes longer than `limit`.
    pub fn exchange_within(&self, input: &[u8], limit: Duration) -> Result<Exchange, CmdError> {
        let mut running =
            self.start(Stdio::piped(), Output { stdout: Stdio::piped(), stderr: self.stderr() })?;
        let reader = running.child.stdout.take().map(read_all);
        if let Some(mut stdin) = running.child.stdin.take() {
            use io::Write;
            let _ = stdin.write_all(input);
        }
        running.exchange_within(reader, limit)
    }

    /// Runs to the end with `input` on stdin; anything but success is an error.
    pub fn ensure_success_with(&self, input: &[u8]) -> Result<(), CmdError> {
        let mut running =
            self.start(Stdio::piped(), Output { stdout: Stdio::null(), stderr: self.stderr() })?;
        if let Some(mut stdin) = running.child.stdin.take() {
            use io::Write;
            // A program that stops reading says why on stderr.
            let _ = stdin.write_all(input);
        }
        running.wait()
    }

    /// Whether it runs and succeeds.
    pub fn succeeds(&self) -> bool {
        self.ensure_success().is_ok()
    }

    /// Starts it with a pipe to its stdin.
    pub fn start_with_stdin(&self) -> Result<(Running, ChildStdin), CmdError> {
        let mut running =
            self.start(Stdio::piped(), Output { stdout: Stdio::null(), stderr: self.stderr() })?;
        match running.child.stdin.take() {
            Some(stdin) => {
                // A larger pipe spares switches between two busy programs;
                // where it is refused the usual one does.
                let _ = rustix::pipe::fcntl_setpipe_size(&stdin, PIPE);
                Ok((running, stdin))
            }
            None => Err(self.talk(io::Error::other("the program has no stdin"))),
        }
    }

    /// Starts it with a pipe from its stdout.
    pub fn start_with_stdout(&self) -> Result<(Running, ChildStdout), CmdError> {
        let mut running =
            self.start(Stdio::null(), Output { stdout: Stdio::piped(), stderr: self.stderr() })?;
        match running.child.stdout.take() {
            Some(stdout) => {
                let _ = rustix::pipe::fcntl_setpipe_size(&stdout, PIPE);
                Ok((running, stdout))
            }
            None => Err(self.talk(io::Error::other("the program has no stdout"))),
        }
    }

    /// Starts it in the background with all that it says, on stdout and on
    /// stderr, in `log`; errors quote the end of that.
    pub fn start_logging(&self, log: &File) -> Result<Running, CmdError> {
        let copy = || log.try_clone().map_err(|e| self.talk(e));
        let output = Output { stdout: copy()?.into(), stderr: copy()?.into() };
        let tail = LogTail::new(log).map_err(|e| self.talk(e))?;
        let mut running = self.start(Stdio::null(), output)?;
        running.said = Said::Log(tail);
        Ok(running)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that starts programs")]
    fn start(&self, stdin: Stdio, output: Output) -> Result<Running, CmdError> {
        tracing::debug!(command = %self, "starting");
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(stdin).stdout(output.stdout).stderr(output.stderr);
        command.envs(self.environment.iter().map(|(n, v)| (n, v)));
        // Messages are matched and shown; they should not depend on the user's language.
        command.env("LC_ALL", "C.UTF-8");
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        let mut child = command
            .spawn()
            .map_err(|source| CmdError::Start { command: self.to_string(), source })?;
        let said = child.stderr.take().map_or(Said::Elsewhere, |pipe| Said::Pipe(read_tail(pipe)));
        Ok(Running { command: self.to_string(), child, said, started: Instant::now() })
    }

    fn stderr(&self) -> Stdio {
        if self.inherit_output { Stdio::inherit() } else { Stdio::piped() }
    }

    fn talk(&self, source: io::Error) -> CmdError {
        CmdError::Talk { command: self.to_string(), source }
    }
}

impl fmt::Display for Cmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> =
            self.argv().iter().map(|word| shell_word(&word.to_string_lossy())).collect();
        f.write_str(&words.join(" "))
    }
}

fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// What a program gave back.
#[derive(Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Whether it succeeded.
    pub success: bool,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// The end of what it said.
    pub stderr: String,
}

impl fmt::Debug for Exchange {
    // What a credential helper prints is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("success", &self.success).finish_non_exhaustive()
    }
}

/// Where the output goes.
struct Output {
    stdout: Stdio,
    stderr: Stdio,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::running::TAIL;

    #[test]
    fn a_line_can_be_pasted() {
        let cmd = Cmd::new("tool").args(["--a=b", "two words", "it's"]);
        assert_eq!(cmd.to_string(), r"tool --a=b 'two words' 'it'\''s'");
    }

    #[test]
    fn a_failure_says_what_the_program_said() {
        let error = Cmd::new("ls").arg("/does-not-exist").ensure_success().unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("`ls /does-not-exist` failed (exit status: 2): "), "{text}");
        assert!(text.contains("No such file"), "{text}");
    }

    #[test]
    fn output_and_exchange() {
        assert_eq!(Cmd::new("echo").arg("hi").read_stdout().unwrap(), b"hi\n");
        let (ok, bytes) = Cmd::new("cat").exchange(b"ping").unwrap();
        assert_eq!((ok, bytes.as_slice()), (true, b"ping".as_slice()));
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let limit = Duration::from_millis(50);
        // The second one leaves a child behind that keeps stdout open.
        for script in ["exec sleep 60", "sleep 60 & echo started"] {
            let error = Cmd::new("sh").args(["-c", script]).exchange_within(b"", limit);
            assert!(matches!(error, Err(CmdError::TimedOut { .. })), "{script}");
        }
        let cmd = Cmd::new("sh").args(["-c", "cat; echo no >&2; exit 1"]);
        let said = cmd.exchange_within(b"yes", Duration::from_secs(60)).unwrap();
        let expected = (false, b"yes".as_slice(), "no");
        assert_eq!((said.success, said.stdout.as_slice(), said.stderr.as_str()), expected);
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Cmd::new("no-such-program-here").ensure_success().unwrap_err();
        assert!(matches!(error, CmdError::Start { .. }));
        assert!(!Cmd::new("no-such-program-here").succeeds());
    }

    #[test]
    fn a_log_takes_both_streams_and_errors_quote_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut log = File::create(&path).unwrap();
        io::Write::write_all(&mut log, b"an earlier run\n").unwrap();
        // Something on stdout, something on stderr, and a failure.
        let cmd = Cmd::new("ls").args(["-d", "/", "/does-not-exist"]);
        let text = cmd.start_logging(&log).unwrap().wait().unwrap_err().to_string();
        let logged = std::fs::read_to_string(&path).unwrap();
        assert!(logged.contains("No such file") && logged.ends_with("/\n"), "{logged}");
        assert!(text.contains("): ls: cannot access") && text.ends_with('/'), "{text}");
        assert!(!text.contains("earlier"), "{text}");
    }

    #[test]
    fn errors_quote_only_the_end() {
        let log = tempfile::tempfile().unwrap();
        let names: Vec<String> = (0..200).map(|i| format!("/does-not-exist-{i:03}")).collect();
        let cmd = Cmd::new("ls").arg("-U").args(&names);
        for error in
            [cmd.ensure_success().unwrap_err(), cmd.start_logging(&log).unwrap().into_failure()]
        {
            let CmdError::Failed { stderr, .. } = error else { panic!("{error}") };
            assert!(stderr.len() <= TAIL, "{}", stderr.len());
            assert!(stderr.contains("-199'") && !stderr.contains("-000'"), "{stderr}");
        }
    }

    #[test]
    fn dropping_ends_the_program() {
        let log = tempfile::tempfile().unwrap();
        let running = Cmd::new("sleep").arg("1000").start_logging(&log).unwrap();
        let pid = running.id();
        drop(running);
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }
}
