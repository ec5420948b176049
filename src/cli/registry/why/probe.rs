//! Whether a provider can be reached, and whether it takes what the consumer sends as `:authority`.
//!
//! In: an address, an authority. Out: whether it answers. One request is made, of a health check that harms nobody.

use std::time::Duration;

use tokio::io::{self, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a provider may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// What became of an attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// It answered, or said nothing in time, as servers with TLS do.
    Well,
    /// Nobody can connect, and why.
    Unreachable(String),
    /// It reset the request before anything could be answered.
    Refused,
}

/// Connects, and makes a request with an authority if there is one that is worth trying.
pub(super) async fn reach(address: &str, authority: Option<&str>) -> Reached {
    let stream = match timeout(PATIENCE, TcpStream::connect(address)).await {
        Err(_) => return Reached::Unreachable(format!("no connection within {PATIENCE:?}")),
        Ok(Err(error)) => return Reached::Unreachable(error.to_string()),
        Ok(Ok(stream)) => stream,
    };
    let Some(authority) = authority else { return Reached::Well };
    match timeout(PATIENCE, ask(stream, authority)).await {
        Ok(Ok(true)) => Reached::Refused,
        _ => Reached::Well,
    }
}

/// The frames of HTTP/2 that matter here (RFC 9113, section 6).
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
/// The flags of a HEADERS frame that is the whole request: END_STREAM, END_HEADERS.
const WHOLE: u8 = 0x1 | 0x4;
const STREAM: u32 = 1;

/// Asks whether the server is well; whether it reset the stream.
async fn ask(mut stream: TcpStream, authority: &str) -> io::Result<bool> {
    let mut block = Vec::new();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/grpc.health.v1.Health/Check"),
        (":authority", authority),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ] {
        literal(&mut block, name, value);
    }
    let mut request = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    frame(&mut request, SETTINGS, 0, 0, &[]);
    frame(&mut request, HEADERS, WHOLE, STREAM, &block);
    stream.write_all(&request).await?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let [a, b, c, kind, _, number @ ..] = head;
        let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX)];
        stream.read_exact(&mut payload).await?;
        match (kind, u32::from_be_bytes(number)) {
            (RST_STREAM, STREAM) => return Ok(true),
            (HEADERS, STREAM) => return Ok(false),
            _ => {}
        }
    }
}

fn frame(into: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or_default().to_be_bytes();
    into.extend([length[1], length[2], length[3], kind, flags]);
    into.extend(stream.to_be_bytes());
    into.extend(payload);
}

/// A field in plain letters that nobody remembers (RFC 7541, section 6.2.2).
fn literal(into: &mut Vec<u8>, name: &str, value: &str) {
    into.push(0);
    for text in [name, value] {
        length(into, text.len());
        into.extend(text.as_bytes());
    }
}

/// An integer with a prefix of seven bits (RFC 7541, section 5.1).
fn length(into: &mut Vec<u8>, length: usize) {
    const PREFIX: usize = 127;
    let small = |number: usize| u8::try_from(number).unwrap_or_default();
    if length < PREFIX {
        return into.push(small(length));
    }
    into.push(small(PREFIX));
    let mut rest = length - PREFIX;
    while rest >= 128 {
        into.push(small(rest % 128 + 128));
        rest /= 128;
    }
    into.push(small(rest));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_hpack() {
        let of = |number| {
            let mut bytes = Vec::new();
            length(&mut bytes, number);
            bytes
        };
        assert_eq!((of(0), of(126), of(127)), (vec![0], vec![126], vec![127, 0]));
        assert_eq!((of(128), of(1337)), (vec![127, 1], vec![127, 0b1011_1010, 0b0000_1001]));
    }
}
