//! `WWW-Authenticate`: how a registry wants us to log in.

/// How to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// Not at all.
    Open,
    /// User name and password with every request.
    Basic,
    /// A token from elsewhere.
    Bearer { realm: String, service: Option<String> },
}

/// A challenge, and the scopes that the refused request lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenged {
    pub(crate) challenge: Challenge,
    scopes: Vec<String>,
}

impl Challenged {
    /// The best of the challenges in the headers; Bearer beats Basic, which
    /// token servers offer beside it for old clients.
    pub(crate) fn parse<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut best = None;
        for (scheme, parameters) in headers.flat_map(challenges) {
            match scheme.to_ascii_lowercase().as_str() {
                "bearer" => {
                    let find = |name: &str| {
                        parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone())
                    };
                    let Some(realm) = find("realm") else { continue };
                    let scopes = find("scope").unwrap_or_default();
                    let scopes = scopes.split_ascii_whitespace().map(str::to_owned).collect();
                    let challenge = Challenge::Bearer { realm, service: find("service") };
                    return Some(Self { challenge, scopes });
                }
                "basic" => {
                    best = Some(Self { challenge: Challenge::Basic, scopes: Vec::new() });
                }
                _ => {}
            }
        }
        best
    }

    /// The scopes that `asked` doesn't cover; a registry may know a repository
    /// by another name than the one in the URL.
    pub(crate) fn scopes_beyond(&self, asked: &[String]) -> Vec<String> {
        let is_covered = |scope: &String| asked.iter().any(|asked| covers(asked, scope));
        self.scopes.iter().filter(|scope| !is_covered(scope)).cloned().collect()
    }
}

/// Whether the actions of a scope on the same resource include another's.
fn covers(asked: &str, scope: &str) -> bool {
    match (asked.rsplit_once(':'), scope.rsplit_once(':')) {
        (Some((a, have)), Some((b, need))) if a == b => {
            need.split(',').all(|action| have.split(',').any(|held| held == action))
        }
        _ => asked == scope,
    }
}

type Parameters = Vec<(String, String)>;

/// Splits `A x="1", y=2, B z="3, 4"` into schemes with their parameters.
fn challenges(header: &str) -> Vec<(String, Parameters)> {
    let mut found: Vec<(String, Parameters)> = Vec::new();
    let mut rest = header.trim_start_matches([' ', ',']);
    while !rest.is_empty() {
        let end = rest.find([' ', ',', '=']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if let Some(value) = after.trim_start().strip_prefix('=') {
            let (value, after) = take_value(value.trim_start());
            if let Some((_, parameters)) = found.last_mut() {
                parameters.push((word.to_ascii_lowercase(), value));
            }
            rest = after;
        } else {
            found.push((word.to_owned(), Vec::new()));
            rest = after;
        }
        rest = rest.trim_start_matches([' ', ',']);
    }
    found
}

/// A quoted string with backslash escapes, or a bare word.
fn take_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ']).unwrap_or(text.len());
        // A stray `=` would never be taken and the loop never end.
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(headers: &[&str]) -> Option<Challenge> {
        Challenged::parse(headers.iter().copied()).map(|challenged| challenged.challenge)
    }

    #[test]
    fn only_scopes_that_were_not_asked_for_are_new() {
        let header = r#"Bearer realm="r",scope="repository:a/b:push,pull repository:c:pull""#;
        let challenged = Challenged::parse([header].into_iter()).unwrap();
        let beyond = |asked: &str| challenged.scopes_beyond(&[asked.to_owned()]).join(" ");
        assert_eq!(beyond("repository:a/b:pull,push"), "repository:c:pull");
        assert_eq!(beyond("repository:c:pull"), "repository:a/b:push,pull");
    }

    #[test]
    fn prefers_bearer_and_reads_commas_in_quotes() {
        let header = r#"Basic realm="r", bearer Realm="https://a/token?x=1,2" ,SERVICE="s \"q\"",scope="repository:a:pull,push""#;
        let expected = Challenge::Bearer {
            realm: "https://a/token?x=1,2".into(),
            service: Some("s \"q\"".into()),
        };
        assert_eq!(parse(&[header]), Some(expected));
        assert_eq!(parse(&["Basic realm=x"]), Some(Challenge::Basic));
        assert_eq!(parse(&["Negotiate", "Basic"]), Some(Challenge::Basic));
        let bearer = Challenge::Bearer { realm: "r".into(), service: None };
        assert_eq!(parse(&["Basic realm=x", "Bearer realm=r"]), Some(bearer));
        assert_eq!(parse(&["Bearer service=x"]), None);
    }

    #[test]
    fn survives_any_text() {
        for text in ["", "=", "==,=\"", "Bearer realm=\"", "\"\\", ", ,", "a=b=c", "é=\"ü"] {
            let _ = parse(&[text]);
        }
    }
}
