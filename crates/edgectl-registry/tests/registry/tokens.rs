//! Token servers: by POST and by GET, partial grants, renewal, other names.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use edgectl_model::{Prefix, Secret};
use edgectl_registry::{Access, Credentials, ErrorKind, Registries, RegistryError, Source, check};

use crate::bench::{reference, registries};
use crate::fake::{Asked, Fake, answer};

const MANIFEST: &str = r#"{"schemaVersion":2,"manifests":[]}"#;
const SENTINEL: &str = "S3ntinel-t0ken";

fn bearer(extra: &str) -> String {
    let realm = format!(r#"Bearer realm="http://{{address}}/token",service="s"{extra}"#);
    answer(401, &format!("WWW-Authenticate: Basic realm=x\r\nWWW-Authenticate: {realm}\r\n"), "{}")
}

fn is_token(asked: &Asked) -> bool {
    asked.line.contains(" /token")
}

fn access(credentials: Credentials) -> Access {
    Access { credentials, insecure: true, ..Access::default() }
}

fn basic() -> Credentials {
    Credentials::basic("robot", Secret::new(SENTINEL))
}

async fn resolve(registries: &Registries, fake: &Fake) -> Result<(), RegistryError> {
    registries.resolve(&reference(&format!("{}/a/b:1", fake.address))).await.map(drop)
}

#[tokio::test]
async fn a_server_without_post_gets_the_refresh_token_as_a_password() {
    for status in [404, 405] {
        let fake = Fake::start(move |asked, _| match is_token(asked) {
            true if asked.line.starts_with("POST") => answer(status, "", ""),
            true => answer(200, "", r#"{"token":"t"}"#),
            false if asked.headers.contains("bearer t") => answer(200, "", MANIFEST),
            false => bearer(""),
        })
        .await;
        let login = Credentials::identity_token("guid", Secret::new("refresh"));
        let registries = registries(&[(&fake.address, access(login))]);
        resolve(&registries, &fake).await.unwrap();
        let other = reference(&format!("{}/c/d:1", fake.address));
        registries.resolve(&other).await.unwrap();
        // The second repository needs no second refusal.
        assert_eq!((fake.count("POST /token"), fake.count("GET /token")), (1, 2));
        let asked = fake.asked();
        let get = asked.iter().find(|a| a.line.starts_with("GET /token")).unwrap();
        // guid:refresh
        assert!(get.headers.contains("authorization: basic z3vpzdpyzwzyzxno"), "{}", get.headers);
    }
}

#[tokio::test]
async fn a_new_refresh_token_takes_the_place_of_the_old_one() {
    let fake = Fake::start(|asked, _| match is_token(asked) {
        true => answer(200, "", r#"{"access_token":"t","refresh_token":"second"}"#),
        false if asked.headers.contains("bearer t") => answer(200, "", MANIFEST),
        false => bearer(""),
    })
    .await;
    let login = Credentials::identity_token("", Secret::new("first"));
    let registries = registries(&[(&fake.address, access(login))]);
    for name in ["a/b:1", "c/d:1"] {
        registries.resolve(&reference(&format!("{}/{name}", fake.address))).await.unwrap();
    }
    let bodies: Vec<_> = fake.asked().into_iter().filter(is_token).map(|a| a.body).collect();
    assert!(bodies[0].contains("refresh_token=first"), "{bodies:?}");
    assert!(bodies[1].contains("refresh_token=second"), "{bodies:?}");
}

/// A JWT for pulling from `edge/edgectl-check` and nothing more.
const PULL_ONLY: &str = "e30.eyJhY2Nlc3MiOlt7InR5cGUiOiJyZXBvc2l0b3J5IiwibmFtZSI6ImVkZ2UvZWRnZWN0bC1jaGVjayIsImFjdGlvbnMiOlsicHVsbCJdfV19.c2ln";

#[tokio::test]
async fn the_right_that_is_missing_is_named() {
    let fake = Fake::start(|asked, _| match is_token(asked) {
        true => answer(200, "", &format!(r#"{{"token":"{PULL_ONLY}"}}"#)),
        false => bearer(""),
    })
    .await;
    let registries = registries(&[(&fake.address, access(basic()))]);
    let prefix = Prefix::parse(&format!("{}/edge", fake.address)).unwrap();
    let error = check(&registries, &prefix).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    let text = error.to_string();
    assert!(text.contains("gives this login no `push` on `edge/edgectl-check`"), "{text}");
    assert!(!format!("{error:?}").contains(PULL_ONLY) && !text.contains(SENTINEL));
    // Ping (in vain over TLS, then without), token, the upload; no loop.
    assert_eq!(registries.requests(), 4);
}

/// Tokens are withdrawn while many requests use one: it is renewed once.
#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_token_is_renewed_once_for_all() {
    let given = Arc::new(AtomicUsize::new(0));
    let (count, good) = (Arc::clone(&given), Arc::clone(&given));
    let fake = Fake::start(move |asked, _| {
        if is_token(asked) {
            let number = count.fetch_add(1, Ordering::SeqCst);
            return answer(200, "", &format!(r#"{{"token":"t{number}"}}"#));
        }
        let token = format!("bearer t{}", good.load(Ordering::SeqCst).wrapping_sub(1));
        match asked.headers.contains(&token) {
            true => answer(200, "", MANIFEST),
            false => bearer(""),
        }
    })
    .await;
    let registries = registries(&[(&fake.address, access(basic()))]);
    resolve(&registries, &fake).await.unwrap();
    // The first token is good no more.
    given.fetch_add(1, Ordering::SeqCst);
    let all = [(); 8].map(|()| resolve(&registries, &fake));
    for result in futures_util::future::join_all(all).await {
        result.unwrap();
    }
    assert_eq!(fake.count("GET /token"), 2);
}

#[tokio::test]
async fn a_scope_that_the_registry_asks_for_is_added() {
    let fake = Fake::start(|asked, _| match is_token(asked) {
        true if asked.line.contains("scope=repository%3Agroup%2Fa%2Fb%3Apull") => {
            answer(200, "", r#"{"token":"wide"}"#)
        }
        true => answer(200, "", r#"{"token":"narrow"}"#),
        false if asked.headers.contains("bearer wide") => answer(200, "", MANIFEST),
        false => bearer(r#",scope="repository:group/a/b:pull",error="insufficient_scope""#),
    })
    .await;
    let registries = registries(&[(&fake.address, access(basic()))]);
    resolve(&registries, &fake).await.unwrap();
    assert_eq!(fake.count("GET /token"), 2);
}

#[tokio::test]
async fn a_token_server_elsewhere_gets_the_login_and_the_registry_the_token() {
    let tokens = Fake::start(|_, _| answer(200, "", r#"{"token":"t"}"#)).await;
    let realm = format!(r#"WWW-Authenticate: Bearer realm="http://{}/token""#, tokens.address);
    let fake = Fake::start(move |asked, _| match asked.headers.contains("bearer t") {
        true => answer(200, "", MANIFEST),
        false => answer(401, &format!("{realm}\r\n"), ""),
    })
    .await;
    resolve(&registries(&[(&fake.address, access(basic()))]), &fake).await.unwrap();
    assert!(tokens.asked()[0].headers.contains("authorization: basic"));
    assert!(!fake.asked().iter().any(|a| a.headers.contains("authorization: basic")));
}

#[tokio::test]
async fn a_token_server_that_sends_us_away_gets_no_second_login() {
    let elsewhere = Fake::start(|_, _| answer(200, "", r#"{"token":"t"}"#)).await;
    let place = elsewhere.address.clone();
    let fake = Fake::start(move |asked, _| match is_token(asked) {
        true => answer(307, &format!("Location: http://{place}/token\r\n"), ""),
        false => bearer(""),
    })
    .await;
    let error = resolve(&registries(&[(&fake.address, access(basic()))]), &fake).await;
    assert!(error.unwrap_err().to_string().contains("was answered with 307"));
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn no_answer_of_a_token_server_is_quoted() {
    for body in [
        format!(r#"{{"token":"{SENTINEL}","expires_in":"x"}}"#),
        SENTINEL.to_owned(),
        format!(r#"{{"other":"{SENTINEL}"}}"#),
        format!(r#"{{"token":"{SENTINEL}\n"}}"#),
    ] {
        let fake = Fake::start(move |asked, _| match is_token(asked) {
            true => answer(200, "", &body),
            false => bearer(""),
        })
        .await;
        let error = resolve(&registries(&[(&fake.address, access(basic()))]), &fake).await;
        let error = error.unwrap_err();
        assert!(!format!("{error} {error:?}").contains(SENTINEL), "{error:?}");
    }
}
