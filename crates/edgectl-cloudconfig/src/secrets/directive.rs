//! Secrets in lines of settings that have no sign between a key and its value:
//! `requirepass x`, `ALTER USER a PASSWORD 'x'`.

use super::command::{bare, is_given, is_user_with_password};
use super::is_secret_key;
use super::pair::{Pair, is_value as has_value, is_variable, secret_pair};

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
        || words.windows(2).any(|two| is_quoted_entry(two[0], two[1]))
        || words.windows(3).any(|three| is_answer(three[0], three[1], three[2]))
        || words.windows(3).any(|three| is_of_ipsec(three[0], three[1], three[2]))
        || is_of_chrony(&words)
        || is_said_in_comment(&words)
        || is_given_to_function(line)
        || is_replacement(line)
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
        [key, value] => is_key(key) && is_value(value) && !is_proxied(key, value),
        // Prose has words behind it that are no passwords.
        [key, "is" | "was", value] => {
            let is_odd = value.contains(|c: char| c.is_ascii_digit() || matches!(c, '"' | '\''));
            is_key(key) && is_value(value) && is_odd
        }
        _ => false,
    }
}

/// `fastcgi_pass unix:/run/php.sock;` of nginx, where a password would have no port.
fn is_proxied(key: &str, address: &str) -> bool {
    const NAMES: [&str; 6] =
        ["proxy_pass", "grpc_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "memcached_pass"];
    let Some(address) = address.strip_suffix(';') else { return false };
    let is_port = |port: &str| {
        const LONGEST: usize = 5;
        (1..=LONGEST).contains(&port.len()) && port.bytes().all(|c| c.is_ascii_digit())
    };
    let is_address = match address.rsplit_once(':') {
        Some(("unix", path)) => path.starts_with('/'),
        Some((host, port)) => !host.is_empty() && is_port(port),
        None => false,
    };
    NAMES.contains(&key) && is_address
}

/// `secret "x";` among others of its line, `user a insecure-password x`.
fn is_quoted_entry(key: &str, value: &str) -> bool {
    let is_name = key.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-".contains(&c));
    let is_text = value.starts_with('"') && value.ends_with("\";");
    (is_name && is_secret_key(key) && is_text && is_value(value))
        || (key == "insecure-password" && is_value(value))
}

/// Debconf's: `mysql-server/root_password password x`.
fn is_answer(question: &str, kind: &str, value: &str) -> bool {
    let name = question.rsplit_once('/').map_or("", |(_, name)| name);
    is_secret_key(name) && matches!(kind, "password" | "string") && is_value(value)
}

/// `10.0.0.1 : PSK "x"`
fn is_of_ipsec(colon: &str, kind: &str, value: &str) -> bool {
    colon.ends_with(':') && matches!(kind, "PSK" | "EAP" | "XAUTH") && is_value(value)
}

/// `1 SHA1 HEX:x`
fn is_of_chrony(words: &[&str]) -> bool {
    let [number, _, key] = words else { return false };
    let said = ["HEX:", "ASCII:"].into_iter().find_map(|form| bare(key).strip_prefix(form));
    bare(number).bytes().all(|c| c.is_ascii_digit()) && said.is_some_and(is_value)
}

/// `# the token is x`, `# root pw x`
fn is_said_in_comment(words: &[&str]) -> bool {
    const SHORTEST: usize = 6;
    let is_odd = |word: &str| {
        word.len() >= SHORTEST
            && word.bytes().any(|c| c.is_ascii_digit())
            && word.bytes().any(|c| c.is_ascii_alphabetic())
            && !word.contains(['/', '.', ':'])
    };
    let is_said = |key: &str, value: &str| {
        is_secret_key(key) && !key.contains(['/', '-']) && is_odd(bare(value))
    };
    let is_comment = words.first().is_some_and(|word| word.starts_with('#'));
    is_comment
        && match words {
            [.., key, "is" | "was", value] => is_said(key, value),
            [.., key, value] => is_said(key, value),
            _ => false,
        }
}

/// `SET PASSWORD FOR a = PASSWORD('x')`
fn is_given_to_function(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    lower.contains("set password")
        && ["password('", "password(\""].into_iter().any(|call| {
            let said = lower.split_once(call).map_or("", |(_, said)| said);
            !said.is_empty() && !said.starts_with(['\'', '"', '$'])
        })
}

/// `sed 's/password: .*/password: x/'`
fn is_replacement(line: &str) -> bool {
    let Some((_, script)) = line.split_once("sed ") else { return false };
    if script.match_indices(['c', 'a', 'i']).any(|(at, _)| is_line_of_sed(script, at)) {
        return true;
    }
    script.match_indices('s').any(|(at, _)| {
        let mut behind = script[at + 1..].chars();
        let begins = script[..at].ends_with([' ', '"', '\'', ';']);
        let mark = behind.next().filter(|mark| begins && "/|#,@".contains(*mark));
        let said = mark.and_then(|mark| behind.as_str().split(mark).nth(1));
        said.is_some_and(|said| {
            secret_pair(said.trim_start())
                .is_some_and(|pair| matches!(pair, Pair::Value(_) | Pair::Beside))
        })
    })
}

/// `/password/c\password: x`, `$a password: x`: a command of sed's with a line.
fn is_line_of_sed(script: &str, at: usize) -> bool {
    let behind = &script[at + 1..];
    // What an address ends with, where there is one.
    let begins = match script[..at].chars().next_back() {
        Some(' ' | '\'' | '"') => behind.starts_with('\\'),
        Some('/' | '|' | '$' | '0'..='9') => behind.starts_with(['\\', ' ']),
        _ => false,
    };
    let line = behind.trim_start_matches(['\\', ' ']);
    let Some(end) = line.find([' ', ':', '=', '\'', '"']).filter(|_| begins) else { return false };
    let (key, rest) = line.split_at(end);
    let rest = rest.trim_start();
    let Some(separator) = rest.chars().next().filter(|c| matches!(c, ':' | '=')) else {
        return false;
    };
    let said = rest[1..].trim_start();
    // The quotes end with the script.
    let word = said.split([' ', '\'']).next().unwrap_or_default();
    is_secret_key(key)
        && !is_variable(word.trim_end_matches('"'))
        && has_value(key, said, separator)
}

fn is_value(word: &str) -> bool {
    let value = bare(word.trim_end_matches(';'));
    let is_sign = |c: char| !c.is_alphanumeric();
    let is_flag = matches!(value, "yes" | "no" | "true" | "false" | "on" | "off");
    let is_address = value.contains("://") && !value.contains('@');
    is_given(value)
        && !is_flag
        && !is_address
        && !value.chars().all(is_sign)
        && !value.starts_with(['<', '(', '{', '='])
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
