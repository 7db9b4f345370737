//! Asking at the machine's console. systemd shows the question on every console
//! that the kernel writes to, and hides what is typed.

use std::time::Duration;

use edgectl_encryption::Opener;
use edgectl_model::Secret;
use edgectl_process::Cmd;

/// How long somebody has to answer, in seconds.
const PATIENCE: u64 = 600;
/// What the program has beyond that to end by itself, in seconds.
const GRACE: u64 = 30;

/// What somebody types; why there is no answer else.
pub(crate) fn ask(opener: Opener) -> Result<Secret, String> {
    // Without a terminal of its own it asks by systemd's agents on the consoles.
    let cmd = Cmd::new("systemd-ask-password")
        .args(["--no-tty", "--id=edgectl:user-data", "--icon=drive-harddisk"])
        .arg(format!("--timeout={PATIENCE}"))
        .arg(question(opener));
    let said = cmd
        .exchange_within(b"", Duration::from_secs(PATIENCE + GRACE))
        .map_err(|error| error.to_string())?;
    match said.success {
        true => answer(said.stdout),
        false => Err("nobody answered at the console".to_owned()),
    }
}

fn question(opener: Opener) -> &'static str {
    match opener {
        Opener::Passphrase => {
            "Passphrase of the user data (or plug in the key disc and press Enter):"
        }
        Opener::Keys(_) | Opener::Unknown => {
            "Site key (AGE-SECRET-KEY-1...) of the user data (or plug in the key disc and press Enter):"
        }
    }
}

/// It ends what was typed with a line's end.
fn answer(printed: Vec<u8>) -> Result<Secret, String> {
    let text = String::from_utf8(printed).map_err(|_| "what was typed is no text".to_owned())?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_may_belong_to_a_passphrase_and_line_ends_dont() {
        assert_eq!(answer(b" a b \n".to_vec()).unwrap().expose(), " a b ");
        assert!(answer(b"\n".to_vec()).unwrap().is_empty());
        assert!(answer(vec![0xff]).is_err());
    }
}
