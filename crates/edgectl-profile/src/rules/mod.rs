//! From one parsed document to the images it names: which rule took each of
//! them, and how sure that rule is.

mod args;
mod embedded;
mod inherited;
mod known;
mod lines;
mod names;
mod objects;
mod parts;
mod pieces;
mod plausible;
mod pods;
mod schema;
mod secrets;
mod table;
mod text;
mod values;
mod walk;

pub use table::{RULES, Rule};

pub(crate) use known::KnownFields;
pub(crate) use objects::{search_document, search_read, search_text};
pub(crate) use text::{Text, read_leniently};
pub(crate) use values::search_values;
