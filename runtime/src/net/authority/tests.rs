//! Connections through the repair: what HTTP/2 hears of them.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::frames::{CONTINUATION, END_HEADERS, END_STREAM, PADDED, PRIORITY};
use super::*;
use crate::net::preface::PREFACE;

const DATA: u8 = 0;
const SETTINGS: u8 = 4;
const MAX_HEADERS: usize = 16 << 10;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn headers(stream: u32, block: &[u8]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, block)
}

fn literals(fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut block = Vec::new();
    fields.iter().for_each(|(name, value)| write_literal(name.as_bytes(), value, &mut block));
    block
}

fn call(authority: &[u8]) -> Vec<u8> {
    literals(&[(":method", b"POST"), (":authority", authority), ("te", b"trailers")])
}

/// A connection of one call.
fn connection(authority: &[u8]) -> Vec<u8> {
    let parts = [
        frame(SETTINGS, 0, 0, &[0; 12]),
        headers(1, &call(authority)),
        frame(DATA, 0, 1, &[7; 300]),
        headers(1, &literals(&[("x-after", b"tail")])),
    ];
    parts.concat()
}

fn sniffing() -> Repair {
    Repair::new(b"", MAX_HEADERS)
}

fn rewriting() -> Repair {
    Repair { state: State::Rewriting, ..sniffing() }
}

/// What HTTP/2 hears when `said` comes in pieces of these sizes, one after the other and again.
fn heard(repair: &mut Repair, said: &[u8], pieces: &[usize]) -> Result<Vec<u8>, Invalid> {
    let (mut heard, mut rest) = (Vec::new(), said);
    for piece in pieces.iter().cycle() {
        if rest.is_empty() {
            return Ok(heard);
        }
        let (now, later) = rest.split_at((*piece).min(rest.len()));
        repair.input.extend_from_slice(now);
        while let Some(bytes) = repair.next()? {
            heard.extend_from_slice(&bytes);
        }
        rest = later;
    }
    Ok(heard)
}

#[test]
fn a_connection_that_is_fine_is_left_as_it_is() {
    for authority in ["shop", "127.0.0.1:9000", "[::1]:80", "user@shop:1", "a-b_c~d", "unix%2fx@shop"] {
        let said = connection(authority.as_bytes());
        let mut repair = sniffing();
        assert_eq!(heard(&mut repair, &said, &[usize::MAX]).unwrap(), said, "{authority}");
        assert!(repair.is_over(), "{authority}");
    }
    let said = [headers(1, &literals(&[("host", b"a/b")])), connection(b"a/b")].concat();
    assert_eq!(
        heard(&mut sniffing(), &said, &[7]).unwrap(),
        said,
        "nobody named one, and only the first counts"
    );
}

#[test]
fn an_authority_that_is_none_is_replaced() {
    let long = [b":".repeat(3000), b"x".to_vec()].concat();
    let cases: [(&[u8], &[u8]); 9] = [
        (b"grpc:rusty:v1:dev/", b"grpc-rusty-v1-dev-"),
        (b"h1:2379,h2:2379", b"h1-2379-h2-2379"),
        (b"a%b", b"a-b"),
        (b"shop/orders?x#y", b"shop-orders-x-y"),
        (b"a b", b"a-b"),
        (b"gr\xc3\xb6\xff", b"gr---"),
        (b"[::1", b"---1"),
        (b"", b"unknown"),
        (&long, &[b"-".repeat(3000), b"x".to_vec()].concat()),
    ];
    for (sent, expected) in cases {
        assert!(Authority::try_from(expected).is_ok());
        for pieces in [1, usize::MAX] {
            let mut repair = sniffing();
            let result = heard(&mut repair, &connection(sent), &[pieces]).unwrap();
            assert_eq!(result, connection(expected), "{}", sent.escape_ascii());
            assert!(!repair.is_over());
        }
    }
}

#[test]
fn padding_priority_and_parts_are_gathered() {
    let block = call(b"a/b");
    let (first, rest) = block.split_at(20);
    let padded = [&[3_u8][..], &[0, 0, 0, 9, 16], first, &[0; 3]].concat();
    let said = [
        frame(HEADERS, PADDED | PRIORITY | END_STREAM, 0x8000_0001, &padded),
        frame(CONTINUATION, 0, 1, &rest[..10]),
        frame(CONTINUATION, 0, 1, &[]),
        frame(CONTINUATION, END_HEADERS, 1, &rest[10..]),
    ];
    let expected = frame(HEADERS, END_HEADERS | END_STREAM, 1, &call(b"a-b"));
    assert_eq!(heard(&mut sniffing(), &said.concat(), &[11]).unwrap(), expected);
}

#[test]
fn a_long_block_is_cut_into_frames() {
    let fields = |authority| {
        let long = vec![b'x'; 20_000];
        literals(&[(":authority", authority), ("a", &long), ("b", &long)])
    };
    let frames = |block: &[u8]| {
        let parts: Vec<_> = block.chunks(MAX_PAYLOAD).collect();
        assert_eq!(parts.len(), 3);
        let first = frame(HEADERS, END_STREAM, 1, parts[0]);
        [first, frame(CONTINUATION, 0, 1, parts[1]), frame(CONTINUATION, END_HEADERS, 1, parts[2])].concat()
    };
    let mut repair = Repair::new(b"", 64 << 10);
    let result = heard(&mut repair, &frames(&fields(b"a/b")), &[1000]).unwrap();
    assert_eq!(result, frames(&fields(b"a-b")));
    assert_eq!(heard(&mut repair, &headers(3, &[]), &[1]).unwrap(), headers(3, &[]), "an empty one");
}

/// Whatever cannot be understood: who sniffs lets HTTP/2 answer it, who writes anew ends the connection.
#[test]
fn what_is_beyond_the_limits_is_for_http2_or_the_end() {
    let part = |flags| frame(CONTINUATION, flags, 1, &[0; 10]);
    let begin = |payload: &[u8]| frame(HEADERS, 0, 1, payload);
    let large = vec![b'x'; 9000];
    let cases = [
        ("a frame that is too long", frame(HEADERS, END_HEADERS, 1, &[0; MAX_PAYLOAD + 1])),
        (
            "more bytes than may be held",
            [begin(&[0; MAX_PAYLOAD]), frame(CONTINUATION, 0, 1, &[0; MAX_PAYLOAD])].concat(),
        ),
        ("too many parts", [begin(b""), part(0).repeat(6)].concat()),
        ("another frame between", [begin(b""), frame(DATA, 0, 1, b"")].concat()),
        ("another stream between", [begin(b""), frame(CONTINUATION, END_HEADERS, 3, b"")].concat()),
        ("a list that is too large", headers(1, &literals(&[("a", &large), ("b", &large)]))),
        ("padding without a length", frame(HEADERS, END_HEADERS | PADDED, 1, &[])),
        ("more padding than payload", frame(HEADERS, END_HEADERS | PADDED, 1, &[9; 9])),
        ("padding over the priority", frame(HEADERS, END_HEADERS | PADDED | PRIORITY, 1, &[1; 6])),
        ("a cut priority", frame(HEADERS, END_HEADERS | PRIORITY, 1, &[0; 4])),
        ("no field", headers(1, &[0x80])),
        ("a cut field", headers(1, &[0x40, 0x01])),
    ];
    for (what, said) in cases {
        let fine = frame(DATA, 0, 1, &[1; 50]);
        let said = [fine.clone(), said, b"the rest".to_vec()].concat();
        for pieces in [1, 100, usize::MAX] {
            assert_eq!(heard(&mut sniffing(), &said, &[pieces]).unwrap(), said, "{what}");
            let mut repair = rewriting();
            heard(&mut repair, &said, &[pieces]).unwrap_err();
            repair.input.extend_from_slice(b"more");
            assert!(repair.next().is_err(), "{what}: it stays so");
        }
    }
    // As much as is allowed.
    let parts = [
        begin(&call(b"a/b")),
        frame(CONTINUATION, 0, 1, &[]).repeat(4),
        frame(CONTINUATION, END_HEADERS, 1, &[]),
    ];
    assert_eq!(heard(&mut sniffing(), &parts.concat(), &[1]).unwrap(), headers(1, &call(b"a-b")));
}

#[test]
fn the_end_within_a_block_hands_out_what_was_held() {
    let said = connection(b"a/b");
    for repair in [sniffing, rewriting] {
        for length in 0..said.len() {
            let mut repair = repair();
            let mut heard = heard(&mut repair, &said[..length], &[usize::MAX]).unwrap();
            repair.end();
            while let Some(bytes) = repair.next().unwrap() {
                heard.extend_from_slice(&bytes);
            }
            assert_eq!(heard.len(), length);
            assert!(repair.is_over());
        }
    }
}

/// An encoder that shares no code with ours talks to a server that shares none, for a thousand calls with trailers.
#[tokio::test]
async fn calls_of_h2_arrive_as_they_were() {
    let (client, mut said) = duplex(64 << 10);
    let (mut heard, server) = duplex(64 << 10);
    let pump = tokio::spawn(async move {
        let mut preface = [0; PREFACE.len()];
        said.read_exact(&mut preface).await.unwrap();
        heard.write_all(&preface).await.unwrap();
        let ((mut said, mut answers), (mut back, mut heard)) =
            (tokio::io::split(said), tokio::io::split(heard));
        let answers = tokio::spawn(async move { tokio::io::copy(&mut back, &mut answers).await });
        let mut repair = rewriting();
        while said.read_buf(repair.room()).await.unwrap() > 0 {
            while let Some(bytes) = repair.next().unwrap() {
                heard.write_all(&bytes).await.unwrap();
            }
        }
        answers.abort();
    });
    let server = tokio::spawn(echo(server));
    let (mut send, connection) = h2::client::handshake(client).await.unwrap();
    let connection = tokio::spawn(connection);
    for number in 0..1000 {
        let mut request = Request::post(format!("http://shop:{}/orders", number % 100)).body(()).unwrap();
        *request.headers_mut() = some_headers(number);
        let mut sent = request.headers().clone();
        sent.insert("x-authority", format!("shop:{}", number % 100).parse().unwrap());
        send = send.ready().await.unwrap();
        let (response, mut body) = send.send_request(request, false).unwrap();
        body.send_data(Bytes::from_static(b"some"), false).unwrap();
        body.send_trailers(some_headers(number + 1)).unwrap();
        let response = response.await.unwrap();
        assert_eq!(response.headers(), &sent);
        let mut body = response.into_body();
        assert!(body.data().await.is_none());
        assert_eq!(body.trailers().await.unwrap().unwrap(), some_headers(number + 1));
    }
    drop(send);
    connection.await.unwrap().unwrap();
    pump.await.unwrap();
    server.await.unwrap();
}

/// Headers that stay, that come back, and that never do: more than a table holds.
fn some_headers(number: usize) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut add = |name: &str, value: &[u8]| {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_bytes(value).unwrap());
    };
    add("content-type", b"application/grpc");
    add("grpc-timeout", format!("{number}m").as_bytes());
    add("x-same", b"same");
    add("x-same", format!("again {}", number % 7).as_bytes());
    let mut long = String::new();
    (0..number % 300).for_each(|step| write!(long, "{}", step * number).unwrap());
    add(&format!("x-{}", number % 50), long.as_bytes());
    let bytes: Vec<u8> = (0..=255).filter(|byte| *byte == b'\t' || *byte >= 32 && *byte != 127).collect();
    add("x-bytes", &bytes[number % bytes.len()..]);
    headers
}

/// Answers with the headers and trailers that it got.
async fn echo(stream: DuplexStream) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(call) = connection.accept().await {
        let (request, mut answer) = call.unwrap();
        tokio::spawn(async move {
            let mut response = Response::new(());
            *response.headers_mut() = request.headers().clone();
            let authority = request.uri().authority().unwrap().as_str().parse().unwrap();
            response.headers_mut().insert("x-authority", authority);
            let mut body = request.into_body();
            assert_eq!(body.data().await.unwrap().unwrap(), "some");
            let trailers = body.trailers().await.unwrap().unwrap();
            answer.send_response(response, false).unwrap().send_trailers(trailers).unwrap();
        });
    }
}

fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let authority = prop::sample::select(vec!["shop", "a/b", "", "grpc:rusty:v1:dev/"]);
    let flags = prop::sample::select(vec![END_HEADERS, 0, END_HEADERS | END_STREAM, END_HEADERS | PADDED]);
    let block = prop_oneof![
        6 => authority.prop_map(|authority| call(authority.as_bytes())),
        1 => prop::collection::vec(any::<u8>(), 0..60),
    ];
    prop_oneof![
        3 => (flags, 1..4_u32, block).prop_map(|(flags, stream, block)| match flags & PADDED {
            0 => frame(HEADERS, flags, stream, &block),
            _ => frame(HEADERS, flags, stream, &[&[2][..], &block, &[0; 2]].concat()),
        }),
        2 => (any::<u8>(), any::<u8>(), prop::collection::vec(any::<u8>(), 0..200))
            .prop_map(|(kind, flags, payload)| frame(kind % 12, flags, 1, &payload)),
    ]
}

proptest! {
    /// Wherever the bytes are cut, HTTP/2 hears the same, or the connection ends for the same reason.
    #[test]
    fn it_does_not_matter_where_the_bytes_are_cut(
        frames in prop::collection::vec(any_frame(), 0..12),
        pieces in prop::collection::vec(1..40_usize, 1..20),
    ) {
        let said = frames.concat();
        let (mut whole, mut cut) = (sniffing(), sniffing());
        let at_once = heard(&mut whole, &said, &[usize::MAX]);
        prop_assert_eq!(&at_once, &heard(&mut cut, &said, &pieces));
        prop_assert_eq!(whole.state, cut.state);
        if whole.state == State::Passing {
            prop_assert_eq!(at_once.unwrap(), said);
        }
    }
}
