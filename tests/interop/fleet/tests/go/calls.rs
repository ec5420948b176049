//! What a client in Rust wants of whoever it finds.

use std::time::{Duration, Instant};

use jovian_runtime::stream::{self, StreamExt as _};
use jovian_runtime::{CallError, CallOptions, Code, Status};
use jovian_tests_fleet::absent::{AbsentServiceClient, Nothing};
use jovian_tests_fleet::probe::{
    CountRequest, EchoReply, EchoRequest, FailRequest, Number, ProbeError, ProbeServiceClient, WaitRequest,
};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::programs::Provider;

/// How long something may take that has no reason to take long; the seconds are for slow machines.
const PATIENCE: Duration = Duration::from_secs(60);

fn text(text: impl Into<String>) -> EchoRequest {
    EchoRequest { text: text.into() }
}

/// Calls until somebody is found.
pub(crate) async fn found(client: &ProbeServiceClient) -> EchoReply {
    let until = Instant::now() + PATIENCE;
    loop {
        match client.echo(text("who")).await {
            Ok(reply) => return reply,
            Err(error) if Instant::now() > until => panic!("nobody was found: {error}"),
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Metadata, a large message, deadlines, streams of all kinds.
pub(crate) async fn wire(client: &ProbeServiceClient) {
    let patient = client.with(CallOptions::new().timeout(PATIENCE));
    let told =
        patient.with(CallOptions::new().metadata("tenant", "t1").global("region", "r1").local("lane", "l1"));
    let reply = told.echo(text("héllo")).await.unwrap();
    assert_eq!((reply.text.as_str(), reply.provider.as_str()), ("héllo", "go"));
    for (name, value) in [("tenant", "t1"), ("x-md-global-region", "r1"), ("x-md-local-lane", "l1")] {
        assert_eq!(reply.metadata.get(name).map(String::as_str), Some(value), "{name}: {:?}", reply.metadata);
    }

    let large = "0123456789abcdef".repeat((5 << 20) / 16);
    assert!(patient.echo(text(large.clone())).await.unwrap().text == large);

    deadlines(client).await;

    let mut numbers = patient.count(CountRequest { upto: 5 }).await.unwrap();
    for number in 1..=5 {
        assert_eq!(numbers.next().await.unwrap().unwrap().number, number);
    }
    assert!(numbers.next().await.is_none());
    let sum = patient.sum(stream::iter(1..=5).map(|number| Number { number })).await.unwrap();
    assert_eq!(sum.number, 15);
    timeout(PATIENCE, chat(&patient)).await.expect("each text is answered before the next");
}

async fn deadlines(client: &ProbeServiceClient) {
    let within = |millis| client.with(CallOptions::new().timeout(Duration::from_millis(millis)));
    let seen = within(5_000).wait(WaitRequest { millis: 1 }).await.unwrap().budget_millis;
    assert!((1..=5_000).contains(&seen), "{seen}");
    let begun = Instant::now();
    let late = within(200).wait(WaitRequest { millis: 30_000 }).await.unwrap_err();
    assert_eq!(late.code(), Code::DeadlineExceeded, "{late}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

async fn chat(client: &ProbeServiceClient) {
    let (send, mut sent) = mpsc::channel(1);
    let requests = stream::poll_fn(move |cx| sent.poll_recv(cx));
    send.send(text("first")).await.unwrap();
    let mut replies = client.chat(requests).await.unwrap();
    assert_eq!(replies.next().await.unwrap().unwrap().text, "first");
    for word in ["second", "third"] {
        send.send(text(word)).await.unwrap();
        assert_eq!(replies.next().await.unwrap().unwrap().text, word);
    }
    drop(send);
    assert!(replies.next().await.is_none());
}

/// Nobody has this service, and everybody has an own way to say so.
pub(crate) async fn absent(provider: &Provider) {
    let client = AbsentServiceClient::connect(provider.address.as_str()).unwrap();
    let error = client.call(Nothing {}).await.unwrap_err();
    assert_eq!(error.code(), Code::Unimplemented, "{error}");
}

/// What a call fails with that asks for it.
pub(crate) async fn failure(
    client: &ProbeServiceClient,
    code: i32,
    reason: &str,
    message: &str,
) -> CallError<ProbeError> {
    let metadata = if reason.is_empty() { None } else { Some(("sku".to_owned(), "7".to_owned())) };
    let request = FailRequest {
        code,
        reason: reason.to_owned(),
        message: message.to_owned(),
        metadata: metadata.into_iter().collect(),
    };
    client.fail(request).await.expect_err("it always fails")
}

/// The status of a call that asks for one.
pub(crate) async fn status(client: &ProbeServiceClient, code: i32, reason: &str, message: &str) -> Status {
    match failure(client, code, reason, message).await {
        CallError::Status(status) => *status,
        other => panic!("{code} is no error of the domain: {other}"),
    }
}

/// Codes of gRPC and a text that is not ASCII arrive as they were raised.
pub(crate) async fn codes(client: &ProbeServiceClient, codes: &[Code]) {
    for &code in codes {
        let status = status(client, code as i32, "", "größe").await;
        assert_eq!((status.code(), status.message()), (code, "größe"));
    }
}

/// The error that the IDL declares arrives as its variant, whatever of it was sent.
pub(crate) async fn domain_error(client: &ProbeServiceClient, code: i32) {
    let error = failure(client, code, "STOCK_EMPTY", "größe 7").await;
    let CallError::Domain(ProbeError::StockEmpty { sku }) = &error else { panic!("{error}") };
    assert_eq!((sku.as_str(), error.code()), ("7", Code::FailedPrecondition));
}
