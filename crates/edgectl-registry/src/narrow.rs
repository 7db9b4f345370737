//! An index with only some of its platforms. Its digest is another one than
//! the source's, so this is done only where it was asked for.

use edgectl_model::{Digest, Platform, Reference};
use serde_json::Value;

use crate::error::RegistryError;
use crate::manifest::{Entry, Parsed, RawManifest, choose, fits};
use crate::source::Source;
use crate::tree::platforms_of;

/// Which image an attestation in an index is about.
const ABOUT: &str = "vnd.docker.reference.digest";

/// The manifest for `platforms`: that of the only one as it is, or a new index
/// over several. An image that isn't an index stays as it is, if it is for one
/// of them or for none in particular; what its configuration says comes along,
/// so that nobody fetches it again.
pub(crate) async fn narrowed<S: Source>(
    source: &S,
    reference: &Reference,
    root: RawManifest,
    platforms: &[Platform],
) -> Result<(RawManifest, Option<Vec<Platform>>), RegistryError> {
    let Parsed::Index(entries) = root.parse()? else {
        let has = platforms_of(source, reference, &root).await?;
        let fits = |has: &Platform| platforms.iter().any(|wanted| fits(has, wanted));
        return match has.is_empty() || has.iter().any(fits) {
            true => Ok((root, Some(has))),
            false => Err(lacking(reference, platforms, has)),
        };
    };
    let kept = kept(&entries, reference, platforms)?;
    let root = match kept.as_slice() {
        [only] => source.manifest(reference, Some(only)).await?,
        several => index_of(&root, several)?,
    };
    Ok((root, None))
}

fn lacking(reference: &Reference, wanted: &[Platform], has: Vec<Platform>) -> RegistryError {
    if has.is_empty() {
        let reason = "its index names no platforms to choose from; it can only be copied whole, \
                      without `--platform`";
        return RegistryError::manifest(reference, reason);
    }
    let (image, wanted) = (reference.to_string(), wanted.to_vec());
    RegistryError::OtherPlatforms { image, wanted, has }
}

/// The digests of the platforms' manifests, in the order of the index. As with
/// images that are no index, one of the platforms is enough.
fn kept(
    entries: &[Entry],
    reference: &Reference,
    platforms: &[Platform],
) -> Result<Vec<Digest>, RegistryError> {
    let chosen = platforms.iter().filter_map(|platform| choose(entries, platform));
    let kept: Vec<&Digest> = chosen.map(|entry| &entry.blob.digest).collect();
    if kept.is_empty() {
        let has = entries.iter().filter_map(|entry| entry.platform.clone()).collect();
        return Err(lacking(reference, platforms, has));
    }
    let in_order = entries.iter().map(|entry| &entry.blob.digest);
    let mut in_order: Vec<Digest> =
        in_order.filter(|digest| kept.contains(digest)).cloned().collect();
    in_order.dedup();
    Ok(in_order)
}

/// The index with those entries alone, and the attestations about them. All
/// else in it stays.
fn index_of(root: &RawManifest, kept: &[Digest]) -> Result<RawManifest, RegistryError> {
    let bad = |e: serde_json::Error| RegistryError::manifest(root.digest(), e);
    let mut index: Value = serde_json::from_slice(root.bytes()).map_err(bad)?;
    let is_kept = |text: Option<&str>| kept.iter().any(|digest| Some(digest.as_str()) == text);
    if let Some(list) = index.get_mut("manifests").and_then(Value::as_array_mut) {
        list.retain(|entry| {
            let about = entry.get("annotations").and_then(|a| a.get(ABOUT));
            is_kept(entry.get("digest").and_then(Value::as_str))
                || is_kept(about.and_then(Value::as_str))
        });
    }
    RawManifest::new(index.to_string().into(), Some(root.media_type()), None, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keeps_platforms_with_their_attestations_and_all_else() {
        let digest = |n: u8| Digest::sha256(&[n]).to_string();
        let entry = |n: u8, architecture: &str| {
            json!({"digest": digest(n), "size": 1,
                "platform": {"os": "linux", "architecture": architecture}})
        };
        let mut attestation = entry(9, "unknown");
        attestation["annotations"] = json!({ABOUT: digest(2)});
        let manifests = [entry(1, "amd64"), entry(2, "arm64"), entry(3, "s390x"), attestation];
        let text = json!({"schemaVersion": 2, "x": "kept", "manifests": manifests}).to_string();
        let root = RawManifest::new(text.into(), None, None, "test").unwrap();
        let Parsed::Index(entries) = root.parse().unwrap() else { panic!() };
        let reference = Reference::parse("a.example/b:1").unwrap();
        let wanted = [Platform::new("linux", "arm64"), Platform::new("linux", "amd64")];
        let kept = kept(&entries, &reference, &wanted).unwrap();
        let index: Value = serde_json::from_slice(index_of(&root, &kept).unwrap().bytes()).unwrap();
        let left: Vec<_> =
            index["manifests"].as_array().unwrap().iter().map(|e| &e["digest"]).collect();
        assert_eq!(left, [&json!(digest(1)), &json!(digest(2)), &json!(digest(9))]);
        assert_eq!(index["x"], "kept");
        let several = [Platform::new("linux", "riscv64"), Platform::new("linux", "arm64")];
        let kept = super::kept(&entries, &reference, &several).unwrap();
        assert_eq!(kept, [Digest::sha256(&[2])]);
        let error = super::kept(&entries, &reference, &several[..1]);
        assert!(error.unwrap_err().to_string().contains("linux/s390x"));
        let nameless = entries.into_iter().map(|entry| Entry { platform: None, ..entry });
        let error = super::kept(&nameless.collect::<Vec<_>>(), &reference, &wanted).unwrap_err();
        assert!(error.to_string().contains("names no platforms"), "{error}");
        assert_eq!(error.kind(), crate::error::ErrorKind::Manifest);
    }
}
