//! What a mapping says for all the images below it.

use crate::macros::own_text;
use crate::tree::Node;

/// The parts of images that stand further up than the images themselves.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Inherited<'n> {
    pub(crate) registry: Option<&'n str>,
    /// What goes before images of a single word.
    pub(crate) repository: Option<&'n str>,
    /// The tag of images that have none; it comes with a registry.
    pub(crate) tag: Option<&'n str>,
}

const REGISTRY: &[&str] = &[
    "imageRegistry",
    "image_registry",
    "defaultRegistry",
    "registry",
    "imageHub",
    "hub",
    "baseRepo",
    "baseRegistry",
];
const REPOSITORY: &[&str] = &["imageRepository", "repository", "repo", "base"];
const TAG: &[&str] = &["imageTag", "tag"];
/// With these beside it, a repository is one image's own.
const OWN: &[&str] = &["image", "name", "tag", "version", "digest", "pullPolicy"];

impl<'n> Inherited<'n> {
    /// The same below `node`.
    pub(crate) fn below(self, node: &'n Node) -> Self {
        let own = node.get("global").map_or(self, |global| self.read(global));
        own.read(node)
    }

    fn read(mut self, node: &'n Node) -> Self {
        let registry = text(node, REGISTRY);
        if registry.is_some() || node.get("image").is_some() {
            self.registry = registry.or(self.registry);
            self.tag = text(node, TAG).or(self.tag);
        }
        if let Some(repository) = text(node, REPOSITORY) {
            let is_own = OWN.iter().any(|key| node.get(key).is_some());
            self.repository = Some(repository).filter(|_| !is_own);
        }
        self
    }

    pub(crate) fn is_nothing(self) -> bool {
        self.registry.is_none() && self.repository.is_none()
    }
}

fn text<'n>(node: &'n Node, keys: &[&str]) -> Option<&'n str> {
    keys.iter().find_map(|key| own_text(node.get(key)?))
}
