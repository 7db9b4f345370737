//! What a command prints, where a value is meant: `TOKEN=$(cat /run/token)`. It is no
//! secret where the command reads it, and is one where it was given it: `<<< x`.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::command::{BETWEEN, bare, base};
use super::words::{CLOSE, OPEN, words};

/// A longer one counts as a secret: lines that are full of them are read through once.
const LONGEST: usize = 4096;

/// Commands that may stand in quotes. What isn't run could be a password.
static COMMAND: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(`|\$\()\s*(sudo\s+)?(/[^\s`]|(cat|curl|wget|openssl|head|tr|jq|awk|sed|grep|cut|base64",
        r"|aws|gcloud|az|kubectl|vault|k3s|rke2|kubeadm|uuidgen|pwgen|makepasswd|pwmake|dd|xxd|od)[\s`)])",
    ))
    .ok()
});

/// What others are put for: variables, of which names in lower case are no passwords
/// where the shell runs.
static VARIABLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"\$\{[A-Za-z_][A-Za-z0-9_]*(\[[^\]]*\])?([%#][^}]*)?\}|\$[A-Za-z_][A-Za-z0-9_]*|\$[0-9@*]",
    )
    .ok()
});

/// The places of `printf` for what comes, and the ends of lines.
static FORMAT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"%[-0-9.]*[bdqs]|\\[nrt]").ok());

/// Whether a value is the output of a command that reads it, and nothing more.
pub(super) fn is_read(value: &str, is_quoted: bool) -> bool {
    parts(value).is_some_and(|(inside, behind)| !is_given(inside) && !goes_on(behind, is_quoted))
}

/// The same of a command that is known.
pub(super) fn is_read_by_known(value: &str, is_quoted: bool) -> bool {
    COMMAND.as_ref().is_some_and(|command| command.is_match(value)) && is_read(value, is_quoted)
}

/// The command, and what stands behind it; one that goes on below has nothing behind it.
fn parts(value: &str) -> Option<(&str, &str)> {
    let (inside, behind) = match value.strip_prefix('`') {
        Some(rest) => rest.split_once('`')?,
        None => {
            let rest = value.strip_prefix("$(")?;
            end(rest).map_or((rest, ""), |at| (&rest[..at], &rest[at + CLOSE.len()..]))
        }
    };
    (inside.len() <= LONGEST).then_some((inside, behind))
}

/// Where the command ends that a text begins with.
fn end(text: &str) -> Option<usize> {
    let (mut quote, mut depth, mut is_escaped) = (None, 0_usize, false);
    for (at, c) in text.char_indices().take_while(|(at, _)| *at <= LONGEST) {
        if std::mem::take(&mut is_escaped) {
            continue;
        }
        match (quote, c) {
            (None | Some('"'), '\\') => is_escaped = true,
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => return Some(at),
            (None, ')') => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Whether the value has more than the output: `"$(cat /a) x"`.
fn goes_on(behind: &str, is_quoted: bool) -> bool {
    let is_end = |c: char| match is_quoted {
        true => c == '"',
        false => c.is_whitespace() || "\"'`;&|)}],\\".contains(c),
    };
    let value = behind.split(is_end).next().unwrap_or_default();
    value.split_whitespace().take_while(|word| !has_command(word)).any(is_said)
}

/// Whether a command prints what stands in it. What is in quotes may be a text as well as
/// a command.
fn is_given(command: &str) -> bool {
    [false, true].into_iter().any(|is_in_quotes| {
        let words = words(command, is_in_quotes);
        let (mut kind, mut around) = (Kind::default(), Vec::new());
        words.iter().enumerate().any(|(n, word)| {
            let next = words.get(n + 1).copied().unwrap_or_default();
            match *word {
                OPEN => around.push(std::mem::take(&mut kind)),
                CLOSE => kind = around.pop().unwrap_or_default(),
                word if BETWEEN.contains(&word) => kind = Kind::default(),
                word => return is_input(word, next) || kind.is_given(word),
            }
            false
        })
    })
}

/// What a command does with its words.
#[derive(Default)]
enum Kind {
    #[default]
    Reader,
    Printer,
    /// `jq`, which makes up values with `-n`.
    Json,
    /// `awk`, which prints without any input in its `BEGIN`.
    Awk,
}

impl Kind {
    fn is_given(&mut self, word: &str) -> bool {
        let is_bundle = || word.starts_with('-') && !word.starts_with("--");
        match self {
            Self::Reader => *self = Self::named(word),
            // Which words are its own, the reading of what is in quotes tells.
            Self::Printer if has_command(word) => *self = Self::Reader,
            Self::Printer => return !is_option(word) && !is_redirection(word) && is_said(word),
            Self::Json => return word == "--null-input" || (is_bundle() && word.contains('n')),
            Self::Awk => return word.contains("BEGIN"),
        }
        false
    }

    fn named(word: &str) -> Self {
        match base(bare(word)) {
            _ if word.contains("://") => Self::Reader,
            "echo" | "printf" | "yes" => Self::Printer,
            "jq" | "yq" => Self::Json,
            "awk" | "gawk" | "mawk" => Self::Awk,
            _ => Self::Reader,
        }
    }
}

/// `<<< x`, and `<<EOF`, whose lines are below.
fn is_input(word: &str, next: &str) -> bool {
    let Some((_, input)) = word.split_once("<<") else { return false };
    let Some(said) = input.strip_prefix('<') else { return true };
    let said = if bare(said).is_empty() { next } else { said };
    // `"$A x"`
    let is_cut =
        ['"', '\''].iter().any(|quote| said.starts_with(*quote) && !said.ends_with(*quote));
    (is_cut && !has_command(said)) || is_said(said)
}

/// Whether a word that is printed says something: no variable and no name before one.
fn is_said(word: &str) -> bool {
    let said = match word.split_once(':') {
        Some((_, said)) if said.starts_with('$') => said,
        _ => word,
    };
    let without = |regex: &Option<Regex>, text: &str| {
        regex.as_ref().map_or(text.to_owned(), |regex| regex.replace_all(text, "").into_owned())
    };
    // The shell puts nothing for what is in single quotes.
    let said = match word.starts_with('\'') {
        true => said.to_owned(),
        false => without(&VARIABLE, said),
    };
    !has_command(word) && without(&FORMAT, &said).contains(char::is_alphanumeric)
}

/// `-n`, `-ne`
fn is_option(word: &str) -> bool {
    word.starts_with('-') && word.len() <= "-ne".len()
}

/// `2>/dev/null`
fn is_redirection(word: &str) -> bool {
    word.trim_start_matches(['1', '2', '&']).starts_with(['<', '>'])
}

/// Whether another command stands in a word, which is looked at by itself.
fn has_command(word: &str) -> bool {
    word.contains("$(") || word.contains('`')
}
