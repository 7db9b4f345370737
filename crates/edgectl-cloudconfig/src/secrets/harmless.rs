//! Values that are no secrets, whatever their keys say: flags, what the environment has,
//! variables by themselves, databases of `/etc/nsswitch.conf`.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::is_secret_key;

/// A longer one counts as a secret: lines that are full of them are read through once.
const LONGEST: usize = 512;

/// `off` alone.
static FLAG: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(?i:on|off|yes|no|true|false|none|null|disabled|enabled)",
        r#"[\\"'`})\],;:]*(\s*$|\s+#)"#,
    ))
    .ok()
});

/// `off` among others of its line, which have keys or are flags.
static FLAG_OF_MANY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(?i:on|off|yes|no|true|false|none|null|disabled|enabled)",
        r#"[\\"'`})\],;]*\s+(&&|\|\||--?[A-Za-z]|[A-Za-z][A-Za-z0-9_.-]*=)"#,
    ))
    .ok()
});

/// What Python, JavaScript and Ruby read from the environment, without a default.
static ENVIRONMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let name = r#"("[A-Za-z_][A-Za-z0-9_]*"|'[A-Za-z_][A-Za-z0-9_]*')"#;
    let member = format!(r"process\.env(\.[A-Za-z_][A-Za-z0-9_]*|\[{name}\])!?");
    let entry = format!(r"(os\.environ|ENV)\[{name}\]");
    let call = format!(r"(os\.environ\.get|os\.getenv|ENV\.fetch)\({name}\)");
    Regex::new(&format!(r"^({member}|{entry}|{call})[\s,;)}}\]]*$")).ok()
});

/// `${token}`, also in quotes that the shell looks into.
static VARIABLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(\$\{(?P<bare>[A-Za-z_][A-Za-z0-9_]*)\}",
        r#"|"\$\{(?P<quoted>[A-Za-z_][A-Za-z0-9_]*)\}")[\s,;)}\]]*$"#,
    ))
    .ok()
});

/// `"$PASSWORD"`, and what may stand behind it.
static QUOTED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"^"\$(?P<name>[A-Z_][A-Z0-9_]*)"([\s;&|),}\]]|$)"#).ok());

/// Where the C library looks for users.
static DATABASES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^((files|compat|db|systemd|sss|ldap|nis|nisplus|winbind|dns|hesiod|mymachines",
        r"|altfiles|extrausers",
        r"|(?i:\[(!?(success|notfound|unavail|tryagain)=(return|continue|merge)\s*)+\]))(\s+|$))+$",
    ))
    .ok()
});

/// `read -s -p "`, before what it asks.
static READ: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(^|[\s;&|({])read(\s+[A-Za-z0-9-]+)*\s+-[a-z]*p\s*("[^"]*|'[^']*)$"#).ok()
});

/// The end of the question, and the names of variables.
static NAMES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"^\s*["'](\s+(-[a-z]+|[A-Za-z_][A-Za-z0-9_]*))*\s*($|[;&|)}])"#).ok()
});

/// Whether what stands behind a key and its separator is none.
pub(super) fn is_harmless(key: &str, rest: &str, separator: char) -> bool {
    let value = rest.trim();
    value.len() <= LONGEST
        && (matches(&FLAG, value)
            || matches(&ENVIRONMENT, value)
            || is_named_variable(value)
            || (separator == '=' && (matches(&FLAG_OF_MANY, rest) || is_own_variable(key, rest)))
            || (separator == ':' && key == "passwd" && is_databases(value)))
}

/// Whether a value may go on in the next line: an entry's of YAML, and `process.env.KEY`
/// with `|| "x"` below.
pub(super) fn may_go_on(rest: &str, is_entry: bool) -> bool {
    let value = rest.trim();
    !value.ends_with([',', ';', '}']) && (is_entry || matches(&ENVIRONMENT, value))
}

/// Whether a command's `--log-token=off` switches something.
pub(super) fn is_flag(value: &str) -> bool {
    matches(&FLAG, value)
}

/// `read -s -p "Password: " PW`, parted behind the colon.
pub(super) fn is_question(before: &str, rest: &str) -> bool {
    before.len() <= LONGEST && matches(&NAMES, rest) && matches(&READ, before)
}

/// `env PGPASSWORD="$PASSWORD" psql`: the quotes are the shell's, which aren't those of a
/// text elsewhere.
pub(super) fn is_given_by_env(before: &str, rest: &str) -> bool {
    let mut words = before.split_whitespace().skip_while(|word| matches!(*word, "sudo" | "exec"));
    words.next() == Some("env") && matches(&QUOTED, rest)
}

fn matches(regex: &Option<Regex>, text: &str) -> bool {
    regex.as_ref().is_some_and(|regex| regex.is_match(text))
}

/// A name in lower case could be a password, if it didn't say that it is one's.
fn is_named_variable(value: &str) -> bool {
    let found = VARIABLE.as_ref().and_then(|variable| variable.captures(value));
    let name = found.and_then(|found| found.name("bare").or(found.name("quoted")));
    name.is_some_and(|name| is_secret_key(name.as_str()))
}

/// `PASSWORD="$PASSWORD"`: no other text has just the name of its key.
fn is_own_variable(key: &str, rest: &str) -> bool {
    let found = QUOTED.as_ref().and_then(|quoted| quoted.captures(rest));
    let name = found.and_then(|found| found.name("name"));
    name.is_some_and(|name| name.as_str().eq_ignore_ascii_case(&key.replace('-', "_")))
}

/// `files systemd`
fn is_databases(value: &str) -> bool {
    !value.starts_with('[') && matches(&DATABASES, value)
}
