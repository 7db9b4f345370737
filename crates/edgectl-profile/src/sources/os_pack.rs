//! Rule `os-pack`: the operating system image of the `os` layer.

use edgectl_model::{Role, Tier};

use crate::collect::{Book, Kind, Scope};
use crate::tree::Node;

/// Collects `options.system.uri`, however its keys are split. Says whether
/// there is one; agent mode's `NA` counts.
pub(crate) fn collect(book: &mut Book, scope: &Scope<'_>, values: &Node) -> bool {
    let kind = Kind { rule: "os-pack", tier: Tier::Certain, role: Role::Os, declared: false };
    let mut has_uri = false;
    for path in ["options.system.uri", "system.uri"] {
        let uri = values.at_dotted(path).and_then(|uri| Some((uri, uri.text()?)));
        if let Some((uri, text)) = uri {
            has_uri = true;
            book.take(scope, uri, path, text, kind);
        }
    }
    has_uri
}
