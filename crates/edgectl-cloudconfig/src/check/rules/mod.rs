//! The rules, one file each.

mod base64_password;
mod deprecated_key;
mod duplicate_key;
mod header;
mod invalid_value;
mod misplaced_key;
mod missing_key;
mod null_password;
mod octal_permissions;
mod oversize;
mod readable_secret;
mod reboot_and_poweroff;
mod replaced_key;
mod second_document;
mod stage_list;
mod syntax;
mod template_in_content;
mod too_large;
mod uncovered_image;
mod unknown_key;
mod unquoted_text;
mod unused_credentials;
mod unused_rule;
mod wrong_type;

use super::finding::{Findings, Level};
use super::subject::Subject;

pub(super) use duplicate_key::RULE as DUPLICATE;
pub(super) use header::{
    RULE as HEADER, add_no_cloud_config, add_other_kind, add_unrun_template, check as check_header,
    has_no_header,
};
pub(super) use invalid_value::RULE as INVALID;
pub(super) use readable_secret::RULE as READABLE_SECRET;
pub(super) use replaced_key::check as check_parts;
pub(super) use syntax::{RULE as SYNTAX, add_characters, refused, refused_by_agents};
pub(super) use uncovered_image::RULE as UNCOVERED;
pub(super) use unknown_key::RULE as UNKNOWN;
pub(super) use wrong_type::RULE as WRONG_TYPE;

/// One thing that can be wrong.
#[derive(Debug)]
pub struct Rule {
    /// Its name in output, documentation and tests.
    pub id: &'static str,
    /// How bad its findings are.
    pub level: Level,
    /// What it finds, in one line.
    pub summary: &'static str,
    pub(super) check: fn(&Subject<'_>, &mut Findings),
}

/// All rules, by id.
pub static RULES: &[&Rule] = &[
    &base64_password::RULE,
    &deprecated_key::RULE,
    &duplicate_key::RULE,
    &header::RULE,
    &invalid_value::RULE,
    &misplaced_key::RULE,
    &missing_key::RULE,
    &null_password::RULE,
    &octal_permissions::RULE,
    &oversize::RULE,
    &readable_secret::RULE,
    &reboot_and_poweroff::RULE,
    &replaced_key::RULE,
    &second_document::RULE,
    &stage_list::RULE,
    &syntax::RULE,
    &template_in_content::RULE,
    &too_large::RULE,
    &uncovered_image::RULE,
    &unknown_key::RULE,
    &unquoted_text::RULE,
    &unused_credentials::RULE,
    &unused_rule::RULE,
    &wrong_type::RULE,
];
