//! Docker's credential helpers: programs that know logins.

use std::time::Duration;

use edgectl_model::Secret;
use edgectl_process::{Cmd, Exchange};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::access::{Credentials, TOKEN_USER};
use crate::error::RegistryError;

/// What a helper says, on stdout, of a server it doesn't know.
const UNKNOWN: &str = "credentials not found";
/// Time for somebody to type a passphrase.
const LIMIT: Duration = Duration::from_secs(60);
/// How much of a helper's words an error keeps, in characters.
const WORDS: usize = 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    secret: Secret,
}

/// The program of the helper `name`.
pub(crate) fn program_of(name: &str) -> String {
    format!("docker-credential-{name}")
}

/// Asks the helper `name` for the login of a registry. What it doesn't know is
/// an error: it was named for this very registry.
pub fn helper_login(name: &str, host: &str) -> Result<Credentials, RegistryError> {
    let program = program_of(name);
    ask_helper(&program, host)?.ok_or_else(|| RegistryError::Helper {
        program,
        server: host.to_owned(),
        message: UNKNOWN.to_owned(),
    })
}

/// Asks a helper; none if it doesn't know the server.
pub(crate) fn ask_helper(
    program: &str,
    server: &str,
) -> Result<Option<Credentials>, RegistryError> {
    let said = Cmd::new(program).arg("get").exchange_within(server.as_bytes(), LIMIT);
    let said =
        said.map_err(|source| RegistryError::HelperRun { program: program.to_owned(), source })?;
    let failed = |message: &str| RegistryError::Helper {
        program: program.to_owned(),
        server: server.to_owned(),
        message: message.chars().take(WORDS).collect(),
    };
    if !said.success {
        let words = words(&said);
        return if words.contains(UNKNOWN) { Ok(None) } else { Err(failed(&words)) };
    }
    let answer: Answer = serde_json::from_slice(&said.stdout)
        .map_err(|_| failed("its answer is not the expected JSON"))?;
    Ok(Some(match answer.username.as_str() {
        TOKEN_USER => Credentials::identity_token("", answer.secret),
        _ => Credentials::Basic { username: answer.username, password: answer.secret },
    }))
}

/// The protocol wants errors on stdout; not every helper knows. A login that
/// it gave all the same, whole or in part, is not for anybody's eyes.
fn words(said: &Exchange) -> String {
    let stdout = String::from_utf8_lossy(&said.stdout);
    let texts = [stdout.trim(), said.stderr.trim()];
    let has_words = |text: &&&str| !text.is_empty() && !may_hold_login(text);
    match texts.iter().find(has_words) {
        Some(words) => (*words).to_owned(),
        None if texts.iter().all(|text| text.is_empty()) => String::new(),
        None => "what it said may hold a login, and isn't shown".to_owned(),
    }
}

fn may_hold_login(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.contains("\"secret") || serde_json::from_str::<IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_are_asked_and_their_words_kept() {
        let dir = tempfile::tempdir().unwrap();
        let helper = |name: &str, script: &str| {
            let path = dir.path().join(name);
            let text = format!("#!/bin/sh\nread server || :\n{script}\n");
            edgectl_process::write_file(&path, 0o755, text.as_bytes()).unwrap();
            ask_helper(path.to_str().unwrap(), "reg.local")
        };
        let json = |user: &str| {
            format!(
                r#"echo '{{"ServerURL":"x","Username":"{user}","Secret":"s"}}'; test "$server""#
            )
        };
        let expected = Credentials::basic("u", Secret::new("s"));
        assert_eq!(helper("good", &json("u")).unwrap(), Some(expected));
        let token = Credentials::identity_token("", Secret::new("s"));
        assert_eq!(helper("token", &json(TOKEN_USER)).unwrap(), Some(token));
        let unknown = "echo credentials not found in native keychain; exit 1";
        assert_eq!(helper("unknown", unknown).unwrap(), None);
        for to in ["", ">&2"] {
            let error = helper("locked", &format!("echo the keychain is locked {to}; exit 1"));
            let text = error.unwrap_err().to_string();
            assert!(text.ends_with("`reg.local`: the keychain is locked"), "{text}");
        }
        for (said, to) in [
            (r#"{"Username":"u","Secret":"hunter2"}"#, ""),
            (r#"warning {"Username":"u","Secret":"hunter2"} more"#, ""),
            (r#"{"Username":"u","Secret":"hunter2"}"#, ">&2"),
            (r#"{"Username":"u", "Secret" : "hunte"#, ""),
        ] {
            let error = helper("failing", &format!("echo '{said}' {to}; exit 1")).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunte"), "{error:?}");
            assert!(error.to_string().contains("may hold a login"), "{error}");
        }
        let error = helper("sealed", "echo '{}'; echo the vault is sealed >&2; exit 1");
        assert!(error.unwrap_err().to_string().ends_with("the vault is sealed"));
        let error = helper("odd", "echo hunter2").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        let error = helper_login("no-such-helper", "reg.local").unwrap_err();
        assert!(error.to_string().contains("docker-credential-no-such-helper"), "{error}");
    }
}
