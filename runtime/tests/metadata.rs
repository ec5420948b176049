//! Metadata of bytes, and where headers go when a call fails.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use jovian_runtime::{CallOptions, Code, ReplyMetadata, Status};
use support::raw::{Raw, framed};
use support::{OrdersClient, Shop, get, shop, soon, watch};

const GET: &str = "/shop.orders.v1.Orders/GetOrder";
const WATCH: &str = "/shop.orders.v1.Orders/Watch";

#[tokio::test]
async fn bytes_travel_both_ways_in_headers_and_trailers() {
    let (_running, remote, _) = shop().await;
    for client in [remote, OrdersClient::local(Shop::default())] {
        let reply = ReplyMetadata::new();
        let all: Vec<u8> = (0..=255).collect();
        let options = CallOptions::new().metadata_bin("x-token-bin", &all).metadata_bin("x-token-bin", b"");
        let client = client.with(options.metadata_bin("x-not-bytes", b"left out").capture(&reply));
        let error = soon(client.get_order(get("marked"))).await.unwrap_err();
        assert_eq!(error.code(), Code::FailedPrecondition);
        assert_eq!(reply.header_bin("x-token-bin"), [&all[..], b""]);
        assert_eq!(reply.trailer_bin("x-token-bin"), [&[&all[..], b"!"].concat()[..], b"!"]);
        assert!(reply.header_bin("x-other-bin").is_empty());
    }
}

#[tokio::test]
async fn headers_of_a_call_that_fails_are_headers() {
    let (running, client, _) = shop().await;
    let mut raw = Raw::connect(&running).await;
    for (path, body) in [(GET, framed(&get("marked"))), (WATCH, framed(&watch("marked", 0)))] {
        let whole = soon(raw.send(Raw::request(path, body, &[]))).await;
        assert_eq!(whole.headers["x-seen"], "marked", "{path}");
        assert!(!whole.headers.contains_key("grpc-status") && whole.body.is_empty());
        assert!(!whole.trailers.contains_key("x-seen"));
        assert_eq!(Status::from_header_map(&whole.trailers).unwrap().code(), Code::FailedPrecondition);
    }
    let reply = ReplyMetadata::new();
    soon(client.with(CallOptions::new().capture(&reply)).get_order(get("marked"))).await.unwrap_err();
    assert_eq!((reply.header("x-seen").as_deref(), reply.trailer("x-seen")), (Some("marked"), None));

    // With none to send the whole answer is one block of trailers, which is what lets callers retry.
    let whole = soon(raw.send(Raw::request(GET, framed(&get("sold")), &[]))).await;
    assert_eq!(Status::from_header_map(&whole.headers).unwrap().code(), Code::FailedPrecondition);
    assert!(whole.trailers.is_empty());
    soon(client.with(CallOptions::new().capture(&reply)).get_order(get("sold"))).await.unwrap_err();
    assert!(reply.headers().is_empty(), "{reply:?}");
    assert_eq!(reply.trailer("grpc-status").as_deref(), Some("9"));
}
