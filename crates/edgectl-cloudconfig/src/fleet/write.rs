//! Values as they must be written where they land.

use minijinja::Value;
use minijinja::value::ValueKind;

use super::context::{Block, Context, Spot};
use super::engines;
use super::number::Spelled;
use crate::scalar;
use crate::yip::Run;

/// `value` at `spot`; the error says what can't be done.
pub(super) fn value(value: &Value, spot: Spot) -> Result<String, &'static str> {
    let written = in_context(value, spot.context, spot.run)?;
    // Between double quotes its marks are escapes.
    let is_raw = matches!(spot.context, Context::Single | Context::Block(_) | Context::Comment);
    Ok(if spot.is_jinja && is_raw { engines::past_jinja(&written) } else { written })
}

fn in_context(value: &Value, context: Context, run: Run) -> Result<String, &'static str> {
    if let Some(spelled) = Spelled::of(value) {
        return Ok(spelled.to_owned());
    }
    let text = match value.kind() {
        ValueKind::String if run == Run::Template => engines::past_go(&value.to_string()),
        ValueKind::String => value.to_string(),
        ValueKind::Number => return Ok(value.to_string()),
        ValueKind::Bool => return Ok(boolean(value)),
        ValueKind::None => return Err("is null, and nothing says what that means here"),
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => {
            return match context {
                Context::Whole => flow(value, run),
                _ => Err("is a list or a mapping, and can only be the whole of a value"),
            };
        }
        _ => return Err("is no value that user data can hold"),
    };
    match context {
        Context::Whole => Ok(whole(&text)),
        Context::Part => part(&text),
        Context::Branch => branch(&text),
        Context::Double => Ok(inside_double(&text)),
        Context::Single => single(&text),
        Context::Block(place) => block(&text, place),
        // One of other readers' line ends would begin a line of YAML.
        Context::Comment => Ok(text.replace(|c| c != '\t' && !scalar::is_printable(c), " ")),
    }
}

/// A list or a mapping on one line.
fn flow(value: &Value, run: Run) -> Result<String, &'static str> {
    let failed = |_| "can't be written";
    if let Some(spelled) = Spelled::of(value) {
        return Ok(spelled.to_owned());
    }
    match value.kind() {
        ValueKind::Map => {
            let mut entries = Vec::new();
            for key in value.try_iter().map_err(failed)? {
                let item = value.get_item(&key).map_err(failed)?;
                entries.push(format!("{}: {}", scalar::key(&key.to_string()), flow(&item, run)?));
            }
            Ok(format!("{{{}}}", entries.join(", ")))
        }
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().map_err(failed)?;
            let items: Result<Vec<String>, &'static str> =
                items.map(|item| flow(&item, run)).collect();
            Ok(format!("[{}]", items?.join(", ")))
        }
        // Inside brackets nothing stands without quotes.
        ValueKind::String => flow_text(&value.to_string(), run),
        ValueKind::Number => Ok(value.to_string()),
        ValueKind::Bool => Ok(boolean(value)),
        ValueKind::None => Ok("null".to_owned()),
        _ => Err("holds something that user data can't hold"),
    }
}

fn flow_text(text: &str, run: Run) -> Result<String, &'static str> {
    match run {
        Run::Template => Ok(scalar::quoted(&engines::past_go(text))),
        // Which of its texts are run depends on the keys around them.
        Run::Around if engines::is_run_by_go(text) => Err(
            "holds `{{`, which Kairos would take for a template; write `{{ \"{{\" }}` for it in the sites, or put the texts into their places one by one",
        ),
        Run::Around | Run::Never => Ok(scalar::quoted(text)),
    }
}

/// As YAML writes it; the engine would write `True`.
fn boolean(value: &Value) -> String {
    value.is_true().to_string()
}

fn whole(text: &str) -> String {
    match is_word(text) && scalar::is_surely_text(text) {
        true => text.to_owned(),
        false => scalar::quoted(text),
    }
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-/".contains(&c))
}

/// Beside other characters nothing can be quoted.
fn part(text: &str) -> Result<String, &'static str> {
    match is_word(text) || text.is_empty() {
        true => Ok(text.to_owned()),
        false => Err(
            "has characters that mean something to YAML; put quotes around the whole value in the template",
        ),
    }
}

/// What stands on the other side of a statement may join it.
fn branch(text: &str) -> Result<String, &'static str> {
    match is_word(text) && scalar::is_surely_text(text) {
        true => Ok(text.to_owned()),
        false => Err(
            "could be read as something else than a text; put quotes around it, or around the whole value, in the template",
        ),
    }
}

fn inside_double(text: &str) -> String {
    let quoted = scalar::quoted(text);
    // What comes next may complete the mark of a template.
    let inner = quoted[1..quoted.len() - 1].to_owned();
    inner.strip_suffix('{').map_or(inner.clone(), |start| format!("{start}\\x7B"))
}

fn single(text: &str) -> Result<String, &'static str> {
    match !text.chars().all(scalar::is_printable) {
        true => Err(
            "has line ends or invisible characters, which can't stand between single quotes; use double quotes in the template",
        ),
        false => Ok(text.replace('\'', "''")),
    }
}

/// Every line is indented as the block is.
fn block(text: &str, place: Block) -> Result<String, &'static str> {
    let is_odd = |c: char| !matches!(c, '\t' | '\n') && !scalar::is_printable(c);
    if text.chars().any(is_odd) {
        return Err(
            "has control characters or other readers' line ends, which can't stand in a block of text; use double quotes in the template",
        );
    }
    if place.is_folded
        && (text.contains('\n') || (place.is_at_start && text.starts_with([' ', '\t'])))
    {
        return Err(
            "has several lines or blanks at its start, which a folded block (`>`) would change; use `|` or double quotes in the template",
        );
    }
    let first = text.trim_start_matches('\n');
    if place.is_first && place.is_at_start && first.starts_with([' ', '\t']) {
        return Err(
            "starts with blanks, which would say how far the block is indented; use double quotes in the template",
        );
    }
    let margin = " ".repeat(place.indent);
    let mut lines = text.split('\n');
    let mut out = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        out.push('\n');
        if !line.is_empty() {
            out.push_str(&format!("{margin}{line}"));
        }
    }
    Ok(out)
}
