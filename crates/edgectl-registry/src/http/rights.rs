//! What a token allows, and which of the rights asked for it lacks.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// A right that a request needed and its token lacks: a note on an answer.
#[derive(Debug, Clone)]
pub(super) struct MissingRight(pub(super) String);

/// Actions by `type:name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rights(Vec<(String, Vec<String>)>);

#[derive(Deserialize)]
struct Claims {
    // An absent claim says nothing, `null` says that nothing is allowed.
    #[serde(default, deserialize_with = "given")]
    access: Option<Option<Vec<Access>>>,
}

#[derive(Deserialize)]
struct Access {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default)]
    actions: Option<Vec<String>>,
}

fn given<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<Vec<Access>>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Rights {
    /// From the claims of a JWT; none where the token can't be read. It is
    /// only looked at for messages, so its signature doesn't matter.
    pub(crate) fn of_token(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
        let claims: Claims = serde_json::from_slice(&bytes).ok()?;
        let access = claims.access?.unwrap_or_default().into_iter();
        let right = |a: Access| (format!("{}:{}", a.kind, a.name), a.actions.unwrap_or_default());
        Some(Self(access.map(right).collect()))
    }

    /// From scopes as they are asked for, separated by spaces.
    pub(crate) fn of_scopes(text: &str) -> Self {
        Self(text.split_ascii_whitespace().filter_map(split).collect())
    }

    /// The first right among `scopes` that isn't there, for people:
    /// ``` `push` on `edge/web` ```.
    pub(crate) fn missing(&self, scopes: &[String]) -> Option<String> {
        scopes.iter().filter_map(|scope| split(scope)).find_map(|(resource, actions)| {
            let has = |action: &String| {
                let mut held = self.0.iter().filter(|(r, _)| *r == resource).flat_map(|(_, a)| a);
                held.any(|held| held == action || held == "*")
            };
            let lacking: Vec<String> =
                actions.iter().filter(|a| !has(a)).map(|a| format!("`{a}`")).collect();
            let name = resource.split_once(':').map_or(resource.as_str(), |(_, name)| name);
            (!lacking.is_empty()).then(|| format!("{} on `{name}`", lacking.join(" and ")))
        })
    }
}

/// `repository:host:5000/a/b:pull,push` as resource and actions.
fn split(scope: &str) -> Option<(String, Vec<String>)> {
    let (resource, actions) = scope.rsplit_once(':')?;
    let actions = actions.split(',').filter(|action| !action.is_empty());
    Some((resource.to_owned(), actions.map(str::to_owned).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn the_lacking_right_is_named() {
        let scopes = ["repository:edge/web:pull,push".to_owned()];
        let claims = |access: &str| Rights::of_token(&jwt(&format!(r#"{{"access":{access}}}"#)));
        let weak = r#"[{"type":"repository","name":"edge/web","actions":["pull"]}]"#;
        let missing = |rights: Option<Rights>| rights.unwrap().missing(&scopes);
        assert_eq!(missing(claims(weak)).unwrap(), "`push` on `edge/web`");
        assert_eq!(missing(claims("null")).unwrap(), "`pull` and `push` on `edge/web`");
        let all = r#"[{"type":"repository","name":"edge/web","actions":["*"]}]"#;
        assert_eq!(missing(claims(all)), None);
        assert_eq!(Rights::of_scopes("repository:edge/web:push,pull").missing(&scopes), None);
    }

    #[test]
    fn a_token_that_says_nothing_lacks_nothing() {
        for text in ["", "opaque", "a.b.c", &jwt("{}"), &jwt("[]"), &jwt(r#"{"access":7}"#)] {
            assert_eq!(Rights::of_token(text), None, "{text}");
        }
    }
}
