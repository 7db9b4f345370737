//! Credentials, mirror rules and a certificate authority into user data.

use granit_parser::ScalarStyle;

use edgectl_model::{HostRule, Prefix, Secret};

use crate::certificate;
use crate::check::Flavor;
use crate::edit::{Leaf, put};
use crate::envelope::edit_part;
use crate::error::{InjectError, Place};
use crate::guard;
use crate::header::is_cloud_config;
use crate::scalar;
use crate::sections::Sections;
use crate::tree::Document;

/// What goes into the user data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    /// Which sections it goes into: `stylus:` for Palette, else the agent's own
    /// `edgectl:`.
    pub flavor: Flavor,
    /// The private registry, `host[:port][/namespace]`.
    pub registry: Prefix,
    /// User name.
    pub username: String,
    /// Password.
    pub password: Secret,
    /// Plain HTTP or an untrusted certificate is allowed.
    pub insecure: bool,
    /// Certificate authority of the registry, as PEM text.
    pub ca_pem: Option<String>,
    /// Mirror rules; others that the user has are kept.
    pub rules: Vec<HostRule>,
}

/// `text` with everything of `injection` set and every other byte as it was.
/// Injecting twice gives the same bytes as injecting once.
///
/// Of a MIME multipart message the first cloud-config part is changed; one that
/// is encoded, and a cloud-config-archive, are refused.
pub fn inject(text: &str, injection: &Injection) -> Result<String, InjectError> {
    edit_part(text, |part| inject_one(part, injection))
}

pub(crate) fn inject_one(text: &str, injection: &Injection) -> Result<String, InjectError> {
    if !is_cloud_config(text) {
        return Err(InjectError::NotCloudConfig);
    }
    let authority = match &injection.ca_pem {
        Some(pem) => Some(certificate::pem(pem).ok_or(InjectError::NotPem)?),
        None => None,
    };
    let after = set_all(text, injection, authority.as_deref())?;
    let again = set_all(&after, injection, authority.as_deref());
    let is_sound = again.as_ref() == Ok(&after)
        && guard::only_sets(text, &after, injection).is_ok_and(|only| only);
    match is_sound {
        true => Ok(after),
        // A place in the new text, which nobody sees, would help nobody.
        false => Err(InjectError::Unsupported {
            place: section_place(text, injection)?,
            path: Sections::of(injection.flavor).top().into(),
        }),
    }
}

/// Leaves alone what is set already; so a second round over its own result
/// proves that everything is there.
fn set_all(
    text: &str,
    injection: &Injection,
    authority: Option<&str>,
) -> Result<String, InjectError> {
    let mut after = set_credentials(text, injection)?;
    for rule in &injection.rules {
        after = set_rule(&after, rule, injection.flavor)?;
    }
    match authority {
        Some(pem) => {
            put(&after, &Sections::of(injection.flavor).authorities, &Leaf::Certificate(pem))
        }
        None => Ok(after),
    }
}

fn set_credentials(text: &str, injection: &Injection) -> Result<String, InjectError> {
    let password = match wants_encoded(text, injection.flavor)? {
        true => certificate::encode(injection.password.expose()),
        false => injection.password.expose().to_owned(),
    };
    let username = injection.username.as_str();
    let [top, section] = Sections::of(injection.flavor).credentials;
    let set = |text: &str, key: &str, leaf: Leaf<'_>| put(text, &[top, section, key], &leaf);

    let text = set(
        text,
        "domain",
        Leaf::Scalar {
            written: scalar::name(&injection.registry.to_string()),
            keeps: &|now, style| names(now, style, &injection.registry),
        },
    )?;
    let text = set(
        &text,
        "username",
        Leaf::Scalar {
            written: scalar::quoted(username),
            keeps: &|now, style| now == username && is_text(now, style),
        },
    )?;
    let text = set(
        &text,
        "password",
        Leaf::Scalar {
            written: scalar::quoted(&password),
            keeps: &|now, style| {
                // A block scalar's last line end is too easy to lose.
                let is_quoted =
                    matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
                now == password && is_quoted
            },
        },
    )?;
    set(
        &text,
        "insecure",
        Leaf::Scalar {
            written: injection.insecure.to_string(),
            keeps: &|now, style| {
                style == ScalarStyle::Plain && scalar::boolean(now) == Some(injection.insecure)
            },
        },
    )
}

fn set_rule(text: &str, rule: &HostRule, flavor: Flavor) -> Result<String, InjectError> {
    let target = rule.target.to_string();
    let leaf = Leaf::Scalar {
        written: scalar::quoted(&target),
        keeps: &|now, style| names(now, style, &rule.target),
    };
    let mut after = text.to_owned();
    let present = present_spellings(text, &rule.source, flavor)?;
    let source = rule.source.to_string();
    let spellings = if present.is_empty() { vec![source] } else { present };
    for spelling in spellings {
        let [top, section, rules] = Sections::of(flavor).rules;
        after = put(&after, &[top, section, rules, &spelling], &leaf)?;
    }
    Ok(after)
}

/// The keys of the rules that mean `source`, as the user spelled them.
pub(crate) fn present_spellings(
    text: &str,
    source: &Prefix,
    flavor: Flavor,
) -> Result<Vec<String>, InjectError> {
    let document = Document::parse(text)?;
    let mut at = document.root;
    for key in Sections::of(flavor).rules {
        at = at.and_then(|id| document.get(id, key));
    }
    let entries = at.map(|id| document.entries(id)).unwrap_or_default();
    let keys = entries.iter().filter_map(|(key, _)| document.node(*key).scalar());
    let meant = keys.filter(|(key, _)| Prefix::parse(key).as_ref() == Ok(source));
    Ok(meant.map(|(key, _)| key.to_owned()).collect())
}

/// Whether the user has asked for a base64 password.
fn wants_encoded(text: &str, flavor: Flavor) -> Result<bool, InjectError> {
    let document = Document::parse(text)?;
    let [top, section] = Sections::of(flavor).credentials;
    let credentials = document
        .root
        .and_then(|root| document.get(root, top))
        .and_then(|stylus| document.get(stylus, section));
    let Some(id) = credentials.and_then(|id| document.get(id, "encodedPassword")) else {
        return Ok(false);
    };
    let node = document.node(id);
    let plain = node.scalar().filter(|(_, style)| *style == ScalarStyle::Plain);
    match plain.and_then(|(text, _)| scalar::boolean(text)) {
        Some(encoded) => Ok(encoded),
        None if node.is_null() => Ok(false),
        None => Err(InjectError::Shape {
            place: node.place,
            path: format!("{top}.{section}.encodedPassword"),
            expected: "`true` or `false`",
        }),
    }
}

fn names(now: &str, style: ScalarStyle, prefix: &Prefix) -> bool {
    is_text(now, style) && Prefix::parse(now).as_ref() == Ok(prefix)
}

fn is_text(now: &str, style: ScalarStyle) -> bool {
    match style {
        ScalarStyle::Plain => scalar::is_surely_text(now),
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => true,
        _ => false,
    }
}

fn section_place(text: &str, injection: &Injection) -> Result<Place, InjectError> {
    let document = Document::parse(text)?;
    let top = Sections::of(injection.flavor).top();
    let section = document.root.and_then(|root| document.get(root, top));
    let start = section.or(document.root).map(|id| document.node(id).place);
    Ok(start.unwrap_or(Place::new(1, 1)))
}
