//! Python calls a courier that is served by generated Rust. The cases themselves are in `python/client.py`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jovian_runtime::{App, AppConfig, Call, Code, Failure, Incoming, RegistryKind, Replies};
use jovian_tests_interop::courier::{
    Courier, CourierError, CourierServer, Ending, Manifest, Parcel, Stop, TrackRequest, WeighReply,
    WeighRequest,
};
use jovian_tests_interop::courier_python;

/// A courier that does what each request asks for.
#[derive(Default)]
struct Depot {
    abandoned: Arc<AtomicUsize>,
}

impl Courier for Depot {
    type Error = Failure;

    async fn weigh(&self, call: &Call, request: WeighRequest) -> Result<WeighReply, Failure> {
        greet(call);
        self.hold(request.hold_ms).await;
        end(request.ending(), request.parcel.as_ref())?;
        Ok(WeighReply { parcel: request.parcel })
    }

    async fn load(&self, call: &Call, requests: &mut Incoming<Parcel>) -> Result<Manifest, Failure> {
        greet(call);
        let mut total = Manifest::default();
        while let Some(parcel) = requests.next().await {
            add(&mut total, &parcel);
        }
        Ok(total)
    }

    async fn track(
        &self,
        call: &Call,
        request: TrackRequest,
        out: &mut Replies<Stop>,
    ) -> Result<(), Failure> {
        greet(call);
        for number in 1..=request.stops {
            self.hold(request.hold_ms).await;
            out.send(Stop { number }).await;
        }
        end(request.ending(), None)
    }

    async fn relay(
        &self,
        call: &Call,
        requests: &mut Incoming<Parcel>,
        out: &mut Replies<Manifest>,
    ) -> Result<(), Failure> {
        greet(call);
        let mut total = Manifest::default();
        while let Some(parcel) = requests.next().await {
            add(&mut total, &parcel);
            out.send(total).await;
        }
        Ok(())
    }
}

impl Depot {
    /// Waits, and counts those who are dropped meanwhile.
    async fn hold(&self, milliseconds: u32) {
        struct Waiting<'a>(&'a AtomicUsize, bool);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                self.0.fetch_add(usize::from(!self.1), Ordering::SeqCst);
            }
        }
        let mut waiting = Waiting(&self.abandoned, false);
        tokio::time::sleep(Duration::from_millis(milliseconds.into())).await;
        waiting.1 = true;
    }
}

fn add(total: &mut Manifest, parcel: &Parcel) {
    total.parcels += 1;
    total.grams += u64::from(parcel.grams);
}

/// Gives back the metadata that came.
fn greet(call: &Call) {
    let came = call.metadata();
    let notes: Vec<_> = came.get_all("x-note").iter().map(|value| value.to_str().unwrap()).collect();
    if !notes.is_empty() {
        call.reply().add_header("x-note-echo", &notes.join("|"));
    }
    if let Some(token) = came.get_bin("x-token-bin") {
        let hex: String = token.to_bytes().unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
        call.reply().add_header("x-token-echo", &hex);
    }
    call.reply().add_trailer("x-done", "yes");
}

fn end(ending: Ending, parcel: Option<&Parcel>) -> Result<(), Failure> {
    let parcel = parcel.cloned().unwrap_or_default();
    match ending {
        Ending::Unspecified => Ok(()),
        Ending::TooHeavy => {
            Err(CourierError::ParcelTooHeavy { id: parcel.id, grams: parcel.grams.to_string() })?
        }
        Ending::UnknownJourney => Err(CourierError::JourneyUnknown)?,
        Ending::Plain => Err(Failure::status(Code::OutOfRange, "beyond the map")),
        // Only a server in another language can pretend to be newer, or somebody else.
        Ending::NewerReason | Ending::OtherDomain => Err(Failure::unimplemented(ending.as_str_name())),
    }
}

/// Serves a depot while Python runs a case; then `abandoned` handlers have been dropped while they waited.
async fn case(name: &str, abandoned: usize) {
    let Some(python) = courier_python(env!("CARGO_TARGET_TMPDIR")) else { return };
    let mut config = AppConfig::default();
    config.server.address = "127.0.0.1:0".to_owned();
    config.server.stop_wait_ms = 0;
    config.registry.kind = RegistryKind::None;
    let depot = Depot::default();
    let dropped = Arc::clone(&depot.abandoned);
    let running = App::new(config).serve(CourierServer::new(depot)).start().await.unwrap();
    let stats = running.stats();

    python.run("client.py", &[&running.address().to_string(), name]).await;

    tokio::time::timeout(Duration::from_secs(5), running.stop()).await.expect("the app stops").unwrap();
    assert_eq!(stats.in_flight(), 0, "every call was counted out");
    assert_eq!(dropped.load(Ordering::SeqCst), abandoned, "handlers that were dropped while they waited");
}

#[tokio::test]
async fn unary() {
    case("unary", 0).await;
}

#[tokio::test]
async fn client_stream() {
    case("client_stream", 0).await;
}

#[tokio::test]
async fn server_stream() {
    case("server_stream", 0).await;
}

#[tokio::test]
async fn bidi() {
    case("bidi", 0).await;
}

#[tokio::test]
async fn metadata() {
    case("metadata", 0).await;
}

#[tokio::test]
async fn deadline_ends_the_handler() {
    case("deadline", 2).await;
}

#[tokio::test]
async fn cancelling_ends_the_handler() {
    case("cancel", 2).await;
}

#[tokio::test]
async fn domain_error() {
    case("domain_error", 0).await;
}

#[tokio::test]
async fn plain_status() {
    case("plain_status", 0).await;
}

#[tokio::test]
async fn unknown_service_and_method() {
    case("unimplemented", 0).await;
}

#[tokio::test]
async fn malformed_request() {
    case("malformed", 0).await;
}

#[tokio::test]
async fn messages_of_five_megabytes() {
    case("large", 0).await;
}

#[tokio::test]
async fn compressed_requests() {
    case("compressed", 0).await;
}

#[tokio::test]
async fn many_calls_at_once() {
    case("concurrent", 0).await;
}

#[tokio::test]
async fn health() {
    case("health", 0).await;
}

#[tokio::test]
async fn reflection() {
    case("reflection", 0).await;
}
