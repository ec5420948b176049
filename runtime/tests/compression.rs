//! Compression, both ways and on both sides: what is asked for, what is understood, what is worth it.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jovian_runtime::stream;
use jovian_runtime::{
    Call, CallOptions, Code, Encoding, Incoming, Interceptor, MessageEvent, Next, Policies, Policy, Replies,
    Reply, Server, Status,
};
use prost::Message as _;
use support::raw::{Raw, Whole, framed};
use support::{
    GetOrderRequest, Order, Orders, OrdersClient, OrdersError, OrdersServer, Running, Shop, Summary,
    WatchRequest, amounts, get, order, shop, soon, watch,
};

const GET: &str = "/shop.orders.v1.Orders/GetOrder";
const WATCH: &str = "/shop.orders.v1.Orders/Watch";
const IMPORT: &str = "/shop.orders.v1.Orders/Import";

/// Says much, and the same again and again.
fn wordy() -> String {
    "all work and no play ".repeat(500)
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// A frame whose message is compressed by somebody else.
fn gzipped(message: &impl prost::Message) -> Vec<u8> {
    let packed = gzip(&message.encode_to_vec());
    let mut frame = vec![1];
    frame.extend(u32::try_from(packed.len()).unwrap().to_be_bytes());
    frame.extend(packed);
    frame
}

/// The messages of a body, each with whether it was compressed.
fn messages(mut body: &[u8]) -> Vec<(bool, Order)> {
    let mut messages = Vec::new();
    while let [flag, a, b, c, d, rest @ ..] = body {
        let (message, after) = rest.split_at(u32::from_be_bytes([*a, *b, *c, *d]) as usize);
        let mut plain = Vec::new();
        match flag {
            0 => plain.extend(message),
            1 => drop(GzDecoder::new(message).read_to_end(&mut plain).unwrap()),
            flag => panic!("{flag}"),
        }
        messages.push((*flag == 1, Order::decode(&*plain).unwrap()));
        body = after;
    }
    assert!(body.is_empty());
    messages
}

fn status(whole: &Whole) -> Status {
    Status::from_header_map(&whole.trailers).or_else(|| Status::from_header_map(&whole.headers)).unwrap()
}

async fn sent(raw: &mut Raw, path: &str, body: Vec<u8>, headers: &[(&'static str, &str)]) -> Whole {
    soon(raw.send(Raw::request(path, Bytes::from(body), headers))).await
}

#[tokio::test]
async fn compressed_requests_are_read() {
    let (running, ..) = shop().await;
    let mut raw = Raw::connect(&running).await;
    let whole = sent(&mut raw, GET, gzipped(&get(&wordy())), &[("grpc-encoding", "gzip")]).await;
    assert_eq!(status(&whole).code(), Code::Ok);
    // The caller did not say that it could read it compressed, and nobody asked for it.
    assert!(!whole.headers.contains_key("grpc-encoding"));
    assert_eq!(messages(&whole.body)[0].1.id, wordy());

    // Each message says for itself whether it is.
    let mut stream = gzipped(&order("", 1));
    stream.extend(framed(&order("", 2)));
    stream.extend(gzipped(&order(&wordy(), 3)));
    let whole = sent(&mut raw, IMPORT, stream, &[("grpc-encoding", "gzip")]).await;
    assert_eq!(Summary::decode(&whole.body[5..]).unwrap(), Summary { count: 3, amount: 6 });
}

#[tokio::test]
async fn what_is_not_understood_is_told_what_is() {
    let (running, ..) = shop().await;
    let mut raw = Raw::connect(&running).await;
    for unknown in ["snappy", "deflate", "GZIP", ""] {
        let whole = sent(&mut raw, GET, framed(&get("1")).into(), &[("grpc-encoding", unknown)]).await;
        let accepted = whole.headers["grpc-accept-encoding"].to_str().unwrap();
        assert!(accepted.starts_with("identity,gzip"), "{accepted}");
        assert_eq!(status(&whole).code(), Code::Unimplemented);
        assert_eq!(
            status(&whole).message(),
            format!("requests compressed with `{unknown}` are not supported")
        );
    }
    let plain = sent(&mut raw, GET, framed(&get("1")).into(), &[("grpc-encoding", "identity")]).await;
    assert_eq!(status(&plain).code(), Code::Ok);
}

#[tokio::test]
async fn a_message_that_lies_about_its_compression_is_internal() {
    let (running, ..) = shop().await;
    let mut raw = Raw::connect(&running).await;
    let mut lies = Vec::new();
    // The flag without the header, the flag on what is not compressed, a flag that does not exist, half of a message.
    lies.push((gzipped(&get("1")), "identity", "the request is compressed, and no `grpc-encoding` says how"));
    let mut plain = framed(&get("1")).to_vec();
    plain[0] = 1;
    lies.push((plain.clone(), "gzip", "cannot decompress the request as gzip: "));
    plain[0] = 2;
    lies.push((plain, "gzip", "a request begins with 2, which is no compression flag"));
    let mut cut = gzipped(&get(&wordy()));
    cut.truncate(60);
    cut[1..5].copy_from_slice(&55_u32.to_be_bytes());
    lies.push((cut, "gzip", "cannot decompress the request as gzip: "));
    for (body, encoding, text) in lies {
        let whole = sent(&mut raw, GET, body, &[("grpc-encoding", encoding)]).await;
        let status = status(&whole);
        assert_eq!(status.code(), Code::Internal);
        assert!(status.message().starts_with(text), "{status}");
    }
}

/// Says of its replies what the filter says.
struct Picky;

impl Orders for Picky {
    type Error = OrdersError;

    async fn get_order(&self, call: &Call, request: GetOrderRequest) -> Result<Order, OrdersError> {
        match request.id.as_str() {
            "gzip" => call.reply().compress(Encoding::Gzip),
            "plain" => call.reply().compress(None),
            "tiny" => return Ok(order("short", 0)),
            _ => {}
        }
        Ok(order(&wordy(), 0))
    }

    async fn watch(
        &self,
        call: &Call,
        request: WatchRequest,
        out: &mut Replies<Order>,
    ) -> Result<(), OrdersError> {
        if request.filter == "late" {
            out.open();
            tokio::task::yield_now().await;
            call.reply().compress(Encoding::Gzip);
        } else {
            call.reply().compress(Encoding::Gzip);
        }
        for amount in 0..request.count {
            // Every other one.
            out.compress(amount % 2 == 0);
            out.send(order(&wordy(), amount)).await;
        }
        Ok(())
    }

    async fn import(&self, call: &Call, requests: &mut Incoming<Order>) -> Result<Summary, OrdersError> {
        assert_eq!(call.metadata().get("grpc-encoding").unwrap(), "gzip");
        let mut summary = Summary::default();
        while let Some(order) = requests.next().await {
            assert!(order.amount == 0 || order.id == wordy());
            summary.count += 1;
        }
        Ok(summary)
    }

    async fn chat(
        &self,
        _: &Call,
        _: &mut Incoming<Order>,
        _: &mut Replies<Order>,
    ) -> Result<(), OrdersError> {
        Ok(())
    }
}

const ACCEPTS: (&str, &str) = ("grpc-accept-encoding", "identity, deflate, gzip");

#[tokio::test]
async fn replies_are_compressed_where_somebody_asks_for_it_and_the_caller_can_read_it() {
    let plain = Running::start(Server::new().add(OrdersServer::new(Picky))).await;
    let packed = Running::start(Server::new().add(OrdersServer::new(Picky)).compress(Encoding::Gzip)).await;
    // The server, the request, what the caller reads; then whether the header says gzip, and whether the message is.
    let cases = [
        (&plain, "", Some(ACCEPTS), false, false),
        (&plain, "gzip", Some(ACCEPTS), true, true),
        (&plain, "gzip", None, false, false),
        (&plain, "gzip", Some(("grpc-accept-encoding", "identity,br")), false, false),
        (&packed, "", Some(ACCEPTS), true, true),
        (&packed, "", None, false, false),
        (&packed, "plain", Some(ACCEPTS), false, false),
        // A message that fits into a packet anyway goes as it is.
        (&packed, "tiny", Some(ACCEPTS), true, false),
    ];
    for (running, id, accepts, header, compressed) in cases {
        let mut raw = Raw::connect(running).await;
        let whole = sent(&mut raw, GET, framed(&get(id)).into(), accepts.as_slice()).await;
        assert_eq!(
            whole.headers.get("grpc-encoding").is_some_and(|name| name == "gzip"),
            header,
            "{id} {accepts:?}"
        );
        assert_eq!(messages(&whole.body)[0].0, compressed, "{id} {accepts:?}");
        assert!(compressed == (whole.body.len() < 1000) || id == "tiny");
    }
}

#[tokio::test]
async fn a_stream_chooses_for_each_message_and_once_for_the_call() {
    let running = Running::start(Server::new().add(OrdersServer::new(Picky))).await;
    let mut raw = Raw::connect(&running).await;
    let whole = sent(&mut raw, WATCH, framed(&watch("", 4)).into(), &[ACCEPTS]).await;
    let flags: Vec<_> = messages(&whole.body).iter().map(|(packed, _)| *packed).collect();
    assert_eq!(flags, [true, false, true, false]);
    // Once the headers went, they say for good how messages are compressed.
    let whole = sent(&mut raw, WATCH, framed(&watch("late", 2)).into(), &[ACCEPTS]).await;
    assert!(!whole.headers.contains_key("grpc-encoding"));
    assert!(messages(&whole.body).iter().all(|(packed, _)| !packed));
}

/// Writes down how large the messages are that hooks see.
struct Sizes(Arc<Mutex<Vec<usize>>>);

impl Interceptor for Sizes {
    async fn around(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Status> {
        next.run(call).await
    }

    fn message(&self, _: &Call, message: MessageEvent<'_>) -> Result<(), Status> {
        self.0.lock().unwrap().push(message.payload.len());
        Ok(())
    }
}

#[tokio::test]
async fn our_client_compresses_what_it_is_told_to_and_reads_what_comes() {
    for encoding in Encoding::ALL.iter().copied() {
        let sizes: Arc<Mutex<Vec<usize>>> = Arc::default();
        let server = Server::new().add(OrdersServer::new(Shop::default())).compress(encoding);
        let running = Running::start(server.intercept(Sizes(Arc::clone(&sizes)))).await;
        let client = OrdersClient::connect(running.url()).unwrap().intercept(Sizes(Arc::clone(&sizes)));
        let client = client.with(CallOptions::new().compress(encoding));
        assert_eq!(soon(client.get_order(get(&wordy()))).await.unwrap().id, wordy());
        // Hooks see messages as they are, on both sides and both ways.
        let seen = sizes.lock().unwrap().clone();
        assert!(seen.len() == 4 && seen.iter().all(|size| *size > 10_000), "{seen:?}");

        let parcels = stream::iter((0..100).map(|amount| order(&wordy(), amount)));
        assert_eq!(soon(client.import(parcels)).await.unwrap().amount, 4950);
        let replies = soon(client.watch(watch(&wordy(), 100))).await.unwrap();
        assert_eq!(replies.metadata().get("grpc-encoding").unwrap(), encoding.name());
        assert_eq!(soon(amounts(replies)).await.unwrap().len(), 100);
        let replies = soon(client.chat(stream::iter([order(&wordy(), 1), order("", 2)]))).await.unwrap();
        assert_eq!(soon(amounts(replies)).await.unwrap(), [2, 4, 0]);
    }
}

#[tokio::test]
async fn options_of_a_call_win_over_those_of_its_client() {
    let running = Running::start(Server::new().add(OrdersServer::new(Picky))).await;
    let client =
        OrdersClient::connect(running.url()).unwrap().with(CallOptions::new().compress(Encoding::Gzip));
    let parcels = || stream::iter([order(&wordy(), 1), order("", 0)]);
    assert_eq!(soon(client.import(parcels())).await.unwrap().count, 2);
    // `import` looks for the header, and panics without it.
    let error = soon(client.with(CallOptions::new().compress(None)).import(parcels())).await.unwrap_err();
    assert_eq!(error.code(), Code::Internal);
}

#[tokio::test]
async fn a_policy_says_how_a_method_is_compressed() {
    let gzip = || Policy::new().compress(Encoding::Gzip);
    let policies =
        Policies::new().all(gzip()).method("shop.orders.v1.Orders/Watch", Policy::new().uncompressed());
    let running =
        Running::start(Server::new().policies(policies).add(OrdersServer::new(Shop::default()))).await;
    let mut raw = Raw::connect(&running).await;
    let accepts = [("grpc-accept-encoding", "gzip")];
    let whole = soon(raw.send(Raw::request(GET, framed(&get(&wordy())), &accepts))).await;
    assert!(messages(&whole.body).iter().all(|(compressed, _)| *compressed));
    let whole = soon(raw.send(Raw::request(WATCH, framed(&watch(&wordy(), 2)), &accepts))).await;
    assert!(messages(&whole.body).iter().all(|(compressed, _)| !compressed));

    let seen = Seen::default();
    let running =
        Running::start(Server::new().intercept(seen.clone()).add(OrdersServer::new(Shop::default()))).await;
    let client = OrdersClient::connect(running.url()).unwrap().policies(Policies::new().all(gzip())).unwrap();
    soon(client.get_order(get(&wordy()))).await.unwrap();
    let plain = client.with(CallOptions::new().compress(None));
    soon(plain.get_order(get(&wordy()))).await.unwrap();
    assert_eq!(*seen.0.lock().unwrap(), [Some("gzip".to_owned()), None]);
}

/// Keeps how requests say that they are compressed.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Option<String>>>>);

impl Interceptor for Seen {
    async fn around(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Status> {
        let encoding = call.metadata().get("grpc-encoding").map(|name| name.to_str().unwrap().to_owned());
        self.0.lock().unwrap().push(encoding);
        next.run(call).await
    }
}
