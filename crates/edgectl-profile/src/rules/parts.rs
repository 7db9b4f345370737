//! Rule `image-parts`: registry, repository, tag and digest beside one another,
//! in the keys of a mapping or in the variables of a list.

use super::inherited::Inherited;
use super::names::{Says, says, words};
use super::plausible::{Look, is_official, is_template, look};
use super::table::{ENVIRONMENT, IMAGE_PARTS, REFERENCE, Rule};
use super::walk::{Context, Walk};
use crate::macros::own_text;
use crate::tree::Node;

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
const REGISTRY: &[&str] = &[
    "image_registry",
    "registry",
    "registry_override",
    "registry_overwrite",
    "image_hub",
    "hub",
    "base_repo",
    "base_registry",
];
const REPOSITORY: &[&str] = &["image_repository", "image_repo", "repository", "repo"];
const IMAGE: &[&str] = &["image_name", "image"];
const NAME: &[&str] = &["name"];
const TAG: &[&str] = &["image_tag", "tag"];
const VERSION: &[&str] = &["image_version", "version"];
const DIGEST: &[&str] = &["image_digest", "digest", "image_sha", "sha", "image_sha256", "sha256"];

/// One key or variable with its value.
struct Field<'n> {
    /// `sidecar_image_repository`.
    name: String,
    text: &'n str,
    node: &'n Node,
    place: Place<'n>,
}

/// Where a value is below the place that is looked at.
#[derive(Clone, Copy)]
enum Place<'n> {
    Key(&'n str),
    Variable(usize),
}

/// What is known from further up.
#[derive(Clone, Copy, Default)]
struct Around<'n> {
    inherited: Inherited<'n>,
    /// The key of the mapping says that it is an image.
    is_in_image: bool,
}

/// Takes what a mapping says in parts.
pub(crate) fn look_at<'n>(walk: &mut Walk<'_, '_>, node: &'n Node, context: Context<'n>) {
    let fields = node.entries().iter().filter_map(|(key, value)| {
        let key = key.scalar().filter(|key| may_be_part(key))?;
        field(key, value, Place::Key(key))
    });
    let fields: Vec<Field<'n>> = fields.collect();
    let around = Around { inherited: context.inherited, is_in_image: context.says.is_some() };
    take_all(walk, &fields, around, IMAGE_PARTS);
}

/// Takes what the variables of a list (`name` and `value`) say in parts.
pub(crate) fn look_at_variables(walk: &mut Walk<'_, '_>, items: &[Node]) {
    let fields = items.iter().enumerate().filter_map(|(index, item)| {
        let name = item.get("name")?.scalar().filter(|name| may_be_part(name))?;
        field(name, item.get("value")?, Place::Variable(index))
    });
    let fields: Vec<Field<'_>> = fields.collect();
    take_all(walk, &fields, Around::default(), ENVIRONMENT);
}

fn may_be_part(key: &str) -> bool {
    PARTS.iter().any(|part| {
        let tail = key.len().checked_sub(part.len()).and_then(|at| key.get(at..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(part))
    })
}

fn field<'n>(name: &str, node: &'n Node, place: Place<'n>) -> Option<Field<'n>> {
    let text = own_text(node).filter(|text| !text.contains(['\n', ' ']))?;
    Some(Field { name: words(name).join("_"), text, node, place })
}

fn take_all(walk: &mut Walk<'_, '_>, fields: &[Field<'_>], around: Around<'_>, rule: Rule) {
    // A single part is no use, unless something further up has the others.
    let is_alone = |field: &Field<'_>| fields.len() == 1 && !field.name.contains("repo");
    if fields.iter().all(is_alone) && around.inherited.is_nothing() {
        return;
    }
    for field in fields.iter().filter(|field| !walk.is_claimed(field.node)).collect::<Vec<_>>() {
        // A default goes before images further down and is none itself.
        let Some(stem) = stem(&field.name).filter(|stem| !is_for_others(stem)) else {
            continue;
        };
        let parts = Parts { fields, stem, around };
        // The parts of one image are taken once.
        if !parts.anchor().is_some_and(|anchor| std::ptr::eq(anchor, field)) {
            continue;
        }
        // Variables of programs speak of other repositories, too.
        let rule = match rule == ENVIRONMENT && !field.name.contains("image") {
            true => REFERENCE,
            false => rule,
        };
        if let Some((text, rule)) = parts.compose(rule) {
            take(walk, field, &text, rule);
            parts.explained().for_each(|part| walk.claim(part.node));
        }
    }
}

fn take(walk: &mut Walk<'_, '_>, field: &Field<'_>, text: &str, rule: Rule) {
    match field.place {
        Place::Key(key) => walk.at_key(key, |walk| walk.take(field.node, text, rule)),
        Place::Variable(index) => walk.at_index(index, |walk| {
            walk.at_key("value", |walk| walk.take(field.node, text, rule));
        }),
    }
}

/// What the name of a middle part begins with: `sidecar_` of
/// `sidecar_image_repository`.
fn stem(name: &str) -> Option<&str> {
    if name.ends_with("image") && says(name) != Some(Says::Image) {
        return None;
    }
    let ends = [REPOSITORY, IMAGE, NAME].into_iter().flatten();
    let stem = ends.filter_map(|end| name.strip_suffix(end)).min_by_key(|stem| stem.len())?;
    (stem.is_empty() || stem.ends_with('_')).then_some(stem)
}

/// Whether the parts with that stem are those of images further down.
fn is_for_others(stem: &str) -> bool {
    stem.contains("default") || matches!(stem, "base_" | "global_")
}

/// The parts that belong to one image.
struct Parts<'f> {
    fields: &'f [Field<'f>],
    stem: &'f str,
    around: Around<'f>,
}

/// The part between the registry and the tag.
struct Middle {
    text: String,
    /// It was in two parts itself.
    is_split: bool,
    /// All that there is for it is a name, which names many things.
    is_name: bool,
}

impl<'f> Parts<'f> {
    fn own(&self, ends: &[&str]) -> Option<&'f Field<'f>> {
        let is_end = |field: &Field<'_>, end: &str| field.name.strip_prefix(self.stem) == Some(end);
        ends.iter().find_map(|end| self.fields.iter().find(|field| is_end(field, end)))
    }

    fn text(&self, ends: &[&str]) -> Option<&'f str> {
        self.own(ends).map(|field| field.text)
    }

    /// The part at which the image is reported.
    fn anchor(&self) -> Option<&'f Field<'f>> {
        [IMAGE, REPOSITORY, NAME].into_iter().find_map(|ends| self.own(ends))
    }

    /// What needs no other explanation once the image is taken.
    fn explained(&self) -> impl Iterator<Item = &'f Field<'f>> {
        [IMAGE, REPOSITORY, REGISTRY].into_iter().filter_map(|ends| self.own(ends))
    }

    fn middle(&self) -> Option<Middle> {
        let (image, name) = (self.text(IMAGE), self.text(NAME));
        let whole = |text: &str| Middle { text: text.to_owned(), is_split: false, is_name: false };
        let split = |text: String| Middle { text, is_split: true, is_name: false };
        let repository = self.text(REPOSITORY);
        Some(match (repository, image, name) {
            (Some(repository), Some(image), _) => split(below(repository, image)),
            (Some(repository), None, Some(name)) if self.is_only_a_prefix(repository, name) => {
                split(below(repository, name))
            }
            (Some(repository), None, _) => whole(repository),
            (None, Some(image), _) => match self.around.inherited.repository {
                Some(repository) if !image.contains('/') => {
                    split(format!("{}/{image}", repository.trim_end_matches('/')))
                }
                _ => whole(image),
            },
            (None, None, name) => Middle { is_name: true, ..whole(name?) },
        })
    }

    /// Whether a repository holds images rather than being one: a host with a
    /// single part behind it, or a single part alone; in the mapping of an
    /// image also what doesn't end in the image's name.
    fn is_only_a_prefix(&self, repository: &str, name: &str) -> bool {
        let parts = repository.trim_matches('/').split('/').count();
        let last = repository.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let is_short = if has_host(repository) { parts <= 2 } else { parts == 1 };
        is_short || (self.around.is_in_image && !last.contains(name) && !name.contains(last))
    }

    /// The registry, and whether it stands here rather than further up.
    fn registry(&self) -> (Option<&'f str>, bool) {
        let shared = || {
            let find = |name: &&str| self.fields.iter().find(|field| field.name == **name);
            REGISTRY.iter().find_map(|name| Some(find(name)?.text))
        };
        match self.text(REGISTRY).or_else(shared) {
            Some(registry) => (Some(registry), true),
            None => (self.around.inherited.registry, false),
        }
    }

    fn tag(&self, middle: &Middle) -> Option<&'f str> {
        let has_version =
            self.own(IMAGE).is_some() || !self.stem.is_empty() || has_host(&middle.text);
        let version = || self.text(VERSION).filter(|_| has_version && !middle.is_name);
        self.text(TAG).or_else(version)
    }

    fn digest(&self) -> Option<String> {
        let text = self.text(DIGEST)?;
        let is_hex = text.len() == 64 && text.bytes().all(|c| c.is_ascii_hexdigit());
        match text.contains(':') {
            true => Some(text.to_owned()),
            false => is_hex.then(|| format!("sha256:{text}")),
        }
    }

    /// The reference, and the rule that believes it.
    fn compose(&self, rule: Rule) -> Option<(String, Rule)> {
        let middle = self.middle()?;
        let (registry, is_own) = self.registry();
        let digest = self.digest();
        let is_word = self.text(IMAGE).is_some_and(|image| !image.contains('/'));
        // Releases name hub and tag once for all images.
        let shared = self.around.inherited.tag;
        let shared = shared.filter(|_| is_word && (registry.is_some() || middle.is_split));
        let tag = self.tag(&middle).or(shared);
        let is_pinned = tag.is_some() || digest.is_some();
        if middle.is_name && !(is_pinned && (is_own || middle.text.contains('/'))) {
            return None;
        }
        // A whole image is left to its key.
        if !middle.is_split && !is_pinned && self.own(REPOSITORY).is_none() && registry.is_none() {
            return None;
        }
        let with = |registry| {
            let text = pinned(within(registry, &middle.text), tag, digest.as_deref());
            let rule = believed(&text, &middle, self.around.is_in_image, rule)?;
            Some((text, rule))
        };
        with(registry).or_else(|| if is_own { None } else { with(None) })
    }
}

/// The rule that believes a composed reference; none does if it isn't one.
fn believed(text: &str, middle: &Middle, is_in_image: bool, rule: Rule) -> Option<Rule> {
    if text.contains("{{") {
        return Some(rule);
    }
    if is_template(text) {
        return None;
    }
    match look(text)? {
        Look::Full | Look::Tagged => Some(rule),
        Look::Short if is_official(&middle.text) => Some(rule),
        Look::Hosted | Look::Short if !middle.is_name => Some(REFERENCE),
        Look::Path if is_in_image => Some(REFERENCE),
        _ => None,
    }
}

fn has_host(text: &str) -> bool {
    matches!(look(text), Some(Look::Hosted | Look::Full))
}

/// `name` in `repository`, unless one of them holds the other already.
fn below(repository: &str, name: &str) -> String {
    let repository = repository.trim_end_matches('/');
    if repository.rsplit('/').next() == Some(name) {
        repository.to_owned()
    } else if has_host(name) || name.starts_with(&format!("{repository}/")) {
        name.to_owned()
    } else {
        format!("{repository}/{name}")
    }
}

/// `name` below `prefix`, unless it names a host itself.
fn within(prefix: Option<&str>, name: &str) -> String {
    let name = name.trim_start_matches('/');
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
pub(crate) fn has_tag(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.contains([':', '@'])
}
