//! gRPC by hand on HTTP/2, so that the other end of a server costs little and is the same for all.

use anyhow::{Context as _, ensure};
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use h2::RecvStream;
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use prost::Message;
use tokio::net::TcpStream;

use super::{Calls, MESSAGES};
use crate::idl::ours::{GetRequest, ListRequest};

/// What one connection may be sent without being asked: more than any answer here.
const WINDOW: u32 = 1 << 20;

const GET: &str = "/jovian.bench.v1.BenchService/Get";
const LIST: &str = "/jovian.bench.v1.BenchService/List";

/// A connection.
#[derive(Clone, Debug)]
pub(super) struct Raw(SendRequest<Bytes>);

impl Calls for Raw {
    async fn connect(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut settings = h2::client::Builder::new();
        settings.initial_window_size(WINDOW).initial_connection_window_size(WINDOW);
        let (send, connection) = settings.handshake(stream).await?;
        tokio::spawn(connection);
        Ok(Self(send))
    }

    async fn unary(&mut self) -> anyhow::Result<()> {
        let mut body = self.open(GET, &GetRequest { id: 7, name: "jovian".to_owned() }).await?;
        let frames = read(&mut body).await?;
        ensure!(frames == 1, "{frames} messages of one");
        ended(body.trailers().await?)
    }

    async fn stream(&mut self) -> anyhow::Result<()> {
        let mut body = self.open(LIST, &ListRequest { count: MESSAGES, hold: false }).await?;
        let frames = read(&mut body).await?;
        ensure!(frames == MESSAGES, "{frames} messages of {MESSAGES}");
        ended(body.trailers().await?)
    }
}

impl Raw {
    /// A stream that gives one message and then nothing.
    pub(super) async fn hold(&mut self) -> anyhow::Result<RecvStream> {
        let mut body = self.open(LIST, &ListRequest { count: 1, hold: true }).await?;
        let message = body.data().await.context("the stream ended")??;
        body.flow_control().release_capacity(message.len())?;
        Ok(body)
    }

    async fn open(&mut self, path: &str, message: &impl Message) -> anyhow::Result<RecvStream> {
        let request = Request::post(format!("http://127.0.0.1{path}"))
            .header("te", "trailers")
            .header("content-type", "application/grpc")
            .body(())?;
        self.0 = self.0.clone().ready().await?;
        let (response, mut send) = self.0.send_request(request, false)?;
        send.send_data(frame(message), true)?;
        let response = response.await?;
        ensure!(response.status().is_success(), "HTTP status {}", response.status());
        if response.headers().contains_key("grpc-status") {
            ended(Some(response.headers().clone()))?;
        }
        Ok(response.into_body())
    }
}

/// A message with its five bytes: not compressed, and its length.
fn frame(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(5 + length);
    frame.put_u8(0);
    frame.put_u32(length as u32);
    frame.put(message.encode_to_vec().as_slice());
    frame.freeze()
}

/// Reads a body to its end and counts its messages.
async fn read(body: &mut RecvStream) -> anyhow::Result<u32> {
    let (mut messages, mut rest) = (0, BytesMut::new());
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        rest.extend_from_slice(&data);
        while let Some(length) = rest.get(1..5).map(|mut length| length.get_u32() as usize) {
            if rest.len() < 5 + length {
                break;
            }
            rest.advance(5 + length);
            messages += 1;
        }
    }
    Ok(messages)
}

fn ended(trailers: Option<HeaderMap>) -> anyhow::Result<()> {
    let trailers = trailers.context("no trailers")?;
    let status = trailers.get("grpc-status").context("no grpc-status")?;
    ensure!(status == "0", "the call failed: {trailers:?}");
    Ok(())
}
