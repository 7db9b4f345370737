//! Rule `compose`: the services of Docker Compose files.

use crate::collect::join;
use crate::sources::{Desk, declared, kind};
use crate::tree::{Data, Node};

const RULE: &str = "compose";
/// Variables in defaults of variables end here.
const MAX_DEPTH: usize = 8;

/// Whether it has services of which one has an image or is built.
pub(super) fn is(node: &Node) -> bool {
    let services = node.get("services").map(Node::entries).unwrap_or_default();
    kind(node).is_empty()
        && node.get("apiVersion").is_none()
        && services
            .iter()
            .any(|(_, service)| service.get("image").is_some() || service.get("build").is_some())
}

/// Reads all services, those of profiles too.
pub(super) fn read(desk: &mut Desk<'_, '_>, node: &Node, path: &str) {
    let services = node.get("services").map(Node::entries).unwrap_or_default();
    for (key, service) in services {
        let path = join(path, &format!("services.{}", key.scalar().unwrap_or("?")));
        let Some(image) = service.get("image") else {
            if service.get("build").is_some() {
                let message =
                    "this service is built and has no image that could be mirrored".to_owned();
                desk.book.inform(desk.scope, service, &path, "built-service", message);
            }
            continue;
        };
        let Data::Scalar { .. } = &image.data else { continue };
        let path = join(&path, "image");
        match substituted(image.scalar().unwrap_or_default(), MAX_DEPTH) {
            Ok(text) => desk.book.take(desk.scope, image, &path, &text, declared(RULE)),
            Err(variable) => {
                let message = format!(
                    "the variable `{variable}` has no default; write `${{{variable}:-…}}` or name the image under `images.include` in edge.yaml"
                );
                desk.book.error(desk.scope, image, &path, "unresolved-variable", message);
            }
        }
    }
}

/// A text with its variables' defaults, or the variable that has none.
fn substituted(text: &str, depth: usize) -> Result<String, String> {
    if depth == 0 {
        return Err(name(text).to_owned());
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        rest = if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            after
        } else if let Some(braced) = after.strip_prefix('{') {
            let end = closing(braced).ok_or_else(|| braced.to_owned())?;
            out.push_str(&default_of(&braced[..end], depth)?);
            &braced[end + 1..]
        } else {
            return Err(name(after).to_owned());
        };
    }
    out.push_str(rest);
    Ok(out)
}

/// Where the brace that is open closes.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// `NAME:-default` and `NAME-default`; defaults may hold variables.
fn default_of(inside: &str, depth: usize) -> Result<String, String> {
    let variable = name(inside);
    let rest = &inside[variable.len()..];
    match rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-')) {
        Some(default) => substituted(default, depth - 1),
        None => Err(variable.to_owned()),
    }
}

fn name(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_of_variables() {
        for (text, expected) in [
            ("quay.io/a/b:1", Ok("quay.io/a/b:1")),
            ("${REG:-quay.io}/a:${TAG-2}", Ok("quay.io/a:2")),
            ("${REG:-${OTHER:-quay.io}}/a", Ok("quay.io/a")),
            ("a$$b", Ok("a$b")),
            ("${TAG}", Err("TAG")),
            ("a:$TAG", Err("TAG")),
            ("a:${TAG:?needed}", Err("TAG")),
            ("a:${TAG", Err("TAG")),
        ] {
            let result = substituted(text, MAX_DEPTH);
            assert_eq!(result.as_deref().map_err(String::as_str), expected, "{text}");
        }
    }
}
