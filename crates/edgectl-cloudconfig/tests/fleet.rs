//! One user data per site.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use edgectl_cloudconfig::{
    Flavor, Injection, Removed, SiteSettings, SiteTemplate, SiteValue, TemplateError, check,
    inject, read_settings, read_site_values, remove,
};
use edgectl_model::{HostRule, Prefix, Secret};
use proptest::prelude::*;

fn template(text: &str) -> Result<SiteTemplate, TemplateError> {
    SiteTemplate::new(text, Ok)
}

fn site(values: &[(&str, &str)]) -> BTreeMap<String, SiteValue> {
    values
        .iter()
        .map(|(key, value)| ((*key).to_owned(), SiteValue::Text((*value).into())))
        .collect()
}

fn render(text: &str, values: &[(&str, &str)]) -> Result<String, String> {
    template(text).unwrap().render(&site(values)).map_err(|error| error.to_string())
}

#[test]
fn several_parts_are_no_template() {
    for text in [
        "#cloud-config-archive\n- |\n  #cloud-config\n  a: {b: \"{{ x }}\"}\n",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n#cloud-config\na: {{ x }}\n--b--\n",
        "mime-version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n#cloud-config\na: {{ x }}\n--b--\n",
    ] {
        assert_eq!(template(text).err(), Some(TemplateError::Parts), "{text}");
    }
}

#[test]
fn values_are_written_for_their_place() {
    let text = "#cloud-config\n# {{ a }}\nw: {{ a }}\nd: \"<{{ a }}>\"\ns: '<{{ a }}>'\nb: |\n  <{{ a }}>\n{{ k }}: 1\n";
    let filled = render(text, &[("a", "it's: \"x\" # {{y}}"), ("k", "on")]).unwrap();
    assert_eq!(
        filled,
        "#cloud-config\n# it's: \"x\" # {{y}}\nw: \"it's: \\\"x\\\" # \\x7B{y}}\"\nd: \"<it's: \\\"x\\\" # \\x7B{y}}>\"\ns: '<it''s: \"x\" # {{y}}>'\nb: |\n  <it's: \"x\" # {{y}}>\n\"on\": 1\n"
    );
}

/// The first line of a block says how far it is indented.
#[test]
fn a_block_of_text_may_start_with_a_condition() {
    for (lines, expected) in [
        ("  {% if a %}\n  x {{ a }}\n  {% endif %}\n  y\n", "  x 1\n  y\n"),
        ("{% if a %}\n  x {{ a }}\n{% endif %}\n  y\n", "  x 1\n  y\n"),
        ("\n  {% if a %}\n  {% if b %}\n  z\n  {% endif %}\n  {% endif %}\n  {{ a }}\n", "\n  1\n"),
    ] {
        for key in ["c: |", "c: >-  # text", "c: !!str |2+"] {
            let text = format!("#cloud-config\n{key}\n{lines}d: 1\n");
            let filled = render(&text, &[("a", "1"), ("b", "")]).unwrap();
            assert_eq!(filled, format!("#cloud-config\n{key}\n{expected}d: 1\n"), "{text}");
        }
    }
    let text = "#cloud-config\nc:\n- |\n  {% if a %}\n  {{ a }}\n  {% endif %}\n  y\n";
    let refused = render(text, &[("a", " b")]).unwrap_err();
    assert!(refused.contains("starts with blanks"), "{refused}");
    let text = "#cloud-config\nc: |\n  {% if b %}\n  a\n  {% endif %}\n  {{ v }}\n";
    let refused = render(text, &[("b", ""), ("v", "  two")]).unwrap_err();
    assert!(refused.contains("starts with blanks"), "{refused}");
}

/// What the host's Jinja shall fill in keeps its line.
#[test]
fn a_raw_block_leaves_the_lines_end() {
    let text = "#cloud-config\nruncmd:\n- echo {% raw %}{{ x }}{% endraw %}\n- |\n  a {% raw %}{{ y }}{% endraw %}\n  b {{ v }}\n{% raw %}\n# {{ z }}\n{% endraw %}\n- c\n";
    assert_eq!(
        render(text, &[("v", "1")]).unwrap(),
        "#cloud-config\nruncmd:\n- echo {{ x }}\n- |\n  a {{ y }}\n  b 1\n# {{ z }}\n- c\n"
    );
}

#[test]
fn numbers_lists_and_statements() {
    let text = "#cloud-config\nport: {{ port }}\nname: {{ name }}\ntags: {{ tags }}\n{% for nic in nics %}\n{{ nic }}: {type: dhcp}\n{% endfor %}\n{% if big %}\nbig: true\n{% endif %}\nend: x\n";
    let list = |items: &[&str]| {
        SiteValue::List(items.iter().map(|item| SiteValue::Text((*item).into())).collect())
    };
    let values = BTreeMap::from([
        ("port".to_owned(), SiteValue::number("5080")),
        ("name".to_owned(), SiteValue::Text("0123".into())),
        ("tags".to_owned(), list(&["a", "no"])),
        ("nics".to_owned(), list(&["eth0", "eth1"])),
        ("big".to_owned(), SiteValue::Boolean(false)),
    ]);
    let filled = template(text).unwrap().render(&values).unwrap();
    assert_eq!(
        filled,
        "#cloud-config\nport: 5080\nname: \"0123\"\ntags: [\"a\", \"no\"]\neth0: {type: dhcp}\neth1: {type: dhcp}\nend: x\n"
    );
}

#[test]
fn mappings_and_their_values_keep_their_kinds() {
    let mapping = |entries: &[(&str, SiteValue)]| {
        SiteValue::Mapping(
            entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
        )
    };
    let text = |text: &str| SiteValue::Text(text.to_owned());
    let values = BTreeMap::from([
        ("tags".to_owned(), mapping(&[("a", text("no")), ("on", mapping(&[("b", text("{{"))]))])),
        ("net".to_owned(), mapping(&[("ip", text("10.0.0.7/24")), ("none", SiteValue::Null)])),
        (
            "list".to_owned(),
            SiteValue::List(vec![
                SiteValue::Null,
                SiteValue::number("0.5"),
                SiteValue::number("1000.0"),
                SiteValue::number("18446744073709551615"),
                mapping(&[("c", SiteValue::Boolean(true))]),
            ]),
        ),
        ("ratio".to_owned(), SiteValue::number("0.5")),
    ]);
    let source = "#cloud-config\nx: {{ tags }}\nip: {{ net.ip }}\nq: \"{{ net['ip'] }}\"\nl: {{ list }}\nr: {{ ratio }}\n{% for k in tags %}\nk-{{ k }}: 1\n{% endfor %}\n";
    assert_eq!(
        template(source).unwrap().render(&values).unwrap(),
        "#cloud-config\nx: {a: \"no\", \"on\": {b: \"\\x7B{\"}}\nip: \"10.0.0.7/24\"\nq: \"10.0.0.7/24\"\nl: [null, 0.5, 1000.0, 18446744073709551615, {c: true}]\nr: 0.5\nk-a: 1\nk-on: 1\n"
    );
    let fails = |source: &str| template(source).unwrap().render(&values).unwrap_err().to_string();
    assert!(fails("#cloud-config\nx: {{ net.none }}\n").contains("is null"));
    assert!(fails("#cloud-config\nx: {{ net.mask }}\n").contains("`net.mask` has no value"));
    assert!(fails("#cloud-config\nx: a {{ net }}\n").contains("whole of a value"));
}

/// As they are spelled in the sites, wherever they land.
#[test]
fn numbers_and_words_are_spelled_as_in_the_sites() {
    let sites = "v: 1.10\nbig: 123456789012345678901234567890123456789012\nn: 5\nzip: 0123\ncountry: NO\non: true\nlist: [1.10, no, 7]\nday: 2024-01-01\nplus: +5\nbase: &b {x: 0x1F}\nnet: {<<: *b, y: ~}\n";
    let SiteValue::Mapping(values) = read_site_values(sites).unwrap() else { panic!() };
    let source = "#cloud-config\na: {{ v }}\nb: \"{{ v }}\"\nc: x-{{ v }}\nd: {{ big }}\ne: {{ n + 1 }}\nf: {{ zip }}\ng: {{ country }}\n{% if on %}\nh: {{ on }}\n{% endif %}\ni: {{ list }}\nj: {{ day }}\nk: {{ plus }}\nl: {{ net.x }}\nm: {{ (v | float) * 2 }}\nn: {{ v | int }}\n";
    let expected = "#cloud-config\na: 1.10\nb: \"1.10\"\nc: x-1.10\nd: 123456789012345678901234567890123456789012\ne: 6\nf: \"0123\"\ng: \"NO\"\nh: true\ni: [1.10, \"no\", 7]\nj: \"2024-01-01\"\nk: +5\nl: 0x1F\nm: 2.2\nn: 1\n";
    assert_eq!(template(source).unwrap().render(&values).unwrap(), expected);
    for (text, message) in [
        ("a: 1\na: 2\n", "line 2, column 1: a key that stands twice; keep one"),
        ("a: &a [*a]\n", "line 1, column"),
        ("a: !foo b\n", "line 1, column 9: a value with a tag; remove the tag"),
        ("[a]: 1\n", "line 1, column 1: a key that is not a text; quote it"),
    ] {
        let error = read_site_values(text).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn findings_have_their_line_in_the_template() {
    let text = "#cloud-config\nstylus:\n  debug: {{ d }}\n\nusers:\n- name: a\n- name: {{ u }}\npackage_update: {{ p }}\n";
    let template = SiteTemplate::new(text, Ok::<_, TemplateError>).unwrap();
    for (path, line) in [
        ("package_update", Some(8)),
        ("users[1].name", Some(7)),
        ("stylus.debug", Some(3)),
        ("stylus.registryCredentials.domain", Some(2)),
        ("nothing", None),
        ("", None),
    ] {
        assert_eq!(template.line_of(path), line, "{path}");
    }
    let text =
        "#cloud-config\nusers:\n{% for u in us %}\n- name: {{ u }}\n{% endfor %}\n- name: b\n";
    let template = SiteTemplate::new(text, Ok::<_, TemplateError>).unwrap();
    assert_eq!(template.line_of("users[1].name"), Some(2));
}

#[test]
fn what_cannot_be_written_is_refused() {
    let fails = |text: &str, value: &str| {
        render(&format!("#cloud-config\n{text}\n"), &[("a", value)]).unwrap_err()
    };
    assert_eq!(fails("x: {{ b }}", "1"), "line 2: `b` has no value");
    assert_eq!(fails("x: {{ a.b.c }}", "1"), "line 2: `a.b` is undefined");
    assert!(fails("x: pre-{{ a }}", "y: z").contains("put quotes around the whole value"));
    assert!(fails("x:\n  - |\n    {{ a | indent(4) }}", "1\n2").contains("write `indent(0)`"));
    assert!(fails("x: |\n  b:\n    {{ a | indent(width=4) }}", "1").contains("write `indent(2)`"));
    let nested = render("#cloud-config\nx: |\n  b:\n    {{ a | indent(2) }}\n", &[("a", "1\n2")]);
    assert_eq!(nested.unwrap(), "#cloud-config\nx: |\n  b:\n    1\n    2\n");
    assert!(fails("x: '{{ a }}'", "1\n2").contains("use double quotes"));
    assert!(fails("x: >\n  {{ a }}", "1\n2").contains("several lines"));
    assert!(fails("x: |\n  {{ a }}", "\n  1\n2").contains("starts with blanks"));
    assert!(fails("x: |\n  {{ a }}", "1\r\n2").contains("control characters"));
    assert_eq!(fails("x: a{{ a ~ foo }}", "1"), "line 2: `foo` is undefined");
    assert_eq!(fails("x: {{ foo | join(',') }}", "1"), "line 2: what is joined has no value");
    let bad = template("#cloud-config\nx: {{ a\n").unwrap_err().to_string();
    assert_eq!(bad, "line 2: `{{` is never closed");
    let bad = template("#cloud-config\nx: [{{ a }}\n").unwrap_err().to_string();
    assert!(bad.starts_with("line 2, column"), "{bad}");
    assert!(fails("x: {{ a | nonsense }}", "1").contains("nonsense"));
}

/// PyYAML and Go's YAML begin a new line behind them, also in a comment.
#[test]
fn other_readers_line_ends_bring_in_nothing() {
    for end in ['\u{85}', '\u{2028}', '\u{2029}', '\r', '\n'] {
        let value = format!("x{end}runcmd: [evil]");
        let filled =
            render("#cloud-config\n# {{ a }}\nb: {{ a }}\nc: \"{{ a }}\"\n", &[("a", &value)]);
        let filled = filled.unwrap();
        assert!(filled.starts_with("#cloud-config\n# x runcmd: [evil]\nb: \""), "{filled:?}");
        assert!(filled.chars().all(|c| c == '\n' || !c.is_control()), "{filled:?}");
        assert!(!filled.contains(['\u{2028}', '\u{2029}']), "{filled:?}");
        let fails = |text: &str| render(text, &[("a", &value)]).is_err();
        assert!(fails("#cloud-config\nb: '{{ a }}'\n"));
        assert!(end == '\n' || fails("#cloud-config\nb: |\n  {{ a }}\n"));
        assert!(fails("#cloud-config\nb: >\n  {{ a }}\n"));
        assert!(fails("#cloud-config\nb: x-{{ a }}\n"));
    }
}

#[test]
fn values_are_no_templates_on_the_host() {
    let text = "## template: jinja\n#cloud-config\n# {{ a }}\nb: '{{ a }}'\nc: \"{{ a }}\"\nd: {{ a }}\ne: |\n  {{ a }}% y\n";
    let mark = "{{ \"{\" }}";
    let filled = render(text, &[("a", "{% x %} {")]).unwrap();
    let raw = format!("{mark}% x %}} {mark}");
    let expected = format!(
        "## template: jinja\n#cloud-config\n# {raw}\nb: '{raw}'\nc: \"\\x7B% x %}} \\x7B\"\nd: \"\\x7B% x %}} {{\"\ne: |\n  {raw}% y\n"
    );
    assert_eq!(filled, expected);
    let text = "#cloud-config\nstages:\n  boot:\n    - commands: {{ list }}\n      name: '{{ a }}'\n      files:\n        - {path: /a, content: \"{{ a }}\"}\n        - path: /b\n          content: |\n            {{ a }}\n";
    let filled = render_with_list(text, &[("a", "{{ x }}")], "list", &["{{ y }}", "z"]).unwrap();
    let mark = "{{ \"{{\" }}";
    let quoted = "\\x7B{ \\\"\\x7B{\\\" }}";
    let expected = format!(
        "#cloud-config\nstages:\n  boot:\n    - commands: [\"{quoted} y }}}}\", \"z\"]\n      name: '{{{{ x }}}}'\n      files:\n        - {{path: /a, content: \"{quoted} x }}}}\"}}\n        - path: /b\n          content: |\n            {mark} x }}}}\n"
    );
    assert_eq!(filled, expected);
    assert_eq!(check(&filled, None), []);
    // The same keys are nothing to cloud-init.
    let text = "#cloud-config\nwrite_files:\n  - path: /a\n    content: '{{ a }}'\n";
    assert!(render(text, &[("a", "{{ x }}")]).unwrap().ends_with("content: '{{ x }}'\n"));
    let kairos = format!("{text}install: {{}}\n");
    assert!(render(&kairos, &[("a", "{{ x }}")]).unwrap().contains(&format!("'{mark} x }}}}'")));
    // Where a list of files is put in, nothing tells which of its texts are run.
    let text = "#cloud-config\nstages:\n  boot: {{ steps }}\n";
    let error = render_with_list(text, &[], "steps", &["{{ x }}"]).unwrap_err();
    assert!(
        error.contains("`steps` holds `{{`, which Kairos would take for a template"),
        "{error}"
    );
    let escaped = format!("{mark} x }}}}");
    assert!(render_with_list(text, &[], "steps", &[&escaped]).is_ok());
}

fn render_with_list(
    text: &str,
    values: &[(&str, &str)],
    name: &str,
    items: &[&str],
) -> Result<String, String> {
    let mut values = site(values);
    let items = items.iter().map(|item| SiteValue::Text((*item).into())).collect();
    values.insert(name.to_owned(), SiteValue::List(items));
    template(text).unwrap().render(&values).map_err(|error| error.to_string())
}

#[test]
fn lines_of_a_value_are_indented_as_their_block() {
    let text = "#cloud-config\nwrite_files:\n  - path: /etc/motd\n    content: |\n      # {{ name }}\n        {{ motd }}\n      end\n  - content: |2-\n        {{ motd }}\n";
    let motd = "one: two\n\n  three\nfour";
    let filled = render(text, &[("name", "a"), ("motd", motd)]).unwrap();
    let expected = "#cloud-config\nwrite_files:\n  - path: /etc/motd\n    content: |\n      # a\n        one: two\n\n        three\n      four\n      end\n  - content: |2-\n        one: two\n\n        three\n      four\n";
    assert_eq!(filled, expected);
}

#[test]
fn parts_of_a_value_make_a_text() {
    let text = "#cloud-config\na: {{ a }}{{ b }}\nb: 1{{ a }}\nc: {x: {{ a }} {{ b }}, y: n{{ b }}}\nd: edge-{{ a }}\ne: {{ a }}\\\"q\n{{ a }}{{ b }}: 1\nf: {% if a %}{{ a }}{% endif %}\n";
    let filled = render(text, &[("a", "n"), ("b", "o")]).unwrap();
    let expected = "#cloud-config\na: \"no\"\nb: \"1n\"\nc: {x: \"n o\", y: \"no\"}\nd: edge-n\ne: \"n\\\\\\\"q\"\n\"no\": 1\nf: \"n\"\n";
    assert_eq!(filled, expected);
}

/// Where a condition or a loop stands in a value, in brackets too, that isn't
/// one text any more.
#[test]
fn statements_inside_of_values_leave_the_rest_as_it_is() {
    let texts = |items: &[&str]| {
        SiteValue::List(items.iter().map(|item| SiteValue::Text((*item).into())).collect())
    };
    let values = BTreeMap::from([
        ("ntp".to_owned(), texts(&["10.0.0.1", "ntp.acme.example", "b: c"])),
        ("t".to_owned(), SiteValue::Boolean(true)),
        ("n".to_owned(), SiteValue::number("8080")),
        ("p".to_owned(), SiteValue::Text("no".into())),
    ]);
    for (text, expected) in [
        (
            "[{% for s in ntp %}{{ s }}, {% endfor %}]",
            r#"["10.0.0.1", ntp.acme.example, "b: c", ]"#,
        ),
        (
            r#"[{% for s in ntp %}"{{ s }}", {% endfor %}]"#,
            r#"["10.0.0.1", "ntp.acme.example", "b: c", ]"#,
        ),
        (
            "[{% for s in ntp %}'{{ s }}'{% if not loop.last %}, {% endif %}{% endfor %}]",
            "['10.0.0.1', 'ntp.acme.example', 'b: c']",
        ),
        (
            "{ {% for s in ntp %}t{{ loop.index }}: {{ s }}, {% endfor %} }",
            r#"{ t1: "10.0.0.1", t2: ntp.acme.example, t3: "b: c",  }"#,
        ),
        ("{a: 1, {% if t %}b: {{ p }},{% endif %} c: d}", r#"{a: 1, b: "no", c: d}"#),
        ("{% if t %}true{% else %}false{% endif %}", "true"),
        ("{% if t %}{{ n }}{% else %}60{% endif %}", "8080"),
        ("[80, 443{% if t %}, {{ n }}{% endif %}]", "[80, 443, 8080]"),
        ("{% if t %}[a, b]{% endif %}", "[a, b]"),
        ("x{% if t %}-{{ n }}{% endif %}", "x-8080"),
        ("1{# why #}", "1"),
        ("{{ n }}{# why #}", "8080"),
    ] {
        let template = template(&format!("#cloud-config\nk: {text}\nl: 1\n")).unwrap();
        let rendered = template.render(&values).map_err(|error| error.to_string());
        assert_eq!(rendered, Ok(format!("#cloud-config\nk: {expected}\nl: 1\n")), "{text}");
    }
    // What the other branch is can't be told.
    let text = "#cloud-config\nk: {% if t %}{{ p }}{% else %}b{% endif %}\n";
    let error = template(text).unwrap().render(&values).unwrap_err().to_string();
    assert!(error.contains("put quotes around it"), "{error}");
}

#[test]
fn lines_of_errors_are_those_of_the_template() {
    let edit = |text: String| {
        Ok::<_, TemplateError>(
            text.replace("#cloud-config\n", "#cloud-config\nmore: 1\nlines: 2\n"),
        )
    };
    let template = SiteTemplate::new("#cloud-config\na: {{ a }}\nb: {{ b }}\n", edit).unwrap();
    let error = template.render(&site(&[("a", "1")])).unwrap_err();
    assert_eq!(error.to_string(), "line 3: `b` has no value");
}

#[test]
fn a_password_that_looks_like_a_word_stays() {
    let text = "#cloud-config\na: {{ a }}\n";
    for password in ["edgehole0z", "edgeholex0z edgehole0z", "edgehole"] {
        let edit =
            |text: String| Ok::<_, TemplateError>(format!("{text}password: \"{password}\"\n"));
        let template = SiteTemplate::new(text, edit).unwrap();
        let filled = template.render(&site(&[("a", "x")])).unwrap();
        assert_eq!(filled, format!("#cloud-config\na: x\npassword: \"{password}\"\n"));
    }
}

fn palette() -> Injection {
    Injection {
        flavor: Flavor::Palette,
        registry: Prefix::parse("reg.local:5000/edge").unwrap(),
        username: "puller".into(),
        password: Secret::new("{{ not a template }}"),
        insecure: false,
        ca_pem: None,
        rules: vec![HostRule {
            source: Prefix::parse("quay.io").unwrap(),
            target: Prefix::parse("reg.local:5000/edge/quay.io").unwrap(),
        }],
        listed: false,
        site: SiteSettings::default(),
        runtime: None,
    }
}

#[test]
fn a_registry_is_injected_once_for_all() {
    let text = "#cloud-config\nstylus:\n  site:\n    name: {{ name }}\n{% if tags %}\n    tags: {{ tags }}\n{% endif %}\n";
    let injection = palette();
    let edit = |text: String| {
        inject(&text, &injection)
            .map_err(|error| TemplateError::Template { line: 0, message: error.to_string() })
    };
    let template = SiteTemplate::new(text, edit).unwrap();
    let mut values = site(&[("name", "plant: 7")]);
    values.insert("tags".to_owned(), SiteValue::Mapping(BTreeMap::new()));
    let filled = template.render(&values).unwrap();
    let settings = read_settings(&filled).unwrap();
    assert_eq!(settings.registries[0].password.expose(), "{{ not a template }}");
    assert_eq!(settings.rules.len(), 1);
    assert_eq!(check(&filled, None), []);
    assert_eq!(inject(&filled, &injection).unwrap(), filled);
    assert!(filled.contains("name: \"plant: 7\"\n"), "{filled}");
    // What was added can be taken out again, wherever it stands in the site's.
    let removed = remove(&filled).unwrap();
    let plain = SiteTemplate::new(text, Ok::<_, TemplateError>).unwrap();
    assert_eq!(removed, Removed { text: plain.render(&values).unwrap(), is_edited: false });
    let edited = filled.replace("plant: 7", "plant: 8") + "hostname: a\n";
    let expected = removed.text.replace("plant: 7", "plant: 8") + "hostname: a\n";
    assert_eq!(remove(&edited).unwrap(), Removed { text: expected, is_edited: true });
    // A condition behind the section is none around the registry.
    let next = format!("{text}{{% if more %}}\nhostname: a\n{{% endif %}}\n");
    values.insert("more".to_owned(), SiteValue::Boolean(false));
    let filled = SiteTemplate::new(&next, edit).unwrap().render(&values).unwrap();
    assert_eq!(read_settings(&filled).unwrap().registries.len(), 1, "{filled}");
    let own = "#cloud-config\nstylus:\n  registryCredentials:\n    domain: \"{{ a }}\"\n";
    let error = SiteTemplate::new(own, edit).unwrap_err().to_string();
    assert!(
        error.starts_with("line 4: an expression stands where a value of the registry"),
        "{error}"
    );
}

proptest! {
    /// Whatever the sites' values are, and wherever the template has them.
    #[test]
    fn what_was_added_to_sites_can_be_removed(
        value in "\\PC{0,12}",
        flag: bool,
        at in 0..6_usize,
        dos: bool,
    ) {
        let text = [
            "#cloud-config\nstylus: {site: {name: \"{{ a }}\"}}\n",
            "#cloud-config\n# {{ a }}\nstylus:\n",
            "#cloud-config\n{% if b %}\nhostname: x\n{% endif %}\nnote: {{ a }}\n",
            "#cloud-config\nstylus:\n  registryCredentials:\n    domain: other.local # {{ a }}\n  site: {name: {{ a }}}\n",
            "#cloud-config\nnote: {{ a }}\nstylus: {}  # {{ a }}\nend: |\n  x{{ b }}",
            "#cloud-config\nstylus:\n  site:\n    tags: {a: {{ a }}}\n{% for x in [1, 2] %}\nn{{ x }}: 1\n{% endfor %}\n",
        ][at];
        let text = if dos { text.replace('\n', "\r\n") } else { text.to_owned() };
        let injection = palette();
        let edit = |text: String| {
            inject(&text, &injection)
                .map_err(|error| TemplateError::Template { line: 0, message: error.to_string() })
        };
        let template = SiteTemplate::new(&text, edit).unwrap();
        let mut values = site(&[("a", &value)]);
        values.insert("b".to_owned(), SiteValue::Boolean(flag));
        let filled = template.render(&values).unwrap();
        prop_assert!(inject(&filled, &injection).unwrap() == filled, "{}", filled);
        let plain = SiteTemplate::new(&text, Ok::<_, TemplateError>).unwrap();
        match remove(&filled) {
            Ok(removed) => prop_assert_eq!(removed.text, plain.render(&values).unwrap()),
            Err(error) => prop_assert!(false, "{}\n{}", error, filled),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_lands_is_what_was_given(value in "\\PC{0,30}", quote in 0..3_u8) {
        // The password of a registry is what we can read back with places.
        let (open, close) = [("", ""), ("\"", "\""), ("'", "'")][usize::from(quote)];
        let text = format!(
            "#cloud-config\nstylus:\n  registryCredentials:\n    domain: reg.local\n    username: \"u\"\n    password: {open}{{{{ secret }}}}{close}\n"
        );
        let filled = render(&text, &[("secret", &value)]);
        // Other readers' line ends can't stand between single quotes.
        if quote == 2 && value.contains(['\u{2028}', '\u{2029}']) {
            prop_assert!(filled.is_err());
            return Ok(());
        }
        let filled = filled.unwrap();
        let settings = read_settings(&filled).unwrap();
        prop_assert_eq!(settings.registries[0].password.expose(), value.as_str());
    }

    #[test]
    fn no_template_panics(text in "[{}%#a-z:\"' \\n|-]{0,60}", value in "\\PC{0,10}") {
        if let Ok(template) = template(&format!("#cloud-config\n{text}")) {
            let _ = template.render(&site(&[("a", &value)]));
        }
    }
}

/// The agents run what stands in such a file, and plain cloud-init doesn't.
#[test]
fn values_with_marks_leave_the_line_that_tells_what_was_added() {
    let text = "#cloud-config\nhostname: {{ name }}\nwrite_files:\n- path: /x\n  content: |\n    {{ pw }}\n";
    let injection = Injection {
        flavor: Flavor::Palette,
        registry: Prefix::parse("reg.local/edge").unwrap(),
        username: "puller".to_owned(),
        password: Secret::new("s3cret"),
        insecure: false,
        ca_pem: None,
        rules: Vec::new(),
        listed: false,
        site: SiteSettings::default(),
        runtime: None,
    };
    let edit = |text: String| inject(&text, &injection).map_err(|_| TemplateError::Parts);
    let template = SiteTemplate::new(text, edit).unwrap();
    for pw in ["y", "x{{", "{{ a }}", "{%"] {
        let after = template.render(&site(&[("name", "a"), ("pw", pw)])).unwrap();
        assert!(after.contains("# edgectl: "), "{after}");
        assert!(!remove(&after).unwrap().text.contains("stylus"), "{after}");
    }
}
