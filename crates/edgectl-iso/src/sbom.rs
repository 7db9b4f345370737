//! A bill of materials (SPDX 2.3, as JSON): what an image was made of, the
//! files on it, the packages of its system, and the images that it carries.
//!
//! The same image gives the same document: dates are the image's own, and the
//! document's name is made of what it says. Of user data it says nothing, since
//! files count with their areas empty.

mod packages;

use edgectl_model::Digest;
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

use crate::bake::BakeReport;
use crate::content::Content;
use crate::date;
use crate::disc::{Disc, DiscEntry, Index, Kind};
use crate::error::IsoError;
use crate::manifest::{FileDigest, Manifest};
use crate::{seal, verify};

/// Where SPDX keeps names of documents that are published nowhere.
const NAMESPACE: &str = "https://spdx.org/spdxdocs/edgectl";
const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const IMAGE: &str = "SPDXRef-Image";
const SYSTEM: &str = "SPDXRef-OperatingSystem";

/// The bill of materials of an image that was just baked.
pub fn sbom(report: &BakeReport, content: Option<&Content>) -> Result<Vec<u8>, IsoError> {
    let disc = Disc::open(&report.path)?;
    let manifest = Manifest::of_ours(&disc)?;
    let files = files(&disc, &manifest)?;
    let installed = packages::installed(&report.contents);
    let carried = content.map(packages::carried).unwrap_or_default();
    let relationships = relationships(&files, &manifest, &installed, &carried);
    let listed = files.iter().map(|file| file.value(report)).collect::<Vec<_>>();
    let mut all = vec![image(report, &manifest, &files), packages::system(report, &manifest)];
    all.extend(installed);
    all.extend(carried);
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": name(report),
        "creationInfo": {
            "created": date::rfc3339(manifest.epoch),
            "creators": [format!("Tool: edgectl-{}", manifest.edgectl)],
        },
        "packages": all,
        "files": listed,
        "relationships": relationships,
    });
    let digest = Digest::sha256(document.to_string().as_bytes());
    document["documentNamespace"] = format!("{NAMESPACE}-{}", digest.hex()).into();
    let mut text = serde_json::to_vec_pretty(&document).map_err(IsoError::Sbom)?;
    text.push(b'\n');
    Ok(text)
}

fn name(report: &BakeReport) -> String {
    report.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A file of the image.
struct Listed<'a> {
    id: String,
    file: &'a FileDigest,
    /// SPDX demands this one, too.
    sha1: String,
    has_areas: bool,
}

fn files<'a>(disc: &Disc, manifest: &'a Manifest) -> Result<Vec<Listed<'a>>, IsoError> {
    let (index, mut files) = (Index::of(disc)?, Vec::new());
    for (n, file) in manifest.files.iter().enumerate() {
        let entry = index.get(&file.path).filter(|entry| entry.kind == Kind::File);
        let Some(entry) = entry else { continue };
        files.push(Listed {
            id: format!("SPDXRef-File-{}", n + 1),
            file,
            sha1: sha1_of(disc, manifest, &file.path, entry)?,
            has_areas: manifest.areas_in(&file.path).next().is_some(),
        });
    }
    Ok(files)
}

/// The digest of a file; areas count as empty, as in the manifest.
fn sha1_of(
    disc: &Disc,
    manifest: &Manifest,
    path: &str,
    entry: &DiscEntry,
) -> Result<String, IsoError> {
    let mut hasher = Sha1::new();
    match manifest.areas_in(path).next() {
        Some(_) => hasher.update(verify::without_areas(disc, manifest, path, entry)?),
        None => seal::for_each_part(disc, entry, &mut |bytes| hasher.update(bytes))?,
    }
    Ok(hex(&hasher.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Listed<'_> {
    fn value(&self, report: &BakeReport) -> Value {
        let path = self.file.path.as_str();
        let mut value = json!({
            "SPDXID": self.id,
            "fileName": format!("./{path}"),
            "checksums": [
                { "algorithm": "SHA1", "checksumValue": self.sha1 },
                { "algorithm": "SHA256", "checksumValue": self.file.digest.hex() },
            ],
        });
        let comment = match path {
            "boot/kernel" => format!("`/{}` of the operating system", report.kernel),
            "boot/initrd" => format!("`/{}` of the operating system", report.initrd),
            _ if path == report.live.squashfs() => "the operating system, packed".to_owned(),
            _ if self.has_areas => "checksums are of the file with its areas empty".to_owned(),
            _ => return value,
        };
        value["comment"] = comment.into();
        value
    }
}

/// The image as a whole.
fn image(report: &BakeReport, manifest: &Manifest, files: &[Listed<'_>]) -> Value {
    // SPDX 2.3, 7.9: the digest of the sorted digests.
    let mut sums: Vec<&str> = files.iter().map(|file| file.sha1.as_str()).collect();
    sums.sort_unstable();
    let code = hex(&Sha1::digest(sums.concat().as_bytes()));
    let unlisted: Vec<String> = manifest.unlisted().map(|path| format!("./{path}")).collect();
    json!({
        "SPDXID": IMAGE,
        "name": name(report),
        "packageFileName": name(report),
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": true,
        "packageVerificationCode": {
            "packageVerificationCodeValue": code,
            "packageVerificationCodeExcludedFiles": unlisted,
        },
        "primaryPackagePurpose": "INSTALL",
        "checksums": [{ "algorithm": "SHA256", "checksumValue": report.digest.hex() }],
        "comment": "the checksum is of the image as it was baked; `edgectl iso inject` changes it",
    })
}

fn relationships(
    files: &[Listed<'_>],
    manifest: &Manifest,
    installed: &[Value],
    carried: &[Value],
) -> Vec<Value> {
    let relation = |from: &str, kind: &str, to: &str| json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to });
    let mut all = vec![relation(DOCUMENT, "DESCRIBES", IMAGE), relation(IMAGE, "CONTAINS", SYSTEM)];
    let squashfs = manifest.live.as_ref().map(|live| live.system.squashfs());
    for file in files {
        all.push(relation(IMAGE, "CONTAINS", &file.id));
        let path = Some(file.file.path.as_str());
        if path == squashfs || matches!(path, Some("boot/kernel" | "boot/initrd")) {
            all.push(relation(&file.id, "GENERATED_FROM", SYSTEM));
        }
    }
    let id = |package: &Value| package["SPDXID"].as_str().unwrap_or_default().to_owned();
    all.extend(installed.iter().map(|package| relation(SYSTEM, "CONTAINS", &id(package))));
    all.extend(carried.iter().map(|package| relation(IMAGE, "CONTAINS", &id(package))));
    all
}
