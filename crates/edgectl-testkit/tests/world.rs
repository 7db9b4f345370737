//! The quickstart's world, with real registries and real images.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use edgectl_model::{Platform, Prefix, Reference, Secret};
use edgectl_registry::{
    Access, Credentials, ErrorKind, ImageRequest, Registries, Source, UploadRequest, check, upload,
};
use edgectl_testkit::quickstart::{
    ExternalRegistry, PULLER, UPLOADER, World, WorldOptions, image_names,
};

/// Everything but the provider image, which takes minutes to make.
fn start(directory: &Path) -> World {
    let options = WorldOptions { os_image: false, ..WorldOptions::new(directory.to_owned()) };
    World::start(options, &|_| {}).unwrap_or_else(|e| panic!("{e:?}"))
}

fn workloads() -> Vec<Reference> {
    let count = image_names().count() - 1;
    image_names().take(count).map(|name| Reference::parse(name).unwrap()).collect()
}

fn internet(world: &World) -> Registries {
    let host = format!("127.0.0.1:{}", world.source_port());
    let access = Access { insecure: true, ..Access::default() };
    let mirror = |name: &str| {
        (Prefix::parse(name).unwrap(), Prefix::parse(&format!("{host}/{name}")).unwrap())
    };
    let mirrors = ["docker.io", "ghcr.io", "quay.io", "registry.k8s.io"].map(mirror);
    Registries::new(BTreeMap::from([(host.clone(), access)]), BTreeMap::from(mirrors))
}

const EXTERNAL: &str = "10.10.254.254:8000";

fn external(world: &World, user: &str) -> Registries {
    let access = Access {
        credentials: Credentials::basic(user, world.password(user).unwrap()),
        ca_pem: Some(std::fs::read_to_string(world.ca()).unwrap()),
        connect_to: Some(format!("127.0.0.1:{}", world.registry_port())),
        ..Access::default()
    };
    Registries::single(EXTERNAL, access)
}

fn target(source: &Reference) -> Reference {
    Reference::parse(&format!("{EXTERNAL}/spectro-images/{}", source.canonical())).unwrap()
}

async fn mirror(world: &World) -> u64 {
    let images = workloads().into_iter().map(|source| {
        let target = target(&source);
        ImageRequest { source, digest: None, target }
    });
    let request = UploadRequest::new(images.collect(), 4);
    let outcome = upload(request, &internet(world), &external(world, UPLOADER), &()).await;
    let failed: Vec<_> = outcome.failed().collect();
    assert!(failed.is_empty(), "{failed:#?}");
    outcome.bytes_sent
}

#[tokio::test(flavor = "multi_thread")]
async fn all_images_can_be_mirrored_and_one_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = start(dir.path());
    let yaml = std::fs::read_to_string(world.edge_yaml()).unwrap();
    assert!(yaml.contains(&format!("connectTo: 127.0.0.1:{}\n", world.registry_port())), "{yaml}");
    assert!(yaml.contains(&format!("quay.io: 127.0.0.1:{}/quay.io\n", world.source_port())));

    let sent = mirror(&world).await;
    assert!(sent < 60_000_000, "an emulated node pulls all of the {sent} bytes");
    assert_eq!(mirror(&world).await, 0);

    let pause = Reference::parse("registry.k8s.io/pause:3.9").unwrap();
    let platforms = internet(&world).resolve(&pause).await.unwrap().platforms;
    let both = ["amd64", "arm64"].map(|name| Platform::new("linux", name));
    assert_eq!(platforms, both);

    let redis = target(&Reference::parse("redis:7.0").unwrap());
    let puller = external(&world, PULLER);
    let digest = puller.look(&redis).await.unwrap().unwrap().digest;
    world.delete_image(&redis).unwrap();
    assert_eq!(puller.look(&redis).await.unwrap(), None);
    let by_digest = puller.manifest(&redis, Some(&digest)).await.unwrap_err();
    assert_eq!(by_digest.kind(), ErrorKind::NotFound);
    assert!(puller.look(&target(&pause)).await.unwrap().is_some());

    let log = std::fs::read_to_string(world.access_log()).unwrap();
    assert!(log.contains(PULLER));
    world.restart_registry(&ExternalRegistry::default()).unwrap();
    assert!(!std::fs::read_to_string(world.access_log()).unwrap().contains(PULLER));
    assert!(mirror(&world).await < 10_000, "the blobs are still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_external_registry_can_change_its_mind() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = start(dir.path());
    let prefix = Prefix::parse(&format!("{EXTERNAL}/spectro-images")).unwrap();
    let ask = async |world: &World| check(&external(world, UPLOADER), &prefix).await;
    let port = world.registry_port();
    ask(&world).await.unwrap();

    let users = Some(vec![(UPLOADER.to_owned(), Secret::new("another"))]);
    world.restart_registry(&ExternalRegistry { users, ..Default::default() }).unwrap();
    assert_eq!(ask(&world).await.unwrap_err().kind(), ErrorKind::Login);

    world
        .restart_registry(&ExternalRegistry { unknown_authority: true, ..Default::default() })
        .unwrap();
    assert_eq!(ask(&world).await.unwrap_err().kind(), ErrorKind::Tls);

    world.stop_registry();
    assert_eq!(ask(&world).await.unwrap_err().kind(), ErrorKind::Unreachable);

    world.restart_registry(&ExternalRegistry::default()).unwrap();
    ask(&world).await.unwrap();
    assert_eq!(world.registry_port(), port);

    // A second world in the same place keeps passwords and certificates.
    let password = world.password(PULLER).unwrap();
    let ca = std::fs::read(world.ca()).unwrap();
    drop(world);
    let again = start(dir.path());
    assert_eq!(again.password(PULLER).unwrap(), password);
    assert_eq!(std::fs::read(again.ca()).unwrap(), ca);
}
