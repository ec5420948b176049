//! How other implementations end calls, byte for byte as they were seen to, and what a caller gets of it.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use bytes::Bytes;
use jovian_runtime::{CallError, CallOptions, Code, DomainError as _, Status};
use support::raw::framed;
use support::raw_server::{Script, scripted};
use support::{OrdersClient, OrdersError, get, order, soon, watch};
use tonic_types::{ErrorDetails, StatusExt as _};

const GRPC: (&str, &[u8]) = ("content-type", b"application/grpc");

/// An answer of one block of headers, as Dubbo for Java fails before its first message.
fn triple(http: u16, number: &'static [u8], text: &'static [u8]) -> Script {
    Script::new(http, &[GRPC, ("grpc-status", number), ("grpc-message", text)])
}

/// An answer of one block of headers, as everybody else fails.
fn plain(number: &'static [u8], text: &'static [u8]) -> Script {
    triple(200, number, text)
}

async fn client(script: Script) -> OrdersClient {
    OrdersClient::connect(scripted(script).await.to_string()).unwrap()
}

async fn error(script: Script) -> CallError<OrdersError> {
    soon(client(script).await.get_order(get("1"))).await.unwrap_err()
}

async fn status(script: Script) -> Status {
    match error(script).await {
        CallError::Status(status) => *status,
        domain => panic!("{domain}"),
    }
}

#[tokio::test]
async fn the_status_of_java_is_the_one_that_it_means() {
    let cases: [(Script, Code, &str); 9] = [
        (
            triple(500, b"9", b"FAILED_PRECONDITION : out of stock: 100% gr\xf6\xdfe"),
            Code::FailedPrecondition,
            "out of stock: 100% größe",
        ),
        // Its texts are not encoded, so that this is no space.
        (triple(500, b"5", b"NOT_FOUND : a%20b"), Code::NotFound, "a%20b"),
        // The name of another code is text.
        (triple(500, b"5", b"ABORTED : no"), Code::NotFound, "ABORTED : no"),
        (
            triple(
                500,
                b"2",
                b"Cannot invoke \"java.util.List.iterator()\" because \"methodDescriptors\" is null",
            ),
            Code::Unimplemented,
            "Cannot invoke \"java.util.List.iterator()\" because \"methodDescriptors\" is null",
        ),
        (
            triple(404, b"12", b"Invoker for gRPC not found"),
            Code::Unimplemented,
            "Invoker for gRPC not found",
        ),
        (triple(408, b"2", b"Request Timeout"), Code::DeadlineExceeded, "Request Timeout"),
        (triple(500, b"2", b"Request Timeout"), Code::Unknown, "Request Timeout"),
        (
            triple(500, b"7", b"Forbid invoke remote service"),
            Code::PermissionDenied,
            "Forbid invoke remote service",
        ),
        // Nobody but Java puts the name first, so that this is somebody's text.
        (
            plain(b"9", b"FAILED_PRECONDITION : 100%25"),
            Code::FailedPrecondition,
            "FAILED_PRECONDITION : 100%",
        ),
    ];
    for (script, code, text) in cases {
        let what = format!("{script:?}");
        let status = status(script).await;
        assert_eq!((status.code(), status.message()), (code, text), "{what}");
    }
}

#[tokio::test]
async fn java_is_known_by_its_headers_when_it_fails_late() {
    let head = [("te", b"trailers".as_slice()), GRPC];
    let end = [("grpc-status", b"9".as_slice()), ("grpc-message", b"FAILED_PRECONDITION : sp\xe4t")];
    let script = Script::new(200, &head).then(&[framed(&order("1", 1))], &end);
    let mut replies = soon(client(script).await.watch(watch("", 1))).await.unwrap();
    assert_eq!(soon(replies.next()).await.unwrap().unwrap().amount, 1);
    let error = soon(replies.next()).await.unwrap().unwrap_err().into_status();
    assert_eq!((error.code(), error.message()), (Code::FailedPrecondition, "spät"));
}

#[tokio::test]
async fn a_java_service_without_an_idl_is_explained() {
    let old = status(triple(500, b"2", b"UNKNOWN : Unexpected serialization type:null")).await;
    assert_eq!(old.code(), Code::Unknown);
    assert!(old.message().starts_with("Unexpected serialization type:null (the Java service is not made"));
    // 3.3.6 keeps that to its log.
    let new = status(triple(500, b"2", b"Internal Server Error")).await;
    let likely =
        "Internal Server Error (Dubbo could not read the message; as a rule, the Java service is not made";
    assert!(new.message().starts_with(likely), "{new}");
}

#[tokio::test]
async fn cancelled_at_the_deadline_is_late_and_before_it_is_not() {
    let script = plain(b"1", b"Timeout expired");
    let patient = client(script.clone()).await.with(CallOptions::new().timeout(Duration::from_secs(20)));
    assert_eq!(soon(patient.get_order(get("1"))).await.unwrap_err().code(), Code::Cancelled);
    // Within the slack of clocks.
    let late = client(script).await.with(CallOptions::new().timeout(Duration::from_millis(4)));
    assert_eq!(soon(late.get_order(get("1"))).await.unwrap_err().code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn http_alone_means_what_the_specification_says() {
    let table = [
        (400, Code::Internal),
        (401, Code::Unauthenticated),
        (403, Code::PermissionDenied),
        (404, Code::Unimplemented),
        (408, Code::Unknown),
        (429, Code::Unavailable),
        (500, Code::Unknown),
        (502, Code::Unavailable),
        (503, Code::Unavailable),
        (504, Code::Unavailable),
    ];
    for (http, code) in table {
        // The second is how dubbo-go answers an unknown path; the others are proxies in front of a server.
        for kind in [b"application/grpc".as_slice(), b"text/plain; charset=utf-8"] {
            let script = Script::new(http, &[("content-type", kind)]);
            let told = status(script).await;
            assert_eq!(told.code(), code, "{told}");
            assert_eq!(told.message(), format!("HTTP status {http} and no gRPC status"));
        }
        // Wherever a gRPC status stands, it wins.
        let script =
            Script::new(http, &[GRPC]).then(&[], &[("grpc-status", b"8"), ("grpc-message", b"full")]);
        let told = status(script).await;
        assert_eq!((told.code(), told.message()), (Code::ResourceExhausted, "full"));
    }
}

#[tokio::test]
async fn a_number_that_is_none_of_grpc_is_kept() {
    // dubbo-go, of a plain error.
    for number in ["17", "1000", "-5", "x"] {
        let script = Script::new(200, &[GRPC, ("grpc-status", number.as_bytes()), ("grpc-message", b"boom")]);
        let status = status(script).await;
        assert_eq!((status.code(), status.message()), (Code::Unknown, "boom"));
        assert_eq!(status.metadata().get("grpc-status").unwrap(), number);
    }
    let known = status(plain(b"2", b"nop")).await;
    assert!(known.metadata().get("grpc-status").is_none(), "it is the code");
}

#[tokio::test]
async fn kitex_is_read_as_it_is_meant() {
    let unknown = status(plain(b"1", b"unknown method echo")).await;
    assert_eq!((unknown.code(), unknown.message()), (Code::Unimplemented, "unknown method echo"));
    let unknown = status(plain(b"2", b"unknown service Probe")).await;
    assert_eq!((unknown.code(), unknown.message()), (Code::Unimplemented, "unknown service Probe"));
    let suffixed = status(plain(b"13", b"out of paper [biz error]")).await;
    assert_eq!((suffixed.code(), suffixed.message()), (Code::Internal, "out of paper"));

    // A business error, whose number this IDL does not declare, and one whose number it does.
    let business = |number: &[u8]| {
        let head = [GRPC, ("grpc-status", b"13"), ("grpc-message", b"gr%C3%B6"), ("biz-status", number)];
        Script::new(200, &[head.as_slice(), &[("biz-extra", br#"{"id":"7"}"#)]].concat())
    };
    let other = status(business(b"40001")).await;
    assert_eq!((other.code(), other.message()), (Code::Internal, "grö"));
    assert_eq!(other.metadata().get("biz-status").unwrap(), "40001");
    assert_eq!(other.metadata().get("biz-extra").unwrap(), r#"{"id":"7"}"#);
    let known = error(business(b"10001")).await;
    assert!(matches!(known, CallError::Domain(OrdersError::OrderNotFound { id }) if id == "7"));
}

#[tokio::test]
async fn errors_of_kratos_are_the_domains_own_by_their_reason() {
    // What Kratos makes of HTTP 404, and, in version 2, of 412 and 422: UNKNOWN.
    for (number, code, reason) in [
        ("5", Code::NotFound, "ORDER_NOT_FOUND"),
        ("2", Code::Unknown, "OUT_OF_STOCK"),
        ("9", Code::FailedPrecondition, "OUT_OF_STOCK"),
    ] {
        let details = ErrorDetails::with_error_info(reason, "", [("id".to_owned(), "7".to_owned())]);
        let sent = Status::with_error_details(code, "größe", details);
        let details = BASE64_STANDARD_NO_PAD.encode(sent.details());
        let head = [GRPC, ("grpc-status", number.as_bytes()), ("grpc-message", b"gr%C3%B6%C3%9Fe")];
        let script =
            Script::new(200, &[head.as_slice(), &[("grpc-status-details-bin", details.as_bytes())]].concat());
        let CallError::Domain(error) = error(script).await else { panic!("{reason} is ours") };
        let expected = OrdersError::CODES.iter().find(|known| known.reason == reason);
        assert_eq!(error.info(), expected);
        assert_eq!(CallError::Domain(error).code(), expected.unwrap().code, "as declared, not as it came");
    }
}

#[tokio::test]
async fn errors_of_jupiter_end_calls() {
    let known = status(plain(b"5", b"nop")).await;
    assert_eq!((known.code(), known.message()), (Code::NotFound, "nop"));
    // Business codes are UNKNOWN before they leave.
    let business = status(plain(b"2", b"%C3%B6%C3%A9")).await;
    assert_eq!((business.code(), business.message()), (Code::Unknown, "öé"));
    // Code 0 raised as an error: no reply, and nothing wrong.
    let nothing = status(plain(b"0", b"fine")).await;
    assert_eq!((nothing.code(), nothing.message()), (Code::Internal, "the reply is missing"));
    let mut replies = soon(client(plain(b"0", b"fine")).await.watch(watch("", 1))).await.unwrap();
    assert!(soon(replies.next()).await.is_none());
}

#[tokio::test]
async fn trailers_of_dubbo_go_are_read() {
    // An empty text, `date`, and the names of the trailers in the head.
    let head = [GRPC, ("date", b"Sun, 22 Nov 2026 00:00:00 GMT"), ("grpc-accept-encoding", b"gzip")];
    let end = [("grpc-status", b"0".as_slice()), ("grpc-message", b""), ("mark", b"1")];
    let fine = Script::new(200, &head).then(&[framed(&order("1", 1))], &end);
    assert_eq!(soon(client(fine).await.get_order(get("1"))).await.unwrap().amount, 1);

    let end = [("grpc-status", b"12".as_slice()), ("grpc-message", b"no implementation found")];
    let refused = Script::new(200, &head).then(&[Bytes::new()], &end);
    assert_eq!(status(refused).await.code(), Code::Unimplemented);
}
