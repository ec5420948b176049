//! A caller of the governor that is only a TCP connection: it says what it is told to say.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A response: its status, its head as it came, its body.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Page {
    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// Sends `request` as it is and reads until the other end closes.
pub async fn raw(governor: SocketAddr, request: &[u8]) -> String {
    String::from_utf8(raw_bytes(governor, request).await).unwrap()
}

/// The same, of an answer that may be no text.
pub async fn raw_bytes(governor: SocketAddr, request: &[u8]) -> Vec<u8> {
    let talk = async {
        let mut stream = TcpStream::connect(governor).await.unwrap();
        // An answer may come, and the connection end, before all is sent.
        let _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    };
    tokio::time::timeout(Duration::from_secs(30), talk).await.expect("an answer in thirty seconds")
}

/// One request, one response.
pub async fn ask(governor: SocketAddr, verb: &str, path: &str, body: &str) -> Page {
    let length = body.len();
    let request = format!(
        "{verb} {path} HTTP/1.1\r\nhost: {governor}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    read(&raw(governor, request.as_bytes()).await)
}

pub async fn get(governor: SocketAddr, path: &str) -> Page {
    ask(governor, "GET", path, "").await
}

fn read(answer: &str) -> Page {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Page { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}
