//! What whoever finds a medium can read on it: said where it is written.

use std::collections::BTreeSet;

use edgectl_cloudconfig::{read_settings, redact};
use edgectl_model::count;

use crate::iso_encrypt::{ForMedium, described};
use crate::printer::Printer;

/// What `redact` puts in place of a secret.
const HIDDEN: &str = "<hidden>";

/// What media hold, gathered over one or many.
#[derive(Debug, Default)]
pub(crate) struct Exposure {
    secrets: usize,
    /// Registries whose passwords are there.
    registries: BTreeSet<String>,
    /// Secrets can be told from the rest only in what can be read.
    has_unread: bool,
    encrypted: BTreeSet<String>,
    has_network: bool,
}

impl Exposure {
    /// Takes note of what goes onto a medium.
    pub(crate) fn add(&mut self, user_data: Option<&ForMedium>, has_network: bool) {
        self.has_network |= has_network;
        let Some(user_data) = user_data else { return };
        match user_data.opener {
            Some(opener) => {
                self.encrypted.insert(described(opener));
            }
            None => self.add_plain(user_data.text.expose()),
        }
    }

    fn add_plain(&mut self, text: &str) {
        match redact(text) {
            Ok(shown) => self.secrets += hidden(&shown).saturating_sub(hidden(text)),
            Err(_) => self.has_unread = true,
        }
        let settings = read_settings(text).map(|settings| settings.registries).unwrap_or_default();
        let with_password = settings.iter().filter(|registry| !registry.password.is_empty());
        self.registries.extend(with_password.map(|registry| registry.domain.to_string()));
    }

    /// Says it, with the way out where something on `what` could decrypt.
    pub(crate) fn tell(&self, what: &str, can_encrypt: bool, printer: Printer) {
        for how in &self.encrypted {
            printer.say(&format!("  user data on {what}: encrypted ({how})"));
        }
        if !self.encrypted.is_empty() && self.has_network {
            printer.say(&format!(
                "warning: the network configuration on {what} is not encrypted: the network comes first"
            ));
        }
        if let Some(plain) = self.plain() {
            let way_out = match can_encrypt {
                true => "; `--recipient KEY` encrypts it (`edgectl iso key` makes one)",
                false => "",
            };
            printer.say(&format!(
                "warning: whoever has {what} can read the user data, {plain}{way_out}"
            ));
        }
    }

    /// What of it is secret and in the clear.
    fn plain(&self) -> Option<String> {
        let of: Vec<String> =
            self.registries.iter().map(|domain| format!("the password of `{domain}`")).collect();
        match (self.secrets.max(of.len()), of.is_empty()) {
            (0, _) if self.has_unread => Some("whatever it holds".to_owned()),
            (0, _) => None,
            (secrets, true) => Some(format!("with {}", count(secrets, "secret"))),
            (secrets, false) => {
                Some(format!("with {}: {}", count(secrets, "secret"), listed(&of, secrets)))
            }
        }
    }
}

/// Some of them by name.
fn listed(named: &[String], secrets: usize) -> String {
    const SHOWN: usize = 3;
    let mut text = named.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if secrets > named.len().min(SHOWN) {
        text.push_str(" and others");
    }
    text
}

/// How many values are hidden; comments are no values.
fn hidden(text: &str) -> usize {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.map(|line| line.matches(HIDDEN).count()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgectl_model::Secret;

    fn plain(text: &str) -> Option<String> {
        let mut exposure = Exposure::default();
        exposure.add(Some(&ForMedium { text: Secret::new(text), opener: None }), false);
        exposure.plain()
    }

    #[test]
    fn secrets_are_counted_and_registries_named() {
        assert_eq!(plain("#cloud-config\nhostname: a\n"), None);
        let one = "#cloud-config\nusers: [{name: a, passwd: x}]\n";
        assert_eq!(plain(one).unwrap(), "with 1 secret");
        let registry = "stylus: {registryCredentials: {domain: reg.example/x, username: u, password: \"p\"}}\n";
        let said = plain(&format!("#cloud-config\n{registry}")).unwrap();
        assert_eq!(said, "with 1 secret: the password of `reg.example/x`");
        let said = plain(&format!("{one}{registry}")).unwrap();
        assert_eq!(said, "with 2 secrets: the password of `reg.example/x` and others");
        assert_eq!(plain("#cloud-config\nx: [\n").unwrap(), "whatever it holds");
    }
}
