//! Rule `image-parts`: registry, repository, tag and digest beside one another,
//! in the keys of a mapping or in the variables of a list.

use super::names::words;
use super::plausible::{Look, is_template, look};
use super::table::{ENVIRONMENT, IMAGE_PARTS, REFERENCE, Rule};
use super::walk::{Context, Walk};
use crate::macros::own_text;
use crate::tree::Node;

/// What mappings further up say for all images below them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Inherited<'n> {
    registry: Option<&'n str>,
    tag: Option<&'n str>,
    /// The registry comes from `global` and goes before an image's own.
    is_global: bool,
}

impl<'n> Inherited<'n> {
    /// The same below `node`.
    pub(crate) fn with(self, node: &'n Node) -> Self {
        let global = node.get("global").filter(|global| !global.entries().is_empty());
        let own =
            global.map_or(self, |global| self.of(global, global.get("imageRegistry").is_some()));
        own.of(node, false)
    }

    fn of(self, node: &'n Node, is_global: bool) -> Self {
        let text = |keys: &[&str]| keys.iter().find_map(|key| own_text(node.get(key)?));
        let registry =
            text(&["imageRegistry", "image_registry", "defaultRegistry", "registry", "hub"]);
        let Some(registry) = registry else { return self };
        let tag = text(&["tag", "imageTag"]);
        Self {
            registry: Some(registry),
            tag: tag.or(self.tag),
            is_global: is_global || self.is_global,
        }
    }
}

/// One key or variable with its value.
struct Field<'n> {
    /// `sidecar_image_repository`.
    name: String,
    text: &'n str,
    node: &'n Node,
    /// Where `node` is below the place that is looked at.
    key: String,
}

/// The last words of names that hold a part.
const PARTS: &[&str] = &[
    "digest",
    "hub",
    "image",
    "name",
    "registry",
    "repo",
    "repository",
    "sha",
    "sha256",
    "tag",
    "version",
];
/// The endings that hold the middle of a name, the surest first.
const MIDDLES: &[&str] =
    &["image_repository", "image_repo", "repository", "repo", "image_name", "image", "name"];

/// Takes what a mapping says in parts.
pub(crate) fn look_at<'n>(walk: &mut Walk<'_, '_>, node: &'n Node, context: Context<'n>) {
    let fields: Vec<Field<'n>> = node
        .entries()
        .iter()
        .filter_map(|(key, value)| {
            let key = key.scalar()?;
            let text = own_text(value).filter(|text| !text.contains(['\n', ' ']))?;
            may_be_part(key).then(|| field(key, text, value, key.to_owned()))
        })
        .collect();
    let inherited = context.inherited.with(node);
    take_all(walk, &fields, inherited, context.says.is_some(), IMAGE_PARTS);
}

/// Takes what the variables of a list (`name` and `value`) say in parts.
pub(crate) fn look_at_variables(walk: &mut Walk<'_, '_>, items: &[Node]) {
    let fields: Vec<Field<'_>> = items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| {
            let name = item.get("name")?.scalar().filter(|name| may_be_part(name))?;
            let value = item.get("value")?;
            Some(field(name, own_text(value)?, value, format!("[{index}].value")))
        })
        .collect();
    if fields.len() > 1 {
        take_all(walk, &fields, Inherited::default(), false, ENVIRONMENT);
    }
}

fn may_be_part(key: &str) -> bool {
    PARTS.iter().any(|part| {
        let tail = key.len().checked_sub(part.len()).and_then(|at| key.get(at..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(part))
    })
}

fn field<'n>(name: &str, text: &'n str, node: &'n Node, key: String) -> Field<'n> {
    Field { name: words(name).join("_"), text, node, key }
}

fn take_all(
    walk: &mut Walk<'_, '_>,
    fields: &[Field<'_>],
    inherited: Inherited<'_>,
    is_in_image: bool,
    rule: Rule,
) {
    for field in fields {
        let Some(stem) = stem(&field.name).filter(|_| !walk.is_claimed(field.node)) else {
            continue;
        };
        let parts = Parts { fields, stem, inherited, is_in_image };
        let Some((text, rule)) = parts.compose(field, rule) else { continue };
        take(walk, field, &text, rule);
        for part in ["registry", "image_registry", "hub", "repository", "image", "name"] {
            if let Some(other) = parts.own(&[part]).filter(|other| other.text != text) {
                walk.claim(other.node);
            }
        }
    }
}

fn take(walk: &mut Walk<'_, '_>, field: &Field<'_>, text: &str, rule: Rule) {
    match field.key.strip_prefix('[').and_then(|key| key.split_once(']')) {
        Some((index, _)) => {
            let index = index.parse().unwrap_or_default();
            walk.at_index(index, |walk| {
                walk.at_key("value", |walk| walk.take(field.node, text, rule))
            });
        }
        None => walk.at_key(&field.key, |walk| walk.take(field.node, text, rule)),
    }
}

/// What the name of a middle part begins with: `sidecar_` of
/// `sidecar_image_repository`.
fn stem(name: &str) -> Option<&str> {
    let stem = MIDDLES.iter().find_map(|end| name.strip_suffix(end))?;
    (stem.is_empty() || stem.ends_with('_')).then_some(stem)
}

/// The parts that belong to one image.
struct Parts<'f> {
    fields: &'f [Field<'f>],
    stem: &'f str,
    inherited: Inherited<'f>,
    /// The mapping stands at a key that says `image`.
    is_in_image: bool,
}

impl<'f> Parts<'f> {
    fn own(&self, ends: &[&str]) -> Option<&'f Field<'f>> {
        ends.iter().find_map(|end| {
            self.fields.iter().find(|field| field.name.strip_prefix(self.stem) == Some(end))
        })
    }

    fn text(&self, ends: &[&str]) -> Option<&'f str> {
        self.own(ends).map(|field| field.text)
    }

    fn registry(&self) -> Option<&'f str> {
        let own = || self.text(&["image_registry", "registry", "image_hub", "hub"]);
        let shared = || {
            let names = ["image_registry", "registry", "hub"];
            names.iter().find_map(|name| Some(self.fields.iter().find(|f| f.name == *name)?.text))
        };
        match self.inherited.is_global {
            true => self.inherited.registry.or_else(own),
            false => own().or_else(shared).or(self.inherited.registry),
        }
    }

    fn tag(&self) -> Option<&'f str> {
        self.text(&["image_tag", "tag"])
    }

    fn version(&self) -> Option<&'f str> {
        self.text(&["image_version", "version"])
    }

    fn digest(&self) -> Option<String> {
        let text =
            self.text(&["image_digest", "digest", "image_sha", "sha", "image_sha256", "sha256"])?;
        let is_bare = text.len() == 64 && text.bytes().all(|c| c.is_ascii_hexdigit());
        match text.contains(':') {
            true => Some(text.to_owned()),
            false => is_bare.then(|| format!("sha256:{text}")),
        }
    }

    /// The reference that `field` is the middle of, and the rule that believes
    /// it.
    fn compose(&self, field: &Field<'_>, rule: Rule) -> Option<(String, Rule)> {
        let repository = self.text(&["image_repository", "image_repo", "repository", "repo"]);
        let image = self.text(&["image_name", "image"]);
        let name = self.text(&["name"]);
        let is_name = field.name.len() == self.stem.len() + "name".len()
            && !field.name.ends_with("image_name");
        let middle = match (repository, image) {
            (Some(repository), Some(image)) => below(repository, image),
            (Some(repository), None) => match name {
                Some(name) if is_only_a_prefix(repository) => below(repository, name),
                _ => repository.to_owned(),
            },
            (None, Some(image)) => image.to_owned(),
            (None, None) => name?.to_owned(),
        };
        // Each image is composed once, at the surest of its parts.
        if is_name && (repository.is_some() || image.is_some())
            || (repository.is_some() && Some(field.text) == image && image != repository)
        {
            return None;
        }
        let is_split = repository.is_some() && image.is_some();
        let tag = self.tag().or_else(|| {
            let is_versioned = image.is_some() || !self.stem.is_empty() || has_host(&middle);
            self.version().filter(|_| is_versioned)
        });
        let registry = self.registry();
        if is_name
            && (tag.is_none()
                || (registry.is_none() && look(&middle).is_none_or(|l| l > Look::Path)))
        {
            return None;
        }
        let is_bare_image = repository.is_none() && image.is_some() && !middle.contains('/');
        let tag =
            tag.or_else(|| self.inherited.tag.filter(|_| is_bare_image && registry.is_some()));
        let digest = self.digest();
        let is_whole =
            repository.is_none() && tag.is_none() && digest.is_none() && registry.is_none();
        if is_whole {
            return None;
        }
        let text = pinned(within(registry, &middle), tag, digest.as_deref());
        self.believed(&text, is_split, repository.is_some(), rule)
    }

    fn believed(
        &self,
        text: &str,
        is_split: bool,
        has_repository: bool,
        rule: Rule,
    ) -> Option<(String, Rule)> {
        if text.contains("{{") {
            return Some((text.to_owned(), rule));
        }
        let rule = match look(text)? {
            Look::Full | Look::Tagged => rule,
            Look::Short if self.is_in_image || is_split || !has_repository => rule,
            Look::Hosted => REFERENCE,
            Look::Path if self.is_in_image => REFERENCE,
            _ => return None,
        };
        (!is_template(text)).then(|| (text.to_owned(), rule))
    }
}

fn has_host(text: &str) -> bool {
    matches!(look(text), Some(Look::Hosted | Look::Full))
}

/// Whether a repository holds images rather than being one: a host with a
/// single part behind it, or a single part alone.
fn is_only_a_prefix(repository: &str) -> bool {
    let parts = repository.trim_end_matches('/').split('/').count();
    match has_host(repository) {
        true => parts <= 2,
        false => parts == 1,
    }
}

/// `name` in `repository`, unless one of them holds the other already.
fn below(repository: &str, name: &str) -> String {
    let repository = repository.trim_end_matches('/');
    let is_last = repository.rsplit('/').next() == Some(name);
    match is_last || name.contains(['/', ' ']) {
        true if is_last => repository.to_owned(),
        true if has_host(name) || name.starts_with(repository) => name.to_owned(),
        true => format!("{repository}/{name}"),
        false => format!("{repository}/{name}"),
    }
}

/// `name` below `prefix`, unless it names a host itself.
fn within(prefix: Option<&str>, name: &str) -> String {
    match prefix.map(|prefix| prefix.trim_end_matches('/')).filter(|prefix| !prefix.is_empty()) {
        Some(prefix) if !name.starts_with(&format!("{prefix}/")) && !has_host(name) => {
            format!("{prefix}/{name}")
        }
        _ => name.to_owned(),
    }
}

fn pinned(name: String, tag: Option<&str>, digest: Option<&str>) -> String {
    let mut text = name;
    if text.contains('@') {
        return text;
    }
    if let Some(tag) = tag.filter(|_| !has_tag(&text)) {
        let join = if tag.starts_with("sha256:") { '@' } else { ':' };
        text = format!("{text}{join}{}", tag.trim_start_matches(':').replace('+', "-"));
    }
    match digest.filter(|_| !text.contains('@')) {
        Some(digest) => format!("{text}@{digest}"),
        None => text,
    }
}

/// Whether a name ends in a tag or digest; macros may hold anything.
fn has_tag(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.contains([':', '@'])
}
