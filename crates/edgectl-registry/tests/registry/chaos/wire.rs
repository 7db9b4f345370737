//! As much of HTTP/1.1 as is needed to break it.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The head of a request.
pub(super) struct Head {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    headers: Vec<(String, String)>,
}

impl Head {
    pub(super) fn line(&self) -> String {
        let question = if self.query.is_empty() { "" } else { "?" };
        format!("{} {}{question}{}", self.method, self.path, self.query)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub(super) fn length(&self) -> usize {
        self.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// A parameter of the query, decoded as far as digests and paths need.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        let found = pairs.filter(|(n, _)| *n == name).map(|(_, v)| v).next()?;
        Some(found.replace("%3A", ":").replace("%2F", "/"))
    }
}

/// An answer.
#[derive(Debug, Default, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// A HEAD has the length and not the body.
    pub(super) is_head: bool,
}

impl Answer {
    pub(super) fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(super) fn error(status: u16, code: &str) -> Self {
        let body = format!(r#"{{"errors":[{{"code":"{code}","message":"no"}}]}}"#);
        Self { status, body: body.into_bytes(), ..Self::default() }
    }

    pub(super) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub(super) fn head(&self) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {} X\r\n", self.status);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        if self.status != 204 {
            text += &format!("content-length: {}\r\n", self.body.len());
        }
        (text + "\r\n").into_bytes()
    }
}

/// None at the end, or where it isn't HTTP (a TLS client's first bytes).
pub(super) async fn read_head(stream: &mut TcpStream) -> Option<Head> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
        if !bytes[0].is_ascii_uppercase() {
            return None;
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    let mut lines = text.lines();
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(n, v)| (n.to_lowercase(), v.to_owned())).collect();
    Some(Head { method, path: path.to_owned(), query: query.to_owned(), headers })
}

pub(super) async fn write(stream: &mut TcpStream, answer: &Answer) -> bool {
    let body: &[u8] = if answer.is_head { &[] } else { &answer.body };
    stream.write_all(&answer.head()).await.is_ok() && stream.write_all(body).await.is_ok()
}
