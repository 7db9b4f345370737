//! What `user-data inject --runtime containerd` writes, read by containerd.

use edgectl_model::from_yaml;
use edgectl_testkit::TestCa;
use serde_json::Value;

use crate::containerd::{Containerd, HostFiles};
use crate::site::{DOMAIN, Site, tiny};
use crate::user_data_cloud_init::read_by_cloud_init;

/// A site whose registry is where its name says, with all images in it.
fn site() -> Site {
    let site = Site::new();
    site.write("user-data", "#cloud-config\nhostname: edge-7\n");
    site.configure(DOMAIN, &format!("{}/ns", site.registry.address()));
    site.serve(&[("quay.io/a/web:1", tiny("web")), ("quay.io/a/db:1", tiny("db"))]);
    site.run(&["upload-profile"]).expect(0);
    site
}

/// The files that the host gets with `flavor`.
fn files(site: &Site, flavor: &str, more: &[&str]) -> HostFiles {
    let how = ["user-data", "inject", "--runtime", "containerd", "--flavor", flavor];
    site.run(&[&how[..], &["--out", "finished"], more].concat()).expect(0);
    let octal = |text: &str| u32::from_str_radix(text, 8).unwrap();
    if flavor == "cloud-init" {
        let read = read_by_cloud_init(site, "finished");
        let files = read["files"].as_object().unwrap().iter();
        let file = |(path, file): (&String, &Value)| {
            let mode = octal(file["mode"].as_str().unwrap().trim_start_matches("0o"));
            (path.clone(), (mode, file["content"].as_str().unwrap().to_owned()))
        };
        return files.map(file).collect();
    }
    let text = std::fs::read_to_string(site.path("finished")).unwrap();
    let config: Value = from_yaml(&text).unwrap();
    let files = config["stages"]["initramfs"][0]["files"].as_array().unwrap().iter();
    let file = |file: &Value| {
        let mode = u32::try_from(file["permissions"].as_u64().unwrap()).unwrap();
        let text = |key: &str| file[key].as_str().unwrap().to_owned();
        (text("path"), (mode, text("content")))
    };
    files.map(file).collect()
}

#[test]
fn a_real_containerd_pulls_by_it() {
    let site = site();
    for flavor in ["cloud-init", "kairos"] {
        let containerd = Containerd::start(&files(&site, flavor, &[]));
        for image in ["quay.io/a/web:1", "quay.io/a/db:1"] {
            let pulled = containerd.pull(image);
            let id = pulled.unwrap_or_else(|why| panic!("{flavor}: {why}\n{}", containerd.log()));
            assert!(id.starts_with("sha256:"), "{id}");
        }
        // By the name that it has in the registry, too.
        let there = format!("{}/ns/quay.io/a/web:1", site.registry.address());
        containerd.pull(&there).unwrap();
        let missing = containerd.pull("quay.io/a/nothing:1").unwrap_err();
        assert!(missing.contains("not found"), "{missing}");
    }
}

#[test]
fn without_the_password_or_the_authority_it_does_not() {
    let site = site();
    site.write("wrong", "wrong\n");
    let login = ["--username", "uploader", "--password-file", "wrong"];
    let containerd = Containerd::start(&files(&site, "cloud-init", &login));
    let refused = containerd.pull("quay.io/a/web:1").unwrap_err();
    assert!(refused.contains("401") || refused.contains("authorization failed"), "{refused}");

    let mut files = files(&site, "cloud-init", &[]);
    files.get_mut("/etc/edgectl/registry-ca.pem").unwrap().1 =
        TestCa::new("another").unwrap().ca_pem().to_owned();
    let containerd = Containerd::start(&files);
    let refused = containerd.pull("quay.io/a/web:1").unwrap_err();
    assert!(refused.contains("certificate"), "{refused}");
}
