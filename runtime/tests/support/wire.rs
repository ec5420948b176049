//! A caller that writes its frames itself, for what no library would send.

use bytes::Bytes;
use prost::Message as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::hpack::{Encoder, How};
use super::{Order, get, raw::framed, soon};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Types and flags of RFC 9113, section 6.
pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const CONTINUATION: u8 = 9;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;
pub const PADDED: u8 = 8;
pub const PRIORITY: u8 = 0x20;

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// How a call went.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this order.
    Answered(String),
    /// Its stream was reset.
    Reset,
    /// The connection was closed.
    Closed,
}

pub struct Wire<S> {
    pub stream: S,
    pub encoder: Encoder,
    heard: Vec<u8>,
    next: u32,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub async fn over(mut stream: S) -> Self {
        stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.unwrap();
        Self { stream, encoder: Encoder::default(), heard: Vec::new(), next: 1 }
    }

    /// The number of the next call.
    pub fn number(&mut self) -> u32 {
        self.next += 2;
        self.next - 2
    }

    /// The headers of a call of `GetOrder`, as grpc-go writes them: what comes again is remembered.
    pub fn block(&mut self, authority: &str, more: &[(&str, &str)]) -> Vec<u8> {
        let mut block = Vec::new();
        let fields = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/shop.orders.v1.Orders/GetOrder"),
            (":authority", authority),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ];
        for (name, value) in fields.iter().chain(more) {
            self.encoder.field(name.as_bytes(), value.as_bytes(), How::Remembered, &mut block);
        }
        block
    }

    pub async fn say(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Calls for the order `id`.
    pub async fn call(&mut self, authority: &str, id: &str, more: &[(&str, &str)]) -> Ended {
        let (number, block) = (self.number(), self.block(authority, more));
        self.say(&frame(HEADERS, END_HEADERS, number, &block)).await;
        self.say(&frame(DATA, END_STREAM, number, &framed(&get(id)))).await;
        self.ended(number).await
    }

    /// Waits until the call ends. Headers are not looked at: without an order in it a call is answered by nothing.
    pub async fn ended(&mut self, number: u32) -> Ended {
        let mut body = Vec::new();
        loop {
            let Some((kind, flags, stream, payload)) = soon(self.frame()).await else { return Ended::Closed };
            if stream != number {
                continue;
            }
            match kind {
                RST_STREAM => return Ended::Reset,
                DATA => body.extend(payload),
                _ => {}
            }
            if flags & END_STREAM != 0 {
                let order = body.get(5..).map(|order| Order::decode(Bytes::copy_from_slice(order)).unwrap());
                return Ended::Answered(order.map(|order| order.id).unwrap_or_default());
            }
        }
    }

    async fn frame(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        loop {
            if let Some([a, b, c, kind, flags, stream @ ..]) = self.heard.first_chunk::<9>() {
                let end = 9 + u32::from_be_bytes([0, *a, *b, *c]) as usize;
                let (kind, flags, stream) = (*kind, *flags, u32::from_be_bytes(*stream));
                if self.heard.len() >= end {
                    let payload = self.heard[9..end].to_vec();
                    self.heard.drain(..end);
                    return Some((kind, flags, stream, payload));
                }
            }
            // A reset is an end, too.
            if self.stream.read_buf(&mut self.heard).await.unwrap_or_default() == 0 {
                return None;
            }
        }
    }
}
