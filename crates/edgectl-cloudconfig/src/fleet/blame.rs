//! Which line of the template an error is in, and what it says.

use minijinja::Error;

use crate::holes::Holes;

/// Where a template's expressions stand.
pub(super) struct Blame {
    pub(super) holes: Holes,
    /// Lines of the text that the engine reads, and the number of what stands
    /// there.
    pub(super) lines: Vec<(usize, usize)>,
}

impl Blame {
    /// The line of the template: what was put in has made the engine's text
    /// longer.
    pub(super) fn line(&self, error: &Error) -> usize {
        let line = error.line().unwrap_or_default();
        let mut there = self.lines.iter().filter(|(at, _)| *at == line);
        there.next().map_or(line, |(_, number)| self.holes.line(*number))
    }
}

/// What the engine says, without the file name it makes up.
pub(super) fn plain_message(error: &Error) -> String {
    match error.detail() {
        Some(detail) => detail.to_owned(),
        None => error.kind().to_string(),
    }
}
