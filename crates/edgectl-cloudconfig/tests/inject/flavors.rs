//! Kairos and cloud-init.

use crate::*;

#[test]
fn other_flavors_get_a_section_of_the_agent() {
    let before = "#cloud-config\nhostname: a\nstages:\n  boot: []\n";
    for flavor in [Flavor::Kairos, Flavor::CloudInit] {
        let injection = Injection { flavor, ..full() };
        let after = inject(before, &injection).unwrap();
        assert_eq!(inject(&after, &injection).unwrap(), after);
        assert_eq!(removed(&after), before);
        assert!(plain(&after).starts_with(before), "{after}");
        assert!(after.contains("edgectl:\n  registry:\n    domain: "), "{after}");
        assert!(!after.contains("stylus"), "{after}");
        let settings = read_settings(&after).unwrap();
        assert_eq!(settings.registries.len(), 1);
        assert_eq!(settings.registries[0].ca_pems, [PEM]);
        assert_eq!(settings.rules.len(), 2);
    }
    assert_eq!(Flavor::detect(before), Some(Flavor::Kairos));
    assert_eq!(Flavor::detect("#cloud-config\nstylus: {}\n"), Some(Flavor::Palette));
    assert_eq!(Flavor::detect("#cloud-config\nhostname: a\n"), Some(Flavor::CloudInit));
    assert_eq!(Flavor::detect("a: [\n"), None);
    let plain = "#cloud-config\nhostname: a\n";
    for (parts, flavor) in [
        (&[plain, before][..], Some(Flavor::Kairos)),
        (&[before, "#cloud-config\nstylus: {}\n"], Some(Flavor::Palette)),
        (&[plain], Some(Flavor::CloudInit)),
        (&[plain, "#cloud-config\na: [\n"], None),
        (&[], None),
    ] {
        assert_eq!(Flavor::detect(&multipart(parts)), flavor, "{parts:?}");
    }
    let archive = "#cloud-config-archive\n- |\n  #cloud-config\n  stages: {}\n- |\n  #!/bin/sh\n";
    assert_eq!(Flavor::detect(archive), Some(Flavor::Kairos));
    assert_eq!(cloud_configs(archive), ["#cloud-config\nstages: {}\n"]);
}

#[test]
fn headers_of_kairos_are_for_kairos() {
    for header in ["#kairos-config", "#node-config"] {
        let before = format!("{header}\nhostname: a\n");
        let kairos = Injection { flavor: Flavor::Kairos, ..full() };
        let after = inject(&before, &kairos).unwrap();
        assert!(plain(&after).starts_with(&before), "{after}");
        assert_eq!(removed(&after), before);
        assert_eq!(read_settings(&after).unwrap().registries[0].domain, kairos.registry);
        let other = Injection { flavor: Flavor::CloudInit, ..full() };
        assert_eq!(inject(&before, &other), Err(InjectError::NotCloudConfig));
    }
}
