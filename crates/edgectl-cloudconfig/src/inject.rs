//! Credentials, mirror rules and a certificate authority into user data.

use std::collections::BTreeSet;

use crate::check::{Flavor, refused_by, refused_by_all};
use crate::edit::put;
use crate::envelope::edit_part;
use crate::error::{InjectError, Place};
use crate::guard;
use crate::header::{has_more_than_header, is_cloud_config, is_kairos_config, is_used_template};
use crate::holes;
use crate::host_files::written_files;
use crate::injection::{HostFile, Injection};
use crate::jinja::faults;
use crate::lines;
use crate::plan;
use crate::rendered::{Extent, Ways};
use crate::settings::read_settings;
use crate::splice::{Patch, Span};
use crate::target::{Seg, Target, is_same_text};
use crate::template::{Template, is_template};
use crate::template_proof::proven;
use crate::trace::{self, Added, Traced};
use crate::tree::{Document, Id};

const EXPRESSION: &str =
    "an expression of the template stands where a value of the registry goes; take it out of there";
const AGENT: &str = "`edge-agent` reads the file as it stands, and this template (`## template: jinja`) is no YAML before cloud-init has run it; name the runtime that reads files (`--runtime containerd`, `k3s` or `rke2`), or write values in quotes and without statements";
const CONDITION: &str = "the registry's section stands inside of a condition or a loop of the template, and hosts would have it or not; take the section out of there";
const UNRUN: &str = "cloud-init runs no template in a part that is declared to be `text/cloud-config`, and reads this one as it is written: declare it `text/jinja2`, or leave the type away in an archive";

/// `text` with everything of `injection` set and every other byte as it was.
/// Injecting twice gives the same bytes as injecting once.
///
/// Of several parts (MIME multipart, cloud-config-archive) the last one that
/// has any of the keys is changed, else the first; one that is encoded, and
/// keys that are spread over several parts, are refused.
pub fn inject(text: &str, injection: &Injection) -> Result<String, InjectError> {
    edit_part(
        text,
        || plan::tops(injection),
        |part, is_declared| inject_one(part, is_declared, injection),
    )
}

fn inject_one(text: &str, is_declared: bool, injection: &Injection) -> Result<String, InjectError> {
    // No other agent reads what has one of Kairos' own headers.
    let is_for_kairos = injection.flavor == Flavor::Kairos && is_kairos_config(text);
    if is_declared && is_used_template(text) {
        return Err(InjectError::Template { place: Place::new(1, 1), message: UNRUN.into() });
    }
    // A part of a declared type needs no header, and one that has nothing has no place.
    let needs_none = is_declared && !text.trim().is_empty();
    if !needs_none && !is_cloud_config(text) && !is_for_kairos {
        return Err(InjectError::NotCloudConfig);
    }
    if injection.flavor != Flavor::CloudInit && has_more_than_header(text) {
        return Err(InjectError::Header);
    }
    let traced = trace::split(text);
    let after = inject_bare(&traced, injection).map_err(|error| below_trace(error, text))?;
    Ok(after.unwrap_or_else(|| text.to_owned()))
}

/// An error in a text without its trace, with its place in the text that has it.
fn below_trace(mut error: InjectError, text: &str) -> InjectError {
    let line = trace::line_of(text).map(|range| text[..range.start].matches('\n').count() + 1);
    if let (Some(line), Some(place)) = (line, error.place_mut())
        && place.line >= Place::new(line, 1).line
    {
        place.line += 1;
    }
    error
}

/// Cloud-init drops the whole file for what its Jinja can't read, the registry too.
fn ensure_read_by_jinja(bare: &str) -> Result<(), InjectError> {
    let faults = if is_template(bare) { faults(bare) } else { Vec::new() };
    let fault = faults.into_iter().find(|fault| !fault.is_late);
    fault.map_or(Ok(()), |fault| {
        let message = format!("{}: cloud-init's Jinja drops the whole file for it", fault.message);
        let place = lines::place(bare, fault.at);
        Err(InjectError::Template { place, message: message.into() })
    })
}

/// The same for what the YAML of those who read it can't read.
fn ensure_read(bare: &str, flavor: Flavor) -> Result<(), InjectError> {
    if let Some((place, message)) = refused_by_all(bare) {
        return Err(InjectError::Yaml { place, message });
    }
    let Ok(document) = Document::parse(bare) else { return Ok(()) };
    refused_by(flavor, bare, &document).map_or(Ok(()), |(place, message)| {
        Err(InjectError::Yaml { place, message: message.to_owned() })
    })
}

/// The text with everything set; nothing where it is so already.
fn inject_bare(traced: &Traced, injection: &Injection) -> Result<Option<String>, InjectError> {
    let bare = traced.text.as_str();
    ensure_read_by_jinja(bare)?;
    let mut templates = Template::each(bare)?.peekable();
    if templates.peek().is_none() {
        ensure_read(bare, injection.flavor)?;
        let Some((after, patch)) = changed(bare, known(traced), injection)? else {
            return Ok(None);
        };
        return match is_template(bare) {
            true => proven(bare, &after, patch, injection).map(Some),
            false => Ok(Some(trace::write(&after, &patch))),
        };
    }
    if injection.runtime.is_none() && injection.flavor != Flavor::Palette {
        return Err(InjectError::Template { place: Place::new(1, 1), message: AGENT.into() });
    }
    for template in templates {
        let told = |error: InjectError| error.in_template(&template);
        ensure_sure(&template, injection).map_err(told)?;
        let patch = moved(known(traced), |at| template.back(at));
        let Some((after, patch)) = changed(template.text(), patch, injection).map_err(told)? else {
            return Ok(None);
        };
        // What is put in could look like a word.
        if template.holes.are_all_in(&after) {
            let (after, patch) = in_template(&template, &after, patch)?;
            return proven(bare, &after, patch, injection).map(Some);
        }
        if let Some(line) = template.holes.first_gone(&after) {
            let place = Place::new(line, 1);
            return Err(InjectError::Template { place, message: EXPRESSION.into() });
        }
    }
    let place = Place::new(1, 1);
    let message = "no word can be found that isn't in the text".into();
    Err(InjectError::Template { place, message })
}

/// What is there already of the registry's sections must be there on all hosts.
pub(crate) fn ensure_sure(template: &Template, injection: &Injection) -> Result<(), InjectError> {
    let text = template.text();
    let document = Document::parse(text)?;
    for target in plan::targets(text, injection)? {
        for end in 1..=target.path.len() {
            let Some(id) = written_at(&document, &target.path[..end]) else { continue };
            let node = document.node(id);
            if template.holes.is_inside(text, node.range.start) {
                return Err(InjectError::Template { place: node.place, message: CONDITION.into() });
            }
        }
    }
    Ok(())
}

/// Where a path is written: a section may begin with what only some hosts have, and
/// its key may not.
fn written_at(document: &Document, path: &[Seg]) -> Option<Id> {
    let value = document.at(path)?;
    let (Seg::Key(key), above) = path.split_last()? else {
        return Some(value);
    };
    let mapping = if above.is_empty() { document.root? } else { document.at(above)? };
    let is_it = |id: Id| document.node(id).scalar().is_some_and(|(name, _)| name == key);
    let entries = document.entries(document.resolve(mapping)?);
    entries.iter().find(|(key, _)| is_it(*key)).map(|(key, _)| *key).or(Some(value))
}

/// The text that an edited one with words stands for.
fn in_template(
    template: &Template,
    after: &str,
    patch: Patch,
) -> Result<(String, Patch), InjectError> {
    let restored = template.holes.restored(after);
    if let Some(span) = patch.spans.iter().find(|s| template.holes.is_inside(after, s.range.start))
    {
        let place = lines::place(&restored.text, restored.there(span.range.start));
        return Err(InjectError::Template { place, message: CONDITION.into() });
    }
    let patch = moved(patch, |at| Some(restored.there(at)));
    Ok((restored.text, patch))
}

/// A patch of another text, of which `there` knows the places.
fn moved(patch: Patch, there: impl Fn(usize) -> Option<usize>) -> Patch {
    let span = |span: &Span| {
        let range = there(span.range.start)?..there(span.range.end)?;
        Some(Span { range, gone: span.gone.clone() })
    };
    match patch.spans.iter().map(span).collect() {
        Some(spans) => Patch { spans, ..patch },
        None => Patch { is_lossy: true, spans: Vec::new() },
    }
}

/// The text with everything set and what that has added; nothing where it is so
/// already.
fn changed(
    bare: &str,
    known: Patch,
    injection: &Injection,
) -> Result<Option<(String, Patch)>, InjectError> {
    let targets = plan::targets(bare, injection)?;
    let (after, patch) = put_all(bare, &targets, known)?;
    // A second round over its own result proves that everything is there: what
    // is set already is left alone.
    let again = plan::targets(&after, injection)
        .and_then(|targets| put_all(&after, &targets, Patch::default()));
    let is_sound = again.is_ok_and(|(again, _)| again == after)
        && guard::only_sets(bare, &after, &targets).is_ok_and(|only| only);
    match is_sound {
        true if after == bare => Ok(None),
        true => Ok(Some((after, patch))),
        // A place in the new text, which nobody sees, would help nobody.
        false => Err(InjectError::Unsupported {
            place: section_place(bare, injection)?,
            path: plan::top(injection).into(),
        }),
    }
}

/// What earlier injecting has put into a text.
fn known(traced: &Traced) -> Patch {
    let added = traced.trace.as_ref().map(|trace| trace.added(&traced.text));
    match (added, traced.has_line) {
        (Some(Added::Exactly(patch) | Added::Edited(patch)), _) => patch,
        (None, false) => Patch::default(),
        _ => Patch { is_lossy: true, ..Patch::default() },
    }
}

fn put_all(
    text: &str,
    targets: &[Target],
    mut patch: Patch,
) -> Result<(String, Patch), InjectError> {
    let mut text = text.to_owned();
    for target in targets {
        for splice in put(&text, target)? {
            patch.add(&text, &splice, target.leaf.is_open());
            text = splice.applied(&text);
        }
    }
    Ok((text, patch))
}

/// Whether finished user data carries the registry: its section, or all files
/// of the runtime. Much cheaper than injecting once more.
///
/// A template of cloud-init's carries it where what Jinja makes of it does,
/// whichever way its conditions go. `edge-agent` reads the template itself.
pub fn carries(text: &str, injection: &Injection) -> bool {
    let is_for_agent = injection.runtime.is_none() && injection.flavor != Flavor::Palette;
    if !is_template(text) || is_for_agent {
        return carries_as_it_stands(text, injection);
    }
    let mark = holes::marks(text).next().unwrap_or_default();
    let Ok(ways) = Ways::of(text, Extent::Pairs) else { return false };
    let rendered = (0..ways.count()).map(|way| ways.rendered(way, &mark));
    let Ok(rendered) = rendered.collect::<Result<Vec<_>, _>>() else { return false };
    let texts: BTreeSet<String> = rendered.into_iter().map(|rendered| rendered.text).collect();
    let mut texts = texts.iter().filter(|text| Document::parse(text).is_ok()).peekable();
    texts.peek().is_some() && texts.all(|text| carries_as_it_stands(text, injection))
}

fn carries_as_it_stands(text: &str, injection: &Injection) -> bool {
    let has_section = || {
        read_settings(text).is_ok_and(|settings| {
            settings.registries.iter().any(|registry| registry.domain == injection.registry)
        })
    };
    let Some(setup) = &injection.runtime else { return has_section() };
    let written = written_files(text).unwrap_or_default();
    let is_there = |file: &HostFile| {
        written.iter().any(|other| {
            other.path == file.path
                && other.mode == file.mode
                && is_same_text(other.content.expose(), file.content.expose())
        })
    };
    setup.files.iter().all(is_there) && (injection.flavor != Flavor::Palette || has_section())
}

fn section_place(text: &str, injection: &Injection) -> Result<Place, InjectError> {
    let document = Document::parse(text)?;
    let section = document.root.and_then(|root| document.get(root, plan::top(injection)));
    let start = section.or(document.root).map(|id| document.node(id).place);
    Ok(start.unwrap_or(Place::new(1, 1)))
}
