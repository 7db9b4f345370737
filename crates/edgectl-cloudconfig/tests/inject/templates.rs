//! Templates of cloud-init's that are no YAML before they have run.

use std::collections::BTreeMap;

use edgectl_cloudconfig::{SiteTemplate, Source, TemplateError, check, merge, redact};
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

fn rendered(text: &str, big: bool) -> String {
    rendered_for(text, context! { v1 => context! { name => "seven", size => 7, big } })
}

/// As cloud-init runs it.
fn rendered_for(text: &str, host: minijinja::Value) -> String {
    let mut environment = Environment::new();
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true);
    environment.set_syntax(syntax.build().unwrap());
    let (_, text) = text.split_once('\n').unwrap();
    let text = text.replace("\r\n", "\n");
    let end = if text.ends_with('\n') { "\n" } else { "" };
    environment.render_str(&text, host).unwrap() + end
}

/// A statement takes the line end behind it along, and leaves the blanks before
/// it: what arrives is right, or nothing is written.
#[test]
fn what_stands_beside_a_statement_arrives_or_is_refused() {
    let head = "## template: jinja\n#cloud-config\n";
    for (text, is_taken) in [
        ("hostname: a\ntz: {% if v1.big %}x{% else %}y{% endif %}\n", true),
        ("hostname: a\r\ntz: {% if v1.big %}x{% else %}y{% endif %}\r\n", true),
        ("hostname: a\ntz: {% if v1.big %}x{% else %}y{% endif %}", true),
        ("stylus:\n  debug: {% if v1.big %}true{% else %}false{% endif %}\n\nhostname: x\n", true),
        ("hostname: a {# why #}\n", true),
        ("a: 1\n# {% if v1.big %}x{% endif %}\n", true),
        ("runcmd:\n  - echo {% if v1.big %}1{% endif %}\n", true),
        ("runcmd:\n- docker ps --format {% raw %}{{.Names}}{% endraw %}\n", true),
        ("foo: |\n  a\n  {% if v1.big %}b{% endif %}\n", true),
        ("hostname: a\ntz: a {% if v1.big %}x{% endif %}\n", true),
        ("hostname: {{ v1.name -}}\n", false),
        ("runcmd:\n  - ls\n  {% if v1.big -%}\n  - {{ v1.name }}\n  {% endif %}\n", true),
        ("hostname: a\n  {# the site #}\n", true),
        ("stylus:\n  debug: false\n  {# c #}\n", true),
        ("stylus:\n  site:\n    name: x\n{% if v1.big %}\n  debug: true\n{% endif -%}\n", false),
        ("{% raw %}\nrun: \"{{.N}}\"\nstylus:\n  site: {name: mine}\n{% endraw %}\n", false),
        ("hostname: a\n{% if v1.big %}\nfoo: 1\n{% endif %}", true),
        ("hostname: a\n{% set a = 1 %}{% set b = 2 %}\nfoo: {{ a }}\n", false),
    ] {
        let before = format!("{head}{text}");
        let after = match inject(&before, &full()) {
            Ok(after) => after,
            Err(error) => {
                assert!(!is_taken, "{error}\n{before}");
                continue;
            }
        };
        assert_eq!(remove(&after).unwrap().text, before);
        for big in [true, false] {
            let (was, is) = (rendered(&before, big), rendered(&after, big));
            assert_eq!(read_settings(&is).unwrap().rules.len(), 2, "{is}");
            let (mut was, mut is) = (values(&was), values(&is));
            was.remove("stylus");
            is.remove("stylus");
            assert_eq!(was, is, "{after}");
        }
    }
    let agents = Injection { flavor: Flavor::CloudInit, ..full() };
    let error = inject(TEMPLATE, &agents).unwrap_err().to_string();
    assert!(error.contains("`edge-agent` reads the file as it stands"), "{error}");
    let branch = "hostname: {{ v1.name }}\nstylus:\n{% if v1.big %}\n  registryCredentials: {domain: reg.local:5000/edge, username: u, password: p}\n{% endif %}\n";
    remove_by_force(&format!("{head}{branch}"), &full()).unwrap_err();
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
fn a_list_may_begin_with_a_loop() {
    let file = HostFile {
        path: "/etc/edgectl/a".into(),
        mode: 0o600,
        content: Secret::new("# Written by edgectl.\npassword: x\n"),
    };
    let setup = RuntimeSetup { files: vec![file], restart: Vec::new() };
    let host = Injection { flavor: Flavor::CloudInit, runtime: Some(setup), ..full() };
    let before = "## template: jinja\n{% set a = 1 %}\n{# b #}\n#cloud-config\nwrite_files:\n{% for k in [1, 2] %}\n- path: /etc/{{ k }}\n  content: a\n{% endfor %}\n";
    let after = inject(before, &host).unwrap();
    assert_eq!(remove(&after).unwrap().text, before);
    assert!(after.starts_with(&before[..before.find("write").unwrap()]), "{after}");
    let files = edgectl_cloudconfig::written_files(&rendered(&after, true)).unwrap();
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    assert!(paths.contains(&"/etc/2") && paths.contains(&"/etc/edgectl/a"), "{after}");
}

#[test]
fn lists_may_be_made_by_macros_and_blocks() {
    let head = "## template: jinja\n";
    for before in [
        "#cloud-config\n{% macro user(n) %}\n  - name: {{ n }}\n    groups: [a]\n{% endmacro %}\nusers:\n{{ user('a') }}\n{{ user('b') }}\nhostname: b\n",
        "{% macro m(n) %}\n- {{ n }}\n{% endmacro %}\n#cloud-config\nruncmd:\n{{ m('ls') }}\nhostname: b\n",
        "#cloud-config\n{% set users %}\n- a\n- b\n{% endset %}\nusers:\n{{ users }}\nhostname: b\n",
        "{% set users -%}\n- a\n{% endset %}\n{# a +#}\n#cloud-config\nhostname: b\nusers:\n{{ users }}\n",
    ] {
        let before = format!("{head}{before}");
        let after = inject(&before, &full()).unwrap_or_else(|e| panic!("{e}\n{before}"));
        assert_eq!(remove(&after).unwrap().text, before);
        assert_eq!(check(&after, None), [], "{after}");
        // cloud-init passes over blanks before the header, of what Jinja has made.
        let of = |text: &str| rendered(text, true).trim_start().to_owned();
        let (mut was, mut is) = (values(&of(&before)), values(&of(&after)));
        assert_eq!(read_settings(&of(&after)).unwrap().rules.len(), 2, "{after}");
        (_, _) = (was.remove("stylus"), is.remove("stylus"));
        assert_eq!(was, is, "{after}");
    }
    let twice =
        "#cloud-config\n{% macro m() %}\nstylus: {debug: true}\n{% endmacro %}\n{{ m() }}\n";
    inject(&format!("{head}{twice}"), &full()).unwrap_err();
}

#[test]
fn what_jinja_drops_is_not_written() {
    let head = "## template: jinja\n#cloud-config\nhostname: {{ a }}\n";
    for (text, place) in [
        ("{% if a %}\nb: 1\n{% else if c %}\nb: 2\n{% endif %}\n", "line 6, column 9"),
        ("b: \"{{ .Values.a }}\"\n", "line 4, column 8"),
        ("b: \"{{ a | nosuch }}\"\n", "line 4, column 12"),
    ] {
        let error = inject(&format!("{head}{text}"), &full()).unwrap_err().to_string();
        assert!(error.starts_with(place) && error.contains("drops the whole file"), "{error}");
    }
    let late = "b: \"{{ c | nosuch if a else 1 }}\"\n";
    inject(&format!("{head}{late}"), &full()).unwrap();
}

#[test]
fn what_hosts_would_have_or_not_is_refused() {
    let head = "## template: jinja\n#cloud-config\n";
    for (text, line, said) in [
        ("{% if a %}\nstylus:\n  debug: true\n{% endif %}\n", 4, "inside of a condition"),
        ("a: {{ b\n", 3, "`{{` is never closed"),
        ("a: 1\nb: {{ c }}\n{% if a %}x: [{% endif %}\n", 5, "this is a template"),
        ("stylus:\n  registryCredentials: {{ c }}\n", 4, "to be a mapping"),
    ] {
        let error = inject(&format!("{head}{text}"), &full()).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        assert!(error.contains(&format!("line {line}")), "{error}\n{text}");
    }
}

/// What a branch would do to the registry that only some hosts take.
#[test]
fn every_branch_counts() {
    let head = "## template: jinja\n#cloud-config\n";
    for text in [
        "hostname: a\n{% if c %}\nlocale: C\n{% elif b %}\ntimezone: {% if a %}Europe/Berlin{% else %}UTC{% endif %}\n{% endif %}\n",
        "{% if c %}\nlocale: C\n{% endif %}\n{% if a %}\nhostname: x\n{% else %}\n{% if b %}\ntimezone: {% if c %}UTC{% endif %}\n{% endif %}\n{% endif %}\n",
        "{% if a %}\nfoo: 1\n{% elif b %}\nbar: 1\n{%- endif %}\n",
        "hostname: a\n{% if a -%}\nlocale: C\n{%- endif %}\n",
        "hostname: a\n{% if a -%}\nlocale: C\n{%- endif %}",
        "{% if not b %}\nx: 1\n{% elif b %}\nk: |\n  t {% if c %}x{% endif %}\n{% endif %}\n",
    ] {
        let before = format!("{head}{text}");
        let after = inject(&before, &full()).unwrap();
        assert_eq!(remove(&after).unwrap().text, before);
        for host in 0..8 {
            let [a, b, c] = [1, 2, 4].map(|bit| host & bit > 0);
            let host = |text| values(&rendered_for(text, context! { a, b, c }));
            let (mut was, mut is) = (host(&before), host(&after));
            is.remove("stylus").unwrap();
            was.remove("stylus");
            assert_eq!(was, is, "{after}");
        }
    }
    for text in [
        "hostname: edge\n{% filter trim %}\ntimezone: UTC\n{% endfilter %}\n",
        "hostname: a\n{% if a -%}\nlocale: C\n{%- endif -%}\n",
    ] {
        let error = inject(&format!("{head}{text}"), &full()).unwrap_err().to_string();
        assert!(error.contains("on hosts the registry would not arrive"), "{error}\n{text}");
        assert!(error.starts_with("line 6,"), "{error}");
    }
    let conditions: String =
        (0..200).map(|n| format!("{{% if c{n} %}}\nk{n}: 1\n{{% endif %}}\n")).collect();
    let error = inject(&format!("{head}{conditions}"), &full()).unwrap_err().to_string();
    assert!(error.contains("more conditions than can be tried"), "{error}");
    // cloud-init's YAML reads a block that ends without a line end as it is.
    let open = "k1: 1\nk2: |\n  t {% if a %}x{% endif %}\nk3: {{ v }}";
    inject(&format!("{head}{open}"), &full()).unwrap_err();
    let line =
        "{% if a %}{% set p = 'x' %}{% else %}{% set p = 'y' %}{% endif %}\nhostname: {{ p }}\n";
    inject(&format!("{head}{line}"), &full()).unwrap();
    let error = inject(&format!("{head}{{% filter wordwrap %}}a: b{{% endfilter %}}\n"), &full());
    assert!(error.unwrap_err().to_string().starts_with("line 3, column 1: what this filter makes"));
    let tab = "hostname: a\n{%\traw %}\nstylus: {debug: true}\n{% endraw %}\n";
    inject(&format!("{head}{tab}"), &full()).unwrap_err();
}

/// A host that has one of many conditions alone.
#[test]
fn each_branch_counts_by_itself() {
    let head = "## template: jinja\n#cloud-config\n";
    let others = |count: usize| -> String {
        (1..count).map(|n| format!("{{% if v1.c{n} %}}\n\nk{n}: 1\n{{% endif %}}\n")).collect()
    };
    for count in 6..=40 {
        let others = others(count);
        let trimmed =
            "{% if v1.tz %}\n{% filter trim %}\ntimezone: UTC\n{% endfilter %}\n{% endif %}\n";
        let error = inject(&format!("{head}{trimmed}{others}"), &full()).unwrap_err().to_string();
        assert!(error.contains("on hosts the registry would not arrive"), "{count} {error}");
        // Here an empty line helps.
        let comment = "{% if v1.tz %}\ntimezone: UTC {# the plant in Ulm #}\n{% endif %}\n";
        let after = inject(&format!("{head}{comment}{others}"), &full()).unwrap();
        let host = rendered_for(&after, context! { v1 => context! { tz => true } });
        assert_eq!(read_settings(&host).unwrap().rules.len(), 2, "{host}");
    }
}

#[test]
fn what_swallows_the_registry_does_not_carry_it() {
    let after = inject("#cloud-config\n", &full()).unwrap();
    let body = after.lines().skip(2).collect::<Vec<_>>().join("\n");
    let whole = |above: &str| format!("## template: jinja\n#cloud-config\n{above}{body}\n");
    assert!(carries(&whole("{% if a %}\nb: 1\n{% endif %}\n"), &full()));
    assert!(!carries(&whole("b: |\n  a\n  {% if a %}b{% endif %}\n"), &full()));
    assert!(!carries(&whole("c: {# d #}\n"), &full()));
    let agents = Injection { flavor: Flavor::CloudInit, ..full() };
    assert!(!carries(&whole("b: {{ c }}-{{ d }}\n"), &agents));
}

/// Pieces of templates; `K` is another key each time.
const PIECES: [&str; 20] = [
    "K: {% if v1.big %}x{% else %}y{% endif %}\n\n",
    "K: x {# why #}\n\n",
    "K:\n  - a\n  {% if v1.big -%}\n  - b\n  {% endif %}\n\n",
    "{% raw %}\nK: \"{{.N}}\"\n{% endraw %}\n",
    "K: {{ v1.name -}}\n\n",
    "K: |\n  a\n  {% if v1.big %}b{% endif %}\n\n",
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
        let below_numbers = below.clone();
        let below = below.iter().enumerate().map(|(n, which)| (n + above.len(), which));
        let below: String = below.map(piece).collect();
        let section = SECTIONS[section];
        let text = format!("## template: jinja\n#cloud-config\n{above_text}{section}{below}");
        let before = if is_dos { text.replace('\n', "\r\n") } else { text };
        let Ok(after) = inject(&before, &full()) else {
            // Such pieces may make no YAML, or none that can be added to.
            let is_odd = above.iter().chain(&below_numbers).any(|piece| *piece < 6);
            prop_assert!(is_odd, "{}", before);
            return Ok(());
        };
        prop_assert_eq!(inject(&after, &full()).unwrap(), after.clone());
        prop_assert_eq!(remove(&after).unwrap().text, before.clone());
        for big in [true, false] {
            let (was, is) = (rendered(&before, big), rendered(&after, big));
            if from_yaml::<serde_json::Value>(&was).is_err() {
                continue;
            }
            prop_assert_eq!(read_settings(&is).unwrap().rules.len(), 2, "{}", is);
            let (mut was, mut is) = (values(&was), values(&is));
            let (own, now) = (was.remove("stylus"), is.remove("stylus").unwrap());
            prop_assert_eq!(was, is);
            for (key, value) in own.iter().flat_map(|own| own.as_object().unwrap()) {
                prop_assert!(&now[key] == value || key == "site", "{}", after);
            }
        }
    }

    /// Whatever stands there, nothing panics, and what is taken is taken once.
    #[test]
    fn any_text_is_read_or_refused(body in "([-a-z:\\[\\]|>ä \r\n\"'+]|\\{[{%#]|[}%#]\\}|(end)?(if|for|raw|set|else) ){0,60}") {
        let text = format!("## template: jinja\n#cloud-config\n{body}");
        if let Ok(after) = inject(&text, &full()) {
            prop_assert_eq!(inject(&after, &full()).unwrap(), after.clone());
            prop_assert_eq!(remove(&after).unwrap().text, text.clone());
        }
        let _ = check(&text, None);
        let _ = redact(&text);
        let _ = carries(&text, &full());
        let _ = SiteTemplate::new(&text, Ok::<_, TemplateError>);
        let _ = merge(&[Source { name: "a", text: &text }]);
    }
}

/// What cloud-init drops on some hosts carries no registry there.
#[test]
fn ways_that_are_no_yaml_are_refused_with_their_place() {
    let head = "## template: jinja\n#cloud-config\n";
    let (path, content) = ("/etc/edgectl/a".into(), Secret::new("a\n"));
    let setup =
        RuntimeSetup { files: vec![HostFile { path, mode: 0o600, content }], restart: Vec::new() };
    let host = Injection { flavor: Flavor::CloudInit, runtime: Some(setup), ..full() };
    let some = "hostname: edge\n{% if v1.region == 'eu' %}\ntimezone: {% if v1.x %}a{% endif %}\nlocale: de_DE\n{% endif %}\n";
    for (text, line) in [
        (some, 6),
        ("hostname: {{ v1.x }}\nlocale: C\t# x\n", 4),
        ("hostname: {{ v1.x }}\ny: !!foo b\n", 4),
    ] {
        let refused = inject(&format!("{head}{text}"), &host);
        let Err(InjectError::Template { place, message }) = refused else { panic!("{refused:?}") };
        assert_eq!(place.line, line, "{text}\n{message}");
        assert!(message.contains("drop the whole file"), "{message}");
    }
}
