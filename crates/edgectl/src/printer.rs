//! stdout is data, stderr is talk.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;

use crate::failure::Failure;

/// The bar on the terminal, which must not be drawn over what is said.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Writes both, as quietly as asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    quiet: bool,
}

impl Printer {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// Data. A reader that stops reading is no failure.
    pub(crate) fn data(&self, text: &str) -> Result<(), Failure> {
        self.bytes(text.as_bytes())
    }

    /// Data that may be no text.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::of(crate::exit::FAILED, &error).doing("writing to stdout"))
            }
            _ => Ok(()),
        }
    }

    /// Talk: a line on stderr.
    pub(crate) fn say(&self, line: &str) {
        if !self.quiet {
            self.always(line);
        }
    }

    /// Talk that even `--quiet` lets through. It may have several lines.
    pub(crate) fn always(&self, text: &str) {
        let bar = BAR.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let write = || {
            let _ = writeln!(io::stderr().lock(), "{}", tame(text, &['\n', '\t']));
        };
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// The bar that is shown from now on, if any.
    pub(crate) fn set_bar(&self, bar: Option<ProgressBar>) {
        *BAR.lock().unwrap_or_else(PoisonError::into_inner) = bar;
    }

    /// Whether progress bars make sense.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }
}

/// A foreign text for a terminal, which must not take its orders: in one line,
/// with control characters written as Rust writes them.
pub(crate) fn plain(text: &str) -> String {
    tame(text, &[])
}

fn tame(text: &str, allowed: &[char]) -> String {
    let mut tame = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if allowed.contains(&c) => tame.push(c),
            c if c.is_control() => tame.extend(c.escape_default()),
            c if is_deceptive(c) => tame.extend(c.escape_unicode()),
            c => tame.push(c),
        }
    }
    tame
}

/// What isn't seen and changes what is: it turns the direction of a text, ends
/// its line, or makes two names look alike.
fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}')
}

/// Rows with aligned columns; the last column is as wide as it likes.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// `12.3 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} bytes") } else { format!("{value:.1} {}", units[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned() {
        let rows = [vec!["a".to_owned(), "bb".to_owned()], vec!["ccc".to_owned(), "d".to_owned()]];
        assert_eq!(table(&rows), "a    bb\nccc  d\n");
    }

    #[test]
    fn terminals_get_no_orders() {
        assert_eq!(plain("a\u{1b}[2J\u{7}\r\nb\u{9b}ü\\"), "a\\u{1b}[2J\\u{7}\\r\\nb\\u{9b}ü\\");
        assert_eq!(tame("a\nb\r", &['\n']), "a\nb\\r");
        let hidden = "\u{200b}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2066}\u{2069}";
        let shown: String = hidden.chars().map(|c| c.escape_unicode().to_string()).collect();
        assert_eq!(plain(hidden), shown);
        assert_eq!(tame(&format!("\n{hidden}"), &['\n']), format!("\n{shown}"));
        assert_eq!(plain("\u{2010}é日本\u{1f680}"), "\u{2010}é日本\u{1f680}");
        let rows = [vec!["a\n".to_owned(), "b".to_owned()], vec!["c".to_owned(), "d".to_owned()]];
        assert_eq!(table(&rows), "a\\n  b\nc    d\n");
    }

    #[test]
    fn sizes() {
        assert_eq!(bytes(0), "0 bytes");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(3 << 30), "3.0 GiB");
    }
}
