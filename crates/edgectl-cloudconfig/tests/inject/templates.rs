//! Templates of cloud-init's that are no YAML before they have run.

use std::collections::BTreeMap;

use edgectl_model::from_yaml;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, context};
use proptest::prelude::*;

use crate::*;

const TEMPLATE: &str = "\
## template: jinja
#cloud-config
hostname: {{ v1.name }}-edge   # odd
{% if v1.big %}
swap: {size: {{ v1.size }}}
{% endif %}
tags: [{{ v1.name }}, {% if v1.big %}big{% else %}small{% endif %}]
write_files:
  - path: /etc/motd
    content: |
      {% if v1.big %}
      a big one
      {% endif %}
      {{ v1.name }}
";

/// As cloud-init runs it.
fn rendered(text: &str, big: bool) -> String {
    let mut environment = Environment::new();
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).keep_trailing_newline(true);
    environment.set_syntax(syntax.build().unwrap());
    let (_, text) = text.split_once('\n').unwrap();
    let v1 = context! { name => "seven", size => 7, big };
    environment.render_str(text, context! { v1 }).unwrap()
}

#[test]
fn everything_that_jinja_reads_keeps_its_bytes() {
    for before in [
        TEMPLATE.to_owned(),
        TEMPLATE.replace('\n', "\r\n"),
        TEMPLATE.replace("tags:", "stylus:\n  site: {name: {{ v1.name }}}\n\ntags:"),
        TEMPLATE.replace("tags:", "{# a comment\n of two lines #}\nstylus: {}\ntags:"),
        TEMPLATE
            .replace("\n{% if v1.big", "\nstylus:\n  debug: {{ v1.big | lower }}\n{% if v1.big"),
    ] {
        let palette = full();
        let after = inject(&before, &palette).unwrap_or_else(|e| panic!("{e}\n{before}"));
        assert_eq!(inject(&after, &palette).as_ref(), Ok(&after), "{after}");
        let removed = remove(&after).unwrap();
        assert_eq!((removed.text.as_str(), removed.is_edited), (before.as_str(), false));
        for big in [true, false] {
            let settings = read_settings(&rendered(&after, big)).unwrap();
            assert_eq!(settings.registries[0].password, palette.password, "{after}");
            assert_eq!(settings.rules.len(), 2, "{after}");
        }
        // Another registry's later, and edited elsewhere.
        let other = Injection { password: Secret::new("{{ \"\n'"), ..full() };
        let again = inject(&after, &other).unwrap();
        let settings = read_settings(&rendered(&again, true)).unwrap();
        assert_eq!(settings.registries[0].password, other.password, "{again}");
        assert_eq!(remove(&again).unwrap().text, before);
        let edited = again.replace("a big one", "{% set x = 1 %}a {{ x }}");
        let removed = remove(&edited).unwrap();
        assert_eq!(removed.text, before.replace("a big one", "{% set x = 1 %}a {{ x }}"));
        assert!(removed.is_edited);
        let forced = remove_by_force(&again, &other).unwrap();
        assert!(!forced.contains("registryCredentials") && forced.contains("{% endif %}"));
    }
}

#[test]
fn files_of_a_runtime_go_behind_a_files_template() {
    let file = HostFile {
        path: "/etc/edgectl/a".into(),
        mode: 0o600,
        content: Secret::new("# Written by edgectl.\npassword: x\n"),
    };
    let setup = RuntimeSetup { files: vec![file], restart: vec!["ls".into()] };
    let host = Injection { flavor: Flavor::CloudInit, runtime: Some(setup), ..full() };
    let after = inject(TEMPLATE, &host).unwrap();
    assert_eq!(remove(&after).unwrap().text, TEMPLATE);
    let files = edgectl_cloudconfig::written_files(&rendered(&after, true)).unwrap();
    let contents: Vec<&str> = files.iter().map(|file| file.content.expose()).collect();
    assert_eq!(contents[0], "a big one\nseven\n");
    assert!(contents[1].contains("password: x"), "{after}");
}

#[test]
fn what_hosts_would_have_or_not_is_refused() {
    let head = "## template: jinja\n#cloud-config\n";
    for (text, line, said) in [
        ("{% if a %}\nstylus:\n  debug: true\n{% endif %}\n", 5, "inside of a condition"),
        ("a: {{ b\n", 3, "`{{` is never closed"),
        ("a: 1\nb: {{ c }}\n{% if a %}x: [{% endif %}\n", 5, "this is a template"),
        ("stylus:\n  registryCredentials: {{ c }}\n", 4, "to be a mapping"),
    ] {
        let error = inject(&format!("{head}{text}"), &full()).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        assert!(error.contains(&format!("line {line}")), "{error}\n{text}");
    }
}

/// Pieces of templates; `K` is another key each time.
const PIECES: [&str; 14] = [
    "K: {{ v1.name }}\n",
    "K: \"a {{ v1.name }}\"  # c\n",
    "{% if v1.big %}\nK: 1\n{% else %}\nK: 2\n{% endif %}\n",
    "{% for x in [1, 2] %}\nK{{ x }}: {{ x }}\n{% endfor %}\n",
    "K: |\n  {% if v1.big %}\n  text\n  {% endif %}\n  end\n",
    "K: >-\n{% if v1.big %}\n  text\n{% endif %}\n  end\n",
    "K:\n  - {{ v1.name }}\n{% if v1.big %}\n  - b\n{% endif %}\n",
    "K: [{{ v1.name }}{% if v1.big %}, b{% endif %}]\n",
    "{# a comment: [\n of two lines #}\n",
    "\n",
    "K:\n- a: |\n{% for x in [1] %}\n    {{ x }}\n{% endfor %}\n  b: 1\n",
    "K: {{ v1.size }} # {{ v1.name }}\n",
    "K: {a: {{ v1.size }}, b: [\n{% if v1.big %}\n  x,\n{% endif %}\n  y]}\n",
    "K:\n    L: \"{% if v1.big %}a{% endif %}\"\n{% if v1.big %}\n    M: 1\n{% endif %}\n",
];
/// What may stand there of the registry's section.
const SECTIONS: [&str; 5] = [
    "",
    "stylus:\n  site: {name: {{ v1.name }}}\n",
    "stylus:\n  debug: true\n{% if v1.big %}\n  trace: true\n{% endif %}\n",
    "stylus:\n  site:\n    name: |\n      {% if v1.big %}\n      a\n      {% endif %}\n      b\n",
    "stylus: {debug: {{ v1.big | lower }}}\n",
];

fn values(text: &str) -> BTreeMap<String, serde_json::Value> {
    from_yaml(text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

proptest! {
    /// Nothing that stood there changes, whatever the conditions say, and the
    /// registry arrives either way.
    #[test]
    fn any_template_keeps_its_bytes_and_values(
        above in prop::collection::vec(0..PIECES.len(), 0..4),
        section in 0..SECTIONS.len(),
        below in prop::collection::vec(0..PIECES.len(), 0..4),
        is_dos: bool,
    ) {
        let piece = |(n, piece): (usize, &usize)| PIECES[*piece].replace('K', &format!("k{n}"));
        let above_text: String = above.iter().enumerate().map(piece).collect();
        let below = below.iter().enumerate().map(|(n, which)| (n + above.len(), which));
        let below: String = below.map(piece).collect();
        let section = SECTIONS[section];
        let text = format!("## template: jinja\n#cloud-config\n{above_text}{section}{below}");
        let before = if is_dos { text.replace('\n', "\r\n") } else { text };
        let after = inject(&before, &full()).unwrap_or_else(|e| panic!("{e}\n{before}"));
        prop_assert_eq!(inject(&after, &full()).unwrap(), after.clone());
        prop_assert_eq!(remove(&after).unwrap().text, before.clone());
        for big in [true, false] {
            let (was, is) = (rendered(&before, big), rendered(&after, big));
            prop_assert_eq!(read_settings(&is).unwrap().rules.len(), 2, "{}", is);
            let (mut was, mut is) = (values(&was), values(&is));
            let (own, now) = (was.remove("stylus"), is.remove("stylus").unwrap());
            prop_assert_eq!(was, is);
            for (key, value) in own.iter().flat_map(|own| own.as_object().unwrap()) {
                prop_assert!(&now[key] == value || key == "site", "{}", after);
            }
        }
    }
}
