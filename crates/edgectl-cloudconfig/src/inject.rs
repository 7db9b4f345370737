//! Credentials, mirror rules and a certificate authority into user data.

use crate::check::Flavor;
use crate::edit::put;
use crate::envelope::edit_part;
use crate::error::{InjectError, Place};
use crate::guard;
use crate::header::{is_cloud_config, is_kairos_config};
use crate::host_files::written_files;
use crate::injection::{HostFile, Injection};
use crate::plan;
use crate::settings::read_settings;
use crate::splice::Patch;
use crate::target::{Target, is_same_text};
use crate::trace::{self, Added, Traced};
use crate::tree::Document;

/// `text` with everything of `injection` set and every other byte as it was.
/// Injecting twice gives the same bytes as injecting once.
///
/// Of several parts (MIME multipart, cloud-config-archive) the last one that
/// has any of the keys is changed, else the first; one that is encoded, and
/// keys that are spread over several parts, are refused.
pub fn inject(text: &str, injection: &Injection) -> Result<String, InjectError> {
    edit_part(text, || plan::tops(injection), |part| inject_one(part, injection))
}

fn inject_one(text: &str, injection: &Injection) -> Result<String, InjectError> {
    // No other agent reads what has one of Kairos' own headers.
    let is_for_kairos = injection.flavor == Flavor::Kairos && is_kairos_config(text);
    if !is_cloud_config(text) && !is_for_kairos {
        return Err(InjectError::NotCloudConfig);
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

/// The text with everything set; nothing where it is so already.
fn inject_bare(traced: &Traced, injection: &Injection) -> Result<Option<String>, InjectError> {
    let bare = traced.text.as_str();
    let targets = plan::targets(bare, injection)?;
    let (after, patch) = put_all(bare, &targets, known(traced))?;
    // A second round over its own result proves that everything is there: what
    // is set already is left alone.
    let again = plan::targets(&after, injection)
        .and_then(|targets| put_all(&after, &targets, Patch::default()));
    let is_sound = again.is_ok_and(|(again, _)| again == after)
        && guard::only_sets(bare, &after, &targets).is_ok_and(|only| only);
    match is_sound {
        true if after == bare => Ok(None),
        true => Ok(Some(trace::write(&after, &patch))),
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
pub fn carries(text: &str, injection: &Injection) -> bool {
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
