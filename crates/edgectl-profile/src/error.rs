//! Why an input can't be searched.

use granit_parser::{ErrorKind, ScanError};
use thiserror::Error;

/// Why nothing can be discovered in an input.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProfileError {
    /// It couldn't be read to its end.
    #[error("reading `{file}`: {message}")]
    Read {
        /// The input.
        file: String,
        /// Why not.
        message: String,
    },
    /// Neither JSON nor YAML nor a list.
    #[error("`{file}` is not JSON or YAML: line {line}, column {column}: {message}")]
    Syntax {
        /// The input.
        file: String,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// What the parser says.
        message: String,
    },
    /// Another kind of file.
    #[error(
        "`{file}` names no images in a way that is known: line {line}, column {column}: {expected}"
    )]
    Shape {
        /// The input.
        file: String,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// What was expected there.
        expected: String,
    },
}

/// What is wrong with a YAML text, and where in it.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) line: u64,
    pub(crate) column: u64,
    pub(crate) message: String,
    /// A line of a quoted text stands too far left.
    pub(crate) is_indentation: bool,
}

impl Fault {
    pub(crate) fn from_scan(error: &ScanError) -> Self {
        let at = error.marker();
        let message = match error.kind() {
            // The parser quotes it in a way of its own.
            ErrorKind::UnexpectedCharacter { .. } => "unexpected character".to_owned(),
            _ => error.info(),
        };
        Self {
            line: wide(at.line().max(1)),
            column: wide(at.col() + 1),
            message,
            is_indentation: matches!(error.kind(), ErrorKind::InvalidQuotedScalarIndent),
        }
    }
}

/// A position as the lock has it.
pub(crate) fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
