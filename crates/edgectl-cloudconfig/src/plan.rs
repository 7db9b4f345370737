//! From an injection to what goes where.

use edgectl_model::{HostRule, Prefix, Secret};

use crate::certificate;
use crate::check::Flavor;
use crate::error::InjectError;
use crate::host_files::{Writer, refuse_foreign, without_templates};
use crate::injection::{HostFile, Injection};
use crate::scalar;
use crate::target::{Leaf, Means, Named, Seg, Target, keys};
use crate::tree::{Document, Id};

/// The stage whose files are there before any service starts.
pub(crate) const STAGE: &str = "initramfs";
/// The step that we add to it.
pub(crate) const STEP: &str = "edgectl registry";

/// What `injection` puts where in `text`.
pub(crate) fn targets(text: &str, injection: &Injection) -> Result<Vec<Target>, InjectError> {
    targets_of(&Document::parse(text)?, injection)
}

/// The same of a text that was read before.
pub(crate) fn targets_of(
    document: &Document,
    injection: &Injection,
) -> Result<Vec<Target>, InjectError> {
    let mut plan = Plan { document, injection, targets: Vec::new() };
    match (injection.flavor, &injection.runtime) {
        (Flavor::Palette, _) => plan.palette()?,
        (_, None) => plan.own_section()?,
        (_, Some(_)) => {}
    }
    plan.site()?;
    plan.files()?;
    Ok(plan.targets)
}

/// The top-level keys that an injection touches.
pub(crate) fn tops(injection: &Injection) -> Result<Vec<String>, InjectError> {
    let mut tops = Vec::new();
    for target in targets("", injection)? {
        if let Some(Seg::Key(key)) = target.path.first() {
            tops.push(key.clone());
        }
    }
    tops.sort();
    tops.dedup();
    Ok(tops)
}

/// The top-level key that most of an injection is below.
pub(crate) fn top(injection: &Injection) -> &'static str {
    match (injection.flavor, &injection.runtime) {
        (Flavor::Palette, _) => "stylus",
        (_, None) => "edgectl",
        (Flavor::Kairos, Some(_)) => "stages",
        (Flavor::CloudInit, Some(_)) => "write_files",
    }
}

pub(crate) struct Plan<'a> {
    pub(crate) document: &'a Document,
    pub(crate) injection: &'a Injection,
    pub(crate) targets: Vec<Target>,
}

impl Plan<'_> {
    fn palette(&mut self) -> Result<(), InjectError> {
        let rules = keys(&["stylus", "externalRegistries", "registryMappingRules"]);
        let registry = &self.injection.registry;
        if !self.injection.listed {
            let section = keys(&["stylus", "registryCredentials"]);
            self.add(&section, "domain", Leaf::name(registry));
            self.login(&section)?;
            self.rules(&rules);
            return self.certificate(&keys(&["stylus", "site", "caCerts"]));
        }
        let mut entry = keys(&["stylus", "externalRegistries", "registries"]);
        entry.push(Seg::Item { key: "domain", is: Named::Registry(host_of(registry)) });
        let is_there = self.at(&entry, "repositoryName").is_some();
        if !registry.path().is_empty() || is_there {
            self.add(&entry, "repositoryName", Leaf::quoted(registry.path()));
        }
        self.login(&entry)?;
        self.certificate(&below(&entry, "certificates"))?;
        self.rules(&rules);
        Ok(())
    }

    /// The agent's own section, for readers that have no place for a registry.
    fn own_section(&mut self) -> Result<(), InjectError> {
        let section = keys(&["edgectl", "registry"]);
        self.add(&section, "domain", Leaf::name(&self.injection.registry));
        self.login(&section)?;
        self.rules(&below(&section, "rules"));
        self.certificate(&below(&section, "certificates"))
    }

    fn login(&mut self, section: &[Seg]) -> Result<(), InjectError> {
        let password = match self.wants_encoded(section)? {
            true => certificate::encode(self.injection.password.expose()),
            false => self.injection.password.expose().to_owned(),
        };
        self.add(section, "username", Leaf::quoted(&self.injection.username));
        self.add(section, "password", Leaf::password(&password));
        self.add(section, "insecure", Leaf::flag(self.injection.insecure));
        Ok(())
    }

    fn rules(&mut self, section: &[Seg]) {
        for HostRule { source, target } in &self.injection.rules {
            let present = self.spellings(section, source);
            let source = source.to_string();
            let spellings = if present.is_empty() { vec![source] } else { present };
            for spelling in spellings {
                self.add(section, &spelling, Leaf::quoted_name(target));
            }
        }
    }

    fn certificate(&mut self, list: &[Seg]) -> Result<(), InjectError> {
        if let Some(pem) = &self.injection.ca_pem {
            let leaf = certificate(pem)?;
            self.targets.push(Target { path: list.to_vec(), leaf });
        }
        Ok(())
    }

    fn site(&mut self) -> Result<(), InjectError> {
        let site = &self.injection.site;
        match self.injection.flavor {
            Flavor::Palette => {
                for pem in &site.ca_pems {
                    let (path, leaf) = (keys(&["stylus", "site", "caCerts"]), certificate(pem)?);
                    self.targets.push(Target { path, leaf });
                }
                for (key, value) in site.proxies() {
                    let network = keys(&["stylus", "site", "network"]);
                    self.add(&network, key, Leaf::quoted(value));
                }
            }
            _ if self.injection.runtime.is_none() && !site.proxies().is_empty() => {
                return Err(InjectError::ProxyWithoutPlace);
            }
            Flavor::CloudInit => self.trust()?,
            Flavor::Kairos => {}
        }
        Ok(())
    }

    /// What the whole host trusts, by cloud-init's own key. Of its two spellings
    /// the one that is there: with both, cloud-init ignores the older.
    fn trust(&mut self) -> Result<(), InjectError> {
        let old = self.document.root.and_then(|root| self.document.get(root, "ca-certs"));
        let key = if old.is_some() { "ca-certs" } else { "ca_certs" };
        let own = self.injection.runtime.as_ref().and(self.injection.ca_pem.as_ref());
        for pem in own.into_iter().chain(&self.injection.site.ca_pems) {
            let (path, leaf) = (keys(&[key, "trusted"]), certificate(pem)?);
            self.targets.push(Target { path, leaf });
        }
        Ok(())
    }

    fn files(&mut self) -> Result<(), InjectError> {
        let setup = self.injection.runtime.clone().unwrap_or_default();
        match self.injection.flavor {
            Flavor::CloudInit => {
                refuse_foreign(self.document, &setup.files, Writer::CloudInit)?;
                self.write_files(&setup.files);
                for command in setup.restart {
                    let leaf = Leaf::Command(command);
                    self.targets.push(Target { path: keys(&["runcmd"]), leaf });
                }
            }
            Flavor::Kairos | Flavor::Palette => {
                let authorities = self.authority_files()?;
                let files = [setup.files, authorities.clone()].concat();
                refuse_foreign(self.document, &files, Writer::OurStep)?;
                self.step(&files);
                if !authorities.is_empty() {
                    let leaf = Leaf::Command("update-ca-certificates".to_owned());
                    self.targets.push(Target { path: below(&step(), "commands"), leaf });
                }
            }
        }
        Ok(())
    }

    /// Kairos has no key for what the host trusts.
    fn authority_files(&self) -> Result<Vec<HostFile>, InjectError> {
        if self.injection.flavor == Flavor::Palette {
            return Ok(Vec::new());
        }
        let file = |(n, pem): (usize, &String)| {
            let pem = certificate::pem(pem).ok_or(InjectError::NotPem)?;
            Ok(HostFile {
                path: format!("/usr/local/share/ca-certificates/edgectl-site-{}.crt", n + 1),
                mode: 0o644,
                content: Secret::new(pem),
            })
        };
        self.injection.site.ca_pems.iter().enumerate().map(file).collect()
    }

    fn write_files(&mut self, files: &[HostFile]) {
        for file in files {
            let entry = item(&keys(&["write_files"]), &file.path);
            let written = format!("'{:04o}'", file.mode);
            let permissions = Leaf::Scalar { written, means: Means::ModeText(file.mode) };
            self.add(&entry, "permissions", permissions);
            self.add(&entry, "content", Leaf::Text(file.content.expose().to_owned()));
        }
    }

    fn step(&mut self, files: &[HostFile]) {
        for file in files {
            let entry = item(&below(&step(), "files"), &file.path);
            let written = format!("{:04o}", file.mode);
            let permissions = Leaf::Scalar { written, means: Means::ModeNumber(file.mode) };
            self.add(&entry, "permissions", permissions);
            let content = without_templates(file.content.expose());
            self.add(&entry, "content", Leaf::Text(content));
        }
    }

    pub(crate) fn add(&mut self, section: &[Seg], key: &str, leaf: Leaf) {
        self.targets.push(Target { path: below(section, key), leaf });
    }

    fn at(&self, section: &[Seg], key: &str) -> Option<Id> {
        self.document.at(section).and_then(|id| self.document.get(id, key))
    }

    /// The keys of the rules that mean `source`, as the user spelled them.
    fn spellings(&self, section: &[Seg], source: &Prefix) -> Vec<String> {
        let entries = self.document.at(section).map(|id| self.document.entries(id));
        let entries = entries.unwrap_or_default().iter();
        let keys = entries.filter_map(|(key, _)| self.document.node(*key).scalar());
        let meant = keys.filter(|(key, _)| Prefix::parse(key).as_ref() == Ok(source));
        meant.map(|(key, _)| key.to_owned()).collect()
    }

    /// Whether the user has asked for a base64 password.
    fn wants_encoded(&self, section: &[Seg]) -> Result<bool, InjectError> {
        let Some(id) = self.at(section, "encodedPassword") else { return Ok(false) };
        let node = self.document.node(id);
        let plain = node.scalar().filter(|(_, style)| *style == granit_parser::ScalarStyle::Plain);
        match plain.and_then(|(text, _)| scalar::boolean(text)) {
            Some(encoded) => Ok(encoded),
            None if node.is_null() => Ok(false),
            None => Err(InjectError::Shape {
                place: node.place,
                path: crate::target::shown(&below(section, "encodedPassword")),
                expected: "`true` or `false`",
            }),
        }
    }
}

pub(crate) fn step() -> Vec<Seg> {
    let name = Seg::Item { key: "name", is: Named::Text(STEP.to_owned()) };
    [keys(&["stages", STAGE]), vec![name]].concat()
}

pub(crate) fn item(list: &[Seg], path: &str) -> Vec<Seg> {
    [list, &[Seg::Item { key: "path", is: Named::Text(path.to_owned()) }]].concat()
}

pub(crate) fn below(section: &[Seg], key: &str) -> Vec<Seg> {
    [section, &[Seg::Key(key.to_owned())]].concat()
}

fn certificate(pem: &str) -> Result<Leaf, InjectError> {
    certificate::pem(pem).map(Leaf::Certificate).ok_or(InjectError::NotPem)
}

/// The registry without its namespace.
fn host_of(registry: &Prefix) -> Prefix {
    Prefix::parse(registry.domain()).unwrap_or_else(|_| registry.clone())
}
