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
            "hostname: two\n\"n\": 2\nstylus:\n  site:\n    name: \"y\"\n    tags:\n      city: c\n      building: b\n",
        ),
        // Lists of scalars are unions.
        ("a: [x, z, x2]\n", "a: [z, w]\n", "a:\n  - x\n  - z\n  - x2\n  - w\n"),
        // Lists of mappings are concatenated, equal ones too.
        ("a: [{p: 1}]\n", "a: [{p: 1}, {q: [r]}]\n", "a:\n  - p: 1\n  - p: 1\n  - q:\n      - r\n"),
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
    let expected = "a: \"0123\"\nb: \"yes\"\nc: \"\\x7B{x}}\"\nd: |\n  line: 1\n\n    two\ne: \"a\\nb\"\nf: \"it's # not\"\ng:\n  - \"- x\"\n  - \"\"\n";
    assert_eq!(merged(&[text]).unwrap(), expected);
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
                .map(|s| format!("{}:{}:{}", s.file, s.place.line, s.place.column))
                .collect(),
        )
    };
    assert_eq!(told("stylus.site.name"), Some(vec!["a:4:5".to_owned(), "b:2:17".to_owned()]));
    assert_eq!(told("stylus.site.tags.city"), Some(vec!["a:5:12".to_owned()]));
    assert_eq!(told("runcmd[1]"), Some(vec!["b:3:15".to_owned()]));
    assert_eq!(told("runcmd[2]"), None);
    assert_eq!(told("nothing"), None::<Vec<String>>);
}
