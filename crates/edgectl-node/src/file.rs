//! A file that a runtime reads.

use std::fmt;

/// A file to be written on the node.
#[derive(Clone, PartialEq, Eq)]
pub struct RuntimeFile {
    /// Absolute path.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// The whole content.
    pub content: String,
    /// Whether the content holds a password; `Debug` doesn't show it then.
    pub secret: bool,
}

impl fmt::Debug for RuntimeFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let content = if self.secret { "****" } else { self.content.as_str() };
        f.debug_struct("RuntimeFile")
            .field("path", &self.path)
            .field("mode", &format_args!("{:#o}", self.mode))
            .field("content", &content)
            .field("secret", &self.secret)
            .finish()
    }
}
