//! User data of several parts.

use crate::*;

#[test]
fn of_several_parts_the_cloud_config_is_changed() {
    let head = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b1\"\n\n--b1\nContent-Type: text/x-shellscript\n\n#!/bin/sh\necho\n--b1\nContent-Type: text/cloud-config\n\n";
    let body = "#cloud-config\nhostname: a  # odd\n";
    let tail = "--b1--\n";
    let after = inject(&format!("{head}{body}{tail}"), &full()).unwrap();
    assert_eq!(after, format!("{head}{}{tail}", inject(body, &full()).unwrap()));
    assert_eq!(inject(&after, &full()).unwrap(), after);
    assert_eq!(removed(&after), format!("{head}{body}{tail}"));
    assert_eq!(read_settings(&after).unwrap().rules.len(), 2);
    for archive in [
        "#cloud-config-archive\n- \"#cloud-config\\na: 1\\n\"\n",
        "#cloud-config-archive\n- >\n  #cloud-config\n\n  a: 1\n",
        // A line that isn't what it would be written as.
        "#cloud-config-archive\n- |\n  #cloud-config\n  a: 1\n \n  b: 2\n",
    ] {
        assert!(matches!(inject(archive, &full()), Err(InjectError::Encoded { .. })), "{archive}");
    }
    assert_eq!(inject("#cloud-config-archive\n[]\n", &full()), Err(InjectError::NoCloudConfig));
}

#[test]
fn of_several_cloud_configs_the_one_that_counts_is_changed() {
    let palette = Injection { flavor: Flavor::Palette, ..full() };
    let plain = "#cloud-config\nhostname: a\n";
    let stylus = "#cloud-config\nstylus: {site: {name: b}}\n";
    let done = inject(stylus, &palette).unwrap();
    for (before, after) in [
        (&[plain, stylus][..], &[plain, done.as_str()][..]),
        (&[stylus, plain], &[&done, plain]),
        // The first one's key is gone already.
        (&[stylus, stylus, plain], &[stylus, &done, plain]),
    ] {
        let (before, after) = (multipart(before), multipart(after));
        assert_eq!(inject(&before, &palette).unwrap(), after);
        assert_eq!(inject(&after, &palette).unwrap(), after);
        assert_eq!(removed(&after), before);
        assert_eq!(read_settings(&after).unwrap().registries[0].domain, palette.registry);
    }
    let archive = "#cloud-config-archive\n- |\n  #cloud-config\n  a: 1\n- |\n  #cloud-config\n  stylus: {debug: true}\n- |\n  #cloud-config\n  b: 1\n";
    let after = inject(archive, &palette).unwrap();
    assert!(after.contains("stylus: {debug: true, registryCredentials"), "{after}");
    assert_eq!(removed(&after), archive);
}

#[test]
fn parts_of_which_none_is_right_are_refused() {
    let files = RuntimeSetup {
        files: vec![HostFile {
            path: "/etc/edgectl/a".into(),
            mode: 0o600,
            content: Secret::new("a\n"),
        }],
        restart: vec!["ls".into()],
    };
    let host = Injection { flavor: Flavor::CloudInit, runtime: Some(files), ..full() };
    let written = "#cloud-config\nwrite_files: [{path: /x, content: y}]\n";
    let run = "#cloud-config\nruncmd: [ls]\n";
    for (first, second) in [(written, run), (run, written)] {
        let refused = inject(&multipart(&[first, second]), &host);
        let Err(InjectError::Spread { line: 12, other_line: 7, .. }) = refused else {
            panic!("{refused:?}")
        };
    }
    // Both spellings are one key to cloud-init.
    let old = "#cloud-config\nca-certs: {remove-defaults: false}\n";
    let refused = inject(&multipart(&[old, run]), &host);
    assert!(matches!(refused, Err(InjectError::Spread { .. })), "{refused:?}");
    let merged =
        written.replace("write_files", "merge_how: list(append)+dict(recurse_list)\nwrite_files");
    let refused = inject(&multipart(&[written, &merged]), &host);
    assert_eq!(refused, Err(InjectError::Merging { line: 12 }));
    // Faults have their place in the whole.
    let odd = "#cloud-config\nwrite_files: 7\n";
    let refused = inject(&multipart(&["#cloud-config\na: 1\n", odd]), &host);
    let Err(InjectError::Shape { place, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(place.line, 13);
}

#[test]
fn archives_are_edited_in_their_literal_blocks() {
    for before in [
        "#cloud-config-archive\n- |\n  #cloud-config\n  a: 1\n",
        "#cloud-config-archive\n- type: text/cloud-config\n  content: |\n    a: |\n      filename: x\n",
        "#cloud-config-archive\n- type: text/x-shellscript\n  content: |\n    #!/bin/sh\n    ls\n- type: text/cloud-config\n  content: |-\n      #cloud-config\n      stylus:\n        site: {name: x}   # here\n\n      a: 1\n  filename: x\n",
        "#cloud-config-archive\n- content: |\n    #cloud-config\n    a: 1",
        // Without a type and a header it is cloud-config.
        "#cloud-config-archive\n- |\n    #!/bin/sh\n    ls\n- a note\n- content: |\n    a: 1\n",
    ] {
        for text in [before.to_owned(), before.replace('\n', "\r\n")] {
            let after = inject(&text, &full()).unwrap_or_else(|e| panic!("{e}\n{text}"));
            assert_eq!(inject(&after, &full()).unwrap(), after);
            assert_eq!(removed(&after), text, "{after:?}");
            let settings = read_settings(&after).unwrap();
            assert_eq!(settings.registries[0].domain, full().registry, "{after}");
            assert_eq!(settings.ca_pems, [PEM]);
            assert_eq!(after.contains("filename: x"), text.contains("filename: x"));
            let ends = after.matches('\n').count();
            assert_eq!(after.matches("\r\n").count(), if text.contains('\r') { ends } else { 0 });
        }
    }
}

/// A text that cloud-init runs Jinja on, where it does.
const TEMPLATE: &str = "## template: jinja\n#cloud-config\nhostname: {{ v1.local_hostname }}\n";

#[test]
fn templates_in_parts_that_run_none_are_refused() {
    let declared = multipart(&[TEMPLATE]);
    let archive = |kind: &str| {
        let lines: String = TEMPLATE.lines().map(|line| format!("    {line}\n")).collect();
        format!("#cloud-config-archive\n- {kind}content: |\n{lines}")
    };
    for (text, line) in [(&declared, 7), (&archive("type: text/cloud-config\n  "), 4)] {
        let refused = inject(text, &full());
        let Err(InjectError::Template { place, message }) = refused else { panic!("{refused:?}") };
        assert_eq!(place.line, line, "{text}");
        assert!(message.contains("declare it `text/jinja2`"), "{message}");
    }
    let jinja = declared.replace("text/cloud-config", "text/jinja2");
    for text in [&jinja, &archive("type: text/jinja2\n  "), &archive("")] {
        let after = inject(text, &full()).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert!(after.contains("registryCredentials"), "{after}");
        assert_eq!(removed(&after), *text);
    }
}

#[test]
fn parts_of_other_types_are_what_they_are_declared_to_be() {
    let palette = Injection { flavor: Flavor::Palette, ..full() };
    let script = "#cloud-config\nstylus: {debug: true}\n";
    let both = multipart(&[script, "hostname: a\n"]);
    let per_boot = both.replacen("text/cloud-config", "text/x-shellscript-per-boot", 1);
    let after = inject(&per_boot, &palette).unwrap();
    assert!(after.contains("stylus: {debug: true}\n"), "{after}");
    let archive = "#cloud-config-archive\n- type: text/x-shellscript\n  content: |\n    #cloud-config\n    a: 1\n";
    assert_eq!(inject(archive, &palette), Err(InjectError::NoCloudConfig));
    // Of these what they hold decides.
    for kind in ["Text/Plain; charset=utf-8", "text/x-shellscript", "text", ""] {
        let text = both.replacen("text/cloud-config", kind, 1);
        assert!(inject(&text, &palette).unwrap().contains("stylus: {debug: true, "), "{kind}");
    }
}

#[test]
fn messages_of_a_single_part_are_taken() {
    for head in [
        "Content-Type: text/cloud-config\nMIME-Version: 1.0\n\n",
        "Subject: edge\nMIME-Version: 1.0\nContent-Type: text/plain\n\n#cloud-config\n",
        "MIME-Version: 1.0\n\n#cloud-config\n",
    ] {
        let text = format!("{head}hostname: a\n");
        let after = inject(&text, &full()).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert!(after.starts_with(head) && after.contains("registryCredentials"), "{after}");
        assert_eq!(inject(&after, &full()).as_ref(), Ok(&after));
        assert_eq!(removed(&after), text);
        assert_eq!(read_settings(&after).unwrap().registries.len(), 1);
    }
    for text in [
        "MIME-Version: 1.0\nContent-Type: multipart/mixed\n\n#cloud-config\na: 1\n",
        "MIME-Version: 1.0\nContent-Type: text/x-shellscript-per-boot\n\n#cloud-config\n",
    ] {
        assert_eq!(inject(text, &full()), Err(InjectError::NoCloudConfig), "{text}");
    }
}
