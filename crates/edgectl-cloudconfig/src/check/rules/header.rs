//! The first line, by which agents recognise user data.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::{Findings, Level, Rule, Subject};
use crate::check::finding::Finding;
use crate::check::subject::Flavor;
use crate::error::Place;
use crate::header::{
    behind_template, has_more_than_header, is_cloud_config, is_jinja_template, is_kairos_config,
    is_nearly_jinja, late_jinja,
};
use crate::mime::has_sections;
use crate::target::keys;

pub(in crate::check) static RULE: Rule = Rule {
    id: "header",
    level: Level::Error,
    summary: "the first line is not `#cloud-config`",
    check: |subject, findings| {
        check(subject.text, findings);
        add_expression(subject, findings);
        if subject.flavor != Flavor::CloudInit && has_more_than_header(subject.text) {
            let message = "Kairos' agents, Palette's among them, compare the whole line with \
                           `#cloud-config`, and pass the file over; write nothing behind it";
            findings.add(&RULE, Place::new(1, 1), "", message);
        }
    },
};

/// Whether a text begins with something else than a header, or what was meant for
/// one: a part of a declared type needs none.
pub(in crate::check) fn has_no_header(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    !text.starts_with('\u{feff}') && !is_nearly_jinja(first) && !is_cloud_config(text)
}

/// What only Jinja reads: cloud-init's own names, and statements.
static JINJA: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\{\{-?\s*(v1|ds)\.|\{%[-+]?\s*(if|for|set|else|elif|end[a-z]+|macro|raw)\b").ok()
});

/// Tells of the first of these where cloud-init doesn't run Jinja.
fn add_expression(subject: &Subject<'_>, findings: &mut Findings) {
    let is_run = is_jinja_template(subject.text) || late_jinja(subject.text).is_some();
    if is_run || subject.flavor != Flavor::CloudInit {
        return;
    }
    // A file that is a template itself is run by what it is for: cloud-init's of ntp.
    let own = subject.document.at(&keys(&["ntp", "config", "template"]));
    let own = own.map(|id| subject.document.node(id).range.clone());
    let is_it = |text: &str| {
        let is_file = text.to_ascii_lowercase().trim_start().starts_with("## template:");
        !is_file && JINJA.as_ref().is_some_and(|jinja| jinja.is_match(text))
    };
    let texts = subject.document.nodes.iter().filter(|node| own.as_ref() != Some(&node.range));
    if let Some(node) = texts.into_iter().find(|n| n.scalar().is_some_and(|(text, _)| is_it(text)))
    {
        let message = "an expression of cloud-init's templates stands here, and arrives on hosts \
                       as it is written: write `## template: jinja` into the first line, above \
                       `#cloud-config`, or let it be if another program runs it";
        findings.push(Finding { place: node.place, ..warning(message.to_owned()) });
    }
}

/// Tells of a template in a part that is declared to be cloud-config, which cloud-init
/// then reads as it is written.
pub(in crate::check) fn add_unrun_template(place: Place, findings: &mut Findings) {
    let message = "cloud-init runs no template in a part of type `text/cloud-config`: give it \
                   the type `text/jinja2`";
    findings.add(&RULE, place, "", message);
}

/// What else cloud-init takes for user data, by its first line.
const OTHERS: [(&str, &str); 5] = [
    ("#!", "a script"),
    ("#include", "a list of URLs"),
    ("#cloud-boothook", "a script"),
    ("#part-handler", "a handler of parts"),
    ("#cloud-config-jsonp", "patches"),
];

/// Tells of user data that cloud-init takes and that is no cloud-config; whether it
/// is that.
pub(in crate::check) fn add_other_kind(text: &str, findings: &mut Findings) -> bool {
    let kind = OTHERS.iter().find(|(start, _)| behind_template(text).starts_with(start));
    if let Some((_, what)) = kind {
        let message = format!(
            "this is {what}, which cloud-init takes, and no cloud-config: nothing of it was \
             checked, and no registry can be put in"
        );
        findings.push(warning(message));
    }
    kind.is_some()
}

/// Tells of parts none of which is cloud-config.
pub(in crate::check) fn add_no_cloud_config(text: &str, findings: &mut Findings) {
    let message = "none of its parts is cloud-config (`text/cloud-config`)";
    if !has_sections(text) {
        return findings.add(&RULE, Place::new(1, 1), "", message);
    }
    findings.push(warning(format!(
        "{message}: nothing of it was checked, and no registry can be put in"
    )));
}

fn warning(message: String) -> Finding {
    let (rule, path) = (RULE.id, String::new());
    Finding { rule, level: Level::Warning, place: Place::new(1, 1), path, message }
}

/// How far down a misplaced header is looked for.
const NEAR: usize = 20;

pub(in crate::check) fn check(text: &str, findings: &mut Findings) {
    let start = Place::new(1, 1);
    let is_header = |line: &str| is_cloud_config(line) || is_kairos_config(line);
    if text.starts_with('\u{feff}') {
        let message = "a byte order mark stands before the header, and cloud-init then passes \
                       the file over; save it as UTF-8 without the mark";
        return findings.add(&RULE, start, "", message);
    }
    if is_cloud_config(text) || text.lines().next().is_some_and(is_header) {
        if let Some(line) = late_jinja(text).filter(|_| !is_jinja_template(text)) {
            let message = "`## template: jinja` must be the very first line, above \
                           `#cloud-config`, or cloud-init runs nothing of the template";
            findings.add(&RULE, Place::new(line, 1), "", message);
        }
        return;
    }
    if text.lines().next().is_some_and(is_nearly_jinja) {
        let message = "a template's first line is exactly `## template: jinja`, or cloud-init \
                       passes the file over";
        return findings.add(&RULE, start, "", message);
    }
    let later = text.lines().take(NEAR).position(|line| is_header(line.trim_start()));
    let message = match later {
        Some(0) => "blanks stand before the header; it must be the very first bytes".to_owned(),
        Some(at) => format!(
            "the header stands in line {}; it must be the very first line, or the file is \
             passed over",
            at + 1
        ),
        None => "the first line must be `#cloud-config`, or the file is passed over".to_owned(),
    };
    findings.add(&RULE, start, "", message);
}
