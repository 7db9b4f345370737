//! Reading `edge.yaml`, its commented form and its JSON Schema.

use thiserror::Error;

use crate::config::EdgeConfig;
use crate::credentials::WAYS;
use crate::suggest::did_you_mean;
use crate::yaml::{YamlError, from_yaml};

/// What `edgectl init` writes.
pub const EDGE_YAML_TEMPLATE: &str = include_str!("../../../templates/edge.yaml");

const API_VERSION: &str = "edgectl.dev/v1";
const MAX_LABEL: usize = 16;

/// Why a text isn't an `edge.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// Wrong YAML or shape.
    #[error("line {}, column {}: {}{}", .error.line, .error.column, .error.message, hint(.suggestion))]
    Yaml {
        /// Where and what.
        error: YamlError,
        /// A known key that is near the unknown one.
        suggestion: Option<String>,
    },
    /// Another API version.
    #[error("`apiVersion` is `{0}`, expected `edgectl.dev/v1`")]
    ApiVersion(String),
    /// A label that boot loaders can't search for.
    #[error("`iso.label` is `{0}`: expected 1 to 16 of `A-Z`, `0-9` and `_`")]
    Label(String),
    /// A login or a certificate with too many or too few parts.
    #[error("`{section}`: give {expected}")]
    Credentials {
        /// Where it stands.
        section: String,
        /// What is expected.
        expected: &'static str,
    },
    /// Nobody to encrypt to, or too many ways.
    #[error(
        "`iso.encrypt`: give public keys (`recipients`, `recipientsFile`) or `passphraseFile`, and not both"
    )]
    Encrypt,
    /// A number out of range.
    #[error("`{key}` is {value}: expected {expected}")]
    Range {
        /// Which key.
        key: &'static str,
        /// Its value.
        value: u64,
        /// What is expected.
        expected: &'static str,
    },
}

fn hint(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map(|s| format!("; did you mean `{s}`?")).unwrap_or_default()
}

/// Reads and checks an `edge.yaml`.
pub fn parse_edge_yaml(text: &str) -> Result<EdgeConfig, ConfigError> {
    let config: EdgeConfig = from_yaml(text).map_err(|error| {
        let suggestion = suggest(&error.message);
        ConfigError::Yaml { error, suggestion }
    })?;
    check(&config)?;
    Ok(config)
}

/// The JSON Schema of `edge.yaml`, pretty printed.
pub fn edge_yaml_schema() -> String {
    let schema = schemars::schema_for!(EdgeConfig);
    let mut text = serde_json_pretty(&schema);
    text.push('\n');
    text
}

fn serde_json_pretty(schema: &schemars::Schema) -> String {
    format!("{:#}", schema.as_value())
}

/// An unknown field's message lists the known ones; the nearest is suggested.
fn suggest(message: &str) -> Option<String> {
    let (unknown, known) = message.strip_prefix("unknown field `")?.split_once("`, expected ")?;
    let known = known.strip_prefix("one of ").unwrap_or(known);
    let words = known.split([',', ' ', '`']).filter(|word| !word.is_empty());
    did_you_mean(unknown, words).map(str::to_owned)
}

fn check(config: &EdgeConfig) -> Result<(), ConfigError> {
    if config.api_version != API_VERSION {
        return Err(ConfigError::ApiVersion(config.api_version.clone()));
    }
    let label = &config.iso.label;
    let is_label_char = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_';
    if label.is_empty() || label.len() > MAX_LABEL || !label.bytes().all(is_label_char) {
        return Err(ConfigError::Label(label.clone()));
    }
    if config.iso.encrypt.as_ref().is_some_and(|encrypt| !encrypt.is_one_way()) {
        return Err(ConfigError::Encrypt);
    }
    check_range("iso.userDataKib", config.iso.user_data_kib.into(), 4..=65_536, "4 to 65536")?;
    check_range("upload.jobs", config.upload.jobs.into(), 1..=64, "1 to 64")?;
    check_range("boot.memoryMib", config.boot.memory_mib.into(), 512..=1_048_576, "512 or more")?;
    check_range("boot.cpus", config.boot.cpus.into(), 1..=256, "1 to 256")?;
    check_range("boot.diskGib", config.boot.disk_gib.into(), 4..=65_536, "4 or more")?;
    check_credentials(config)?;
    check_certificates(config)
}

fn check_range(
    key: &'static str,
    value: u64,
    range: std::ops::RangeInclusive<u64>,
    expected: &'static str,
) -> Result<(), ConfigError> {
    match range.contains(&value) {
        true => Ok(()),
        false => Err(ConfigError::Range { key, value, expected }),
    }
}

fn check_credentials(config: &EdgeConfig) -> Result<(), ConfigError> {
    let registry = [
        ("registry.credentials".to_owned(), &config.registry.credentials),
        ("registry.pullCredentials".to_owned(), &config.registry.pull_credentials),
    ];
    let sources = config.sources.registries.iter().map(|(host, source)| {
        (format!("sources.registries.{host}.credentials"), &source.credentials)
    });
    for (section, credentials) in registry.into_iter().chain(sources) {
        if credentials.as_ref().is_some_and(|c| c.way().is_none()) {
            return Err(ConfigError::Credentials { section, expected: WAYS });
        }
    }
    Ok(())
}

/// A certificate of ours is of no use without its key.
fn check_certificates(config: &EdgeConfig) -> Result<(), ConfigError> {
    let registry = &config.registry;
    let sources = config.sources.registries.iter().map(|(host, source)| {
        (format!("sources.registries.{host}"), source.cert.is_some(), source.key.is_some())
    });
    let own = ("registry".to_owned(), registry.cert.is_some(), registry.key.is_some());
    for (section, cert, key) in sources.chain([own]) {
        if cert != key {
            let expected = "both `cert` and `key`, or none of them";
            return Err(ConfigError::Credentials { section, expected });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_valid() {
        parse_edge_yaml(EDGE_YAML_TEMPLATE).unwrap();
    }

    #[test]
    fn unknown_keys_are_errors_with_a_suggestion() {
        let text = EDGE_YAML_TEMPLATE.replace("\nregistry:", "\nregsitry:");
        let message = parse_edge_yaml(&text).unwrap_err().to_string();
        assert!(message.contains("regsitry"), "{message}");
        assert!(message.ends_with("did you mean `registry`?"), "{message}");
        assert!(!message.starts_with("line 0"), "{message}");
    }

    #[test]
    fn labels_are_checked() {
        for bad in ["edgectl", "A_LABEL_THAT_IS_TOO_LONG", "\"\""] {
            let text = EDGE_YAML_TEMPLATE.replace("label: EDGECTL", &format!("label: {bad}"));
            let error = parse_edge_yaml(&text).unwrap_err();
            assert!(matches!(error, ConfigError::Label(_)), "{error}");
        }
    }

    #[test]
    fn user_data_is_encrypted_in_one_way() {
        let with = |encrypt: &str| {
            let label = "label: EDGECTL";
            let text = EDGE_YAML_TEMPLATE.replace(label, &format!("{label}\n  encrypt: {encrypt}"));
            parse_edge_yaml(&text)
        };
        for good in [
            "{recipients: [age1x]}",
            "{recipientsFile: x}",
            "{recipients: [age1x], recipientsFile: x}",
            "{passphraseFile: x}",
        ] {
            assert!(with(good).unwrap().iso.encrypt.is_some(), "{good}");
        }
        for bad in ["{}", "{recipients: []}", "{recipientsFile: x, passphraseFile: y}"] {
            assert_eq!(with(bad).unwrap_err(), ConfigError::Encrypt, "{bad}");
        }
    }

    #[test]
    fn a_certificate_needs_its_key() {
        let text = EDGE_YAML_TEMPLATE.replace("\n  insecure: false", "\n  cert: x.pem");
        let error = parse_edge_yaml(&text).unwrap_err().to_string();
        assert!(error.starts_with("`registry`: give both `cert` and `key`"), "{error}");
    }

    #[test]
    fn a_login_needs_one_password() {
        let text = EDGE_YAML_TEMPLATE
            .replace("\n    passwordEnv:", "\n    passwordFile: x\n    passwordEnv:");
        let error = parse_edge_yaml(&text).unwrap_err().to_string();
        assert!(error.starts_with("`registry.credentials`: give one of"), "{error}");
    }
}
