//! A login from the command line. The secret itself never stands there: other
//! users can read it.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use clap::Args;
use edgectl_model::Secret;
use edgectl_registry::Credentials;

use super::prompt::ask_hidden;
use crate::exit;
use crate::failure::Failure;
use crate::files::read_text;

/// Holds the password where neither an option nor a terminal gives it.
const VARIABLE: &str = "EDGECTL_REGISTRY_PASSWORD";

/// Who logs in at `--registry`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LoginArgs {
    /// User name at that registry; the password comes from --password-stdin,
    /// --password-file, $EDGECTL_REGISTRY_PASSWORD, or a question on the
    /// terminal. Without it the Docker configuration is looked at.
    #[arg(long, value_name = "NAME", requires = "registry")]
    username: Option<String>,
    /// Read the password from stdin.
    #[arg(long, requires = "username", conflicts_with = "password_file")]
    password_stdin: bool,
    /// Read the password from the first line of a file.
    #[arg(long, value_name = "FILE", requires = "username")]
    password_file: Option<PathBuf>,
    /// Log in with the identity (refresh) token on the first line of a file.
    #[arg(long, value_name = "FILE", requires = "registry", conflicts_with = "username")]
    identity_token_file: Option<PathBuf>,
    /// Log in with a credential helper: docker-credential-NAME.
    #[arg(long, value_name = "NAME", requires = "registry", conflicts_with_all = ["username", "identity_token_file"])]
    credential_helper: Option<String>,
    /// Log in as nobody, whatever the Docker configuration holds.
    #[arg(long, requires = "registry", conflicts_with_all = ["username", "identity_token_file", "credential_helper"])]
    anonymous: bool,
}

impl LoginArgs {
    /// Whether stdin is the password's.
    pub(crate) fn takes_stdin(&self) -> bool {
        self.password_stdin
    }

    /// The login; none where nothing was said.
    pub(crate) fn login(&self, host: &str) -> Result<Option<Credentials>, Failure> {
        if self.anonymous {
            return Ok(Some(Credentials::Anonymous));
        }
        if let Some(name) = &self.credential_helper {
            return Ok(Some(edgectl_registry::helper_login(name, host)?));
        }
        if let Some(file) = &self.identity_token_file {
            let token = secret_in_file(file, "identity token")?;
            return Ok(Some(Credentials::identity_token("", token)));
        }
        let Some(name) = &self.username else { return Ok(None) };
        let from = From { stdin: self.password_stdin, file: self.password_file.as_deref() };
        Ok(Some(Credentials::basic(name, password(&from, name, host)?)))
    }
}

/// Who the nodes log in as.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PullLoginArgs {
    /// User name that nodes pull as, in place of edge.yaml's; the password
    /// comes from --password-stdin, --password-file,
    /// $EDGECTL_REGISTRY_PASSWORD, or a question on the terminal.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// Read the password from stdin.
    #[arg(long, requires = "username", conflicts_with = "password_file")]
    password_stdin: bool,
    /// Read the password from the first line of a file.
    #[arg(long, value_name = "FILE", requires = "username")]
    password_file: Option<PathBuf>,
}

impl PullLoginArgs {
    /// Whether stdin is the password's.
    pub(crate) fn takes_stdin(&self) -> bool {
        self.password_stdin
    }

    /// User name and password; none where nothing was said.
    pub(crate) fn login(&self, host: &str) -> Result<Option<(String, Secret)>, Failure> {
        let Some(name) = &self.username else { return Ok(None) };
        let from = From { stdin: self.password_stdin, file: self.password_file.as_deref() };
        Ok(Some((name.clone(), password(&from, name, host)?)))
    }
}

/// Where a password comes from.
struct From<'a> {
    stdin: bool,
    file: Option<&'a Path>,
}

fn password(from: &From<'_>, name: &str, host: &str) -> Result<Secret, Failure> {
    if from.stdin {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        read.map_err(|e| Failure::of(exit::FAILED, &e).doing("reading the password"))?;
        let line = Secret::new(line);
        return first_line(&line, || "stdin gives no password: its first line is empty".to_owned());
    }
    if let Some(file) = from.file {
        return secret_in_file(file, "password");
    }
    if let Ok(password) = std::env::var(VARIABLE) {
        return first_line(&Secret::new(password), || format!("`{VARIABLE}` is set to nothing"));
    }
    let asked = ask_hidden(&format!("Password of `{name}` at `{host}`: "))?;
    asked.ok_or_else(|| {
        Failure::new(exit::USAGE, "no password was given")
            .hint(format!("pass `--password-stdin` or `--password-file`, or set {VARIABLE}"))
    })
}

/// The secret on the first line of a file; `what` it is.
pub(super) fn secret_in_file(file: &Path, what: &str) -> Result<Secret, Failure> {
    let text = Secret::new(read_text(file, &format!("the {what} file"))?);
    first_line(&text, || format!("the first line of the {what} file `{}` is empty", file.display()))
}

/// A login without a password would fail at every node, and only there.
fn first_line(text: &Secret, is_empty: impl FnOnce() -> String) -> Result<Secret, Failure> {
    match text.expose().lines().next().unwrap_or_default() {
        "" => Err(Failure::new(exit::USAGE, is_empty())
            .hint("write the secret there, in one line; for a registry without logins say so: `--anonymous`, or `credentials: {anonymous: true}` in edge.yaml")),
        line => Ok(Secret::new(line)),
    }
}
