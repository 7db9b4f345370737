//! Taking out what was injected.

use crate::*;

fn of(flavor: Flavor) -> Injection {
    Injection { flavor, ..full() }
}

#[test]
fn empty_places_come_back_as_they_were() {
    for before in [
        "#cloud-config\nstylus:\n",
        "#cloud-config\nstylus:",
        "#cloud-config\nstylus: # todo\nhostname: a\n",
        "#cloud-config\nstylus: ~ # todo\n",
        "#cloud-config\nstylus: {} # todo\n",
        "#cloud-config\nstylus: { }\n",
        "#cloud-config\nstylus: {\n}\nhostname: a\n",
        "#cloud-config\nstylus: {\n  site: {name: a}, # c\n  debug: true # d\n  }\n",
        "#cloud-config\nstylus:\n  registryCredentials:   # later\n  externalRegistries:\n",
        "#cloud-config\nstylus:\n  registryCredentials:\n    domain: \"\"\n    password: ''\n    insecure: true\n",
        "#cloud-config\nstylus:\n  site:\n    caCerts: []\n",
        "#cloud-config\nedgectl:\n",
        "#cloud-config\nedgectl:\n  registry: null\n",
        "#cloud-config\n\n\n",
        "#cloud-config",
    ] {
        for flavor in [Flavor::Palette, Flavor::Kairos, Flavor::CloudInit] {
            for text in [before.to_owned(), before.replace('\n', "\r\n")] {
                let after = inject(&text, &of(flavor)).unwrap();
                assert_eq!(removed(&after), text, "{after}");
            }
        }
    }
}

#[test]
fn a_damaged_line_tells_nothing() {
    let after = inject("#cloud-config\nhostname: a\n", &full()).unwrap();
    let line = after.lines().nth(1).unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    let at = words.iter().position(|word| word.contains('+')).unwrap();
    let without_spans = words[..at].join(" ");
    let joined = format!("{}{}", words[..at].join(" "), words[at..].join(" "));
    for damaged in [without_spans, joined, line.replace('+', "+1")] {
        let error = remove(&after.replace(line, &damaged)).unwrap_err();
        assert_eq!(error, RemoveError::Changed, "{damaged}");
    }
}

#[test]
fn whatever_is_injected_later_the_first_bytes_come_back() {
    let before = "#cloud-config\nstylus: # todo\n  site: {name: a}\n";
    let first = inject(before, &full()).unwrap();
    let rotated = Injection { password: Secret::new("a longer one"), ..injection() };
    let second = inject(&first, &rotated).unwrap();
    assert!(second.contains("a longer one") && !second.contains("s3cret"), "{second}");
    assert_eq!(removed(&second), before);
    let listed = Injection { listed: true, ..full() };
    let third = inject(&second, &listed).unwrap();
    assert_eq!(removed(&third), before);
    assert_eq!(third.matches("# edgectl: ").count(), 1, "{third}");
}

#[test]
fn what_was_changed_elsewhere_since_stays() {
    let before = "#cloud-config\nstylus:\n  site: {name: a}\nhostname: b\n";
    let edits: [fn(&str) -> String; 3] = [
        |text| text.replacen("#cloud-config\n", "#cloud-config\n# mine\n", 1),
        |text| format!("{text}timezone: UTC\n"),
        |text| text.replace("hostname: b", "hostname: a-longer-name\n\n# c"),
    ];
    let after = inject(before, &full()).unwrap();
    for edit in edits {
        let removed = remove(&edit(&after)).unwrap();
        assert!(removed.is_edited);
        assert_eq!(removed.text, edit(before));
    }
    // What is edited and injected again is taken out as a whole.
    let again = inject(&edits[0](&after), &Injection { insecure: true, ..full() }).unwrap();
    assert_eq!(removed(&again), edits[0](before));
}

#[test]
fn what_was_written_below_additions_does_not_end_up_elsewhere() {
    for (flavor, before, below) in [
        (Flavor::Palette, "#cloud-config\ninstall:\n  poweroff: true\n", "  debug: true\n"),
        (Flavor::Kairos, "#cloud-config\ninstall:\n  auto: true\n", "  boot:\n    - name: mine\n"),
        (Flavor::CloudInit, "#cloud-config\nruncmd:\n  - echo hi\n", "  - path: /etc/motd\n"),
    ] {
        let edited = inject(before, &of(flavor)).unwrap() + below;
        match remove(&edited) {
            Err(RemoveError::Changed) => {}
            // It is still where it was.
            Ok(removed) => assert!(!removed.text.contains(below.trim()), "{edited}"),
            Err(error) => panic!("{error}: {edited}"),
        }
        // Injecting once more takes nothing of that for the text before.
        if let Ok(again) = inject(&edited, &Injection { insecure: true, ..of(flavor) })
            && let Ok(removed) = remove(&again)
        {
            assert!(
                removed.text.contains(below.trim()) == before.contains(below.trim()),
                "{again}"
            );
        }
    }
}

#[test]
fn what_cannot_be_told_is_refused_and_taken_out_by_force() {
    let before = "#cloud-config\nhostname: a\n";
    let after = inject(before, &full()).unwrap();
    let by_hand = after.replace("s3cret", "other one");
    assert_eq!(remove(&by_hand), Err(RemoveError::Changed));
    assert_eq!(
        remove_by_force(&by_hand, &injection()).as_deref(),
        Ok(&*format!(
            "{before}stylus:\n  site:\n    caCerts:\n      - |\n        -----BEGIN CERTIFICATE-----\n        MIIB\n        AAAA\n        -----END CERTIFICATE-----\n"
        ))
    );
    assert_eq!(remove_by_force(&by_hand, &full()).as_deref(), Ok(before));
    // Nothing says that these are edgectl's.
    let own = plain(&after);
    assert_eq!(inject(&own, &full()).as_ref(), Ok(&own));
    assert_eq!(remove(&own), Err(RemoveError::NotInjected));
    assert_eq!(remove_by_force(&own, &full()).as_deref(), Ok(before));
    assert_eq!(remove(before), Err(RemoveError::NotInjected));
    assert_eq!(remove_by_force(before, &full()), Err(RemoveError::Nothing));
    for line in ["", "1", "1 x", "1 5 0 3+", "1 5 0 18446744073709551615+9:0", "2 5 0"] {
        let start = "# edgectl: `user-data inject --remove` takes out what was added: ";
        let text = format!("#cloud-config\n{start}{line}\na: 1\n");
        assert_eq!(remove(&text), Err(RemoveError::Changed), "{line}");
        assert!(inject(&text, &full()).is_ok());
    }
}

#[test]
fn values_of_others_are_not_kept_in_the_line() {
    let before = "#cloud-config\nstylus:\n  registryCredentials:\n    domain: old.local/x\n    password: 'an old one'\n";
    let after = inject(before, &full()).unwrap();
    assert_eq!(remove(&after), Err(RemoveError::Replaced));
    let again = inject(&after, &Injection { password: Secret::new("new"), ..full() }).unwrap();
    assert_eq!(remove(&again), Err(RemoveError::Replaced));
    assert!(!after.contains("old"), "{after}");
    let forced = remove_by_force(&again, &full()).unwrap();
    assert_eq!(forced, "#cloud-config\n");
    // A name is no secret.
    let before = "#cloud-config\nstylus:\n  registryCredentials:\n    domain: old.local/x\n";
    assert_eq!(removed(&inject(before, &full()).unwrap()), before);
}

#[test]
fn places_of_faults_count_the_line() {
    let after = inject("#cloud-config\nhostname: a\n", &full()).unwrap();
    let odd = format!("{after}runcmd: [\n");
    let Err(InjectError::Yaml { place, .. }) = inject(&odd, &full()) else { panic!("{odd}") };
    assert_eq!(place.line, u64::try_from(odd.lines().count()).unwrap());
}

#[test]
fn a_last_part_without_a_line_end() {
    let head = "Content-Type: multipart/mixed; boundary=b1\nMIME-Version: 1.0\n\n--b1\nContent-Type: text/cloud-config\n\n";
    for text in
        [format!("{head}#cloud-config\nhostname: a"), format!("{head}#cloud-config\n--b1--")]
    {
        assert_eq!(removed(&inject(&text, &full()).unwrap()), text);
    }
}

/// Each of the parts says what was added to it.
#[test]
fn every_part_gives_back_what_was_added_to_it() {
    let part = |text: &str| format!("--b\nContent-Type: text/cloud-config\n\n{text}");
    let message = |one: &str, other: &str| {
        format!(
            "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n{}{}--b--\n",
            part(one),
            part(other)
        )
    };
    let (one, other) = ("#cloud-config\nhostname: a\n", "#cloud-config\nstylus: {}\n");
    let injected = |text: &str, flavor| inject(text, &of(flavor)).unwrap();
    let both = message(&injected(one, Flavor::Kairos), &injected(other, Flavor::Palette));
    assert_eq!(removed(&both), message(one, other));
    // By force, too, and whoever wrote them.
    let palette = message(&injected(one, Flavor::Palette), &injected(other, Flavor::Palette));
    let bare: String =
        palette.split_inclusive('\n').filter(|line| !line.starts_with("# edgectl:")).collect();
    let after = remove_by_force(&bare, &of(Flavor::Palette)).unwrap();
    assert!(!after.contains("reg.local"), "{after}");
}
