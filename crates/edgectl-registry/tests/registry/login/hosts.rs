//! Who gets which login: per repository, and nobody but the registry.

use std::collections::BTreeMap;

use edgectl_model::{Prefix, Secret};
use edgectl_registry::{Access, Credentials, DockerConfig, Source, check};
use serde_json::json;

use crate::bench::{reference, registries};
use crate::fake::{Asked, Fake, answer};

const MANIFEST: &str = r#"{"schemaVersion":2,"manifests":[]}"#;
const CHALLENGE: &str = "WWW-Authenticate: Basic realm=x\r\n";
/// all:x
const ALL: &str = "authorization: basic ywxsong=";
/// team:x
const TEAM: &str = "authorization: basic dgvhbtp4";

fn access() -> Access {
    let login = |name: &str| Credentials::basic(name, Secret::new("x"));
    Access {
        credentials: login("all"),
        scoped: BTreeMap::from([("team".to_owned(), login("team"))]),
        headers: vec![("X-Meta-Team".to_owned(), Secret::new("edge"))],
        insecure: true,
        ..Access::default()
    }
}

fn has_login(asked: &Asked) -> bool {
    asked.headers.contains("authorization:")
}

#[tokio::test]
async fn a_login_for_a_path_holds_below_it_alone() {
    let fake = Fake::start(|asked, _| match has_login(asked) {
        true => answer(200, "", MANIFEST),
        false => answer(401, CHALLENGE, ""),
    })
    .await;
    let all = registries(&[(&fake.address, access())]);
    for (name, login) in [("a/b:1", ALL), ("team/b:1", TEAM), ("teams/b:1", ALL)] {
        all.resolve(&reference(&format!("{}/{name}", fake.address))).await.unwrap();
        let last = fake.asked().pop().unwrap();
        assert!(last.headers.contains(login), "{name}: {}", last.headers);
    }
}

#[tokio::test]
async fn a_login_that_cannot_be_read_stops_what_is_below_its_path_alone() {
    let fake = Fake::start(|asked, _| match has_login(asked) {
        true => answer(200, "", MANIFEST),
        false => answer(401, CHALLENGE, ""),
    })
    .await;
    let text = json!({"auths": {
        &fake.address: {"auth": "YWxsOng="},
        format!("{}/team", fake.address): {"auth": "hunter2"},
    }});
    let config = DockerConfig::parse(&text.to_string()).unwrap();
    let scoped = config.scoped_logins(&fake.address);
    let all = registries(&[(&fake.address, Access { scoped, ..access() })]);
    let resolve = async |name: &str| {
        let reference = reference(&format!("{}/{name}", fake.address));
        all.resolve(&reference).await.map_err(|error| error.to_string())
    };
    let error = resolve("team/b:1").await.unwrap_err();
    assert!(error.contains("/team` that is not `user:password`"), "{error}");
    for name in ["a/b:1", "teams/b:1"] {
        resolve(name).await.unwrap();
        let last = fake.asked().pop().unwrap();
        assert!(last.headers.contains(ALL), "{name}: {}", last.headers);
    }
}

#[tokio::test]
async fn an_upload_that_goes_elsewhere_goes_without_login_and_headers() {
    let store = Fake::start(|_, _| answer(204, "", "")).await;
    let place = store.address.clone();
    let fake = Fake::start(move |asked, _| match asked.line.split(' ').next() {
        _ if !has_login(asked) => answer(401, CHALLENGE, ""),
        Some("POST") => answer(202, &format!("Location: http://{place}/up?sig=1\r\n"), ""),
        _ => answer(200, "", "{}"),
    })
    .await;
    let all = registries(&[(&fake.address, access())]);
    check(&all, &Prefix::parse(&format!("{}/edge", fake.address)).unwrap()).await.unwrap();
    let [asked] = store.asked().try_into().unwrap();
    assert!(asked.line.starts_with("DELETE /up?sig=1"), "{}", asked.line);
    assert!(!has_login(&asked) && !asked.headers.contains("x-meta-team"), "{}", asked.headers);
    assert!(fake.asked().iter().all(|asked| asked.headers.contains("x-meta-team: edge")));
}
