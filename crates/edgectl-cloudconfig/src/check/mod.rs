//! What is wrong with user data, before it ships.
//!
//! Every finding has a rule; every rule is one file in `rules/`, one page in
//! `docs/user-data-rules/` and one directory of examples in `tests/check/`.

mod finding;
mod kind;
mod registries;
mod rules;
mod schema;
mod subject;
mod walk;

pub use finding::{Finding, Level};
pub(crate) use kind::Kind;
pub use rules::{RULES, Rule};
pub use schema::USER_DATA_SCHEMA;
pub use subject::{Against, Flavor};

use crate::tree::Document;
use finding::Findings;
use subject::Subject;

/// Everything that is wrong with `text`, in the order of the text. With
/// `against` the registry settings are held against what the images need.
pub fn check(text: &str, against: Option<&Against>) -> Vec<Finding> {
    let mut findings = Findings::default();
    match Document::parse(text) {
        Err(error) => {
            findings.add(&rules::SYNTAX, error.place, "", error.message);
            rules::check_header(text, &mut findings);
        }
        Ok(document) => {
            let subject = Subject::new(text, &document, against);
            for rule in RULES {
                (rule.check)(&subject, &mut findings);
            }
        }
    }
    findings.sorted()
}
