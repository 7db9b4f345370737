//! What archives hold, for people and for machines.

use edgectl_model::{Reference, count};
use edgectl_registry::{ArchivedImage, Archives, ErrorKind, RegistryError, Survey};
use serde_json::{Value, json};

use crate::cli::Output;
use crate::exit;
use crate::failure::{Failure, with_causes};
use crate::printer::{bytes, table};

/// The images of archives, each looked through.
pub(crate) struct Listing<'a> {
    images: Vec<(&'a ArchivedImage, Result<Survey, RegistryError>)>,
}

impl<'a> Listing<'a> {
    /// Looks through all of them; one that can't be used doesn't hide others.
    pub(crate) fn of(archives: &'a Archives) -> Result<Self, Failure> {
        let mut images = Vec::new();
        for image in archives.images() {
            match archives.survey(&image.digest) {
                Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error.into()),
                looked => images.push((image, looked)),
            }
        }
        Ok(Self { images })
    }

    /// The text for stdout.
    pub(crate) fn shown(&self, output: Output) -> String {
        match output {
            Output::Table => {
                let head = ["IMAGE", "DIGEST", "SIZE", "PLATFORMS", "ARCHIVE"].map(str::to_owned);
                let images = self.images.iter().flat_map(|(image, looked)| rows(image, looked));
                table(&std::iter::once(head.to_vec()).chain(images).collect::<Vec<_>>())
            }
            Output::Json => {
                let images = self.images.iter().map(|(image, looked)| value(image, looked));
                let images: Vec<Value> = images.collect();
                format!("{:#}\n", json!({ "schema": 1, "images": images }))
            }
        }
    }

    /// The failure of images that can't be used; none if all can.
    pub(crate) fn failure(&self) -> Option<Failure> {
        let failed: Vec<String> = self
            .images
            .iter()
            .flat_map(|(image, looked)| {
                let error = looked.as_ref().err().map(|error| with_causes(error));
                let refused = image.refused.iter();
                error.into_iter().chain(refused.map(|r| format!("`{}`: {}", r.name, r.why)))
            })
            .collect();
        let bad = self.images.iter().filter(|(i, l)| l.is_err() || !i.refused.is_empty()).count();
        let code = if bad == self.images.len() { exit::FAILED } else { exit::PARTLY };
        let text = format!("{bad} of {} can't be used", count(self.images.len(), "image"));
        let mut failure = Failure::new(code, text);
        failure.frames.extend(failed);
        (bad > 0).then_some(failure)
    }
}

/// A row for each name.
fn rows(image: &ArchivedImage, looked: &Result<Survey, RegistryError>) -> Vec<Vec<String>> {
    let refused = image.refused.iter().map(|refused| format!("{} (refused)", refused.name));
    let mut names: Vec<String> =
        image.names.iter().map(Reference::canonical).chain(refused).collect();
    if names.is_empty() {
        names.push("(no name)".to_owned());
    }
    let (size, platforms) = match looked {
        Ok(survey) => (size(survey), platforms(survey).join(",")),
        Err(_) => ("can't be used".to_owned(), String::new()),
    };
    let row = |name| {
        let digest = image.digest.to_string();
        vec![name, digest, size.clone(), platforms.clone(), image.place.clone()]
    };
    names.into_iter().map(row).collect()
}

fn size(survey: &Survey) -> String {
    let size = bytes(survey.blobs.values().sum());
    match survey.missing.len() {
        0 => size,
        missing => format!("{size}, {missing} missing"),
    }
}

fn platforms(survey: &Survey) -> Vec<String> {
    survey.platforms.iter().map(ToString::to_string).collect()
}

fn value(image: &ArchivedImage, looked: &Result<Survey, RegistryError>) -> Value {
    let survey = looked.as_ref().ok();
    let names: Vec<String> = image.names.iter().map(Reference::canonical).collect();
    let refused = image.refused.iter();
    let refused: Vec<Value> =
        refused.map(|r| json!({ "name": r.name.canonical(), "reason": r.why })).collect();
    json!({
        "names": names,
        "refused": refused,
        "digest": image.digest,
        "mediaType": survey.map(|survey| &survey.media_type),
        "size": survey.map(|survey| survey.blobs.values().sum::<u64>()),
        "platforms": survey.map(platforms).unwrap_or_default(),
        "archive": image.place,
        "manifestMade": image.is_made,
        "missing": survey.map(|survey| &survey.missing),
        "error": looked.as_ref().err().map(|error| with_causes(error)),
    })
}
