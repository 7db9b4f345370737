//! A disc with the key that opens user data, for a machine to be tried.

use std::path::{Path, PathBuf};

use clap::Args;
use edgectl_encryption::{Identities, KEY_DISC_LABEL, KEY_FILE, PASSPHRASE_FILE};
use edgectl_iso::{Inspection, SeedFile, seed_image};
use edgectl_model::Secret;
use tempfile::TempPath;

use crate::exit;
use crate::failure::{Doing, Failure};
use crate::files::read_text;
use crate::iso_encrypt::{described, opener_of};

/// The disc's only date, 1980: the first that all systems know.
const EPOCH: u64 = 315_532_800;

/// What opens the user data of the image.
#[derive(Debug, Default, Args)]
pub(crate) struct KeyDiscArgs {
    /// Plug a disc in that opens encrypted user data: a key file, or a directory
    /// with `site.key` or `passphrase`.
    #[arg(long, value_name = "PATH")]
    pub(crate) key_disc: Option<PathBuf>,
}

impl KeyDiscArgs {
    /// Writes the disc; it is gone when the path is dropped.
    pub(crate) fn disc(&self) -> Result<Option<TempPath>, Failure> {
        let Some(from) = &self.key_disc else { return Ok(None) };
        let doing = || format!("making a key disc of `{}`", from.display());
        let files = contents(from).doing(doing())?;
        let files: Vec<SeedFile<'_>> = files
            .iter()
            .map(|(name, text)| SeedFile { name, content: text.expose().as_bytes() })
            .collect();
        write(&seed_image(KEY_DISC_LABEL, &files, EPOCH))
            .map(Some)
            .map_err(|error| Failure::of(exit::FAILED, &error).doing(doing()))
    }

    /// A machine that is tried has nobody at its console.
    pub(crate) fn ensure_opens(&self, image: &Inspection) -> Result<(), Failure> {
        let live = image.user_data.iter().find(|found| found.is_live);
        let opener = live.and_then(|found| opener_of(&found.content));
        match opener.filter(|_| self.key_disc.is_none()) {
            None => Ok(()),
            Some(opener) => Err(missing(&format!(
                "the user data of `{}` is encrypted ({})",
                image.path.display(),
                described(opener)
            ))),
        }
    }
}

/// Nothing opens what has to be opened.
pub(crate) fn missing(what: &str) -> Failure {
    let text = format!("{what}, and nobody is at the machine's console to open it");
    Failure::new(exit::USAGE, text).hint(
        "`--key-disc FILE` plugs the site key in, `--key-disc DIR` a directory with `passphrase`",
    )
}

type Content = (&'static str, Secret);

fn contents(from: &Path) -> Result<Vec<Content>, Failure> {
    if !from.is_dir() {
        return Ok(vec![key(from)?]);
    }
    let (named, spoken) = (from.join(KEY_FILE), from.join(PASSPHRASE_FILE));
    let mut files = Vec::new();
    if named.exists() {
        files.push(key(&named)?);
    }
    if spoken.exists() {
        files.push((PASSPHRASE_FILE, Secret::new(read_text(&spoken, "the passphrase")?)));
    }
    match files.is_empty() {
        false => Ok(files),
        true => {
            let text = format!("it has neither `{KEY_FILE}` nor `{PASSPHRASE_FILE}`");
            Err(Failure::new(exit::FAILED, text).hint("`edgectl iso key` makes a key file"))
        }
    }
}

fn key(file: &Path) -> Result<Content, Failure> {
    let text = Secret::new(read_text(file, "the site key")?);
    let doing = || format!("reading the site key `{}`", file.display());
    Identities::parse(&text).map_err(|error| Failure::of(exit::FAILED, &error).doing(doing()))?;
    Ok((KEY_FILE, text))
}

/// A temporary file has mode 0600.
fn write(bytes: &[u8]) -> std::io::Result<TempPath> {
    use std::io::Write;
    let mut file = tempfile::Builder::new().prefix("edgectl-key-").suffix(".iso").tempfile()?;
    file.write_all(bytes)?;
    Ok(file.into_temp_path())
}
