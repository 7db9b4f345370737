//! Templates as cloud-init's own Jinja and YAML see them: what injecting does to
//! hosts, and what checking says.

#![allow(clippy::unwrap_used)]

mod generate;

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use edgectl_cloudconfig::{Flavor, Injection, Level, SiteSettings, check, inject};
use edgectl_model::{Prefix, Secret};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use generate::Template;

const PYTHON: &str = "/usr/bin/python3";
/// What its modules are of, and what tells that they are there.
const PACKAGES: [(&str, &str); 2] = [
    ("cloud-init", "/usr/lib/python3/dist-packages/cloudinit"),
    ("python3-jinja2", "/usr/lib/python3/dist-packages/jinja2"),
];
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/judged/cloud_init_renders.py");

#[derive(Serialize)]
struct Question<'a> {
    texts: Vec<&'a str>,
    values: &'a [Value],
}

#[derive(Deserialize)]
struct Answer {
    /// What Jinja says against each text.
    refused: Vec<Option<String>>,
    /// Each text with each of the values.
    rendered: Vec<Vec<Rendered>>,
}

#[derive(Deserialize)]
struct Rendered {
    #[serde(default)]
    text: String,
    #[serde(default)]
    yaml: Value,
    error: Option<String>,
}

/// One process answers all.
#[expect(clippy::disallowed_methods, reason = "cloud-init judges, in tests alone")]
fn answers(questions: &[Question<'_>]) -> Vec<Answer> {
    for (package, path) in PACKAGES {
        assert!(Path::new(path).exists(), "{path} is missing: `apt-get install {package}`");
    }
    let mut python = std::process::Command::new(PYTHON)
        .arg(SCRIPT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = python.stdin.take().unwrap();
    let asked = serde_json::to_vec(questions).unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&asked));
    let said = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(said.status.success());
    serde_json::from_slice(&said.stdout).unwrap()
}

fn injection() -> Injection {
    Injection {
        flavor: Flavor::Palette,
        registry: Prefix::parse("reg.local:5000/edge").unwrap(),
        username: "puller".to_owned(),
        password: Secret::new("s3cret: #1 {{"),
        insecure: false,
        ca_pem: None,
        rules: Vec::new(),
        listed: false,
        site: SiteSettings::default(),
        runtime: None,
    }
}

/// Lines of the errors that `check` finds in the YAML of a template.
fn syntax_errors(text: &str) -> Vec<String> {
    let is_error = |finding: &edgectl_cloudconfig::Finding| {
        finding.rule == "yaml-syntax" && finding.level == Level::Error
    };
    check(text, None)
        .into_iter()
        .filter(is_error)
        .map(|finding| format!("{}: {}", finding.place.line, finding.message))
        .collect()
}

/// What a host has with the registry in it, and what the rest of it was.
fn without_registry(mut yaml: Value) -> (Option<Value>, Value) {
    let registry = yaml
        .get_mut("stylus")
        .and_then(Value::as_object_mut)
        .and_then(|stylus| stylus.remove("registryCredentials"));
    if yaml.get("stylus").is_some_and(|stylus| stylus.as_object().is_some_and(|s| s.is_empty())) {
        yaml.as_object_mut().unwrap().remove("stylus");
    }
    if yaml.as_object().is_some_and(|yaml| yaml.is_empty()) {
        yaml = Value::Null;
    }
    (registry, yaml)
}

#[test]
fn hosts_get_the_registry_and_else_what_they_had() {
    let templates: Vec<Template> = (0..250).map(Template::of).collect();
    let injected: Vec<_> =
        templates.iter().map(|template| inject(&template.text, &injection())).collect();
    let texts = templates.iter().zip(&injected).map(|(template, injected)| {
        let after = injected.as_ref().ok().map(String::as_str);
        [template.text.as_str()].into_iter().chain(after).collect()
    });
    let questions: Vec<Question<'_>> = texts
        .zip(&templates)
        .map(|(texts, template)| Question { texts, values: &template.values })
        .collect();
    let mut wrong = Vec::new();
    let mut done = 0;
    for ((template, after), answer) in templates.iter().zip(&injected).zip(answers(&questions)) {
        assert_eq!(answer.refused[0], None, "{}", template.text);
        let Ok(after) = after else { continue };
        done += 1;
        let [was, is] = &answer.rendered[..] else { panic!("{after}") };
        for ((was, is), values) in was.iter().zip(is).zip(&template.values) {
            // Which is so without us.
            if was.error.is_some() {
                continue;
            }
            let (registry, rest) = without_registry(is.yaml.clone());
            let registry =
                registry.and_then(|registry| Some(registry["domain"].as_str()?.to_owned()));
            let (_, before) = without_registry(was.yaml.clone());
            if registry.as_deref() != Some("reg.local:5000/edge") || rest != before {
                wrong.push(format!("{after}\n{values}\n{}\n{:?}", is.text, is.error));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n---\n"));
    assert!(done > 100, "{done} of them can be injected into");
}

/// Some of the templates, with what each of them is refused for on some host.
fn refused(templates: &[Template]) -> Vec<Option<String>> {
    let questions: Vec<Question<'_>> = templates
        .iter()
        .map(|template| Question { texts: vec![&template.text], values: &template.values })
        .collect();
    let error = |answer: &Answer| answer.rendered[0].iter().find_map(|one| one.error.clone());
    answers(&questions).iter().map(error).collect()
}

#[test]
fn errors_are_those_of_hosts() {
    let templates: Vec<Template> =
        (1000..1150).map(Template::plain).chain((2000..2100).map(Template::of)).collect();
    let mut wrong = Vec::new();
    let mut odd = 0;
    for (n, (template, refused)) in templates.iter().zip(refused(&templates)).enumerate() {
        let told = syntax_errors(&template.text);
        odd += usize::from(refused.is_some());
        // What is set can't be known: more is told than any host has.
        let is_exact = n < 150 && template.is_whole;
        // Lines that come to stand elsewhere are wrong where they are YAML, too.
        let is_moved = |one: &String| one.contains("the line below");
        let is_more = !told.iter().all(is_moved);
        if refused.is_some() && told.is_empty() || is_exact && refused.is_none() && is_more {
            wrong.push(format!("{}\nthey: {refused:?}\nwe: {told:?}", template.text));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n---\n"));
    assert!((20..200).contains(&odd), "{odd} of them are no YAML somewhere");
}

/// What is often written for what Jinja has.
const WRITTEN: &str = include_str!("written.txt");

#[test]
fn what_jinja_cannot_read_is_told_and_nothing_else() {
    let head = "## template: jinja\n#cloud-config\n";
    let written = WRITTEN.lines().filter(|line| !line.is_empty());
    let mut texts: Vec<String> = written.map(|line| format!("{head}a: \"{line}\"\n")).collect();
    texts.extend((0..500).map(generate::broken));
    let questions: Vec<Question<'_>> =
        texts.iter().map(|text| Question { texts: vec![text], values: &[] }).collect();
    let mut wrong = Vec::new();
    let mut odd = 0;
    for (text, answer) in texts.iter().zip(answers(&questions)) {
        // Not what is no YAML, or which hosts alone don't come by.
        let is_of_jinja = |finding: &&edgectl_cloudconfig::Finding| {
            let said = finding.message.as_str();
            finding.rule == "yaml-syntax"
                && (said.ends_with("Jinja drops the whole file for it")
                    || said.contains("never closed")
                    || said.contains("statement of the template")
                    || said.contains("no such statement"))
        };
        let found = check(text, None);
        let told = found.iter().find(is_of_jinja).map(|finding| finding.message.as_str());
        let refused = &answer.refused[0];
        odd += usize::from(refused.is_some());
        if told.is_some() != refused.is_some() {
            wrong.push(format!("{text}\nthey: {refused:?}\nwe: {told:?}"));
        }
        assert!(told.is_none() || inject(text, &injection()).is_err(), "{text}");
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n---\n"));
    assert!((100..500).contains(&odd), "{odd} of them are refused");
}
