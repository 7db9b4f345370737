//! User data: reading, checking, merging and editing it never panics, and an
//! edit that works is one that can be made again without a change.
#![no_main]

use edgectl_cloudconfig::{
    Against, Flavor, HostFile, Injection, RemoveError, RuntimeSetup, SiteSettings, SiteTemplate,
    Source, TemplateError, carries, check, inject, merge, read_settings, redact, remove,
    remove_by_force, written_files,
};
use edgectl_model::{HostRule, Prefix, Reference, Secret};
use libfuzzer_sys::fuzz_target;

const PEM: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

fn injection(flavor: Flavor, with_files: bool) -> Injection {
    let prefix = |text| Prefix::parse(text).expect("a prefix");
    let file = HostFile {
        path: "/etc/rancher/k3s/registries.yaml".to_owned(),
        mode: 0o600,
        content: Secret::new("# Written by edgectl.\nmirrors: {}\n"),
    };
    Injection {
        flavor,
        registry: prefix("reg.local:5000/edge"),
        username: "puller".to_owned(),
        password: Secret::new("p\"'#: {{"),
        insecure: false,
        ca_pem: Some(PEM.to_owned()),
        rules: vec![HostRule {
            source: prefix("quay.io"),
            target: prefix("reg.local:5000/edge/quay.io"),
        }],
        listed: with_files,
        site: SiteSettings::default(),
        runtime: with_files.then(|| RuntimeSetup {
            files: vec![file],
            restart: vec!["systemctl restart x".to_owned()],
        }),
    }
}

fuzz_target!(|text: &str| {
    let images = Reference::parse("quay.io/a/b:1").into_iter().collect();
    let against = Against { images, targets: Default::default() };
    let _ = check(text, Some(&against));
    let _ = read_settings(text);
    let _ = written_files(text);
    let _ = redact(text);
    let source = Source { name: "a", text };
    if let Ok(merged) = merge(&[source, source]) {
        let again = merged.to_text();
        let source = Source { name: "b", text: &again };
        let twice = merge(&[source]).expect("what was merged can be read").to_text();
        assert_eq!(twice, again, "merging changed a finished document");
    }
    let flavors = [Flavor::Palette, Flavor::Kairos, Flavor::CloudInit];
    for injection in flavors.iter().flat_map(|f| [injection(*f, false), injection(*f, true)]) {
        let Ok(after) = inject(text, &injection) else { continue };
        assert_eq!(inject(&after, &injection).as_ref(), Ok(&after), "injecting twice");
        let is_new = after != text && !text.contains("# edgectl: ");
        match remove(&after) {
            Ok(removed) if is_new => assert_eq!(removed.text, text, "removing"),
            Err(error) if is_new => assert_eq!(error, RemoveError::Replaced, "removing"),
            _ => {}
        }
        let _ = remove_by_force(&after, &injection);
        let _ = carries(&after, &injection);
    }
    if let Ok(template) = SiteTemplate::new(text, Ok::<_, TemplateError>) {
        let _ = template.render(&Default::default());
    }
});
