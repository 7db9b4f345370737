//! Connections: requests in, faults on the way, answers out.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Fault;
use super::store::Inner;
use super::wire::{Answer, Head, read_head, write};

pub(super) async fn serve(mut stream: TcpStream, inner: Arc<Mutex<Inner>>) {
    while let Some(head) = read_head(&mut stream).await {
        let fault = inner.lock().unwrap().begin(&head);
        if !one(&mut stream, &inner, &head, fault).await {
            return;
        }
    }
}

/// Whether the connection goes on.
async fn one(
    stream: &mut TcpStream,
    inner: &Mutex<Inner>,
    head: &Head,
    fault: Option<Fault>,
) -> bool {
    let limit = match fault {
        Some(Fault::Cut(bytes)) if bytes < head.length() => bytes,
        _ => head.length(),
    };
    let mut body = vec![0; limit];
    if stream.read_exact(&mut body).await.is_err() {
        inner.lock().unwrap().broke_off(head, &[]);
        return false;
    }
    if limit < head.length() {
        inner.lock().unwrap().broke_off(head, &body);
        return false;
    }
    let mut answer = match fault {
        Some(Fault::Status(status)) => refusal(status),
        Some(Fault::Repeat) => {
            inner.lock().unwrap().answer(head, &body);
            inner.lock().unwrap().answer(head, &body)
        }
        Some(Fault::Stall) => {
            tokio::time::sleep(Duration::from_secs(5)).await;
            return false;
        }
        _ => inner.lock().unwrap().answer(head, &body),
    };
    // A body would be taken for the next answer.
    answer.is_head = head.method == "HEAD";
    send(stream, answer, fault).await
}

async fn send(stream: &mut TcpStream, mut answer: Answer, fault: Option<Fault>) -> bool {
    match fault {
        Some(Fault::LostAnswer) => false,
        Some(Fault::Cut(bytes)) if !answer.is_head && !answer.body.is_empty() => {
            let part = &answer.body[..bytes.min(answer.body.len() - 1)];
            let _ = stream.write_all(&answer.head()).await;
            let _ = stream.write_all(part).await;
            false
        }
        Some(Fault::Corrupt) if !answer.body.is_empty() => {
            let middle = answer.body.len() / 2;
            answer.body[middle] ^= 1;
            write(stream, &answer).await
        }
        _ => write(stream, &answer).await,
    }
}

fn refusal(status: u16) -> Answer {
    let answer = Answer::error(status, "UNAVAILABLE");
    match status {
        429 => answer.with("retry-after", "0"),
        503 => answer.with("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"),
        401 => answer.with("www-authenticate", "Basic realm=\"chaos\""),
        _ => answer,
    }
}
