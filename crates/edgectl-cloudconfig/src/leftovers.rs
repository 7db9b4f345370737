//! What an earlier injection has put into a text, with other rules and files
//! than today's.

use edgectl_model::Prefix;

use crate::check::Flavor;
use crate::envelope::cloud_configs;
use crate::error::InjectError;
use crate::host_files::{OWN_MARK, Writer, content, is_our_content, written};
use crate::injection::Injection;
use crate::plan::{Plan, below, item, step};
use crate::secrets::has_secret_line;
use crate::target::{Leaf, Named, Seg, Target, keys, shown};
use crate::template::readable;
use crate::tree::{Document, Id};

/// What else of `injection`'s registry stands in `text`, put there by an earlier
/// one with other rules and files: what a removal takes beside its targets.
pub(crate) fn leftovers(text: &str, injection: &Injection) -> Result<Vec<Target>, InjectError> {
    let document = Document::parse(text)?;
    let mut plan = Plan { document: &document, injection, targets: Vec::new() };
    match (injection.flavor, &injection.runtime) {
        (Flavor::Palette, _) => {
            plan.other_rules(&keys(&["stylus", "externalRegistries", "registryMappingRules"]));
        }
        (_, None) => plan.add(&keys(&["edgectl"]), "registry", Leaf::flag(false)),
        (_, Some(_)) => {}
    }
    plan.other_files();
    Ok(plan.targets)
}

/// Where else than `injection` puts it an earlier injection has left a login, by
/// names of keys and files: another runtime's files, another section.
pub fn other_logins(text: &str, injection: &Injection) -> Vec<String> {
    cloud_configs(text).iter().flat_map(|part| logins_of(part, injection)).collect()
}

fn logins_of(text: &str, injection: &Injection) -> Vec<String> {
    // What can't be read is said by others.
    let Some(document) = readable(text) else { return Vec::new() };
    let setup = injection.runtime.as_ref();
    let is_planned =
        |path: &str| setup.is_some_and(|setup| setup.files.iter().any(|file| file.path == path));
    let files = written(&document).into_iter().filter(|file| {
        let content = content(&document, file.item).unwrap_or_default();
        content.starts_with(OWN_MARK) && has_secret_line(&content) && !is_planned(file.path)
    });
    let mut logins: Vec<String> = files.map(|file| format!("the file `{}`", file.path)).collect();
    for section in other_sections(injection) {
        let password = document.at(&section).and_then(|id| document.get(id, "password"));
        if password.is_some_and(|id| !document.node(id).is_null()) {
            logins.push(format!("`{}`", shown(&section)));
        }
    }
    logins
}

/// The sections that the registry could stand in as well.
fn other_sections(injection: &Injection) -> Vec<Vec<Seg>> {
    let host = Prefix::parse(injection.registry.domain()).ok();
    let mut entry = keys(&["stylus", "externalRegistries", "registries"]);
    entry.extend(host.map(|host| Seg::Item { key: "domain", is: Named::Registry(host) }));
    match (injection.flavor, &injection.runtime) {
        (Flavor::Palette, _) if injection.listed => vec![keys(&["stylus", "registryCredentials"])],
        (Flavor::Palette, _) => vec![entry],
        (_, Some(_)) => vec![keys(&["edgectl", "registry"])],
        (_, None) => Vec::new(),
    }
}

impl Plan<'_> {
    /// The rules that lead to the registry.
    fn other_rules(&mut self, section: &[Seg]) {
        let entries = self.document.at(section).map(|id| self.document.entries(id));
        for (key, value) in entries.unwrap_or_default() {
            let text = |id: Id| self.document.node(id).scalar().map(|(text, _)| text);
            let target = text(*value).and_then(|target| Prefix::parse(target).ok());
            let is_ours = target.is_some_and(|target| is_within(&target, &self.injection.registry));
            if let Some(source) = text(*key).filter(|_| is_ours) {
                self.add(section, source, Leaf::flag(false));
            }
        }
    }

    /// The files that say of themselves who wrote them.
    fn other_files(&mut self) {
        let Some(setup) = &self.injection.runtime else { return };
        let is_planned = |path: &str| setup.files.iter().any(|file| file.path == path);
        for file in written(self.document) {
            let list = match file.writer {
                Writer::CloudInit => keys(&["write_files"]),
                Writer::OurStep => below(&step(), "files"),
                Writer::OtherStep => continue,
            };
            let is_ours = is_our_content(self.document, &file)
                && content(self.document, file.item).is_some_and(|content| !content.is_empty());
            if !is_planned(file.path) && is_ours {
                let entry = item(&list, file.path);
                self.add(&entry, "permissions", Leaf::flag(false));
                self.add(&entry, "content", Leaf::flag(false));
            }
        }
    }
}

fn is_within(prefix: &Prefix, registry: &Prefix) -> bool {
    let below = prefix.path().strip_prefix(registry.path());
    prefix.domain() == registry.domain()
        && below.is_some_and(|below| {
            registry.path().is_empty() || below.is_empty() || below.starts_with('/')
        })
}
