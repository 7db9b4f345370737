//! Files that Kairos skips for their size.

use super::{Findings, Level, Rule, Subject};
use crate::check::subject::Flavor;
use crate::error::Place;

pub(super) static RULE: Rule =
    Rule { id: "oversize", level: Level::Error, summary: "more bytes than Kairos reads", check };

/// Kairos passes over larger files, with nothing but a line in its log.
const LIMIT: usize = 1_000_000;

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let size = subject.text.len();
    if subject.flavor != Flavor::CloudInit && size > LIMIT {
        let message = format!(
            "{size} bytes, and files over {LIMIT} are passed over; move contents into the image \
             or a second file"
        );
        findings.add(&RULE, Place::new(1, 1), "", message);
    }
}
