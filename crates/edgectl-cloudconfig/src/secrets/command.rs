//! Secrets in commands: `docker login -p x`, `echo root:x | chpasswd`.

use std::collections::BTreeSet;

use super::harmless::is_flag;
use super::pair::is_variable;
use super::words::{CLOSE, OPEN, words};
use super::{is_secret_file, is_secret_key};

/// Commands with the short flags whose value is a password.
const FLAGS: [(&[&str], &str); 7] = [
    (&["login", "sshpass", "useradd", "usermod", "mongo", "mongosh", "mongodump"], "-p"),
    (&["ipmitool", "zip", "unzip", "mosquitto_pub", "mosquitto_sub", "sqlcmd"], "-P"),
    (&["redis-cli"], "-a"),
    (
        &[
            "ldapsearch",
            "ldapmodify",
            "ldapadd",
            "ldapdelete",
            "ldapwhoami",
            "ldappasswd",
            "ipa-client-install",
        ],
        "-w",
    ),
    (&["ssh-keygen"], "-N"),
    (&["netbird"], "-k"),
    (&["k3s", "rke2", "k3s-agent", "rke2-server", "rke2-agent"], "-t"),
];
/// Commands whose `-p` has its value in the same word alone.
const WITH_OWN_P: [&str; 9] = [
    "mysql",
    "mysqldump",
    "mysqladmin",
    "mysqlimport",
    "mysqlsh",
    "mariadb",
    "mariadb-dump",
    "7z",
    "7za",
];
/// Commands whose user is `name:password`.
const WITH_USER: [&str; 3] = ["curl", "ctr", "etcdctl"];
const USER: [&str; 4] = ["-u", "--user", "-U", "--proxy-user"];
/// Commands that take words for keys: `nmcli … password x`.
const WITH_KEYS: [&str; 6] = ["nmcli", "ipmitool", "virsh", "aws", "wpa_cli", "mysqladmin"];
pub(super) const BETWEEN: [&str; 5] = ["&&", "||", "|", ";", "&"];

/// What commands take that has a password in it.
const TAKERS: [&str; 5] = ["passwd", "smbpasswd", "cryptsetup", "kinit", "--passphrase-fd"];
/// Commands that take one to join a domain, or for a user: `realm leave` alone takes none.
const JOINERS: [&str; 2] = ["realm", "adcli"];

/// Whether the words of a command, one an item, have a secret.
pub(crate) fn is_command_with_secret(words: &[&str]) -> bool {
    let (mut command, mut around) = (Command::default(), Vec::new());
    words.iter().enumerate().any(|(n, word)| {
        let next = words.get(n + 1).copied().unwrap_or_default();
        match *word {
            OPEN => around.push(std::mem::take(&mut command)),
            CLOSE => command = around.pop().unwrap_or_default(),
            word => return command.is_secret(bare(word), next),
        }
        false
    })
}

/// Whether a line of a script, or of a file that is a list of words, has one.
pub(super) fn is_secret(line: &str, is_netrc: bool) -> bool {
    [false, true].into_iter().any(|is_in_quotes| {
        let words = words(line, is_in_quotes);
        is_command_with_secret(&words)
            || is_piped(&words)
            || is_written(&words)
            || is_community(&words)
            || is_last(&words)
            || is_login(&words, is_netrc)
    })
}

/// The word that ends the input of `chpasswd <<WORD`, or of another command or file
/// that takes a password.
pub(super) fn input_with_secret(line: &str) -> Option<&str> {
    let (before, end) = line.split_once("<<")?;
    let words = words(line, false);
    let is_there = |name: &str| words.iter().any(|word| base(bare(word)) == name);
    let is_it = is_there("chpasswd")
        || is_there("--password-stdin")
        || TAKERS.into_iter().any(is_there)
        || (JOINERS.into_iter().any(is_there) && words.iter().any(|word| is_join(word)))
        || (is_there("sudo") && is_there("-S"))
        || writes_secret_file(&words)
        || is_printed_for_key(before);
    let is_word = is_it && !end.starts_with('<');
    let end = end.trim_start_matches(['-', '~', ' ']);
    let end = end.split(|c: char| c.is_whitespace() || "|&;)".contains(c)).next()?;
    (is_word && !bare(end).is_empty()).then(|| bare(end))
}

/// Whether what a command prints that began before is the value of a key:
/// `PASSWORD=$(cat `.
fn is_printed_for_key(before: &str) -> bool {
    [("=$(", ')'), ("=\"$(", ')'), ("=`", '`'), ("=\"`", '`')].into_iter().any(|(open, close)| {
        let parts = before.rsplit_once(open);
        parts.is_some_and(|(key, command)| !command.contains(close) && is_secret_key(key))
    })
}

pub(super) fn bare(word: &str) -> &str {
    word.trim_matches(['"', '\'', '`', '[', ']', '\\'])
}

/// The last part of a command's path.
pub(super) fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or_default()
}

/// What the words so far have been.
#[derive(Default)]
struct Command<'a> {
    names: BTreeSet<&'a str>,
    last: &'a str,
    /// Words that were given to `wpa_passphrase`.
    given: usize,
}

impl<'a> Command<'a> {
    fn is_secret(&mut self, word: &'a str, next: &str) -> bool {
        if BETWEEN.contains(&word) {
            *self = Self::default();
        }
        let is_positional = self.is_positional(word);
        self.names.insert(base(word));
        // `vault login -field=token x`
        if !(word.starts_with('-') && word.contains('=')) {
            self.last = base(word);
        }
        if let Some(value) = word.strip_prefix("pass:") {
            return is_given(value);
        }
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) if word.starts_with("--") => (flag, value),
            _ => (word, next),
        };
        let is_switch = flag.len() < word.len() && is_flag(value);
        is_positional || (!is_switch && self.is_flag(flag, value)) || self.is_key(word, next)
    }

    fn has(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.names.contains(name))
    }

    fn is_flag(&self, flag: &str, value: &str) -> bool {
        let is_short = |(commands, short): &(&[&str], &str)| {
            let rest = flag.strip_prefix(short);
            rest.is_some_and(|rest| {
                let said = if rest.is_empty() { value } else { rest };
                self.has(commands) && is_given(said)
            })
        };
        match flag {
            flag if self.has(&WITH_USER) && USER.contains(&flag) => is_user_with_password(value),
            // `kubectl create secret generic a --from-literal=b=x`
            "--from-literal" => {
                let (key, value) = value.split_once('=').unwrap_or_default();
                (self.has(&["secret"]) || is_secret_key(key)) && is_given(value)
            }
            "--creds" | "--src-creds" | "--dest-creds" => is_user_with_password(value),
            "--header" => is_header(value),
            "--cert" | "-E" if self.has(&["curl"]) => is_user_with_password(value),
            // `curl … | sh -s - agent -t x`
            "-t" if self.has(&["sh", "bash"]) && self.has(&["agent", "server"]) => is_given(value),
            flag if flag.starts_with("--") => is_secret_key(flag) && is_given(value),
            flag if is_long(flag) && is_secret_key(flag) => {
                let is_no_value =
                    ["-", "file:", "env:"].iter().any(|start| value.starts_with(start));
                is_given(value) && !is_no_value && !flag.starts_with("-no")
            }
            _ if FLAGS.iter().any(is_short) => true,
            flag if self.has(&WITH_OWN_P) && flag.starts_with("-p") => is_given(&flag[2..]),
            flag if self.has(&WITH_USER) && flag.starts_with("-u") => {
                is_user_with_password(&flag[2..])
            }
            flag if self.has(&["curl"]) && user_in(flag, value).is_some() => {
                user_in(flag, value).is_some_and(is_user_with_password)
            }
            "-H" => is_header(value),
            "-k" if self.has(&["openssl"]) => is_given(value),
            // `smbclient -U user%password`
            "-U" if self.has(&["smbclient", "net", "rpcclient"]) => {
                value.split_once('%').is_some_and(|(_, password)| is_given(password))
            }
            // `htpasswd -b file user password`
            flag if self.has(&["htpasswd", "mosquitto_passwd"]) => {
                flag.starts_with('-') && flag.contains('b')
            }
            _ => false,
        }
    }

    /// `nmcli … password x`.
    fn is_key(&self, word: &str, next: &str) -> bool {
        self.has(&WITH_KEYS) && !word.starts_with('-') && is_secret_key(word) && is_given(next)
    }

    /// Whether a word is a secret by its place alone.
    fn is_positional(&mut self, word: &str) -> bool {
        let last = self.last;
        let after = |name: &str| last == name;
        let is_redirection = |word: &str| word.starts_with(['<', '>']) || word.starts_with("2>");
        if is_redirection(word) || is_redirection(last) {
            return false;
        }
        if after("login") && self.has(&["vault"]) {
            let is_name = ["role=", "username="].iter().any(|key| word.starts_with(key));
            return is_given(word) && !word.starts_with('-') && !is_name;
        }
        let is_attached = after("attach") && self.has(&["pro", "ua", "ubuntu-advantage"]);
        let is_installed = after("install") && self.has(&["cloudflared"]);
        let is_enabled = after("enable") && self.has(&["canonical-livepatch"]);
        if is_attached || is_installed || is_enabled {
            return is_given(word) && !word.starts_with('-');
        }
        // `microk8s join 10.0.0.1:25000/x`
        if after("microk8s.join") || after("join") && self.has(&["microk8s"]) {
            let said = word.split('/').nth(1).unwrap_or_default();
            return is_given(said);
        }
        if self.has(&["wpa_passphrase"]) {
            self.given += usize::from(is_given(word));
            return self.given > 1;
        }
        let is_of_openssl = self.has(&["openssl"]) && self.has(&["passwd"]) && !after("-salt");
        is_of_openssl && is_given(word) && !word.starts_with('-')
    }
}

/// `vault kv get -token x`: what is shorter is a bundle of flags, and `-field=token` has
/// its value with it.
fn is_long(flag: &str) -> bool {
    flag.starts_with('-') && flag.len() > "-pass".len() && !flag.contains('=')
}

/// The user that a bundle of curl's short flags names: `-fsSLu a:b`.
fn user_in<'a>(flag: &'a str, next: &'a str) -> Option<&'a str> {
    const WITHOUT_VALUE: &str = "fsSLkvgiIjlnNOqRaBGJ#0123456pZ";
    let bundle = flag.strip_prefix('-')?;
    let (user, _) = bundle.char_indices().find(|(_, c)| !WITHOUT_VALUE.contains(*c))?;
    let value = bundle[user..].strip_prefix(['u', 'U'])?;
    Some(if value.is_empty() { next } else { value })
}

/// `X-Vault-Token:x`
fn is_header(value: &str) -> bool {
    let header = bare(value).split_once(':');
    header.is_some_and(|(key, value)| is_secret_key(key) && is_given(value))
}

/// Whether an argument is a value: not the next flag, not a variable.
pub(super) fn is_given(value: &str) -> bool {
    let is_flag =
        value == CLOSE || value.starts_with("--") || (value.starts_with('-') && value.len() <= 2);
    let is_between = BETWEEN.contains(&value);
    // The shell runs nothing in single quotes, and no account has these for a password.
    let is_elsewhere = is_variable(bare(value)) && !value.starts_with('\'');
    let is_lock = matches!(bare(value), "!" | "!!" | "*");
    !bare(value).is_empty() && !is_flag && !is_between && !is_elsewhere && !is_lock
}

/// `name:password`, and not two numbers.
pub(crate) fn is_user_with_password(word: &str) -> bool {
    let word = bare(word);
    let is_number = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
    word.split_once(':').is_some_and(|(name, password)| {
        let is_said = !name.is_empty() && !password.is_empty() && !is_variable(password);
        is_said && !(is_number(name) && is_number(password))
    })
}

/// What is piped into a command that takes a password.
fn is_piped(words: &[&str]) -> bool {
    let is_there = |name: &str| words.iter().any(|word| base(bare(word)) == name);
    if let Some(said) = here(words) {
        let joins = JOINERS.into_iter().any(is_there) && words.iter().any(|word| is_join(word));
        let takes = joins
            || TAKERS.into_iter().any(is_there)
            || is_there("--password-stdin")
            || (is_there("read") && words.iter().any(|word| is_secret_key(bare(word))))
            || (is_there("sudo") && is_there("-S"));
        if takes && !said.is_empty() && !is_variable(said) {
            return true;
        }
    }
    if is_there("chpasswd") {
        return words.iter().any(|word| !word.contains("://") && is_user_with_password(word));
    }
    let takes = is_there("--password-stdin") || (is_there("passwd") && is_there("--stdin"));
    (takes && is_printed(words)) || is_behind_pipe(words)
}

/// `echo x | passwd a`, also in a group: `(echo x; echo x) | passwd a`.
fn is_behind_pipe(words: &[&str]) -> bool {
    let (mut depth, mut is_printed, mut is_behind) = (0_usize, false, false);
    let (mut is_sudo, mut is_joiner) = (false, false);
    for (n, word) in words.iter().enumerate() {
        let next = words.get(n + 1).copied().unwrap_or_default();
        let name = base(bare(word));
        match *word {
            OPEN | "{" | "do" | "then" => depth += 1,
            CLOSE | "}" | "done" | "fi" => depth = depth.saturating_sub(1),
            "|" => (is_behind, is_sudo, is_joiner) = (true, false, false),
            word if BETWEEN.contains(&word) => {
                (is_behind, is_sudo, is_joiner) = (false, false, false);
                is_printed &= depth > 0;
            }
            _ if matches!(name, "echo" | "printf" | "yes") => {
                is_printed |= prints(&words[n + 1..]);
            }
            _ => {}
        }
        is_sudo |= name == "sudo";
        is_joiner |= JOINERS.contains(&name);
        let takes = match name {
            "--password-stdin" => true,
            // `podman secret create a -`
            "secret" => next == "create",
            "wg" => next == "pubkey",
            "-S" => is_sudo,
            name if is_joiner && is_join(name) => true,
            name => TAKERS.contains(&name),
        };
        if takes && is_behind && is_printed {
            return true;
        }
    }
    false
}

/// What a command that joins a domain has where it takes a password.
fn is_join(word: &str) -> bool {
    matches!(bare(word), "join" | "-U" | "--user" | "--stdin-password")
        || bare(word).starts_with("--user=")
}

/// Whether something that is no variable is printed.
fn is_printed(words: &[&str]) -> bool {
    let echo = words.iter().position(|word| matches!(bare(word), "echo" | "printf" | "<<<"));
    echo.is_some_and(|at| prints(&words[at + 1..]))
}

fn prints(behind: &[&str]) -> bool {
    let said = behind.iter().map(|word| bare(word)).find(|word| !word.starts_with(['-', '%']));
    said.is_some_and(|word| is_given(word) && !word.starts_with('>'))
}

/// `echo x > /etc/edge/password`
fn is_written(words: &[&str]) -> bool {
    writes_secret_file(words) && is_printed(words)
}

/// Whether a command writes a file that is a secret by its name.
fn writes_secret_file(words: &[&str]) -> bool {
    let is_it = |word: &str| match bare(word) {
        name if name.contains('/') => is_secret_file(name),
        name => is_secret_file(&format!("./{name}")),
    };
    let mut is_of_tee = false;
    words.iter().enumerate().any(|(n, word)| {
        let next = words.get(n + 1).copied().unwrap_or_default();
        // Its files end where the next command begins.
        is_of_tee = (is_of_tee || base(word) == "tee") && !BETWEEN.contains(word);
        match word.rsplit_once('>') {
            Some((_, "")) => is_it(next),
            Some((_, path)) => is_it(path),
            None if word.starts_with("of=") => is_it(&word["of=".len()..]),
            None => is_of_tee && is_it(word),
        }
    })
}

/// What a command gets as its input: `<<< x`.
fn here<'a>(words: &[&'a str]) -> Option<&'a str> {
    let (at, rest) =
        words.iter().enumerate().find_map(|(at, word)| Some((at, word.strip_prefix("<<<")?)))?;
    Some(bare(if rest.is_empty() { words.get(at + 1)? } else { rest }))
}

/// `rocommunity x 10.0.0.0/8` of snmpd, which lets in whoever knows the word.
fn is_community(words: &[&str]) -> bool {
    const NAMES: [&str; 4] = ["rocommunity", "rocommunity6", "rwcommunity", "rwcommunity6"];
    matches!(words, [name, said, ..] if NAMES.contains(name) && is_given(said))
}

/// What a subcommand takes last: `rabbitmqctl add_user u x`, `mc alias set m URL u x`.
fn is_last(words: &[&str]) -> bool {
    let is_user = |three: &[&str]| matches!(three, ["add_user" | "change_password", _, said] if is_given(said));
    let is_alias = |six: &[&str]| matches!(six, ["alias", "set", _, _, _, said] if is_given(said));
    words.windows(3).any(is_user) || words.windows(6).any(is_alias)
}

/// `machine h login u password x`, which may go over several lines.
fn is_login(words: &[&str], is_netrc: bool) -> bool {
    let at = words.iter().position(|word| *word == "password");
    let has_value = at.is_some_and(|at| at + 1 < words.len());
    let has_name = words.iter().any(|word| matches!(*word, "login" | "machine"));
    has_value && (has_name || (is_netrc && words.len() == 2))
}
