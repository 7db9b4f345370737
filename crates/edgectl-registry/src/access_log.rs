//! Who asked a registry for what, from the log of the `distribution` registry.
//!
//! That registry writes two kinds of lines. Its own, in JSON, carry a request
//! id; the line that says how a request ended has the user only for failures,
//! but at level `debug` other lines of the same request have it. The access
//! lines in Apache's format never have the user and are used only where there
//! are no JSON lines.

use std::collections::HashMap;

use serde::Deserialize;

/// One finished request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessEntry {
    /// Who asked, where the log says so.
    pub user: Option<String>,
    /// Whether the registry checked a login and let the request through. The
    /// log names no user for `/v2/` itself, but says this.
    pub authorized: bool,
    /// Method.
    pub method: String,
    /// Path without its query.
    pub path: String,
    /// Status.
    pub status: u16,
}

impl AccessEntry {
    /// Whether it was answered with a success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "http.request.id")]
    id: String,
    #[serde(rename = "http.request.method", default)]
    method: String,
    #[serde(rename = "http.request.uri", default)]
    uri: String,
    #[serde(rename = "http.response.status")]
    status: Option<u16>,
    #[serde(rename = "auth.user.name")]
    user: Option<String>,
    #[serde(default)]
    msg: String,
}

/// Reads a log; lines of other kinds are passed over.
pub fn parse(log: &str) -> Vec<AccessEntry> {
    let entries = parse_json(log);
    match entries.is_empty() {
        true => log.lines().filter_map(parse_combined).collect(),
        false => entries,
    }
}

/// Joins the lines of each request; a request is listed where it ends.
fn parse_json(log: &str) -> Vec<AccessEntry> {
    let mut known: HashMap<String, (Option<String>, bool)> = HashMap::new();
    let mut entries = Vec::new();
    let lines = log.lines().filter(|line| line.starts_with('{'));
    for line in lines.filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
        let (user, authorized) = known.entry(line.id).or_default();
        if line.user.is_some() {
            user.clone_from(&line.user);
        }
        *authorized |= line.msg == "authorized request";
        // A refused login has no line about its end.
        let refused = line.msg.starts_with("error authorizing context").then_some(401);
        if let Some(status) = line.status.or(refused) {
            entries.push(AccessEntry {
                user: user.clone(),
                authorized: *authorized,
                method: line.method,
                path: without_query(&line.uri),
                status,
            });
        }
    }
    entries
}

/// `address - user [time] "METHOD path PROTOCOL" status size …`.
fn parse_combined(line: &str) -> Option<AccessEntry> {
    let (head, rest) = line.split_once('"')?;
    let (request, rest) = rest.split_once('"')?;
    let mut words = request.split(' ');
    let (method, uri) = (words.next()?, words.next()?);
    let user = head.split(' ').nth(2).filter(|user| !matches!(*user, "-" | ""));
    Some(AccessEntry {
        user: user.map(str::to_owned),
        authorized: user.is_some(),
        method: method.to_owned(),
        path: without_query(uri),
        status: rest.split_whitespace().next()?.parse().ok()?,
    })
}

fn without_query(uri: &str) -> String {
    uri.split('?').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = r#"{"level":"info","msg":"listening on 127.0.0.1:5000"}
{"http.request.id":"1","http.request.method":"GET","http.request.uri":"/v2/","level":"warning","msg":"error authorizing context: basic authentication challenge"}
127.0.0.1 - - [21/Nov/2026:04:14:58 +0000] "GET /v2/ HTTP/1.1" 401 87 "" "x"
{"http.request.id":"2","http.request.method":"GET","http.request.uri":"/v2/a/b/blobs/sha256:0?x=y","msg":"authorized request"}
{"http.request.id":"3","http.request.method":"GET","http.request.uri":"/v2/","msg":"authorized request"}
{"auth.user.name":"pusher","http.request.id":"2","http.request.method":"GET","http.request.uri":"/v2/a/b/blobs/sha256:0?x=y","msg":"GetBlob"}
{"http.request.id":"3","http.request.method":"GET","http.request.uri":"/v2/","http.response.status":200,"msg":"response completed"}
{"http.request.id":"2","http.request.method":"GET","http.request.uri":"/v2/a/b/blobs/sha256:0?x=y","http.response.status":200,"msg":"response completed"}
{"http.request.id":"#;

    fn entry(user: Option<&str>, authorized: bool, path: &str, status: u16) -> AccessEntry {
        let (user, path) = (user.map(str::to_owned), path.to_owned());
        AccessEntry { user, authorized, method: "GET".to_owned(), path, status }
    }

    #[test]
    fn joins_the_lines_of_a_request() {
        let expected = [
            entry(None, false, "/v2/", 401),
            entry(None, true, "/v2/", 200),
            entry(Some("pusher"), true, "/v2/a/b/blobs/sha256:0", 200),
        ];
        assert_eq!(parse(LOG), expected);
    }

    #[test]
    fn reads_combined_lines_where_there_is_nothing_else() {
        let log = "10.0.0.1 - robot [x] \"GET /v2/?n=1 HTTP/1.1\" 200 2 \"\" \"c\"\nnoise\n\"\"\n";
        assert_eq!(parse(log), [entry(Some("robot"), true, "/v2/", 200)]);
        assert!(parse("").is_empty());
    }
}
