//! What the agent on the node reads back from the user data.

use granit_parser::ScalarStyle;

use edgectl_model::{HostRule, Prefix, Secret};

use crate::certificate;
use crate::envelope::parts;
use crate::error::ReadError;
use crate::header::{is_cloud_config, is_kairos_config};
use crate::scalar;
use crate::tree::{Data, Document, Id};

/// The part of user data that concerns the private registry and installing.
/// Keys that aren't named here are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSettings {
    /// `stylus.registryCredentials` first, then `edgectl.registry`, then
    /// `stylus.externalRegistries.registries`.
    pub registries: Vec<RegistryAccess>,
    /// `stylus.externalRegistries.registryMappingRules` and
    /// `edgectl.registry.rules`, in their order.
    pub rules: Vec<HostRule>,
    /// `stylus.site.caCerts`, as PEM text.
    pub ca_pems: Vec<String>,
    /// `install`.
    pub install: InstallSettings,
}

/// How one registry is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryAccess {
    /// `host[:port][/namespace]`.
    pub domain: Prefix,
    /// User name; empty for nobody.
    pub username: String,
    /// Password, decoded.
    pub password: Secret,
    /// Plain HTTP or an untrusted certificate is allowed.
    pub insecure: bool,
    /// Its own certificate authorities, as PEM text.
    pub ca_pems: Vec<String>,
}

/// The `install` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallSettings {
    /// Install without asking.
    pub auto: bool,
    /// The disk, or `auto` for the only one that fits.
    pub device: String,
    /// Reboot when done.
    pub reboot: bool,
    /// Power off when done.
    pub poweroff: bool,
}

/// Reads the settings of a node from its user data.
///
/// Of several parts the last one with a registry counts, as its keys replace
/// those before it; else the first.
pub fn read_settings(text: &str) -> Result<NodeSettings, ReadError> {
    let Some(parts) = parts(text) else { return read_one(text, false) };
    let mut read = parts
        .iter()
        .map(|part| read_one(&part.text, part.is_declared))
        .collect::<Result<Vec<_>, _>>()?;
    let last = read.iter().rposition(|settings| !settings.registries.is_empty());
    match read.is_empty() {
        true => Err(ReadError::NotCloudConfig),
        false => Ok(read.swap_remove(last.unwrap_or(0))),
    }
}

fn read_one(text: &str, is_declared: bool) -> Result<NodeSettings, ReadError> {
    if !is_declared && !is_cloud_config(text) && !is_kairos_config(text) {
        return Err(ReadError::NotCloudConfig);
    }
    let document = Document::parse(text)?;
    if let Some(place) = document.second {
        return Err(ReadError::SecondDocument { place });
    }
    let root = Section { document: &document, id: document.root, path: String::new() };
    root.expect_mapping()?;
    let stylus = root.section("stylus")?;
    let external = stylus.section("externalRegistries")?;
    let own = root.section("edgectl")?.section("registry")?;
    Ok(NodeSettings {
        registries: registries(&stylus, &external, &own)?,
        rules: [rules(&external.section("registryMappingRules")?)?, rules(&own.section("rules")?)?]
            .concat(),
        ca_pems: stylus.section("site")?.certificates("caCerts")?,
        install: install(&root.section("install")?)?,
    })
}

fn registries(
    stylus: &Section<'_>,
    external: &Section<'_>,
    own: &Section<'_>,
) -> Result<Vec<RegistryAccess>, ReadError> {
    let mut found = Vec::new();
    found.extend(registry(&stylus.section("registryCredentials")?, "")?);
    found.extend(registry(own, "")?);
    for item in external.items("registries")? {
        // Only these have a repository name beside their domain.
        let below = item.text("repositoryName")?.unwrap_or_default();
        found.extend(registry(&item, below.trim_matches('/'))?);
    }
    Ok(found)
}

/// One registry; none where no domain is given, which is the default.
fn registry(section: &Section<'_>, below: &str) -> Result<Option<RegistryAccess>, ReadError> {
    let Some(domain) = section.text("domain")?.filter(|domain| !domain.is_empty()) else {
        return Ok(None);
    };
    let prefix = Prefix::parse(&domain)
        .map_err(|_| section.wrong("domain", "`host[:port][/path]` without a scheme"))?;
    let domain =
        prefix.join(below).map_err(|_| section.wrong("repositoryName", "a repository path"))?;
    let username = section.text("username")?.unwrap_or_default();
    Ok(Some(RegistryAccess {
        domain,
        username,
        password: password(section)?,
        insecure: section.flag("insecure")?,
        ca_pems: section.certificates("certificates")?,
    }))
}

fn password(section: &Section<'_>) -> Result<Secret, ReadError> {
    let Some(written) = section.required_text("password")? else { return Ok(Secret::new("")) };
    match section.flag("encodedPassword")? {
        false => Ok(Secret::new(written)),
        true => certificate::decode(&written)
            .map(Secret::new)
            .ok_or_else(|| section.wrong("password", "base64, as `encodedPassword` is `true`")),
    }
}

fn rules(section: &Section<'_>) -> Result<Vec<HostRule>, ReadError> {
    const EXPECTED: &str = "a source prefix and a target prefix, each `host[:port][/path]`";
    let mut rules = Vec::new();
    for (key, value) in section.pairs() {
        let texts = section.scalar(key).zip(section.scalar(value));
        let rule = texts.and_then(|(source, target)| {
            Some(HostRule {
                source: Prefix::parse(source).ok()?,
                target: Prefix::parse(target).ok()?,
            })
        });
        rules.push(rule.ok_or_else(|| section.wrong_at(key, &section.path, EXPECTED))?);
    }
    Ok(rules)
}

fn install(section: &Section<'_>) -> Result<InstallSettings, ReadError> {
    let device = section.text("device")?.filter(|device| !device.is_empty());
    Ok(InstallSettings {
        auto: section.flag("auto")?,
        device: device.unwrap_or_else(|| "auto".to_owned()),
        reboot: section.flag("reboot")?,
        poweroff: section.flag("poweroff")?,
    })
}

/// A mapping, or nothing where it is absent.
struct Section<'a> {
    document: &'a Document,
    id: Option<Id>,
    path: String,
}

impl<'a> Section<'a> {
    /// The value of `key`, unless it is absent or null.
    fn value(&self, key: &str) -> Option<Id> {
        let value = self.document.get(self.id?, key)?;
        (!self.document.node(value).is_null()).then_some(value)
    }

    fn section(&self, key: &str) -> Result<Section<'a>, ReadError> {
        let section = self.child(self.value(key), self.path_of(key));
        section.expect_mapping()?;
        Ok(section)
    }

    fn child(&self, id: Option<Id>, path: String) -> Section<'a> {
        Section { document: self.document, id, path }
    }

    fn expect_mapping(&self) -> Result<(), ReadError> {
        let Some(id) = self.id else { return Ok(()) };
        let node = self.document.node(id);
        match node.data {
            Data::Mapping { .. } => Ok(()),
            _ if node.is_null() => Ok(()),
            _ if self.path.is_empty() => Err(self.wrong_at(id, "the document", "a mapping")),
            _ => Err(self.wrong_at(id, &self.path, "a mapping")),
        }
    }

    /// The mappings of a list.
    fn items(&self, key: &str) -> Result<Vec<Section<'a>>, ReadError> {
        let Some(list) = self.value(key) else { return Ok(Vec::new()) };
        let Data::Sequence { items, .. } = &self.document.node(list).data else {
            return Err(self.wrong(key, "a list"));
        };
        let mut sections = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let path = format!("{}[{index}]", self.path_of(key));
            let section = self.child(self.document.resolve(*item), path);
            section.expect_mapping()?;
            sections.push(section);
        }
        Ok(sections)
    }

    /// The entries, without what merge keys bring.
    fn pairs(&self) -> Vec<(Id, Id)> {
        let entries = self.id.map(|id| self.document.entries(id)).unwrap_or_default();
        let resolve = |(key, value): &(Id, Id)| Some((*key, self.document.resolve(*value)?));
        entries.iter().filter_map(resolve).collect()
    }

    fn scalar(&self, id: Id) -> Option<&'a str> {
        self.document.node(id).scalar().map(|(text, _)| text)
    }

    fn text(&self, key: &str) -> Result<Option<String>, ReadError> {
        let Some(id) = self.value(key) else { return Ok(None) };
        match self.scalar(id) {
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(self.wrong(key, "a string")),
        }
    }

    /// A text that may be absent but not null, as Palette has it.
    fn required_text(&self, key: &str) -> Result<Option<String>, ReadError> {
        let is_null = |id| self.document.node(id).is_null();
        match self.id.and_then(|id| self.document.get(id, key)) {
            Some(id) if is_null(id) => {
                Err(self.wrong_at(id, &self.path_of(key), "a quoted string"))
            }
            _ => self.text(key),
        }
    }

    fn flag(&self, key: &str) -> Result<bool, ReadError> {
        let Some(id) = self.value(key) else { return Ok(false) };
        let scalar = self.document.node(id).scalar();
        let plain = scalar.filter(|(_, style)| *style == ScalarStyle::Plain);
        plain
            .and_then(|(text, _)| scalar::boolean(text))
            .ok_or_else(|| self.wrong(key, "`true` or `false`"))
    }

    /// A list of certificates, or a single one.
    fn certificates(&self, key: &str) -> Result<Vec<String>, ReadError> {
        const EXPECTED: &str = "a PEM certificate, as it is or in base64";
        let Some(id) = self.value(key) else { return Ok(Vec::new()) };
        let items = match &self.document.node(id).data {
            Data::Sequence { items, .. } => items.clone(),
            _ => vec![id],
        };
        let mut found = Vec::with_capacity(items.len());
        for item in items {
            let text = self.document.resolve(item).and_then(|item| self.scalar(item));
            let pem = text.and_then(certificate::pem);
            found.push(pem.ok_or_else(|| self.wrong_at(item, &self.path_of(key), EXPECTED))?);
        }
        Ok(found)
    }

    fn path_of(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    /// The value of `key` is wrong.
    fn wrong(&self, key: &str, expected: &'static str) -> ReadError {
        let at = self.value(key).or(self.id).unwrap_or_default();
        self.wrong_at(at, &self.path_of(key), expected)
    }

    fn wrong_at(&self, id: Id, path: &str, expected: &'static str) -> ReadError {
        let place = self.document.node(id).place;
        ReadError::Value { place, path: path.to_owned(), expected }
    }
}
