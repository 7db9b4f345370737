//! Reading the user's files, with the file named in every error.

use std::io::Read;
use std::path::Path;

use crate::exit;
use crate::failure::Failure;

/// Larger texts aren't what they are said to be.
const LIMIT: u64 = 256 << 20;

/// The text of a file; `-` is stdin.
pub(crate) fn read_text(path: &Path, what: &str) -> Result<String, Failure> {
    let failed = |error: &dyn std::error::Error| {
        Failure::of(exit::FAILED, error).doing(format!("reading {what} `{}`", path.display()))
    };
    let mut bytes = Vec::new();
    let read = match path.as_os_str() == "-" {
        true => std::io::stdin().lock().take(LIMIT).read_to_end(&mut bytes),
        false => std::fs::File::open(path).and_then(|f| f.take(LIMIT).read_to_end(&mut bytes)),
    };
    read.map_err(|e| failed(&e))?;
    String::from_utf8(bytes).map_err(|e| failed(&e))
}
