//! User data that is encrypted on the medium: opened once, while it is installed,
//! with a key disc or with what somebody types.

mod ask;
mod key_disc;

use edgectl_encryption::{Encrypted, Identities, OpenError, Opener, Unlock};
use edgectl_model::{NodeEvent, Secret};

use crate::error::AgentError;
use crate::report::Reporter;

/// How often somebody may mistype it.
const TRIES: usize = 5;

/// User data as it was before it was encrypted, or as it is.
pub(crate) fn opened(text: String, reporter: &mut Reporter) -> Result<Secret, AgentError> {
    let Some(encrypted) = Encrypted::find(&text) else { return Ok(Secret::new(text)) };
    let mut is_first = true;
    open(
        &encrypted,
        &mut |opener| {
            // A stick takes a while to appear; later it is there or it isn't.
            let wait = std::mem::take(&mut is_first);
            key_disc::find(opener, wait)
        },
        &mut ask::ask,
        &mut |step| reporter.say(&NodeEvent::InstallStep { step }),
    )
}

/// Looks for a key disc. None where there is none; what is wrong with it else.
type FindDisc<'a> = &'a mut dyn FnMut(Opener) -> Result<Option<Unlock>, String>;
/// Asks for what opens it. None where nobody answers, with the reason.
type Ask<'a> = &'a mut dyn FnMut(Opener) -> Result<Secret, String>;

/// Tries what is there, then what is typed. Before each question it looks for a
/// key disc again: whoever has just plugged one in presses Enter.
fn open(
    encrypted: &Encrypted,
    find_disc: FindDisc<'_>,
    ask: Ask<'_>,
    say: &mut dyn FnMut(String),
) -> Result<Secret, AgentError> {
    let opener = encrypted.opener();
    if opener == Opener::Unknown {
        return Err(OpenError::Damaged(None).into());
    }
    say(format!("the user data is encrypted ({opener}): looking for a key disc"));
    let mut why = "no key disc was found".to_owned();
    for _ in 0..TRIES {
        match find_disc(opener) {
            Ok(Some(unlock)) => match attempt(encrypted, &unlock)? {
                Ok(text) => {
                    say("opened the user data with the key disc".to_owned());
                    return Ok(text);
                }
                Err(error) => why = told(format!("the key disc doesn't open it: {error}"), say),
            },
            Ok(None) => {}
            Err(error) => why = told(format!("the key disc can't be used: {error}"), say),
        }
        say("asking at the console for what opens the user data".to_owned());
        let answer = match ask(opener) {
            Ok(answer) => answer,
            Err(error) => return Err(AgentError::Locked(format!("{why}; {error}"))),
        };
        if answer.is_empty() {
            continue;
        }
        let outcome = match typed(opener, answer) {
            Ok(unlock) => attempt(encrypted, &unlock)?.map_err(|error| error.to_string()),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(text) => {
                say("opened the user data with what was typed".to_owned());
                return Ok(text);
            }
            Err(error) => why = told(format!("what was typed doesn't open it: {error}"), say),
        }
    }
    Err(AgentError::Locked(format!("{why}; tried {TRIES} times")))
}

/// Says why something didn't work, and keeps it for the end.
fn told(why: String, say: &mut dyn FnMut(String)) -> String {
    say(why.clone());
    why
}

/// Opens it. Another key may help against some errors (the inner ones), nothing
/// against the others.
fn attempt(
    encrypted: &Encrypted,
    unlock: &Unlock,
) -> Result<Result<Secret, OpenError>, AgentError> {
    match encrypted.open(unlock) {
        Ok(text) => Ok(Ok(text)),
        Err(
            error @ (OpenError::WrongKey
            | OpenError::WrongPassphrase
            | OpenError::NeedsKey
            | OpenError::NeedsPassphrase),
        ) => Ok(Err(error)),
        Err(error) => Err(error.into()),
    }
}

fn typed(opener: Opener, answer: Secret) -> Result<Unlock, String> {
    match opener {
        Opener::Passphrase => Ok(Unlock::Passphrase(answer)),
        Opener::Keys(_) | Opener::Unknown => {
            Identities::parse(&answer).map(Unlock::Identities).map_err(|error| error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use edgectl_encryption::{Recipients, SiteKey, encrypt, generate_key};

    use super::*;

    const TEXT: &str = "#cloud-config\ninstall: {auto: true}\n";

    fn encrypted_to(key: &SiteKey) -> Encrypted {
        let recipients = Recipients::keys([key.public.clone()]).unwrap();
        Encrypted::find(&encrypt(&Secret::new(TEXT), &recipients).unwrap()).unwrap()
    }

    fn unlock(key: &SiteKey) -> Unlock {
        Unlock::Identities(Identities::parse(&key.to_file()).unwrap())
    }

    /// Opens with discs and answers, one after another.
    fn run(
        encrypted: &Encrypted,
        discs: Vec<Result<Option<Unlock>, String>>,
        answers: Vec<Result<Secret, String>>,
    ) -> (Result<Secret, AgentError>, Vec<String>) {
        let (mut discs, mut answers) = (discs.into_iter(), answers.into_iter());
        let mut said = Vec::new();
        let outcome = open(
            encrypted,
            &mut |_| discs.next().unwrap_or(Ok(None)),
            &mut |_| answers.next().expect("one question more than there are answers"),
            &mut |step| said.push(step),
        );
        (outcome, said)
    }

    #[test]
    fn a_key_disc_opens_it_without_a_question() {
        let key = generate_key();
        let (text, said) = run(&encrypted_to(&key), vec![Ok(Some(unlock(&key)))], Vec::new());
        assert_eq!(text.unwrap().expose(), TEXT);
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[1].contains("with the key disc"), "{said:?}");
    }

    #[test]
    fn what_is_typed_opens_it_and_a_disc_may_come_late() {
        let (key, other) = (generate_key(), generate_key());
        let encrypted = encrypted_to(&key);
        let wrong = || Ok(Secret::new("hunter2"));
        let (text, said) = run(
            &encrypted,
            vec![Ok(Some(unlock(&other))), Err("it has no file `site.key`".to_owned())],
            vec![wrong(), Ok(key.secret.clone())],
        );
        assert_eq!(text.unwrap().expose(), TEXT);
        let said = said.join("\n");
        assert!(said.contains("encrypted to other keys") && said.contains("no file"), "{said}");
        assert!(said.contains("line 1: expected a secret key") && !said.contains("hunter2"));
        assert!(!said.contains(key.secret.expose()), "{said}");
        let late = vec![Ok(None), Ok(Some(unlock(&key)))];
        let (text, _) = run(&encrypted, late, vec![Ok(Secret::new(""))]);
        assert_eq!(text.unwrap().expose(), TEXT);
    }

    #[test]
    fn where_nobody_answers_the_way_out_is_said() {
        let encrypted = encrypted_to(&generate_key());
        let nobody = || Err("nobody answered at the console".to_owned());
        let (error, _) = run(&encrypted, Vec::new(), vec![nobody()]);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("no key disc was found; nobody answered"), "{error}");
        assert!(
            error.contains("labelled `EDGECTL_KEY` with the site key in `site.key`"),
            "{error}"
        );
        let tries = (0..TRIES).map(|_| Ok(generate_key().secret)).collect();
        let (error, _) = run(&encrypted, Vec::new(), tries);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("tried 5 times"), "{error}");
    }

    #[test]
    fn what_is_damaged_is_told_at_once() {
        let key = generate_key();
        let recipients = Recipients::keys([key.public.clone()]).unwrap();
        let text = encrypt(&Secret::new(TEXT), &recipients).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        // Without the last line of what is encrypted, and its end.
        let cut = lines[..lines.len() - 2].join("\n");
        let encrypted = Encrypted::find(&cut).unwrap();
        let (error, _) = run(&encrypted, vec![Ok(Some(unlock(&key)))], Vec::new());
        assert!(matches!(error, Err(AgentError::Encrypted(OpenError::Damaged(_)))), "{error:?}");
    }
}
