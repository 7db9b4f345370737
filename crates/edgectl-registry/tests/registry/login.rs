//! Tokens, waiting when told to, and redirects.

mod clouds;
mod hosts;
mod preflight;

use edgectl_model::Secret;
use edgectl_registry::{Access, Credentials, ErrorKind, Registries, Source};

use crate::bench::{reference, registries};
use crate::fake::{Asked, Fake, answer};

const MANIFEST: &str = r#"{"schemaVersion":2,"manifests":[]}"#;

fn bearer() -> String {
    let realm = r#"Bearer realm="http://{address}/token",service="s""#;
    answer(401, &format!("WWW-Authenticate: {realm}\r\n"), "{}")
}

fn token_server(asked: &Asked) -> String {
    match asked.line.split(' ').nth(1).unwrap() {
        path if path.starts_with("/token") => answer(200, "", r#"{"token":"t0ken"}"#),
        _ if asked.headers.contains("authorization: bearer t0ken") => answer(200, "", MANIFEST),
        _ => bearer(),
    }
}

fn with(credentials: Credentials) -> Access {
    Access { credentials, insecure: true, ..Access::default() }
}

#[tokio::test]
async fn one_token_for_many() {
    let fake = Fake::start(|asked, _| token_server(asked)).await;
    let login = Credentials::basic("robot$ci", Secret::new("hunter2"));
    let registries = registries(&[(&fake.address, with(login))]);
    let image = reference(&format!("{}/a/b:1", fake.address));
    let all = [(); 5].map(|()| registries.resolve(&image));
    for result in futures_util::future::join_all(all).await {
        result.unwrap();
    }
    assert_eq!((fake.count("GET /v2/ "), fake.count("GET /token")), (1, 1));
    let token = fake.asked().into_iter().find(|a| a.line.contains("/token")).unwrap();
    assert!(token.line.contains("scope=repository%3Aa%2Fb%3Apull"), "{}", token.line);
    assert!(token.headers.contains("authorization: basic"), "{}", token.headers);
    assert!(!token.line.contains("hunter2"));
}

#[tokio::test]
async fn identity_tokens_go_into_the_body() {
    let fake = Fake::start(|asked, _| token_server(asked)).await;
    let login = Credentials::identity_token("", Secret::new("refresh"));
    let registries = registries(&[(&fake.address, with(login))]);
    registries.resolve(&reference(&format!("{}/a/b:1", fake.address))).await.unwrap();
    let asked = fake.asked();
    let token = asked.iter().find(|a| a.line.starts_with("POST /token")).unwrap();
    assert!(token.body.contains("refresh_token=refresh"), "{}", token.body);
}

#[tokio::test]
async fn a_token_without_the_right_is_denied() {
    let fake = Fake::start(|asked, _| match asked.line.contains("/token") {
        true => answer(200, "", r#"{"access_token":"weak","expires_in":300}"#),
        false => bearer(),
    })
    .await;
    let login = Credentials::basic("robot", Secret::new("x"));
    let registries = registries(&[(&fake.address, with(login))]);
    let image = reference(&format!("{}/a/b:1", fake.address));
    let error = registries.resolve(&image).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    assert!(error.to_string().contains("pull from `a/b`"), "{error}");
    // It was fetched for this very request: another one would be no better.
    assert_eq!(fake.count("GET /token"), 1);
}

#[tokio::test]
async fn waits_as_told_and_tries_again() {
    let fake = Fake::start(|asked, before| match (asked.line.contains("manifests"), before) {
        (true, 0) => answer(429, "Retry-After: 0\r\n", ""),
        (true, 1) => answer(503, "", ""),
        (true, _) => answer(200, "", MANIFEST),
        _ => answer(200, "", "{}"),
    })
    .await;
    let registries = registries(&[(&fake.address, with(Credentials::Anonymous))]);
    let image = reference(&format!("{}/a/b:1", fake.address));
    registries.resolve(&image).await.unwrap();
    assert_eq!(fake.count("GET /v2/a/b"), 3);
}

#[tokio::test]
async fn other_failures_come_with_all_that_helps() {
    let fake = Fake::start(|asked, _| match asked.line.contains("manifests") {
        true => answer(418, "", r#"{"errors":[{"code":"TEAPOT","message":"short and stout"}]}"#),
        false => answer(200, "", "{}"),
    })
    .await;
    let registries = registries(&[(&fake.address, with(Credentials::Anonymous))]);
    let image = reference(&format!("{}/a/b:1", fake.address));
    let text = registries.resolve(&image).await.unwrap_err().to_string();
    let url = format!("http://{}/v2/a/b/manifests/1", fake.address);
    let expected = format!("`GET {url}` was answered with 418 TEAPOT: short and stout");
    assert_eq!(text, expected);
}

#[tokio::test]
async fn a_redirect_elsewhere_gets_no_login() {
    let store = Fake::start(|_, _| answer(200, "", MANIFEST)).await;
    let place = store.address.clone();
    let fake = Fake::start(move |asked, _| match asked.headers.contains("authorization: basic") {
        false => answer(401, "WWW-Authenticate: Basic realm=\"r\"\r\n", ""),
        true => answer(307, &format!("Location: http://{place}/there?sig=1\r\n"), ""),
    })
    .await;
    let login = Credentials::basic("robot", Secret::new("x"));
    let registries = registries(&[(&fake.address, with(login))]);
    registries.resolve(&reference(&format!("{}/a/b:1", fake.address))).await.unwrap();
    let [asked] = store.asked().try_into().unwrap();
    assert!(!asked.headers.contains("authorization"), "{}", asked.headers);
}

#[tokio::test]
async fn plain_http_only_where_asked_for() {
    let fake = Fake::start(|_, _| answer(200, "", MANIFEST)).await;
    let registries = Registries::single(&fake.address, Access::default());
    let image = reference(&format!("{}/a/b:1", fake.address));
    let error = registries.resolve(&image).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Tls | ErrorKind::Unreachable), "{error:?}");
    assert!(fake.asked().is_empty());
}
