//! What is encrypted opens with its key, and with nothing else.
#![allow(clippy::unwrap_used)]

use edgectl_encryption::{
    Encrypted, Identities, IdentityError, ListError, OpenError, Opener, PublicKey, PublicKeyError,
    Recipients, RecipientsError, SiteKey, Unlock, encrypt, generate_key,
};
use edgectl_model::Secret;

const TEXT: &str = "#cloud-config\npassword: S3ntinel\n";

fn to(keys: &[&SiteKey]) -> Recipients {
    Recipients::keys(keys.iter().map(|key| key.public.clone())).unwrap()
}

fn with(key: &SiteKey) -> Unlock {
    Unlock::Identities(Identities::parse(&key.to_file()).unwrap())
}

fn with_passphrase(text: &str) -> Unlock {
    Unlock::Passphrase(Secret::new(text))
}

fn encrypted(text: &str, recipients: &Recipients) -> String {
    encrypt(&Secret::new(text), recipients).unwrap()
}

#[test]
fn each_recipient_opens_it_and_nobody_else() {
    let [a, b, other] = [(); 3].map(|()| generate_key());
    let text = encrypted(TEXT, &to(&[&a, &b, &a]));
    assert!(
        !text.contains("S3ntinel")
            && text.lines().all(|line| line.starts_with('#') || line == "{}")
    );
    assert_ne!(text, encrypted(TEXT, &to(&[&a, &b])), "another one each time");
    let found = Encrypted::find(&text).unwrap();
    assert_eq!(found.opener(), Opener::Keys(2));
    assert_eq!(found.opener().to_string(), "2 recipients");
    for key in [&a, &b] {
        assert_eq!(found.open(&with(key)).unwrap().expose(), TEXT);
    }
    assert!(matches!(found.open(&with(&other)), Err(OpenError::WrongKey)));
    assert!(matches!(found.open(&with_passphrase("x")), Err(OpenError::NeedsKey)));
    // Several keys in one file.
    let file = format!("{}\n\n{}", other.to_file().expose(), b.to_file().expose());
    let keys = Identities::parse(&Secret::new(file)).unwrap();
    assert_eq!(keys.public_keys().collect::<Vec<_>>(), [other.public, b.public.clone()]);
    assert_eq!(found.open(&Unlock::Identities(keys)).unwrap().expose(), TEXT);
}

#[test]
fn a_passphrase_opens_it_and_no_other() {
    let recipients = Recipients::passphrase(Secret::new("four words at random")).unwrap();
    assert_eq!(recipients.to_string(), "passphrase");
    let found = Encrypted::find(&encrypted(TEXT, &recipients)).unwrap();
    assert_eq!(found.opener(), Opener::Passphrase);
    let opened = found.open(&with_passphrase("four words at random")).unwrap();
    assert_eq!(opened.expose(), TEXT);
    let wrong = found.open(&with_passphrase("four words")).unwrap_err();
    assert!(matches!(wrong, OpenError::WrongPassphrase), "{wrong}");
    let keys = found.open(&with(&generate_key())).unwrap_err();
    assert!(matches!(keys, OpenError::NeedsPassphrase), "{keys}");
    let refused = |text: &str| Recipients::passphrase(Secret::new(text)).unwrap_err();
    assert_eq!(refused(""), RecipientsError::NoPassphrase);
    assert_eq!(refused("a\nb"), RecipientsError::Untypable);
}

/// A file of the tool `age` itself, 1.1.1, and its keys.
#[test]
fn files_of_age_itself_are_opened() {
    let key = Identities::parse(&Secret::new(include_str!("age/site.key"))).unwrap();
    let found = Encrypted::find(&document(include_str!("age/to-a-key.age"))).unwrap();
    assert_eq!(found.open(&Unlock::Identities(key)).unwrap().expose(), TEXT);
    let found = Encrypted::find(&document(include_str!("age/to-a-passphrase.age"))).unwrap();
    assert_eq!(found.open(&with_passphrase("seven words")).unwrap().expose(), TEXT);
}

/// An age file as it would lie on a medium.
fn document(armored: &str) -> String {
    let lines = armored.lines().map(|line| format!("# {line}\n"));
    format!("#cloud-config\n{}", lines.collect::<String>())
}

/// A header may ask for any work.
#[test]
fn a_passphrase_that_takes_too_much_work_isnt_tried() {
    for factor in ["19", "30", "63", "200"] {
        let header = format!(
            "age-encryption.org/v1\n-> scrypt bBjlhJVYZeE4aqUdmtRHfw {factor}\n{}\n--- {}\n",
            "A".repeat(43),
            "A".repeat(43)
        );
        let text = document(&armor(&[header.as_bytes(), &[0; 64]].concat()));
        let found = Encrypted::find(&text).unwrap();
        assert_eq!(found.opener(), Opener::Passphrase);
        let error = found.open(&with_passphrase("x")).unwrap_err();
        assert!(matches!(error, OpenError::TooMuchWork), "{factor}: {error}");
    }
}

fn armor(bytes: &[u8]) -> String {
    use std::io::Write;
    let format = age::armor::Format::AsciiArmor;
    let mut out = age::armor::ArmoredWriter::wrap_output(Vec::new(), format).unwrap();
    out.write_all(bytes).unwrap();
    String::from_utf8(out.finish().unwrap()).unwrap()
}

#[test]
fn lists_of_keys_say_where_they_are_wrong() {
    let [a, b] = [(); 2].map(|()| generate_key().public);
    let list = format!("# the sites\n{a}\n\n  {b}  # no comment\n");
    let error = PublicKey::parse_list(&list).unwrap_err();
    let place = "line 4, column 65: ";
    assert!(error.to_string().starts_with(place), "{error}");
    let list = format!("# the sites\n{a}\r\n\n  {b}  \n");
    assert_eq!(PublicKey::parse_list(&list).unwrap(), [a.clone(), b]);
    assert_eq!(PublicKey::parse_list("# none\n").unwrap_err(), ListError::Empty);

    let text = a.to_string();
    let secret = generate_key().secret;
    let changed = if text.ends_with('q') { 'p' } else { 'q' };
    for (wrong, expected) in [
        (secret.expose().to_owned(), PublicKeyError::SecretKey),
        (secret.expose().to_lowercase(), PublicKeyError::SecretKey),
        ("ssh-ed25519 AAAA".to_owned(), PublicKeyError::Ssh),
        (
            "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t".to_owned(),
            PublicKeyError::Plugin,
        ),
        (text[..40].to_owned(), PublicKeyError::Length(40)),
        (format!("{}{changed}", &text[..61]), PublicKeyError::Checksum),
        (text.replacen("age1", "age1ö", 1), PublicKeyError::Digit),
        ("hunter2".to_owned(), PublicKeyError::Other),
        (String::new(), PublicKeyError::Other),
    ] {
        let error = PublicKey::parse(&wrong).unwrap_err();
        assert_eq!(error, expected);
        assert!(wrong.is_empty() || !error.to_string().contains(&wrong), "{error}");
    }
    assert_eq!(Recipients::keys([]).unwrap_err(), RecipientsError::NoKey);
}

#[test]
fn key_files_say_where_they_are_wrong_and_nothing_else() {
    let key = generate_key();
    assert_eq!(format!("{key:?}"), format!("SiteKey {{ secret: ****, public: {} }}", key.public));
    let secret = key.secret.expose();
    let parse = |text: String| Identities::parse(&Secret::new(text)).unwrap_err();
    let damaged = parse(format!("# a\n{}", &secret[..40]));
    assert_eq!(damaged, IdentityError::Damaged { line: 2 });
    assert!(!damaged.to_string().contains(&secret[16..40]));
    assert_eq!(parse(key.public.to_string()), IdentityError::Public { line: 1 });
    assert_eq!(parse("hunter2".to_owned()), IdentityError::Other { line: 1 });
    assert_eq!(parse(String::new()), IdentityError::Empty);
    let keys = Identities::parse(&key.to_file()).unwrap();
    assert_eq!(format!("{keys:?}"), "Identities(1)");
}
