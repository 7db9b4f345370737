//! Secrets in lines of settings that have no sign between a key and its value:
//! `requirepass x`, `ALTER USER a PASSWORD 'x'`.

use super::command::{bare, is_given, is_user_with_password};
use super::is_secret_key;

/// Words that begin other lines as well: `auth SHA256` of OpenVPN, `pass in`.
const OTHERS: [&str; 7] = ["auth", "authorization", "cookie", "pass", "passwd", "pat", "bearer"];

/// Whether a line has one.
pub(super) fn is_secret(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    is_entry(&words)
        || is_user(&words)
        || words.windows(3).any(|three| is_in_database(three[0], three[1], three[2]))
        || words.windows(2).any(|two| is_in_database("", two[0], two[1]))
        || words.windows(2).any(|two| two[0] == "auth" && is_user_with_password(two[1]))
}

/// `password x`, `pw is x1`: the key first, and its value the only other word.
fn is_entry(words: &[&str]) -> bool {
    let is_key = |word: &str| {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let word = bare(word);
        word.chars().all(is_name)
            && !word.starts_with('-')
            && (is_secret_key(word) || word == "rootpw")
            && !OTHERS.contains(&word.to_ascii_lowercase().as_str())
    };
    match words {
        // FRRouting's.
        ["neighbor", _, "password", value] => is_value(value),
        ["rootpw", .., value] => is_value(value) && !value.starts_with('-'),
        [key, value] => is_key(key) && is_value(value),
        // Prose has words behind it that are no passwords.
        [key, "is" | "was", value] => {
            let is_odd = value.contains(|c: char| c.is_ascii_digit() || matches!(c, '"' | '\''));
            is_key(key) && is_value(value) && is_odd
        }
        _ => false,
    }
}

fn is_value(word: &str) -> bool {
    let value = bare(word.trim_end_matches(';'));
    let is_sign = |c: char| !c.is_alphanumeric();
    is_given(value) && !value.chars().all(is_sign) && !value.starts_with(['<', '(', '{', '='])
}

/// `createUser u SHA "x" AES "y"` of snmpd.
fn is_user(words: &[&str]) -> bool {
    let Some(at) = words.iter().position(|word| *word == "createUser") else { return false };
    words.len() > at + 3 && is_value(words[at + 3])
}

/// `PASSWORD 'x'`, `IDENTIFIED BY 'x'`
fn is_in_database(before: &str, word: &str, value: &str) -> bool {
    let is_key = word.eq_ignore_ascii_case("password")
        || (before.eq_ignore_ascii_case("identified") && word.eq_ignore_ascii_case("by"));
    let value = value.trim_start_matches('\\');
    is_key && value.starts_with(['\'', '"']) && is_value(value)
}
