//! What SPDX calls packages: the system, what is installed in it, and images.

use edgectl_model::{Digest, Reference};
use serde_json::{Value, json};

use super::SYSTEM;
use crate::bake::BakeReport;
use crate::content::Content;
use crate::manifest::{Input, Manifest};
use crate::packages::{InstalledPackage, PackageManager, SystemContents};

/// The input that is the system itself, and not a layer of it.
const OS_INPUT: &str = "operating system";
/// Who says what an image in a layout is called, the better one first.
const NAMES: [&str; 2] = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];

/// What the system was made of: an OCI image, or a root file system.
pub(super) fn system(report: &BakeReport, manifest: &Manifest) -> Value {
    let told = |input: &Input| format!("{}: {}", input.name, input.digest);
    let inputs: Vec<String> = manifest.inputs.iter().map(told).collect();
    let os = manifest.inputs.iter().filter(|input| input.name == OS_INPUT);
    let sums: Vec<Value> = os.filter_map(|input| checksum(&input.digest)).collect();
    let contents = &report.contents;
    let name = if contents.id.is_empty() { OS_INPUT } else { &contents.id };
    let mut value = json!({
        "SPDXID": SYSTEM,
        "name": name,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "primaryPackagePurpose": "OPERATING-SYSTEM",
        "checksums": sums,
        "comment": format!("made of\n{}", inputs.join("\n")),
    });
    if !contents.version.is_empty() {
        value["versionInfo"] = contents.version.as_str().into();
    }
    value
}

/// The packages that are installed in the system.
pub(super) fn installed(contents: &SystemContents) -> Vec<Value> {
    let one = |(n, package): (usize, &InstalledPackage)| {
        let id = format!("SPDXRef-Package-{}", n + 1);
        let mut value = located(&id, &package.name, &purl(package, contents));
        value["versionInfo"] = package.version.as_str().into();
        value
    };
    contents.packages.iter().enumerate().map(one).collect()
}

/// The images that the medium carries.
pub(super) fn carried(content: &Content) -> Vec<Value> {
    let index: Value = serde_json::from_slice(&content.index).unwrap_or_default();
    let manifests = index["manifests"].as_array().map(Vec::as_slice).unwrap_or_default();
    manifests.iter().enumerate().filter_map(|(n, one)| image(n, one)).collect()
}

fn image(number: usize, descriptor: &Value) -> Option<Value> {
    let digest = Digest::parse(descriptor["digest"].as_str()?).ok()?;
    let annotations = &descriptor["annotations"];
    let name = NAMES.iter().find_map(|key| annotations[key].as_str());
    let reference = name.and_then(|name| Reference::parse(name).ok());
    let id = format!("SPDXRef-Container-{}", number + 1);
    let locator = reference.as_ref().map(|reference| oci_purl(reference, &digest));
    let shown = name.unwrap_or(digest.as_str());
    let mut value = match locator {
        Some(locator) => located(&id, shown, &locator),
        None => package(&id, shown),
    };
    value["versionInfo"] = digest.as_str().into();
    value["primaryPackagePurpose"] = "CONTAINER".into();
    if let Some(sum) = checksum(&digest) {
        value["checksums"] = [sum].into_iter().collect();
    }
    Some(value)
}

fn package(id: &str, name: &str) -> Value {
    json!({
        "SPDXID": id,
        "name": name,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
    })
}

fn located(id: &str, name: &str, locator: &str) -> Value {
    let mut value = package(id, name);
    value["externalRefs"] = json!([{
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": locator,
    }]);
    value
}

fn checksum(digest: &Digest) -> Option<Value> {
    let algorithm = match digest.algorithm() {
        "sha256" => "SHA256",
        "sha512" => "SHA512",
        _ => return None,
    };
    Some(json!({ "algorithm": algorithm, "checksumValue": digest.hex() }))
}

fn purl(package: &InstalledPackage, contents: &SystemContents) -> String {
    let (kind, vendor) = match package.manager {
        PackageManager::Dpkg => ("deb", "debian"),
        PackageManager::Apk => ("apk", "alpine"),
    };
    let vendor = if contents.id.is_empty() { vendor } else { &contents.id };
    let [name, version, architecture] =
        [&package.name, &package.version, &package.architecture].map(|text| escaped(text));
    let mut locator =
        format!("pkg:{kind}/{}/{name}@{version}?arch={architecture}", escaped(vendor));
    if !contents.id.is_empty() && !contents.version.is_empty() {
        let distro = format!("{}-{}", contents.id, contents.version);
        locator.push_str(&format!("&distro={}", escaped(&distro)));
    }
    locator
}

fn oci_purl(reference: &Reference, digest: &Digest) -> String {
    let repository = reference.repository();
    let name = repository.rsplit('/').next().unwrap_or_default();
    let tag = reference.tag().map(|tag| format!("&tag={}", escaped(tag))).unwrap_or_default();
    let (name, digest) = (escaped(name), escaped(digest.as_str()));
    // Slashes stand for themselves in a qualifier.
    let place = escaped(&repository).replace("%2F", "/");
    format!("pkg:oci/{name}@{digest}?repository_url={place}{tag}")
}

/// What stands for itself in a package URL, and the rest by its bytes.
fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_urls_are_escaped() {
        let package = InstalledPackage {
            name: "libstdc++6".to_owned(),
            version: "1:12.2.0-14+deb12u1".to_owned(),
            architecture: "amd64".to_owned(),
            manager: PackageManager::Dpkg,
        };
        let debian = SystemContents {
            id: "debian".to_owned(),
            version: "12".to_owned(),
            ..SystemContents::default()
        };
        let url = "pkg:deb/debian/libstdc%2B%2B6@1%3A12.2.0-14%2Bdeb12u1?arch=amd64";
        assert_eq!(purl(&package, &debian), format!("{url}&distro=debian-12"));
        assert_eq!(purl(&package, &SystemContents::default()), url);
        let reference = Reference::parse("reg.example:5000/a/web:1").unwrap();
        let digest = Digest::sha256(b"x");
        let url = oci_purl(&reference, &digest);
        let end = "?repository_url=reg.example%3A5000/a/web&tag=1";
        assert_eq!(url, format!("pkg:oci/web@sha256%3A{}{end}", digest.hex()));
    }

    #[test]
    fn what_names_no_digest_is_passed_over() {
        let of = |index: &str| {
            let content = Content { index: index.into(), names: vec![], blobs: vec![] };
            carried(&content)
        };
        assert!(of("x").is_empty() && of(r#"{"manifests":[{"digest":"x"},3]}"#).is_empty());
        let digest = Digest::parse(&format!("sha512:{}", "a".repeat(128))).unwrap();
        let nameless = of(&format!(r#"{{"manifests":[{{"digest":"{digest}"}}]}}"#));
        assert_eq!(nameless[0]["name"], digest.as_str());
        assert_eq!(nameless[0]["checksums"][0]["algorithm"], "SHA512");
    }
}
