//! A registry that says what a test wants it to say.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request: first line and headers in lower case.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: String,
    pub(crate) body: String,
}

type Answers = dyn Fn(&Asked, usize) -> String + Send + Sync;

pub(crate) struct Fake {
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// An answer with extra header lines (each ending in `\r\n`).
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

impl Fake {
    /// Answers each request with what `answers` makes of it and of the number
    /// of equal first lines before it. `{address}` is filled in.
    pub(crate) async fn start(
        answers: impl Fn(&Asked, usize) -> String + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (log, name) = (Arc::clone(&asked), address.clone());
        let answers: Arc<Answers> = Arc::new(answers);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&log), Arc::clone(&answers), name.clone()));
            }
        });
        Self { address, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, start: &str) -> usize {
        self.asked().iter().filter(|asked| asked.line.starts_with(start)).count()
    }
}

async fn serve(
    mut stream: TcpStream,
    log: Arc<Mutex<Vec<Asked>>>,
    answers: Arc<Answers>,
    address: String,
) {
    while let Some(asked) = read(&mut stream).await {
        let before = {
            let mut log = log.lock().unwrap();
            let before = log.iter().filter(|old| old.line == asked.line).count();
            log.push(asked.clone());
            before
        };
        let text = answers(&asked, before).replace("{address}", &address);
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// None at the end, or where it isn't HTTP (a TLS client's first bytes).
async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
        if !head[0].is_ascii_uppercase() {
            return None;
        }
    }
    let head = String::from_utf8(head).ok()?;
    let (line, headers) = head.split_once("\r\n")?;
    let headers = headers.to_lowercase();
    let length = headers.lines().find_map(|l| l.strip_prefix("content-length: "));
    let mut body = vec![0; length.and_then(|l| l.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    let body = String::from_utf8_lossy(&body).into_owned();
    Some(Asked { line: line.to_owned(), headers, body })
}
