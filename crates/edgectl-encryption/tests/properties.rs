//! Whatever is encrypted, and whatever is opened.
#![allow(clippy::unwrap_used)]

use std::sync::LazyLock;

use edgectl_encryption::{
    Encrypted, Identities, OpenError, Recipients, SiteKey, Unlock, encrypt, generate_key,
};
use edgectl_model::Secret;
use proptest::prelude::*;

static KEYS: LazyLock<[SiteKey; 2]> = LazyLock::new(|| [(); 2].map(|()| generate_key()));

fn unlock(key: &SiteKey) -> Unlock {
    Unlock::Identities(Identities::parse(&key.to_file()).unwrap())
}

fn encrypted(text: &str) -> String {
    let recipients = Recipients::keys([KEYS[0].public.clone()]).unwrap();
    encrypt(&Secret::new(text), &recipients).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_comes_back(text in any::<String>(), filling in 0_usize..5, repeat in 1_usize..400) {
        let text = text.repeat(repeat);
        let on_medium = format!("{}{}", encrypted(&text), "\n".repeat(filling));
        let found = Encrypted::find(&on_medium).unwrap();
        let opened = found.open(&unlock(&KEYS[0])).unwrap();
        prop_assert_eq!(opened.expose(), text);
        prop_assert!(matches!(found.open(&unlock(&KEYS[1])), Err(OpenError::WrongKey)));
    }

    /// Cut anywhere, it is an error or nothing encrypted; never a part of it.
    #[test]
    fn what_is_cut_short_never_opens(cut in 0.0_f64..1.0) {
        let text = encrypted(&"#cloud-config\n".repeat(20));
        let whole = text.trim_end().len();
        let end = ((whole as f64) * cut) as usize;
        if let Some(found) = Encrypted::find(&text[..end]) {
            let error = found.open(&unlock(&KEYS[0])).unwrap_err();
            prop_assert!(matches!(error, OpenError::Damaged(_)), "{:?}", error);
        }
    }

    /// One byte of another value is no panic, and no other text.
    #[test]
    fn what_was_changed_never_opens_as_another(at in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f) {
        let text = "#cloud-config\nhostname: a\n";
        let mut bytes = encrypted(text).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Some(found) = Encrypted::find(&String::from_utf8(bytes).unwrap())
            && let Ok(opened) = found.open(&unlock(&KEYS[0]))
        {
            prop_assert_eq!(opened.expose(), text);
        }
    }

    #[test]
    fn anything_can_be_looked_at(text in "#cloud-config\n(# [ -~]{0,70}\n){0,9}", bytes in any::<Vec<u8>>()) {
        let lines = String::from_utf8_lossy(&bytes);
        for text in [text.as_str(), lines.as_ref()] {
            let begun = text.replacen('\n', "\n# -----BEGIN AGE ENCRYPTED FILE-----\n", 1);
            for text in [text, begun.as_str()] {
                if let Some(found) = Encrypted::find(text) {
                    found.opener();
                    prop_assert!(found.open(&unlock(&KEYS[0])).is_err());
                }
            }
        }
    }
}
