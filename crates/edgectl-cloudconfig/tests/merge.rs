//! Merging, by the table of what Palette and Kairos do.

#![allow(clippy::unwrap_used)]

use edgectl_cloudconfig::{MergeError, Source, merge};

fn merged(texts: &[&str]) -> Result<String, MergeError> {
    let texts: Vec<String> = texts.iter().map(|text| format!("#cloud-config\n{text}")).collect();
    let names = ["a", "b", "c"];
    let sources: Vec<Source<'_>> =
        texts.iter().zip(names).map(|(text, name)| Source { name, text }).collect();
    let text = merge(&sources)?.to_text();
    // What was merged can be merged.
    let again = merge(&[Source { name: "again", text: &text }]).unwrap().to_text();
    assert_eq!(again, text);
    Ok(text.strip_prefix("#cloud-config\n").unwrap().to_owned())
}

#[test]
fn the_table() {
    let cases = [
        // Mappings key by key, the later scalar wins, whatever its type.
        (
            "hostname: one\nn: 1\nstylus: {site: {name: x, tags: {city: c}}}\n",
            "hostname: two\n\"n\": 2\nstylus: {site: {name: y, tags: {building: b}}}\n",
            "hostname: two\nn: 2\nstylus:\n  site:\n    name: y\n    tags:\n      city: c\n      building: b\n",
        ),
        // Lists of scalars are unions.
        ("a: [x, z, x2]\n", "a: [z, w]\n", "a:\n  - x\n  - z\n  - x2\n  - w\n"),
        // Lists of mappings are concatenated, equal ones too.
        ("a: [{p: 1}]\n", "a: [{p: 1}, {q: [r]}]\n", "a:\n  - p: 1\n  - p: 1\n  - q:\n      - r\n"),
        // However they are written.
        ("a: [/b, x/y]\n", "a: [\"/b\", 'x/y']\n", "a:\n  - /b\n  - x/y\n"),
        // null takes away.
        ("a: 1\nb: {c: 2, d: 3}\n", "a:\nb: {c: null}\n", "b:\n  d: 3\n"),
        ("a: ~\n", "b: 1\n", "a: null\nb: 1\n"),
        // A text and a number are both scalars.
        ("a: \"1\"\n", "a: 2\n", "a: 2\n"),
        // Anchors and merge keys are written out.
        ("x: &x {p: 1, q: 2}\nz: {<<: *x, q: 3}\n", "", "x:\n  p: 1\n  q: 2\nz:\n  q: 3\n  p: 1\n"),
        ("", "", "{}\n"),
    ];
    for (first, second, expected) in cases {
        assert_eq!(merged(&[first, second]).unwrap(), expected, "{first} + {second}");
    }
}

#[test]
fn texts_stay_what_they_are() {
    let text = "a: \"0123\"\nb: 'yes'\nc: \"{{x}}\"\nd: |\n  line: 1\n\n    two\ne: \"a\\nb\"\nf: 'it''s # not'\ng: [\"- x\", \"\"]\n";
    let expected = "a: \"0123\"\nb: 'yes'\nc: \"{{x}}\"\nd: |\n  line: 1\n\n    two\ne: \"a\\nb\"\nf: 'it''s # not'\ng:\n  - \"- x\"\n  - \"\"\n";
    assert_eq!(merged(&[text]).unwrap(), expected);
}

/// As PyYAML and libyaml read it.
#[test]
fn a_text_without_a_line_end_gets_none() {
    for (text, expected) in [
        ("a: |\n  b", "a: |-\n  b\n"),
        ("a: |+\n  b", "a: |-\n  b\n"),
        ("a: >\n  b\n  c", "a: |-\n  b c\n"),
        ("a: |\n  b\n  ", "a: |\n  b\n"),
        ("a: |\n  b\n    ", "a: |-\n  b\n    \n"),
        ("a: |\n  b  ", "a: |-\n  b  \n"),
        ("a: |\n  b\n", "a: |\n  b\n"),
        ("a: |-\n  b", "a: |-\n  b\n"),
        ("a: |+\n  b\n\n  ", "a: |+\n  b\n\n"),
    ] {
        assert_eq!(merged(&[text]).unwrap(), expected, "{text:?}");
    }
}

#[test]
fn what_readers_differ_in_stays_as_it_is_written() {
    let text = "a: yes\nb: 0o17\nc: 012\nd: 1_000\ne: 12:30:00\nf: 2020-01-01\ng: =\nh: .5\noff: on\ni: !!binary aGk=\nj: !foo a\n";
    assert_eq!(merged(&[text]).unwrap(), text);
    // A word of the one and a text of the other are two.
    assert_eq!(
        merged(&["a: [yes, x]\n", "a: ['yes', 'x']\n"]).unwrap(),
        "a:\n  - yes\n  - x\n  - 'yes'\n"
    );
    // Of several lines, which are one to every reader.
    let folded = "a: one\n  two\nb: \"x\n  y\"\nc: !!str |\n  1\n";
    assert_eq!(merged(&[folded]).unwrap(), "a: \"one two\"\nb: \"x y\"\nc: |\n  1\n");
    for (tag, message) in
        [("!!set {a}", "x:2:10: a list or a mapping with a tag"), ("!e!x a", "x:2:")]
    {
        let text = format!("#cloud-config\na: {tag}\n");
        let error = merge(&[Source { name: "x", text: &text }]).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn templates_stay_templates() {
    let source = |name, text| Source { name, text };
    let template = "## template: jinja\n#cloud-config\nname: \"{{ v1.name }}\"\nx: a {{ y }}\nz: |\n  {% if a %}b{% endif %}\n\n";
    let plain = "#cloud-config\nhostname: b\n";
    let expected = "## template: jinja\n#cloud-config\nhostname: b\nname: \"{{ v1.name }}\"\nx: a {{ y }}\nz: |\n  {% if a %}b{% endif %}\n\n";
    let both = merge(&[source("a", plain), source("b", template)]).unwrap();
    assert_eq!(both.to_text(), expected);
    let marked = "#cloud-config\nmotd: \"{{ not run }}\"\n";
    let error = merge(&[source("a", template), source("b", marked)]).unwrap_err().to_string();
    assert!(error.starts_with("`a` is a template (`## template: jinja`) and `b` isn't"), "{error}");
    let lost = "## template: jinja\n#cloud-config\n# {% if a %}\nb: 1\n# {% endif %}\n";
    let error = merge(&[source("a", lost)]).unwrap_err().to_string();
    assert!(error.contains("merging would lose it"), "{error}");
    for (body, said) in [
        ("hostname: a {# c #}\n", "merging would lose it"),
        ("l:\n- abc {# n #}\n", "merging would lose it"),
        ("z: abc{# n #}\n", "merging would lose it"),
        ("w: a {{ v1.n -}}\n", "remove its `-`"),
        ("w: |\n  a {{ v1.n -}}\n", "remove its `-`"),
    ] {
        let text = format!("## template: jinja\n#cloud-config\n{body}");
        let error = merge(&[Source { name: "a", text: &text }, source("b", template)])
            .unwrap_err()
            .to_string();
        assert!(error.contains(said), "{error}");
    }
}

/// Quotes around a template's expression would change it.
#[test]
fn blocks_stay_blocks() {
    let body = "a: |-\n  x {{ ds[\"x\"] }}\nb: |\n  ä {{ ds[\"x\"] }}\nc: >\n  {% if a %}\n  b\n  {% endif %}\n\n  c\nd: |+\n  x\n\ne:\n  - |2-\n      y {{ ds[\"z\"] }}\n    z\n  - f: >-\n      a\n      b\n    g: |\n      end\n";
    let template = format!("## template: jinja\n#cloud-config\n{body}");
    let written = |text: &str| merge(&[Source { name: "a", text }]).unwrap().to_text();
    assert_eq!(written(&template), template);
    assert_eq!(written(&template.replace("\n", "\r\n")), template);
    assert_eq!(merged(&[body]).unwrap(), body);
    // Four blanks where there were two, and a comment behind the mark.
    let wide = "k:\n      l: > # a > b\n         one\n         two\n";
    assert_eq!(merged(&[wide]).unwrap(), "k:\n  l: >\n    one\n    two\n");
    let several =
        "## template: jinja\n#cloud-config\na: one\n  {{ ds[\"x\"] }}\nb: 'x\n  {{ ds[\"y\"] }}'\n";
    let expected = "## template: jinja\n#cloud-config\na: |-\n  one {{ ds[\"x\"] }}\nb: |-\n  x {{ ds[\"y\"] }}\n";
    assert_eq!(written(several), expected);
}

#[test]
fn what_stood_in_braces_can_stand_alone() {
    assert_eq!(merged(&["a: [?, b?]\n"]).unwrap(), "a:\n  - \"?\"\n  - b?\n");
}

#[test]
fn what_is_there_again_is_explained() {
    let source = |name, text| Source { name, text };
    let texts =
        ["#cloud-config\na: {b: 1}\n", "#cloud-config\na: ~\n", "#cloud-config\na: {c: 2}\n"];
    let merged = merge(&[source("1", texts[0]), source("2", texts[1]), source("3", texts[2])]);
    let merged = merged.unwrap();
    assert_eq!(merged.to_text(), "#cloud-config\na:\n  c: 2\n");
    let told = |path: &str| -> Vec<(String, bool)> {
        let steps = merged.explain(path).unwrap_or_default();
        steps.into_iter().map(|step| (step.file, step.takes_away)).collect()
    };
    let step = |file: &str, gone| (file.to_owned(), gone);
    assert_eq!(told("a.b"), [step("1", false), step("2", true)]);
    assert_eq!(told("a"), [step("1", false), step("2", true), step("3", false)]);
    assert_eq!(told("a.c"), [step("3", false)]);
    assert_eq!(told("a.d"), []);
}

#[test]
fn kinds_must_agree() {
    let error = merged(&["stylus:\n  site: {tags: [a]}\n", "stylus: {site: {tags: {b: c}}}\n"]);
    assert_eq!(
        error.unwrap_err().to_string(),
        "b:2:17: `stylus.site.tags` is a mapping here and a list in `a`, line 3; make them the same"
    );
    let error = merged(&["a: 1\n", "a: [1]\n"]).unwrap_err().to_string();
    assert_eq!(
        error,
        "b:2:1: `a` is a list here and a single value in `a`, line 2; make them the same"
    );
}

#[test]
fn what_cannot_be_read_is_told() {
    let fails = |text: &str| merge(&[Source { name: "x", text }]).unwrap_err().to_string();
    assert!(fails("a: 1\n").contains("`x` is not cloud-config"));
    assert_eq!(fails("#cloud-config\n[a]\n"), "x:2:1: expected a mapping");
    assert!(fails("#cloud-config\na: 1\na: 2\n").starts_with("x:3:1: a key that stands twice"));
    assert!(fails("#cloud-config\na: &a [*a]\n").starts_with("x:2:"));
    assert!(fails("#cloud-config\na: 1\n---\nb: 2\n").starts_with("x:3:1: a second document"));
    let mut bomb = "#cloud-config\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..9 {
        let refs = vec![format!("*a{}", n - 1); 10].join(",");
        bomb.push_str(&format!("a{n}: &a{n} [{refs}]\n"));
    }
    assert!(fails(&bomb).contains("too large"));
}

#[test]
fn values_are_explained() {
    let a = "#cloud-config\nstylus:\n  site:\n    name: x\n    tags: {city: c}\n";
    let b = "#cloud-config\nstylus: {site: {name: y}}\nruncmd: [one, two]\n";
    let merged = merge(&[Source { name: "a", text: a }, Source { name: "b", text: b }]).unwrap();
    let told = |path: &str| {
        let steps = merged.explain(path)?;
        Some(
            steps
                .iter()
                .map(|s| {
                    let gone = if s.takes_away { " gone" } else { "" };
                    format!("{}:{}:{}{gone}", s.file, s.place.line, s.place.column)
                })
                .collect(),
        )
    };
    assert_eq!(told("stylus.site.name"), Some(vec!["a:4:5".to_owned(), "b:2:17".to_owned()]));
    assert_eq!(told("stylus.site.tags.city"), Some(vec!["a:5:12".to_owned()]));
    assert_eq!(told("runcmd[1]"), Some(vec!["b:3:15".to_owned()]));
    assert_eq!(told("runcmd[2]"), None);
    assert_eq!(told("nothing"), None::<Vec<String>>);
}

#[test]
fn what_a_null_took_away_is_explained() {
    let texts = [
        "#cloud-config\nstylus:\n  site:\n    name: x\nrest: ~\n",
        "#cloud-config\nstylus: {site: ~}\n",
        "#cloud-config\nother: 1\n",
    ];
    let names = ["a", "b", "c"];
    let sources: Vec<Source<'_>> =
        texts.iter().zip(names).map(|(text, name)| Source { name, text }).collect();
    let merged = merge(&sources).unwrap();
    assert_eq!(merged.to_text(), "#cloud-config\nstylus: {}\nrest: null\nother: 1\n");
    let told = |path: &str| -> Vec<(String, u64, bool)> {
        let steps = merged.explain(path).unwrap_or_default();
        steps.into_iter().map(|step| (step.file, step.place.line, step.takes_away)).collect()
    };
    let step = |file: &str, line, gone| (file.to_owned(), line, gone);
    assert_eq!(told("stylus.site"), [step("a", 3, false), step("b", 2, true)]);
    assert_eq!(told("stylus.site.name"), [step("a", 4, false), step("b", 2, true)]);
    assert_eq!(told("stylus.site.other"), []);
    assert_eq!(told("rest"), [step("a", 5, false)]);
}
