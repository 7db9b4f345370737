//! What comes from outside may be anything; none of it may panic.

use bytes::Bytes;
use proptest::prelude::*;

use crate::challenge::Challenged;
use crate::docker_config::DockerConfig;
use crate::manifest::{RawManifest, config_platform};
use crate::retry::retry_after;
use crate::{access_log, docker_config::Login};

proptest! {
    #[test]
    fn texts(text in ".*", other in ".*") {
        let _ = Challenged::parse([text.as_str(), other.as_str()].into_iter());
        let _ = access_log::parse(&text);
        let _ = access_log::parse(&format!("x - {text} \"{other}\" {text}"));
        let _ = retry_after(Some(&text), std::time::SystemTime::now());
        let _ = config_platform(text.as_bytes());
        let _ = RawManifest::new(Bytes::from(text), None, None, &other);
    }

    #[test]
    fn challenges(text in "[a-zA-Z=\",\\\\ é]*") {
        let _ = Challenged::parse(std::iter::once(text.as_str()));
    }

    #[test]
    fn docker_keys(key in ".*", host in ".*", path in ".*") {
        let text = serde_json::json!({"auths": {key: {"auth": "dTpw"}}}).to_string();
        let config = DockerConfig::parse(&text).unwrap();
        prop_assert!(matches!(config.login(&host, &path), Ok(Login::Stored(_))));
    }
}
