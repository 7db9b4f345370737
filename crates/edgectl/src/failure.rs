//! What a command gives back when it fails: frames, hints and an exit code.

use std::error::Error;

use edgectl_iso::IsoError;
use edgectl_process::{CmdError, Interrupted, PersistError};
use edgectl_qemu::QemuError;
use edgectl_registry::{ErrorKind, RegistryError};

use crate::exit;
use crate::printer::plain;
use crate::registry_hint::registry_hint;

/// A failure, ready to be shown.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Outermost first.
    pub(crate) frames: Vec<String>,
    /// What the user can do.
    pub(crate) hints: Vec<String>,
    /// The exit code.
    pub(crate) code: u8,
}

impl Failure {
    /// A failure with one frame.
    pub(crate) fn new(code: u8, text: impl Into<String>) -> Self {
        Self { frames: vec![text.into()], hints: Vec::new(), code }
    }

    /// Everything in an error's chain, as frames.
    pub(crate) fn of(code: u8, error: &dyn Error) -> Self {
        let mut frames: Vec<String> = Vec::new();
        let mut at = Some(error);
        while let Some(error) = at {
            let text = error.to_string();
            // A transparent error repeats the one that it wraps.
            if frames.last() != Some(&text) {
                frames.push(text);
            }
            at = error.source();
        }
        Self { frames, hints: Vec::new(), code }
    }

    /// Adds a hint.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds the frame that says what was being done.
    pub(crate) fn doing(mut self, gerund: impl Into<String>) -> Self {
        self.frames.insert(0, gerund.into());
        self
    }

    /// The text for stderr.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        for (i, frame) in self.frames.iter().enumerate() {
            let start = if i == 0 { "error" } else { "  caused by" };
            text.push_str(&format!("{start}: {frame}\n"));
        }
        for hint in &self.hints {
            text.push_str(&format!("hint: {hint}\n"));
        }
        text
    }
}

/// Says what was being done when something failed.
pub(crate) trait Doing<T> {
    /// Adds a gerund frame.
    fn doing(self, gerund: impl Into<String>) -> Result<T, Failure>;
}

impl<T, E: Into<Failure>> Doing<T> for Result<T, E> {
    fn doing(self, gerund: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|error| error.into().doing(gerund))
    }
}

impl From<Interrupted> for Failure {
    fn from(error: Interrupted) -> Self {
        Self::of(exit::INTERRUPTED, &error).hint("run the same command again to continue")
    }
}

impl From<PersistError> for Failure {
    fn from(error: PersistError) -> Self {
        with_space_hint(Self::of(exit::FAILED, &error))
    }
}

impl From<CmdError> for Failure {
    fn from(error: CmdError) -> Self {
        match error {
            CmdError::Interrupted(interrupted) => interrupted.into(),
            error => with_space_hint(Self::of(exit::FAILED, &error)),
        }
    }
}

impl From<IsoError> for Failure {
    fn from(error: IsoError) -> Self {
        match error {
            IsoError::Interrupted(interrupted) => interrupted.into(),
            IsoError::Cmd(error) => error.into(),
            error => with_space_hint(Self::of(exit::FAILED, &error)),
        }
    }
}

impl From<QemuError> for Failure {
    fn from(error: QemuError) -> Self {
        match error {
            QemuError::Interrupted(interrupted) => interrupted.into(),
            QemuError::Cmd(error) => error.into(),
            error => with_space_hint(Self::of(exit::FAILED, &error)),
        }
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        let code = match error.kind() {
            ErrorKind::Interrupted => exit::INTERRUPTED,
            ErrorKind::Login | ErrorKind::Denied => exit::REFUSED,
            _ => exit::FAILED,
        };
        let mut failure = with_space_hint(Self::of(code, &error));
        // What registries and archives say must not look like words of ours.
        failure.frames.iter_mut().for_each(|frame| *frame = plain(frame));
        failure.hints.extend(registry_hint(&error));
        failure
    }
}

/// An error and what caused it, in one line.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    plain(&Failure::of(exit::FAILED, error).frames.join(": "))
}

fn with_space_hint(failure: Failure) -> Failure {
    let full = |text: &String| text.contains("No space left") || text.contains("os error 28");
    match failure.frames.iter().any(full) {
        true => {
            failure.hint("make room on that file system, or point `out` in edge.yaml elsewhere")
        }
        false => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_and_hints_are_lines() {
        let failure = Failure::new(1, "the root").doing("doing it").hint("do that");
        assert_eq!(failure.render(), "error: doing it\n  caused by: the root\nhint: do that\n");
    }

    #[test]
    fn a_registry_speaks_in_one_line() {
        let message = "no\nerror: all good\u{1b}[1m".to_owned();
        let (host, action) = ("reg.local".to_owned(), "push".to_owned());
        let error = RegistryError::Denied { host, user: None, action, message };
        assert!(with_causes(&error).ends_with(r": no\nerror: all good\u{1b}[1m"));
        let text = Failure::from(error).render();
        assert!(text.lines().next().is_some_and(|line| line.ends_with(r"\u{1b}[1m")), "{text}");
    }

    #[test]
    fn a_full_disk_is_recognised() {
        let source = std::io::Error::from_raw_os_error(28);
        let failure = Failure::from(PersistError::Write("/x".into(), source));
        assert!(failure.render().contains("hint: make room"), "{}", failure.render());
    }
}
