//! Secrets in commands: `docker login -p x`, `echo root:x | chpasswd`.

use super::is_secret_key;
use super::pair::is_variable;

/// Commands whose `-p` is a password.
const WITH_P: [&str; 4] = ["login", "sshpass", "useradd", "usermod"];
/// Commands whose user is `name:password`.
const WITH_USER: [&str; 2] = ["curl", "ctr"];
const USER: [&str; 4] = ["-u", "--user", "-U", "--proxy-user"];
const BETWEEN: [&str; 5] = ["&&", "||", "|", ";", "&"];

/// Whether the words of a command, one an item, have a secret.
pub(crate) fn is_command_with_secret(words: &[&str]) -> bool {
    let mut command = Command::default();
    words.iter().enumerate().any(|(n, word)| {
        let next = words.get(n + 1).copied().unwrap_or_default();
        command.is_secret(bare(word), next)
    })
}

/// Whether a line of a script, or of a file that is a list of words, has one.
pub(super) fn is_secret(line: &str, is_netrc: bool) -> bool {
    let words: Vec<&str> =
        line.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty()).collect();
    is_command_with_secret(&words) || is_piped(&words) || is_login(&words, is_netrc)
}

/// The word that ends the input of `chpasswd <<WORD`.
pub(super) fn input_of_chpasswd(line: &str) -> Option<&str> {
    let (_, end) = line.split_once("<<")?;
    let is_it = line.contains("chpasswd") && !end.starts_with('<');
    let end = end.trim_start_matches(['-', '~', ' ']).split_whitespace().next()?;
    is_it.then(|| bare(end))
}

fn bare(word: &str) -> &str {
    word.trim_matches(['"', '\'', '`', '[', ']', '\\'])
}

/// What the words so far have been.
#[derive(Default)]
struct Command {
    has_p: bool,
    has_user: bool,
}

impl Command {
    fn is_secret(&mut self, word: &str, next: &str) -> bool {
        let name = word.rsplit('/').next().unwrap_or_default();
        if BETWEEN.contains(&word) {
            *self = Self::default();
        }
        self.has_p |= WITH_P.contains(&name);
        self.has_user |= WITH_USER.contains(&name);
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) if word.starts_with("--") => (flag, value),
            _ => (word, next),
        };
        match flag {
            "-p" if self.has_p => is_given(value),
            flag if self.has_user && USER.contains(&flag) => is_user_with_password(value),
            "--creds" | "--src-creds" | "--dest-creds" => is_user_with_password(value),
            flag if flag.starts_with("--") => is_secret_key(flag) && is_given(value),
            flag if self.has_p && flag.starts_with("-p") => !flag[2..].starts_with('$'),
            flag if self.has_user && flag.starts_with("-u") => is_user_with_password(&flag[2..]),
            _ => false,
        }
    }
}

/// Whether an argument is a value: not the next flag, not a variable.
fn is_given(value: &str) -> bool {
    let is_flag = value.starts_with("--") || (value.starts_with('-') && value.len() <= 2);
    !bare(value).is_empty() && !is_flag && !is_variable(value)
}

/// `name:password`, and not two numbers.
fn is_user_with_password(word: &str) -> bool {
    let word = bare(word);
    let is_number = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
    word.split_once(':').is_some_and(|(name, password)| {
        let is_said = !name.is_empty() && !password.is_empty() && !is_variable(password);
        is_said && !(is_number(name) && is_number(password))
    })
}

/// What is piped into a command that takes a password.
fn is_piped(words: &[&str]) -> bool {
    let is_there =
        |name: &str| words.iter().any(|word| bare(word).rsplit('/').next() == Some(name));
    let is_printed = || {
        let echo = words.iter().position(|word| matches!(bare(word), "echo" | "printf" | "<<<"));
        let said = echo.map(|at| words[at + 1..].iter().map(|word| bare(word)));
        said.and_then(|mut said| said.find(|word| !word.starts_with(['-', '%'])))
            .is_some_and(|word| !is_variable(word))
    };
    if is_there("chpasswd") {
        return words.iter().any(|word| !word.contains("://") && is_user_with_password(word));
    }
    let takes = is_there("--password-stdin") || (is_there("passwd") && is_there("--stdin"));
    takes && is_printed()
}

/// `machine h login u password x`, which may go over several lines.
fn is_login(words: &[&str], is_netrc: bool) -> bool {
    let at = words.iter().position(|word| *word == "password");
    let has_value = at.is_some_and(|at| at + 1 < words.len());
    let has_name = words.iter().any(|word| matches!(*word, "login" | "machine"));
    has_value && (has_name || (is_netrc && words.len() == 2))
}
