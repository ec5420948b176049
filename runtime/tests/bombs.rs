//! Small messages that would be large: what unpacks to a gibibyte is refused at the limit, and the memory is never taken.
//!
//! In a file of its own, because the most memory that a process ever used is a number of the whole process.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::convert::Infallible;
use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use http::Response;
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use jovian_runtime::{Code, Encoding, Status};
use support::raw::Raw;
use support::{OrdersClient, get, shop, soon};
use tokio::net::TcpListener;

/// A frame that unpacks to a gibibyte of zeros.
fn bomb(encoding: Encoding) -> Bytes {
    let packed = match encoding.name() {
        "gzip" => {
            // A mebibyte of zeros that ends on a byte, and what follows knows nothing of it: it can be said again and again.
            let mut once = DeflateEncoder::new(Vec::new(), Compression::best());
            once.write_all(&vec![0; 1 << 20]).unwrap();
            once.flush().unwrap();
            let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
            packed.extend(once.get_ref().repeat(1024));
            packed
        }
        // A frame (RFC 8878, 3.1.1) with a window of 1 MiB whose blocks of 128 KiB each repeat one byte.
        "zstd" => {
            let mut packed = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 10 << 3];
            let block = (128_u32 << 10) << 3 | 1 << 1;
            packed.extend([&block.to_le_bytes()[..3], &[0]].concat().repeat(8 * 1024));
            packed
        }
        other => panic!("no bomb of {other}"),
    };
    framed(&packed)
}

fn framed(packed: &[u8]) -> Bytes {
    let mut frame = vec![1];
    frame.extend(u32::try_from(packed.len()).unwrap().to_be_bytes());
    frame.extend(packed);
    Bytes::from(frame)
}

/// The most memory that this process ever used, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[tokio::test]
async fn a_bomb_is_refused_on_both_sides_without_unpacking_it() {
    for encoding in Encoding::ALL.iter().copied() {
        let packed = bomb(encoding);
        assert!(packed.len() < 2 << 20, "{encoding:?}: {}", packed.len());
        let before = peak();

        let (running, ..) = shop().await;
        let mut raw = Raw::connect(&running).await;
        let request = Raw::request(
            "/shop.orders.v1.Orders/GetOrder",
            packed.clone(),
            &[("grpc-encoding", encoding.name())],
        );
        let whole = soon(raw.send(request)).await;
        let status = Status::from_header_map(&whole.headers).unwrap();
        let (code, text) = (status.code(), status.message());
        assert_eq!(code, Code::ResourceExhausted, "{status}");
        assert_eq!(
            text,
            "the request is larger when it is decompressed, more than the 8388608 that this server reads (`max_message`)"
        );

        let error = soon(client_of(packed, encoding).await.get_order(get("1"))).await.unwrap_err();
        assert_eq!(error.code(), Code::ResourceExhausted, "{error}");

        let taken = peak() - before;
        assert!(taken < 64, "{encoding:?}: {taken} MiB were taken");
    }
}

/// A client of somebody who answers everything with `reply`.
async fn client_of(reply: Bytes, encoding: Encoding) -> OrdersClient {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = hyper::service::service_fn(move |_| {
            let response = Response::builder()
                .header("content-type", "application/grpc")
                .header("grpc-encoding", encoding.name())
                .body(Full::new(reply.clone()))
                .unwrap();
            async move { Ok::<_, Infallible>(response) }
        });
        let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        drop(connection.serve_connection(TokioIo::new(stream), service).await);
    });
    OrdersClient::connect(address.to_string()).unwrap()
}

/// A frame that asks for a window of 128 MiB, which the library would set aside before it reads on.
#[cfg(feature = "zstd")]
#[tokio::test]
async fn a_window_beyond_what_rfc_8878_recommends_is_refused() {
    let (running, ..) = shop().await;
    let mut raw = Raw::connect(&running).await;
    let window = |log: u8| framed(&[0x28, 0xb5, 0x2f, 0xfd, 0, (log - 10) << 3, 1, 0, 0]);
    for (log, code) in [(23, Code::Ok), (24, Code::Internal), (27, Code::Internal)] {
        let request =
            Raw::request("/shop.orders.v1.Orders/GetOrder", window(log), &[("grpc-encoding", "zstd")]);
        let whole = soon(raw.send(request)).await;
        let status =
            Status::from_header_map(&whole.trailers).or_else(|| Status::from_header_map(&whole.headers));
        assert_eq!(status.unwrap().code(), code, "2^{log}");
    }
}
