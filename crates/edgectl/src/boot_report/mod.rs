//! An acceptance run as a page for people (`report.html`, which needs nothing
//! else) and for CI (`junit.xml`).

mod html;
#[cfg(test)]
mod in_browser;
mod junit;
mod timeline;

use edgectl_model::{ImageLock, NodeEvent, Reference};
use edgectl_qemu::{Finding, PhaseReport};

pub(crate) use html::html;
pub(crate) use junit::junit;

/// What the run says of one image of the lock.
pub(crate) struct ImageRow {
    name: String,
    /// The digest of the lock.
    digest: String,
    /// How long the runtime pulled; none if it didn't get it.
    seconds: Option<f64>,
    /// What is wrong with it.
    fault: Option<String>,
}

/// All images of the lock that a node pulls.
pub(crate) fn image_rows(
    lock: &ImageLock,
    phases: &[PhaseReport],
    findings: &[Finding],
) -> Vec<ImageRow> {
    let row = |source: &Reference, digest: String| ImageRow {
        name: source.to_string(),
        digest,
        seconds: pulled(source, phases),
        fault: findings.iter().find(|f| image_of(f) == Some(source)).map(Finding::to_string),
    };
    let digest = |image: &edgectl_model::LockedImage| {
        image.mirrored_digest().map(ToString::to_string).unwrap_or_default()
    };
    lock.workloads().map(|image| row(&image.source, digest(image))).collect()
}

fn pulled(source: &Reference, phases: &[PhaseReport]) -> Option<f64> {
    phases.iter().flat_map(|phase| &phase.events).find_map(|timed| match &timed.event {
        NodeEvent::ImagePulled { image, seconds, .. } if image == source => Some(*seconds),
        _ => None,
    })
}

/// The image that a finding is about.
fn image_of(finding: &Finding) -> Option<&Reference> {
    match finding {
        Finding::ImageMissing { image, .. }
        | Finding::WrongDigest { image, .. }
        | Finding::NotTried { image } => Some(image),
        _ => None,
    }
}

/// Findings that are about no single image.
fn others(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    findings.iter().filter(|finding| image_of(finding).is_none())
}

#[cfg(test)]
pub(crate) mod tests {
    use edgectl_qemu::{Cause, PhaseEnd, TimedEvent};

    use super::*;

    /// A run with one image that arrived and one that didn't.
    pub(crate) fn run() -> (Vec<ImageRow>, Vec<PhaseReport>, Vec<Finding>) {
        let name = |text| Reference::parse(text).unwrap();
        let (good, bad) = (name("quay.io/a/web:1"), name("quay.io/a/db:1"));
        let event = NodeEvent::ImagePulled { image: good.clone(), digest: None, seconds: 2.0 };
        let phases = vec![PhaseReport {
            name: "prove".to_owned(),
            end: PhaseEnd::Satisfied,
            seconds: 40.0,
            events: vec![TimedEvent { at: 30.0, event }],
            console_tail: vec!["login: \u{1b}[0m <b>".to_owned()],
        }];
        let error = "401 \"<no>\" & so on\u{0}".to_owned();
        let cause = Cause::LoginRefused;
        let findings = vec![
            Finding::ImageMissing { image: bad.clone(), cause, error },
            Finding::Access { what: "served `<x>` to somebody".to_owned() },
        ];
        let rows = [good, bad].into_iter().map(|source| ImageRow {
            name: source.to_string(),
            digest: "sha256:abc".to_owned(),
            seconds: pulled(&source, &phases),
            fault: findings.iter().find(|f| image_of(f) == Some(&source)).map(Finding::to_string),
        });
        (rows.collect(), phases, findings)
    }
}
