//! Whom user data on a medium is encrypted to, by the command line or edge.yaml.

use std::path::{Path, PathBuf};

use clap::Args;
use edgectl_encryption::{Encrypted, Opener, PublicKey, Recipients, encrypt};
use edgectl_iso::Inspection;
use edgectl_model::{EncryptConfig, Secret};

use crate::exit;
use crate::failure::{Doing, Failure};
use crate::files::{read_secret_line, read_text};
use crate::project::Project;

/// Whom user data is encrypted to.
#[derive(Debug, Default, Args)]
pub(crate) struct EncryptArgs {
    /// Encrypt the user data to this public key (`age1…`; `edgectl iso key` makes
    /// one), so that only its owner's machines can read it; may be given several
    /// times.
    #[arg(long = "recipient", value_name = "KEY")]
    recipients: Vec<String>,
    /// Encrypt the user data to the public keys in a file, one a line.
    #[arg(long, value_name = "FILE")]
    recipients_file: Option<PathBuf>,
    /// Encrypt the user data with the passphrase on the first line of a file; `-`
    /// for stdin.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["recipients", "recipients_file"])]
    passphrase_file: Option<PathBuf>,
    /// Put the user data there as it is: whatever edge.yaml says of encrypting, and
    /// even in place of encrypted user data.
    #[arg(long, conflicts_with_all = ["recipients", "recipients_file", "passphrase_file"])]
    plain: bool,
}

/// What becomes of user data on its way to a medium.
#[derive(Debug)]
pub(crate) enum Wish {
    /// Nobody said anything.
    Unsaid,
    /// It goes there as it is.
    Plain,
    /// It is encrypted.
    To(Recipients),
}

/// User data as it goes onto a medium.
#[derive(Debug)]
pub(crate) struct ForMedium {
    /// The text; secret unless it is encrypted.
    pub(crate) text: Secret,
    /// What opens it, if it is encrypted.
    pub(crate) opener: Option<Opener>,
}

impl EncryptArgs {
    /// What the command line says, else the project file, where there is one.
    pub(crate) fn wish_beside(&self, project: &Path) -> Result<Wish, Failure> {
        match self.said()? {
            Wish::Unsaid if project.exists() => {
                let project = Project::load(project).map_err(|failure| {
                    failure.hint("`--plain` or `--recipient` says what it might say of encrypting")
                })?;
                of_project(&project)
            }
            said => Ok(said),
        }
    }

    /// What the command line says, else the project.
    pub(crate) fn wish(&self, project: &Project) -> Result<Wish, Failure> {
        match self.said()? {
            Wish::Unsaid => of_project(project),
            said => Ok(said),
        }
    }

    /// Whether stdin is the passphrase's.
    pub(crate) fn takes_stdin(&self) -> bool {
        self.passphrase_file.as_ref().is_some_and(|file| file.as_os_str() == "-")
    }

    /// Fails where there is no user data to encrypt.
    pub(crate) fn ensure_goes_into(&self, user_data: bool) -> Result<(), Failure> {
        let names_somebody = !self.recipients.is_empty()
            || self.recipients_file.is_some()
            || self.passphrase_file.is_some();
        match names_somebody && !user_data {
            false => Ok(()),
            true => Err(Failure::new(
                exit::USAGE,
                "`--recipient`, `--recipients-file` and `--passphrase-file` encrypt user data, and there is none to put there",
            )
            .hint("give the user data, too: `--user-data FILE`")),
        }
    }

    fn said(&self) -> Result<Wish, Failure> {
        if self.plain {
            return Ok(Wish::Plain);
        }
        let place = |n| format!("`--recipient` ({n} of {})", self.recipients.len());
        let file = self.recipients_file.as_deref();
        wish(&self.recipients, &place, file, self.passphrase_file.as_deref())
    }
}

fn of_project(project: &Project) -> Result<Wish, Failure> {
    let Some(EncryptConfig { recipients, recipients_file, passphrase_file }) =
        &project.config.iso.encrypt
    else {
        return Ok(Wish::Unsaid);
    };
    let path = |file: &Option<String>| file.as_ref().map(|file| project.path(file));
    let place = |n| format!("`iso.encrypt.recipients` of edge.yaml ({n} of {})", recipients.len());
    wish(recipients, &place, path(recipients_file).as_deref(), path(passphrase_file).as_deref())
}

/// Those that are named; `place` says where the one with a number, from 1, is.
fn wish(
    named: &[String],
    place: &dyn Fn(usize) -> String,
    file: Option<&Path>,
    passphrase: Option<&Path>,
) -> Result<Wish, Failure> {
    let failed = |error: &dyn std::error::Error| Failure::of(exit::USAGE, error);
    if let Some(file) = passphrase {
        let passphrase = read_secret_line(file, "the passphrase")?;
        let doing = || format!("reading the passphrase `{}`", file.display());
        let recipients = Recipients::passphrase(passphrase);
        return recipients.map(Wish::To).map_err(|error| failed(&error).doing(doing()));
    }
    let mut keys = Vec::new();
    for (index, text) in named.iter().enumerate() {
        let key = PublicKey::parse(text.trim());
        keys.push(key.map_err(|error| failed(&error).doing(place(index + 1)))?);
    }
    if let Some(file) = file {
        let list = PublicKey::parse_list(&read_text(file, "the recipients")?);
        let doing = || format!("reading the recipients `{}`", file.display());
        keys.extend(list.map_err(|error| failed(&error).doing(doing()))?);
    }
    match keys.is_empty() {
        true => Ok(Wish::Unsaid),
        false => Recipients::keys(keys).map(Wish::To).map_err(|error| failed(&error)),
    }
}

impl Wish {
    /// User data as it is wished for. What somebody has encrypted already stays
    /// as it is.
    pub(crate) fn apply(&self, text: &str) -> Result<ForMedium, Failure> {
        let there = Encrypted::find(text).map(|found| found.opener());
        match (self, there) {
            (Self::To(_), Some(_)) => {
                Err(Failure::new(exit::USAGE, "the user data is encrypted already")
                    .hint("leave `--recipient` and the like out, or give it as it was before"))
            }
            (Self::To(recipients), None) => {
                let text = encrypt(&Secret::new(text), recipients)
                    .map_err(|error| Failure::of(exit::FAILED, &error))?;
                let opener = Encrypted::find(&text).map(|found| found.opener());
                Ok(ForMedium { text: Secret::new(text), opener })
            }
            (Self::Unsaid | Self::Plain, opener) => {
                Ok(ForMedium { text: Secret::new(text), opener })
            }
        }
    }

    /// Refuses to put in the clear, unasked, what replaces something encrypted.
    pub(crate) fn ensure_no_less(&self, new: &ForMedium, there: &There) -> Result<(), Failure> {
        let is_less = there.opener.is_some() && new.opener.is_none();
        match is_less && !matches!(self, Self::Plain) {
            false => Ok(()),
            true => Err(Failure::new(
                exit::FAILED,
                "the user data on the image is encrypted, and what is to replace it would not be",
            )
            .hint(
                "`--recipient KEY` or `--passphrase-file FILE` encrypts it; `--plain` puts it there for everybody to read",
            )),
        }
    }
}

impl ForMedium {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.text.expose().as_bytes()
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.opener.is_some()
    }
}

/// What an image says of encryption.
#[derive(Debug)]
pub(crate) struct There {
    /// What opens the user data on it, if it is encrypted.
    opener: Option<Opener>,
    /// Whether its agent opens encrypted user data.
    pub(crate) decrypts: bool,
}

impl There {
    pub(crate) fn on(iso: &Path) -> Result<Self, Failure> {
        let seen = Inspection::of(iso).doing(format!("reading `{}`", iso.display()))?;
        let live = seen.manifest.as_ref().and_then(|manifest| manifest.live.as_ref());
        Ok(Self {
            opener: seen.user_data.iter().find_map(|found| opener_of(&found.content)),
            decrypts: live.is_some_and(|live| live.decrypts),
        })
    }
}

/// What opens user data that was found on a medium, if it is encrypted.
pub(crate) fn opener_of(content: &[u8]) -> Option<Opener> {
    Some(Encrypted::find(std::str::from_utf8(content).ok()?)?.opener())
}

/// `age, 2 recipients`
pub(crate) fn described(opener: Opener) -> String {
    format!("age, {opener}")
}
