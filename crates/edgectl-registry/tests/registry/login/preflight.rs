//! What stands between us and an upload, and what each finding costs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use edgectl_model::{Prefix, Secret};
use edgectl_registry::{
    Access, CheckRequest, Checked, Credentials, ErrorKind, Registries, RegistryError, can_push,
    preflight,
};

use crate::bench::{Bench, registries};
use crate::fake::{Asked, Fake, answer};

/// With TLS none of this happens: plain HTTP is found out by trying TLS first.
const PING_FOR_NOTHING: u64 = 1;
const MOST: u64 = 5;
/// robot$ci:hunter2
const BASIC: &str = "authorization: basic cm9ib3qky2k6ahvudgvymg==";

fn robot() -> Access {
    let credentials = Credentials::basic("robot$ci", Secret::new("hunter2"));
    Access { credentials, insecure: true, ..Access::default() }
}

async fn look(
    registries: &Registries,
    prefix: &str,
    repositories: &[&str],
    create: bool,
) -> Result<Checked, RegistryError> {
    let prefix = Prefix::parse(prefix).unwrap();
    let repositories: BTreeSet<String> = repositories.iter().map(|r| (*r).to_owned()).collect();
    preflight(registries, CheckRequest { prefix: &prefix, repositories: &repositories, create })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_registry_costs_three_requests_and_keeps_nothing() {
    let bench = Bench::new();
    let prefix = format!("{}/edge", bench.host());
    let found = look(&bench.registries(), &prefix, &["edge/a"], false).await.unwrap();
    assert_eq!((found.requests, found.takes_mounts, found.least_chunk), (3, true, 0));
    assert!(can_push(&bench.registries(), &Prefix::parse(&prefix).unwrap()).await.unwrap());
    // The registry forgets the uploads; of their directories it keeps empty ones.
    let uploads = "storage/docker/registry/v2/repositories/edge/edgectl-check/_uploads";
    let left: Vec<_> = std::fs::read_dir(bench.dir.path().join(uploads)).unwrap().collect();
    assert_eq!(left.len(), 2);
    for upload in left {
        assert!(!upload.unwrap().path().join("data").exists());
    }
}

/// As Harbor answers: it wants a token, and says 401 of projects that aren't
/// there and of rights that are missing.
fn harbor(asked: &Asked, has_project: bool, may_push: bool, may_create: bool) -> String {
    let realm = r#"Bearer realm="http://{address}/service/token",service="harbor-registry""#;
    let challenge = format!("WWW-Authenticate: {realm}\r\n");
    let no = |text: &str| {
        answer(
            401,
            &challenge,
            &format!(r#"{{"errors":[{{"code":"UNAUTHORIZED","message":"{text}"}}]}}"#),
        )
    };
    let words: Vec<&str> = asked.line.split(' ').collect();
    match (words[0], words[1]) {
        (_, path) if path.starts_with("/service/token") => answer(200, "", r#"{"token":"t"}"#),
        (_, path) if path.starts_with("/api/") && !asked.headers.contains(BASIC) => no("login"),
        ("HEAD", "/api/v2.0/projects?project_name=edge") => {
            answer(if has_project { 200 } else { 404 }, "", "")
        }
        ("POST", "/api/v2.0/projects") if may_create => {
            assert!(asked.body.contains(r#""project_name":"edge""#), "{}", asked.body);
            answer(201, "Location: /api/v2.0/projects/7\r\n", "")
        }
        ("POST", "/api/v2.0/projects") => {
            answer(403, "", r#"{"errors":[{"code":"FORBIDDEN","message":"forbidden"}]}"#)
        }
        _ if !asked.headers.contains("authorization: bearer t") => no("unauthorized"),
        ("POST", _) if has_project && may_push => {
            answer(202, "Location: /v2/up\r\nOCI-Chunk-Min-Length: 1048576\r\n", "")
        }
        ("POST", _) => no("unauthorized to access repository: edge/edgectl-check, action: push"),
        _ => answer(204, "", ""),
    }
}

#[tokio::test]
async fn harbor_is_asked_for_the_project() {
    let fake = Fake::start(|asked, _| harbor(asked, false, true, false)).await;
    let prefix = format!("{}/edge", fake.address);
    let all = registries(&[(&fake.address, robot())]);
    let error = look(&all, &prefix, &["edge/a/b"], false).await.unwrap_err();
    let RegistryError::MissingProjects { names, .. } = &error else { panic!("{error:?}") };
    assert_eq!(names, &["edge"]);
    assert!(all.requests() <= MOST + PING_FOR_NOTHING, "{}", all.requests());

    // There, but not for this login.
    let fake = Fake::start(|asked, _| harbor(asked, true, false, false)).await;
    let prefix = format!("{}/edge", fake.address);
    let all = registries(&[(&fake.address, robot())]);
    let error = look(&all, &prefix, &["edge/a/b"], false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    assert!(error.to_string().contains("action: push"), "{error}");
    assert!(all.requests() <= MOST + PING_FOR_NOTHING, "{}", all.requests());
    assert!(!can_push(&all, &Prefix::parse(&prefix).unwrap()).await.unwrap());
}

#[tokio::test]
async fn harbors_project_is_made_where_that_is_wanted() {
    let made = Arc::new(AtomicBool::new(false));
    let there = Arc::clone(&made);
    let fake = Fake::start(move |asked, _| {
        let has = there.load(Ordering::SeqCst);
        let said = harbor(asked, has, true, true);
        if said.starts_with("HTTP/1.1 201") {
            there.store(true, Ordering::SeqCst);
        }
        said
    })
    .await;
    let prefix = format!("{}/edge", fake.address);
    let all = registries(&[(&fake.address, robot())]);
    let found = look(&all, &prefix, &["edge/a/b"], true).await.unwrap();
    assert!(made.load(Ordering::SeqCst));
    assert_eq!((found.created, found.least_chunk), (vec!["edge".to_owned()], 1 << 20));

    let fake = Fake::start(|asked, _| harbor(asked, false, true, false)).await;
    let prefix = format!("{}/edge", fake.address);
    let all = registries(&[(&fake.address, robot())]);
    let error = look(&all, &prefix, &[], true).await.unwrap_err();
    assert!(error.to_string().contains("create the project `edge`: forbidden"), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn mounts_that_are_refused_are_no_failure() {
    let fake = Fake::start(|asked, _| match asked.line.split(' ').next() {
        Some("GET") => answer(200, "", "{}"),
        Some("POST") if asked.line.contains("?mount=") => answer(400, "", ""),
        Some("POST") => answer(202, "Location: /v2/up\r\n", ""),
        _ => answer(405, "", ""),
    })
    .await;
    let all = registries(&[(&fake.address, Access { insecure: true, ..Access::default() })]);
    let found = look(&all, &format!("{}/edge", fake.address), &[], false).await.unwrap();
    assert!(!found.takes_mounts);
    assert!(found.requests <= MOST + PING_FOR_NOTHING, "{found:?}");
}

#[tokio::test]
async fn nobody_may_push_where_a_login_is_needed() {
    let bench = Bench::new();
    let access = Access { credentials: Credentials::Anonymous, ..bench.access() };
    let prefix = Prefix::parse(&format!("{}/edge", bench.host())).unwrap();
    let nobody = Registries::single(&bench.host(), access);
    assert!(!can_push(&nobody, &prefix).await.unwrap());
    let wrong = Credentials::basic("pusher", Secret::new("hunter2"));
    let access = Access { credentials: wrong, ..bench.access() };
    let error = can_push(&Registries::single(&bench.host(), access), &prefix).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Login, "{error:?}");
}
