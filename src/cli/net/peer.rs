//! Calls by path, with messages that are encoded already.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use futures_util::Stream;
use hyper_util::rt::TokioIo;
use prost::bytes::{Buf as _, BufMut as _, Bytes};
use tonic::client::Grpc;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder, Streaming};
use tonic::codegen::http::Uri;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, BinaryMetadataKey, BinaryMetadataValue};
use tonic::metadata::{KeyAndValueRef, MetadataMap};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status, TimeoutExpired};

use super::{Problem, connect};
use crate::diag::{self, Diagnostic, Diagnostics};

/// A server that is connected.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Peer {
    grpc: Grpc<Channel>,
    metadata: Metadata,
    /// How long anything but a call may take.
    pub(super) patience: Duration,
}

impl Peer {
    /// Speaks HTTP/2 on a connection.
    pub(super) async fn new(
        stream: Box<dyn connect::Stream>,
        authority: &str,
        is_tls: bool,
        metadata: Metadata,
        patience: Duration,
    ) -> Result<Self, Problem> {
        let uri = |scheme: &str| format!("{scheme}://{authority}").parse::<Uri>();
        let no_name = |error| {
            let problem = format!("`{authority}` is no name of a server: {error}");
            Diagnostic::error(diag::Code::Setting, problem).help("give a host with `--server-name`")
        };
        let origin = uri(if is_tls { "https" } else { "http" }).map_err(no_name)?;
        let agent = concat!("jovian/", env!("CARGO_PKG_VERSION"));
        let endpoint = Endpoint::from(uri("http").map_err(no_name)?);
        let endpoint = endpoint.user_agent(agent).map_err(|error| broken(&error))?;
        // One connection is all there is: when it breaks, so does the call.
        let stream = Arc::new(Mutex::new(Some(stream)));
        let take = move |_: Uri| {
            let stream = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
            async { stream.map(TokioIo::new).ok_or("the connection is closed") }
        };
        let connector = tower::service_fn(take);
        let channel = endpoint.connect_with_connector(connector).await.map_err(|error| broken(&error))?;
        let grpc = Grpc::with_origin(channel, origin)
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(usize::MAX);
        Ok(Self { grpc, metadata, patience })
    }

    /// Calls a method by its path, `/shop.v1.Orders/GetOrder`, whatever its kind. It ends when the timeout is over.
    pub(in crate::cli) async fn call(
        &self,
        path: &str,
        requests: impl Stream<Item = Bytes> + Send + 'static,
        timeout: Option<Duration>,
    ) -> Result<Replies, Problem> {
        let mut request = Request::new(requests);
        *request.metadata_mut() = self.metadata.0.clone();
        timeout.into_iter().for_each(|timeout| request.set_timeout(timeout));
        let path = PathAndQuery::try_from(path).map_err(|error| {
            Diagnostic::error(diag::Code::Setting, format!("`{path}` is no path of a method: {error}"))
                .help("write `package.Service/Method`")
        })?;
        let mut grpc = self.grpc.clone();
        grpc.ready().await.map_err(|error| broken(&error))?;
        let response = grpc.streaming(request, path, Raw).await.map_err(sent_or_broken)?;
        let (headers, streaming, _) = response.into_parts();
        Ok(Replies { headers: Metadata(headers), streaming })
    }

    /// The only reply to an only request, of which something else than the user's call depends.
    pub(in crate::cli) async fn ask(&self, path: &str, request: Bytes) -> Result<Bytes, Problem> {
        let asked = async {
            let mut replies = self.call(path, futures_util::stream::iter([request]), None).await?;
            let reply = replies.next().await?;
            reply.ok_or_else(|| Status::internal("there is no reply").into())
        };
        tokio::time::timeout(self.patience, asked).await.unwrap_or_else(|_| {
            let service = path.trim_start_matches('/').split('/').next().unwrap_or_default();
            Err(Problem::late(
                format!("`{service}` does not answer within {:?}", self.patience),
                "check that the server is well; `--timeout` says how long to wait",
            ))
        })
    }
}

/// The replies to a call.
#[derive(Debug)]
pub(in crate::cli) struct Replies {
    pub(in crate::cli) headers: Metadata,
    streaming: Streaming<Bytes>,
}

impl Replies {
    /// The next reply, encoded.
    pub(in crate::cli) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        self.streaming.message().await.map_err(sent_or_broken)
    }

    /// What came after the last reply.
    pub(in crate::cli) async fn trailers(&mut self) -> Result<Metadata, Problem> {
        let trailers = self.streaming.trailers().await.map_err(sent_or_broken)?;
        Ok(Metadata(trailers.unwrap_or_default()))
    }
}

/// Headers or trailers.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Metadata(MetadataMap);

impl Metadata {
    /// Reads `key: value`; the values of keys that end with `-bin` are base64.
    pub(super) fn parse(lines: &[String]) -> Result<Self, Diagnostics> {
        let mut map = MetadataMap::new();
        for line in lines {
            let mistake = |problem: &str, help: &str| {
                Diagnostic::error(diag::Code::Setting, format!("the metadata `{line}`: {problem}")).help(help)
            };
            let form = "write `-H \"key: value\"`";
            let (key, value) = line.split_once(':').ok_or_else(|| mistake("there is no colon", form))?;
            let (key, value) = (key.trim().to_lowercase(), value.trim());
            if key.starts_with("grpc-") || ["content-type", "te"].contains(&key.as_str()) {
                let help = "leave it out; `--timeout` sets a deadline";
                return Err(mistake("this key belongs to the protocol", help).into());
            }
            let name = "a key is made of letters, digits, `-`, `_` and `.`";
            if key.ends_with("-bin") {
                let bytes = STANDARD.decode(value).or_else(|_| STANDARD_NO_PAD.decode(value));
                let bytes = bytes
                    .map_err(|_| mistake("the value is no base64", "encode it: `printf .. | base64`"))?;
                let key = BinaryMetadataKey::from_bytes(key.as_bytes())
                    .map_err(|_| mistake("this is no key", name))?;
                map.append_bin(key, BinaryMetadataValue::from_bytes(&bytes));
            } else {
                let key = AsciiMetadataKey::from_bytes(key.as_bytes())
                    .map_err(|_| mistake("this is no key", name))?;
                let value = AsciiMetadataValue::try_from(value)
                    .map_err(|_| mistake("the value is not ASCII", "send it as `-bin`, in base64"))?;
                map.append(key, value);
            }
        }
        Ok(Self(map))
    }

    /// What a status brought along.
    pub(in crate::cli) fn of(status: &Status) -> Self {
        Self(status.metadata().clone())
    }
}

impl fmt::Display for Metadata {
    /// A line each; binary values in base64, as they travel.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in self.0.iter() {
            let (key, value) = match entry {
                KeyAndValueRef::Ascii(key, value) => (key.as_str(), value.as_encoded_bytes()),
                KeyAndValueRef::Binary(key, value) => (key.as_str(), value.as_encoded_bytes()),
            };
            writeln!(f, "{key}: {}", String::from_utf8_lossy(value))?;
        }
        Ok(())
    }
}

/// Messages as bytes, both ways.
#[derive(Clone, Copy, Debug)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

/// A status that the server sent, or one that tonic made of a broken connection or of our own deadline.
fn sent_or_broken(status: Status) -> Problem {
    let Some(source) = status.source() else { return status.into() };
    if sources(source).any(|cause| cause.is::<TimeoutExpired>()) {
        return Problem::no_answer();
    }
    match (broken(source), status.code()) {
        // What HTTP/2 calls an error of the protocol says mostly that it is another one.
        (problem, Code::Unknown | Code::Internal) => problem,
        (Problem::Trouble(diags, _), code) => Problem::Trouble(diags, code),
        (problem, _) => problem,
    }
}

fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| Error::source(*error))
}

fn broken(error: &(dyn Error + 'static)) -> Problem {
    let mut causes: Vec<String> = sources(error).map(ToString::to_string).collect();
    // Each says something of its own, or what the one before has said.
    causes.dedup_by(|later, earlier| earlier.contains(later.as_str()));
    let help = "check that it is a gRPC server, with `--tls` if it speaks TLS, and that it is still there";
    Problem::unreachable(format!("the connection broke: {}", causes.join(": ")), help)
}
