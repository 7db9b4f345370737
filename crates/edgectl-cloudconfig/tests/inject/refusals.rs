//! What is refused, and what errors say.

use crate::*;

#[test]
fn refusals_name_the_place_and_the_way_out() {
    for (text, message) in [
        (
            "stylus: {}\n",
            "this is not cloud-config user data: the first line must be `#cloud-config` (after `## template: jinja`, if that is there)",
        ),
        (
            "#cloud-config # ours\nstylus: {}\n",
            "something stands behind `#cloud-config` in its line: Kairos' agents, Palette's among them, compare the whole line, and pass the file over",
        ),
        ("#cloud-config\na: [1\n", "line 2, column 4: unclosed bracket"),
        (
            "#cloud-config\na: 1\n---\nb: 2\n",
            "line 3, column 1: a second document starts here; keep one document per file",
        ),
        (
            "#cloud-config\n- a\n",
            "line 2, column 1: the whole file has to be a mapping, with a key",
        ),
        ("#cloud-config\nstylus: text\n", "line 2, column 9: expected `stylus` to be a mapping"),
        (
            "#cloud-config\nx: &c {domain: a}\nstylus:\n  registryCredentials: *c\n",
            "line 4, column 24: `stylus.registryCredentials` is an alias; write its value out in place of it",
        ),
        (
            "#cloud-config\nstylus:\n  registryCredentials: &c\n    domain: a\ncopy: *c\n",
            "line 4, column 5: `stylus.registryCredentials` has an anchor that is used elsewhere",
        ),
        (
            "#cloud-config\nb: &b {username: u}\nstylus:\n  registryCredentials:\n    <<: *b\n",
            "line 5, column 5: `stylus.registryCredentials` takes keys from elsewhere with `<<`",
        ),
        (
            "#cloud-config\nstylus: {}\nstylus: {}\n",
            "line 3, column 1: `stylus` stands here a second time; keep one",
        ),
        (
            "#cloud-config\nstylus:\n  registryCredentials:\n    password: [a]\n",
            "line 4, column 15: expected `stylus.registryCredentials.password` to be a single value",
        ),
        (
            "#cloud-config\nstylus:\n  registryCredentials:\n    password: !!binary aGk=\n",
            "line 4, column 24: `stylus.registryCredentials.password` has a tag",
        ),
        (
            "#cloud-config\nstylus: {site: {caCerts: pem}}\n",
            "line 2, column 26: expected `stylus.site.caCerts` to be a list",
        ),
        (
            "#cloud-config\nhostname: {{ v1.local_hostname }}\n",
            "line 2, column 12: a list or a mapping as a key, which cloud-init's YAML refuses",
        ),
        ("#cloud-config\na:\n- 1\n\t\n", "line 4, column 1: a tab in the indentation"),
        // All readers begin a new line there.
        ("#cloud-config\n# a\u{2028}b\n", "line 2, column 4: U+2028 ends the line"),
        ("#cloud-config\na: |\n  b\n  c\u{c}\n", "line 4, column 4: the character U+000C"),
        (
            "## template: jinja\n#cloud-config\n{% if a %}\n# b\u{2029}c\n{% endif %}\n",
            "line 4, column 4: hosts that come here drop the whole file for it, the registry too: U+2029",
        ),
        ("#cloud-config\n? stylus\n: debug: true\n", "line 3, column 3: `stylus"),
    ] {
        let error = inject(text, &full()).unwrap_err();
        assert!(error.to_string().starts_with(message), "{text}\n{error}");
    }
}

/// The agents' YAML takes what only cloud-init's refuses.
#[test]
fn what_cloud_init_alone_refuses_is_written_for_others() {
    for line in ["a: api.x\t# ours", "name: =", "name: !ours b"] {
        let text = format!("#cloud-config\n{line}\n");
        for flavor in [Flavor::Palette, Flavor::Kairos] {
            let after = inject(&text, &Injection { flavor, ..full() });
            assert!(after.is_ok_and(|after| after.contains(line)), "{text}");
        }
        let host = Injection { flavor: Flavor::CloudInit, ..full() };
        let refused = inject(&text, &host);
        assert!(matches!(refused, Err(InjectError::Yaml { .. })), "{refused:?}");
    }
}

#[test]
fn errors_and_debug_hide_passwords() {
    let injection = Injection { password: Secret::new("hunter2"), ..injection() };
    assert!(!format!("{injection:?}").contains("hunter2"));
    for text in [
        "#cloud-config\nstylus:\n  registryCredentials:\n    password: *hunter2\n",
        "#cloud-config\nstylus:\n  registryCredentials: hunter2\n",
        "#cloud-config\nstylus:\n  registryCredentials:\n    password: @hunter2\n",
        "#cloud-config\nstylus:\n  registryCredentials:\n    password: \"hunter2\n",
    ] {
        let error = inject(text, &injection).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}
