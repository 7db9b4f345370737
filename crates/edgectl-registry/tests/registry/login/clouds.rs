//! Clouds' exchanges, against fakes that follow the published protocols.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use edgectl_model::{Prefix, Secret};
use edgectl_registry::{
    Access, AcrLogin, AwsKeys, AzureIdentity, CheckRequest, Checked, CloudLogin, Credentials,
    ErrorKind, GarLogin, GoogleKey, Registries, RegistryError, Source, preflight,
};
use serde_json::{Value, json};

use crate::bench::reference;
use crate::fake::{Asked, Fake, answer};

const MANIFEST: &str = r#"{"schemaVersion":2,"manifests":[]}"#;
const SENTINEL: &str = "S3ntinel-cl0ud";

fn access(login: CloudLogin, connect_to: Option<&Fake>) -> Access {
    Access {
        credentials: Credentials::Cloud(Box::new(login)),
        insecure: true,
        connect_to: connect_to.map(|fake| fake.address.clone()),
        ..Access::default()
    }
}

fn assert_no_secret(error: &RegistryError) {
    assert!(!format!("{error} {error:?}").contains(SENTINEL), "{error:?}");
}

mod ecr {
    use super::*;

    const HOST: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

    /// The service and the registry: `AWS:pw` opens it, `edge/old` is there.
    fn ecr(asked: &Asked, has_new: &AtomicBool) -> String {
        let operation = asked.headers.lines().find_map(|line| {
            line.strip_prefix("x-amz-target: amazonec2containerregistry_v20150921.")
        });
        match operation {
            Some("getauthorizationtoken") => {
                // AWS:pw
                let data = json!([{"authorizationToken": "QVdTOnB3", "expiresAt": 4.0e9}]);
                answer(200, "", &json!({ "authorizationData": data }).to_string())
            }
            Some("describerepositories") if !asked.body.contains("nextToken") => {
                let first =
                    json!({"repositories": [{"repositoryName": "other"}], "nextToken": "n"});
                answer(200, "", &first.to_string())
            }
            Some("describerepositories") => {
                let mut names = vec!["edge/old"];
                if has_new.load(Ordering::SeqCst) {
                    names.push("edge/new");
                }
                let names: Vec<Value> =
                    names.iter().map(|n| json!({ "repositoryName": n })).collect();
                answer(200, "", &json!({ "repositories": names }).to_string())
            }
            Some("createrepository") => {
                assert!(asked.body.contains("edge/new"), "{}", asked.body);
                has_new.store(true, Ordering::SeqCst);
                answer(200, "", "{}")
            }
            _ => registry(asked, has_new),
        }
    }

    fn registry(asked: &Asked, has_new: &AtomicBool) -> String {
        let is_there = asked.line.contains("edge/old") || has_new.load(Ordering::SeqCst);
        let words: Vec<&str> = asked.line.split(' ').collect();
        match words[0] {
            _ if !asked.headers.contains("authorization: basic qvdtonb3") => answer(
                401,
                &format!(
                    "WWW-Authenticate: Basic realm=\"https://{HOST}/\",service=\"ecr.amazonaws.com\"\r\n"
                ),
                "Not Authorized",
            ),
            "POST" if is_there => answer(202, "Location: /v2/up\r\n", ""),
            "POST" => answer(
                404,
                "",
                r#"{"errors":[{"code":"NAME_UNKNOWN","message":"The repository does not exist in the registry with id '123456789012'"}]}"#,
            ),
            _ => answer(204, "", ""),
        }
    }

    fn keys(fake: &Fake) -> AwsKeys {
        AwsKeys {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Secret::new(SENTINEL),
            session_token: Some(Secret::new("session")),
            region: "eu-west-1".to_owned(),
            endpoint: Some(format!("http://{}/", fake.address)),
        }
    }

    async fn look(
        fake: &Fake,
        repositories: &[&str],
        create: bool,
    ) -> Result<Checked, RegistryError> {
        let all = Registries::single(HOST, access(CloudLogin::Ecr(keys(fake)), Some(fake)));
        let prefix = Prefix::parse(&format!("{HOST}/edge")).unwrap();
        let repositories: BTreeSet<String> = repositories.iter().map(|r| (*r).to_owned()).collect();
        preflight(&all, CheckRequest { prefix: &prefix, repositories: &repositories, create }).await
    }

    #[tokio::test]
    async fn a_signed_request_gives_the_login() {
        let fake = Fake::start(|asked, _| ecr(asked, &AtomicBool::new(false))).await;
        let found = look(&fake, &["edge/old"], false).await.unwrap();
        assert_eq!(found.user.as_deref(), Some("AWS access key"));
        let asked = fake.asked();
        let signed = asked.iter().find(|a| a.headers.contains("getauthorizationtoken")).unwrap();
        for expected in [
            "authorization: aws4-hmac-sha256 credential=akidexample/",
            "/eu-west-1/ecr/aws4_request, signedheaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, signature=",
            "x-amz-security-token: session",
            "content-type: application/x-amz-json-1.1",
        ] {
            assert!(signed.headers.contains(expected), "{}", signed.headers);
        }
        assert!(!asked.iter().any(|a| a.headers.contains(&SENTINEL.to_lowercase())));
    }

    #[tokio::test]
    async fn all_that_is_missing_is_told_and_made() {
        let has_new = Arc::new(AtomicBool::new(false));
        let state = Arc::clone(&has_new);
        let fake = Fake::start(move |asked, _| ecr(asked, &state)).await;
        for planned in [&["edge/new", "edge/old"][..], &["edge/old", "edge/zzz"]] {
            let error = look(&fake, planned, false).await.unwrap_err();
            let RegistryError::MissingRepositories { names, .. } = &error else {
                panic!("{error:?}")
            };
            assert_eq!(names.len(), 1, "{names:?}");
            assert_ne!(names[0], "edge/old");
        }
        let found = look(&fake, &["edge/new", "edge/old"], true).await.unwrap();
        assert_eq!(found.created, ["edge/new"]);
        assert!(has_new.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_refused_key_says_why() {
        let refusal = r#"{"__type":"UnrecognizedClientException","message":"The security token included in the request is invalid."}"#;
        let fake =
            Fake::start(move |asked, _| match asked.headers.contains("getauthorizationtoken") {
                true => answer(400, "", refusal),
                false => registry(asked, &AtomicBool::new(false)),
            })
            .await;
        let error = look(&fake, &["edge/old"], false).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Login, "{error:?}");
        assert!(error.to_string().contains("UnrecognizedClientException: The security"), "{error}");
        assert_no_secret(&error);
    }

    #[tokio::test]
    async fn without_keys_the_whole_plan_is_told() {
        let fake = Fake::start(|asked, _| registry(asked, &AtomicBool::new(false))).await;
        let credentials = Credentials::basic("AWS", Secret::new("pw"));
        let mut access = access(CloudLogin::Ecr(keys(&fake)), Some(&fake));
        access.credentials = credentials;
        let all = Registries::single(HOST, access);
        let prefix = Prefix::parse(&format!("{HOST}/edge")).unwrap();
        let repositories = BTreeSet::from(["edge/new", "edge/newer"].map(str::to_owned));
        let request = CheckRequest { prefix: &prefix, repositories: &repositories, create: true };
        let error = preflight(&all, request).await.unwrap_err();
        let RegistryError::MissingRepositories { names, .. } = &error else { panic!("{error:?}") };
        assert_eq!(names, &["edge/new", "edge/newer"]);
    }
}

mod acr {
    use super::*;

    const HOST: &str = "edge.azurecr.io";

    fn directory(asked: &Asked) -> Option<String> {
        if !asked.line.starts_with("POST /tenant-1/oauth2/v2.0/token ") {
            return None;
        }
        assert!(asked.body.contains("grant_type=client_credentials"), "{}", asked.body);
        assert!(asked.body.contains(&format!("client_secret={SENTINEL}")), "{}", asked.body);
        Some(answer(200, "", r#"{"token_type":"Bearer","expires_in":3599,"access_token":"aad"}"#))
    }

    fn registry(asked: &Asked) -> String {
        let words: Vec<&str> = asked.line.split(' ').collect();
        match (words[0], words[1]) {
            ("POST", "/oauth2/exchange") => {
                assert!(asked.body.contains("grant_type=access_token"), "{}", asked.body);
                assert!(asked.body.contains("access_token=aad"), "{}", asked.body);
                assert!(asked.body.contains(&format!("service={HOST}")), "{}", asked.body);
                answer(200, "", r#"{"refresh_token":"refresh"}"#)
            }
            ("POST", "/oauth2/token") if asked.body.contains("refresh_token=refresh") => {
                answer(200, "", r#"{"access_token":"t"}"#)
            }
            _ if asked.headers.contains("authorization: bearer t\r") => answer(200, "", MANIFEST),
            _ => {
                let realm =
                    format!(r#"Bearer realm="http://{HOST}/oauth2/token",service="{HOST}""#);
                answer(401, &format!("WWW-Authenticate: {realm}\r\n"), "")
            }
        }
    }

    #[tokio::test]
    async fn a_token_of_the_directory_becomes_one_of_the_registry() {
        let fake =
            Fake::start(|asked, _| directory(asked).unwrap_or_else(|| registry(asked))).await;
        let principal = AzureIdentity::Principal {
            authority: format!("http://{}", fake.address),
            tenant: "tenant-1".to_owned(),
            client: "client-1".to_owned(),
            secret: Secret::new(SENTINEL),
        };
        for identity in [AzureIdentity::Token(Secret::new("aad")), principal] {
            let login = CloudLogin::Acr(AcrLogin { identity });
            let all = Registries::single(HOST, access(login, Some(&fake)));
            let names = ["a/b:1", "c/d:1"].map(|name| reference(&format!("{HOST}/{name}")));
            for name in &names {
                all.resolve(name).await.unwrap();
            }
        }
        // One exchange for each run, however many tokens.
        assert_eq!((fake.count("POST /oauth2/exchange"), fake.count("POST /oauth2/token")), (2, 4));
    }

    #[tokio::test]
    async fn a_refusal_says_why_and_no_more() {
        let fake = Fake::start(|asked, _| match asked.line.contains("/oauth2/exchange") {
            true => {
                let sent = &asked.body;
                let text =
                    json!({"error": "invalid_grant", "error_description": "expired", "sent": sent});
                answer(400, "", &text.to_string())
            }
            false => registry(asked),
        })
        .await;
        let identity = AzureIdentity::Token(Secret::new(SENTINEL));
        let login = CloudLogin::Acr(AcrLogin { identity });
        let all = Registries::single(HOST, access(login, Some(&fake)));
        let error = all.resolve(&reference(&format!("{HOST}/a/b:1"))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Login, "{error:?}");
        assert!(error.to_string().ends_with("answers with 400 invalid_grant: expired"), "{error}");
        assert_no_secret(&error);
    }
}

mod gar {
    use super::*;

    const HOST: &str = "europe-docker.pkg.dev";

    /// An RSA key of tests, made by `openssl genrsa 2048`.
    fn private_key() -> String {
        let cmd = edgectl_process::Cmd::new("openssl").args(["genpkey", "-algorithm", "RSA"]);
        String::from_utf8(cmd.read_stdout().expect("openssl (package openssl) makes a key"))
            .unwrap()
    }

    fn key_file(uri: &str) -> String {
        json!({
            "type": "service_account",
            "client_email": "edge@project.iam.gserviceaccount.com",
            "private_key_id": "kid-1",
            "private_key": private_key(),
            "token_uri": uri,
        })
        .to_string()
    }

    #[tokio::test]
    async fn a_signed_statement_gives_the_login() {
        // oauth2accesstoken:ya29
        const BASIC: &str = "authorization: basic b2f1dggyywnjzxnzdg9rzw46eweyoq==";
        let fake =
            Fake::start(|asked, _| {
                if asked.line.starts_with("POST /token ") {
                    assert!(asked.body.contains(
                        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"
                    ));
                    return answer(200, "", r#"{"access_token":"ya29","expires_in":3599}"#);
                }
                match asked.headers.contains(BASIC) {
                    true => answer(200, "", MANIFEST),
                    false => answer(401, "WWW-Authenticate: Basic realm=x\r\n", ""),
                }
            })
            .await;
        let key = GoogleKey::parse(&key_file(&format!("http://{}/token", fake.address))).unwrap();
        let all = Registries::single(HOST, access(CloudLogin::Gar(GarLogin { key }), Some(&fake)));
        all.resolve(&reference(&format!("{HOST}/project/repo/a:1"))).await.unwrap();
        let asked = fake.asked();
        let sent = asked.iter().find(|a| a.line.starts_with("POST /token ")).unwrap();
        let (_, assertion) = sent.body.split_once("assertion=").unwrap();
        let parts: Vec<Vec<u8>> = assertion.split('.').map(decode).collect();
        let [head, claims, signature] = parts.try_into().unwrap();
        let head: Value = serde_json::from_slice(&head).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!((&head["alg"], &head["kid"]), (&json!("RS256"), &json!("kid-1")));
        assert_eq!(claims["iss"], "edge@project.iam.gserviceaccount.com");
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 3600);
        assert_eq!(signature.len(), 256);
    }

    fn decode(text: &str) -> Vec<u8> {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    #[test]
    fn a_key_that_is_none_is_told_without_its_text() {
        let texts = [
            format!(r#"{{"type":"service_account","private_key":"{SENTINEL}"}}"#),
            format!(r#"{{"type":"authorized_user","refresh_token":"{SENTINEL}"}}"#),
            format!(r#"{{"type":["{SENTINEL}"]}}"#),
            SENTINEL.to_owned(),
        ];
        for text in texts {
            let error = GoogleKey::parse(&text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains(SENTINEL), "{error:?}");
        }
        let key = GoogleKey::parse(&key_file("http://x/")).unwrap();
        assert!(!format!("{key:?}").contains("PRIVATE KEY"), "{key:?}");
    }
}

/// Clouds are told by their names: what must be made first is named, by the
/// look before an upload and by the upload itself.
#[tokio::test(flavor = "multi_thread")]
async fn repositories_that_must_be_made_are_told_by_the_name_of_the_host() {
    let fake = Fake::start(|asked, _| {
        let unknown = r#"{"errors":[{"code":"NAME_UNKNOWN","message":"not known"}]}"#;
        match asked.line.split(' ').next() {
            Some("GET") if asked.line.starts_with("GET /v2/ ") => answer(200, "", ""),
            _ => answer(404, "", if asked.line.starts_with("HEAD") { "" } else { unknown }),
        }
    })
    .await;
    for (host, expected) in [
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "p/edge/app"),
        ("europe-west1-docker.pkg.dev", "p/edge"),
    ] {
        let access = Access {
            insecure: true,
            connect_to: Some(fake.address.clone()),
            credentials: edgectl_registry::Credentials::Anonymous,
            ..Access::default()
        };
        let registries = crate::bench::registries(&[(host, access)]);
        let named = |error: &RegistryError| match error {
            RegistryError::MissingRepositories { names, .. } => names.clone(),
            other => panic!("{other:?}"),
        };
        let prefix = edgectl_model::Prefix::parse(&format!("{host}/p/edge")).unwrap();
        let repositories = std::collections::BTreeSet::from(["p/edge/app".to_owned()]);
        let request = edgectl_registry::CheckRequest {
            prefix: &prefix,
            repositories: &repositories,
            create: false,
        };
        let error = edgectl_registry::preflight(&registries, request).await.unwrap_err();
        assert_eq!(named(&error), [expected]);

        let dir = tempfile::tempdir().unwrap();
        let mut tiny = edgectl_testkit::TinyLayout::new(dir.path()).unwrap();
        let image = edgectl_testkit::TinyImage::new("amd64").random_layer(10, 1);
        let image = tiny.image(&image).unwrap();
        tiny.name("src.example/app:1", &image).unwrap();
        let layout = edgectl_registry::Layout::open(dir.path()).unwrap();
        let image = edgectl_registry::ImageRequest {
            source: crate::bench::reference("src.example/app:1"),
            digest: None,
            target: crate::bench::reference(&format!("{host}/p/edge/app:1")),
        };
        let request = edgectl_registry::UploadRequest::new(vec![image], 1);
        let outcome = edgectl_registry::upload_from(request, &layout, &registries, &()).await;
        assert_eq!(named(outcome.failed().next().unwrap().1), [expected]);
    }
}
