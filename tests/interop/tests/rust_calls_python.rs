//! The generated client calls a courier that Python serves (`python/server.py`).

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;
use std::fmt::Debug;
use std::time::{Duration, Instant};

use jovian_runtime::codegen::v1::prost_types::Timestamp;
use jovian_runtime::stream;
use jovian_runtime::{CallError, CallOptions, Code, ReplyMetadata};
use jovian_tests_interop::courier::{
    CourierClient, CourierError, Ending, Manifest, Parcel, Stop, TrackRequest, WeighReply, WeighRequest,
    parcel,
};
use jovian_tests_interop::courier_python;
use jovian_tests_interop::python::PythonServer;
use tokio::sync::mpsc;

async fn courier() -> Option<(PythonServer, CourierClient)> {
    let python = courier_python(env!("CARGO_TARGET_TMPDIR"))?;
    let server = python.serve("server.py").await;
    let client = CourierClient::connect(format!("http://127.0.0.1:{}", server.port)).unwrap();
    Some((server, client.with(CallOptions::new().timeout(Duration::from_secs(10)))))
}

/// A parcel that has every field set.
fn parcel() -> Parcel {
    Parcel {
        id: "p-1".to_owned(),
        grams: 1200,
        content: (0..=255).collect(),
        labels: HashMap::from([
            ("fragile".to_owned(), "sì".to_owned()),
            (String::new(), "no name".to_owned()),
        ])
        .into_iter()
        .collect(),
        posted_at: Some(Timestamp { seconds: -1, nanos: 1 }),
        sides: vec![1.5, -0.0, 1e300],
        floor: Some(-2),
        destination: Some(parcel::Destination::Locker(parcel::Locker {
            house: "Gare d'Été".to_owned(),
            number: u32::MAX,
        })),
    }
}

/// The status of a call that has to fail, and not with an error of the domain.
fn status<T: Debug>(result: Result<T, CallError<CourierError>>) -> (Code, String) {
    match result {
        Err(CallError::Status(status)) => (status.code(), status.message().to_owned()),
        other => panic!("not a plain status: {other:?}"),
    }
}

#[tokio::test]
async fn unary() {
    let Some((_server, courier)) = courier().await else { return };
    let sent = Some(parcel());
    let reply = courier.weigh(WeighRequest { parcel: sent.clone(), ..Default::default() }).await.unwrap();
    assert_eq!(reply.parcel, sent);
    assert_eq!(courier.weigh(WeighRequest::default()).await.unwrap(), WeighReply::default());
}

#[tokio::test]
async fn client_stream() {
    let Some((_server, courier)) = courier().await else { return };
    let parcels = (0..1000).map(|grams| Parcel { grams, ..parcel() });
    let total = courier.load(stream::iter(parcels)).await.unwrap();
    assert_eq!(total, Manifest { parcels: 1000, grams: 499_500 });
    assert_eq!(courier.load(stream::empty()).await.unwrap(), Manifest::default());
}

#[tokio::test]
async fn server_stream() {
    let Some((_server, courier)) = courier().await else { return };
    let mut stops = courier.track(TrackRequest { stops: 1000, ..Default::default() }).await.unwrap();
    let mut numbers = Vec::new();
    while let Some(stop) = stops.next().await {
        numbers.push(stop.unwrap().number);
    }
    assert_eq!(numbers, (1..=1000).collect::<Vec<_>>());
    let mut none = courier.track(TrackRequest::default()).await.unwrap();
    assert!(none.next().await.is_none());
}

#[tokio::test]
async fn bidi() {
    let Some((_server, courier)) = courier().await else { return };
    // Each request waits for the answer to the one before: neither side may wait for the other to finish.
    let (parcels, mut queue) = mpsc::channel(1);
    let mut manifests = courier.relay(stream::poll_fn(move |cx| queue.poll_recv(cx))).await.unwrap();
    for n in 1..=100 {
        parcels.send(Parcel { grams: 10, ..parcel() }).await.unwrap();
        let manifest = manifests.next().await.unwrap().unwrap();
        assert_eq!(manifest, Manifest { parcels: n, grams: u64::from(n) * 10 });
    }
    drop(parcels);
    assert!(manifests.next().await.is_none());
}

#[tokio::test]
async fn metadata() {
    let Some((_server, courier)) = courier().await else { return };
    let reply = ReplyMetadata::new();
    let courier = courier
        .with(CallOptions::new().metadata("x-note", "a, b; c=d").metadata("x-note", "twice").capture(&reply));
    let check = || {
        assert_eq!(reply.header("x-note-echo").as_deref(), Some("a, b; c=d|twice"));
        assert_eq!(reply.trailer("x-done").as_deref(), Some("yes"));
        for map in [reply.headers(), reply.trailers()] {
            let token = map.get_bin("x-token-bin").unwrap().to_bytes().unwrap();
            assert_eq!(&token[..], [0, 255, 254, 10, 61]);
        }
    };
    courier.weigh(WeighRequest::default()).await.unwrap();
    check();
    courier.load(stream::empty()).await.unwrap();
    check();
    let mut stops = courier.track(TrackRequest { stops: 3, ..Default::default() }).await.unwrap();
    while let Some(stop) = stops.next().await {
        stop.unwrap();
    }
    check();
    // They come with an error too.
    courier.weigh(WeighRequest { ending: Ending::Plain.into(), ..Default::default() }).await.unwrap_err();
    check();
}

#[tokio::test]
async fn deadline() {
    let Some((_server, courier)) = courier().await else { return };
    let reply = ReplyMetadata::new();
    let started = Instant::now();
    let hasty = courier.with(CallOptions::new().timeout(Duration::from_millis(300)).capture(&reply));
    let (code, _) = status(hasty.weigh(WeighRequest { hold_ms: 60_000, ..Default::default() }).await);
    assert_eq!(code, Code::DeadlineExceeded);

    // A stream is cut where it stands.
    let track = TrackRequest { stops: 1_000_000, hold_ms: 1, ..Default::default() };
    let mut stops = hasty.track(track).await.unwrap();
    let mut last = None;
    while let Some(stop) = stops.next().await {
        last = Some(stop);
    }
    assert_eq!(status(last.unwrap()).0, Code::DeadlineExceeded);
    assert!(started.elapsed() < Duration::from_secs(30), "nobody waited for the server");

    // The server was told how long it had.
    let patient = courier.with(CallOptions::new().timeout(Duration::from_secs(20)).capture(&reply));
    patient.weigh(WeighRequest::default()).await.unwrap();
    let told: u64 = reply.header("x-remaining-ms").unwrap().parse().unwrap();
    assert!((10_000..=20_000).contains(&told), "{told}");
}

#[tokio::test]
async fn domain_error_is_typed() {
    let Some((_server, courier)) = courier().await else { return };
    let ending =
        |ending: Ending| WeighRequest { parcel: Some(parcel()), ending: ending.into(), ..Default::default() };

    match courier.weigh(ending(Ending::TooHeavy)).await {
        Err(CallError::Domain(CourierError::ParcelTooHeavy { id, grams })) => {
            assert_eq!((id.as_str(), grams.as_str()), ("p-1", "1200"));
        }
        other => panic!("{other:?}"),
    }
    match courier.weigh(ending(Ending::UnknownJourney)).await {
        Err(CallError::Domain(CourierError::JourneyUnknown)) => {}
        other => panic!("{other:?}"),
    }
    // A newer server may have more reasons.
    match courier.weigh(ending(Ending::NewerReason)).await {
        Err(error @ CallError::Domain(CourierError::Unknown(_))) => {
            let CallError::Domain(CourierError::Unknown(unknown)) = &error else { unreachable!() };
            assert_eq!((unknown.reason.as_str(), unknown.message.as_str()), ("VAN_FULL", "no room"));
            assert_eq!(unknown.metadata.get("van").map(String::as_str), Some("7"));
        }
        other => panic!("{other:?}"),
    }
    // The same reason of somebody else is not ours.
    let (code, message) = status(courier.weigh(ending(Ending::OtherDomain)).await);
    assert_eq!((code, message.as_str()), (Code::FailedPrecondition, "too heavy"));

    // At the end of a stream that already sent messages.
    let track = TrackRequest { stops: 2, ending: Ending::UnknownJourney.into(), ..Default::default() };
    let mut stops = courier.track(track).await.unwrap();
    assert_eq!(stops.next().await.unwrap().unwrap(), Stop { number: 1 });
    assert_eq!(stops.next().await.unwrap().unwrap(), Stop { number: 2 });
    match stops.next().await.unwrap() {
        Err(CallError::Domain(CourierError::JourneyUnknown)) => {}
        other => panic!("{other:?}"),
    }
    assert!(stops.next().await.is_none());
}

#[tokio::test]
async fn plain_status() {
    let Some((_server, courier)) = courier().await else { return };
    let request = WeighRequest { ending: Ending::Plain.into(), ..Default::default() };
    assert_eq!(status(courier.weigh(request).await), (Code::OutOfRange, "beyond the map".to_owned()));
}

#[tokio::test]
async fn messages_of_five_megabytes() {
    let Some((_server, courier)) = courier().await else { return };
    let sent = Some(Parcel { content: vec![0xa5; 5 << 20], ..parcel() });
    let reply = courier.weigh(WeighRequest { parcel: sent.clone(), ..Default::default() }).await.unwrap();
    assert!(reply.parcel == sent, "the parcel changed on the way");
}

#[tokio::test]
async fn many_calls_at_once() {
    let Some((_server, courier)) = courier().await else { return };
    let calls: Vec<_> = (0..200)
        .map(|grams| {
            let courier = courier.clone();
            let request =
                WeighRequest { parcel: Some(Parcel { grams, ..Default::default() }), ..Default::default() };
            tokio::spawn(async move { courier.weigh(request).await.unwrap().parcel.unwrap().grams })
        })
        .collect();
    for (grams, call) in (0..).zip(calls) {
        assert_eq!(call.await.unwrap(), grams);
    }
}

#[tokio::test]
async fn a_server_that_dies() {
    let Some((server, courier)) = courier().await else { return };
    let mut stops =
        courier.track(TrackRequest { stops: 1_000_000, hold_ms: 1, ..Default::default() }).await.unwrap();
    assert_eq!(stops.next().await.unwrap().unwrap().number, 1);
    server.kill().await;
    // What was under way fails and ends.
    let last = async {
        let mut last = None;
        while let Some(stop) = stops.next().await {
            last = Some(stop);
        }
        last.unwrap()
    };
    let last = tokio::time::timeout(Duration::from_secs(5), last).await.expect("the stream ends");
    let (code, message) = status(last);
    assert!(matches!(code, Code::Unavailable | Code::Unknown | Code::Internal), "{code:?}: {message}");
    // What is called later is told that there is nobody.
    let (code, message) = status(courier.weigh(WeighRequest::default()).await);
    assert_eq!(code, Code::Unavailable, "{message}");
}
