//! The cases of gRPC's interoperability tests: our client against Python's server (`python/testing_server.py`).

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use jovian_runtime::codegen::v1::NoDomainError;
use jovian_runtime::stream::{self, StreamExt as _};
use jovian_runtime::{CallError, CallOptions, Code, Encoding, ReplyMetadata, ReplyStream};
use jovian_tests_interop::python::PythonServer;
use jovian_tests_interop::testing::{
    BoolValue, EchoStatus, Empty, Payload, ResponseParameters, SimpleRequest, StreamingInputCallRequest,
    StreamingOutputCallRequest, StreamingOutputCallResponse, TestServiceClient, UnimplementedServiceClient,
};
use jovian_tests_interop::testing_python;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

const INITIAL: &str = "x-grpc-test-echo-initial";
const TRAILING: &str = "x-grpc-test-echo-trailing-bin";
const MEBIBYTE: usize = 1 << 20;

async fn served() -> Option<(PythonServer, TestServiceClient)> {
    let server = testing_python(env!("CARGO_TARGET_TMPDIR"))?.serve("testing_server.py").await;
    let client = TestServiceClient::connect(format!("127.0.0.1:{}", server.port)).unwrap();
    Some((server, client.with(CallOptions::new().timeout(Duration::from_secs(30)))))
}

fn payload(size: usize) -> Option<Payload> {
    Some(Payload { body: vec![0; size] })
}

fn simple(sent: usize, asked: i32) -> SimpleRequest {
    SimpleRequest { response_size: asked, payload: payload(sent), ..Default::default() }
}

fn input(size: usize) -> StreamingInputCallRequest {
    StreamingInputCallRequest { payload: payload(size), ..Default::default() }
}

/// Asks for payloads of these sizes.
fn outputs(sizes: impl IntoIterator<Item = i32>) -> StreamingOutputCallRequest {
    let response_parameters =
        sizes.into_iter().map(|size| ResponseParameters { size, ..Default::default() }).collect();
    StreamingOutputCallRequest { response_parameters, ..Default::default() }
}

fn failing(message: &str) -> Option<EchoStatus> {
    Some(EchoStatus { code: Code::Unknown as i32, message: message.to_owned() })
}

type Replies = ReplyStream<StreamingOutputCallResponse, NoDomainError>;

async fn sizes(mut replies: Replies) -> Result<Vec<usize>, CallError<NoDomainError>> {
    let mut sizes = Vec::new();
    while let Some(reply) = replies.next().await {
        sizes.push(reply?.payload.unwrap_or_default().body.len());
    }
    Ok(sizes)
}

fn told<T: Debug>(result: Result<T, CallError<NoDomainError>>) -> (Code, String) {
    let status = result.unwrap_err().into_status();
    (status.code(), status.message().to_owned())
}

#[tokio::test]
async fn empty_and_large_unary() {
    let Some((_server, client)) = served().await else { return };
    client.empty_call(Empty::default()).await.unwrap();
    let reply = client.unary_call(simple(271_828, 314_159)).await.unwrap();
    assert_eq!(reply.payload, payload(314_159));
}

#[tokio::test]
async fn compressed_unary_and_streams() {
    let Some((_server, client)) = served().await else { return };
    let reply = ReplyMetadata::new();
    let packing = client.with(CallOptions::new().compress(Encoding::Gzip).capture(&reply));
    // What we compress, they read.
    assert_eq!(packing.unary_call(simple(271_828, 314_159)).await.unwrap().payload, payload(314_159));
    assert_eq!(reply.header("grpc-encoding"), None);
    let sum = packing.streaming_input_call(stream::iter([input(27_182), input(45_904)])).await.unwrap();
    assert_eq!(sum.aggregated_payload_size, 73_086);
    // What they compress, we read.
    let wanted = |value| Some(BoolValue { value });
    let request = SimpleRequest { response_compressed: wanted(true), ..simple(271_828, 314_159) };
    assert_eq!(packing.unary_call(request).await.unwrap().payload, payload(314_159));
    assert_eq!(reply.header("grpc-encoding").as_deref(), Some("gzip"));
    // Message by message.
    let mut request = outputs([31_415, 92_653]);
    request.response_parameters[0].compressed = wanted(true);
    request.response_parameters[1].compressed = wanted(false);
    let replies = client.streaming_output_call(request).await.unwrap();
    assert_eq!(replies.metadata().get("grpc-encoding").unwrap(), "gzip");
    assert_eq!(sizes(replies).await.unwrap(), [31_415, 92_653]);
    // An encoding that they do not know. The specification says UNIMPLEMENTED, and their core INTERNAL.
    let unknown = client.with(CallOptions::new().compress(Encoding::Zstd));
    let (code, text) = told(unknown.unary_call(simple(2000, 1)).await);
    assert!(code == Code::Internal && text.contains("grpc-encoding"), "{code:?}: {text}");
}

#[tokio::test]
async fn client_and_server_streaming() {
    let Some((_server, client)) = served().await else { return };
    let requests = stream::iter([27_182, 8, 1_828, 45_904].map(input));
    assert_eq!(client.streaming_input_call(requests).await.unwrap().aggregated_payload_size, 74_922);
    let replies = client.streaming_output_call(outputs([31_415, 9, 2_653, 58_979])).await.unwrap();
    assert_eq!(sizes(replies).await.unwrap(), [31_415, 9, 2_653, 58_979]);
}

#[tokio::test]
async fn ping_pong_and_empty_stream() {
    let Some((_server, client)) = served().await else { return };
    let (requests, mut queue) = mpsc::channel(1);
    let mut replies = client.full_duplex_call(stream::poll_fn(move |cx| queue.poll_recv(cx))).await.unwrap();
    for (sent, asked) in [(27_182, 31_415), (8, 9), (1_828, 2_653), (45_904, 58_979)] {
        requests
            .send(StreamingOutputCallRequest { payload: payload(sent), ..outputs([asked]) })
            .await
            .unwrap();
        let reply = replies.next().await.unwrap().unwrap();
        assert_eq!(reply.payload.unwrap().body.len(), usize::try_from(asked).unwrap());
    }
    drop(requests);
    assert!(replies.next().await.is_none());
    let replies = client.full_duplex_call(stream::empty()).await.unwrap();
    assert!(sizes(replies).await.unwrap().is_empty());
}

#[tokio::test]
async fn custom_metadata() {
    let Some((_server, client)) = served().await else { return };
    let reply = ReplyMetadata::new();
    let every: Vec<u8> = (0..=255).collect();
    let options = CallOptions::new().metadata(INITIAL, "test_initial_metadata_value");
    let options = options.metadata_bin(TRAILING, b"\xab\xab\xab").metadata_bin(TRAILING, &every);
    let client = client.with(options.metadata_bin(TRAILING, b"").capture(&reply));
    let check = || {
        assert_eq!(reply.header(INITIAL).as_deref(), Some("test_initial_metadata_value"));
        assert_eq!(reply.trailer_bin(TRAILING), [b"\xab\xab\xab", every.as_slice(), b""]);
        assert_eq!(reply.trailer(INITIAL), None);
    };
    client.unary_call(simple(271_828, 314_159)).await.unwrap();
    check();
    let replies = client.full_duplex_call(stream::iter([outputs([314_159])])).await.unwrap();
    assert_eq!(sizes(replies).await.unwrap(), [314_159]);
    check();
    // From a call that fails, too.
    let request = SimpleRequest { response_status: failing("no"), ..Default::default() };
    client.unary_call(request).await.unwrap_err();
    check();
}

#[tokio::test]
async fn status_codes_and_special_messages() {
    let Some((_server, client)) = served().await else { return };
    for text in [
        "test status message",
        "\t\ntest with whitespace\r\nand Unicode BMP \u{263a} and non-BMP \u{1f608}\t\n",
    ] {
        let request = SimpleRequest { response_status: failing(text), ..Default::default() };
        assert_eq!(told(client.unary_call(request).await), (Code::Unknown, text.to_owned()));
        let request = StreamingOutputCallRequest { response_status: failing(text), ..Default::default() };
        let replies = async { sizes(client.full_duplex_call(stream::iter([request])).await?).await };
        assert_eq!(told(replies.await), (Code::Unknown, text.to_owned()));
    }
}

#[tokio::test]
async fn unimplemented_method_and_service() {
    let Some((server, client)) = served().await else { return };
    assert_eq!(told(client.unimplemented_call(Empty::default()).await).0, Code::Unimplemented);
    let nobody = UnimplementedServiceClient::connect(format!("127.0.0.1:{}", server.port)).unwrap();
    assert_eq!(told(nobody.unimplemented_call(Empty::default()).await).0, Code::Unimplemented);
}

/// A stream that gives `first` and then nothing, and says when it is dropped.
fn endless<T: Send + 'static>(first: T, dropped: &Arc<AtomicUsize>) -> stream::BoxStream<'static, T> {
    struct Guard(Arc<AtomicUsize>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    let guard = Guard(Arc::clone(dropped));
    stream::iter([first])
        .chain(stream::pending())
        .map(move |message| {
            let _held = &guard;
            message
        })
        .boxed()
}

async fn is_one(dropped: &AtomicUsize) {
    let waiting = async {
        while dropped.load(SeqCst) == 0 {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(Duration::from_secs(5), waiting)
        .await
        .unwrap_or_else(|_| panic!("what was to be sent is not dropped"));
    assert_eq!(dropped.load(SeqCst), 1);
}

#[tokio::test]
async fn cancel_after_begin() {
    let Some((_server, client)) = served().await else { return };
    let dropped = Arc::default();
    let call = client.streaming_input_call(endless(input(1), &dropped));
    assert!(timeout(Duration::from_millis(100), call).await.is_err(), "nobody answers it");
    is_one(&dropped).await;
    client.empty_call(Empty::default()).await.unwrap();
}

#[tokio::test]
async fn cancel_after_first_response() {
    let Some((_server, client)) = served().await else { return };
    let dropped = Arc::default();
    let mut replies = client.full_duplex_call(endless(outputs([31_415]), &dropped)).await.unwrap();
    assert_eq!(replies.next().await.unwrap().unwrap().payload, payload(31_415));
    drop(replies);
    is_one(&dropped).await;
    client.empty_call(Empty::default()).await.unwrap();
}

#[tokio::test]
async fn timeout_on_sleeping_server() {
    let Some((_server, client)) = served().await else { return };
    let dropped = Arc::default();
    let hasty = client.with(CallOptions::new().timeout(Duration::from_millis(100)));
    let first = StreamingOutputCallRequest { payload: payload(27_182), ..Default::default() };
    let replies = async { sizes(hasty.full_duplex_call(endless(first, &dropped)).await?).await };
    assert_eq!(told(replies.await).0, Code::DeadlineExceeded);
    is_one(&dropped).await;
}

#[tokio::test]
async fn five_mebibytes_both_ways() {
    let Some((_server, client)) = served().await else { return };
    let size = 5 * MEBIBYTE;
    let asked = i32::try_from(size).unwrap();
    assert_eq!(client.unary_call(simple(size, asked)).await.unwrap().payload.unwrap().body.len(), size);
    let sum = client.streaming_input_call(stream::iter([input(size), input(size)])).await.unwrap();
    assert_eq!(sum.aggregated_payload_size, 2 * asked);
    let replies = client.full_duplex_call(stream::iter([outputs([asked, asked])])).await.unwrap();
    assert_eq!(sizes(replies).await.unwrap(), [size, size]);
}

#[tokio::test]
async fn half_close() {
    let Some((_server, client)) = served().await else { return };
    // The last word of this side is said before the first of the other.
    let mut request = outputs(1..=20);
    request.response_parameters.iter_mut().for_each(|parameters| parameters.interval_us = 10_000);
    let replies = client.full_duplex_call(stream::iter([request])).await.unwrap();
    assert_eq!(sizes(replies).await.unwrap(), (1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn early_reply() {
    let Some((_server, client)) = served().await else { return };
    // Nothing: their server answers when it sees it, and we are not done.
    let dropped = Arc::default();
    let requests = stream::iter([input(5)]).chain(endless(StreamingInputCallRequest::default(), &dropped));
    assert_eq!(client.streaming_input_call(requests).await.unwrap().aggregated_payload_size, 5);
    is_one(&dropped).await;
    // And with an error, from a call whose requests go on.
    let dropped = Arc::default();
    let request = StreamingOutputCallRequest { response_status: failing("enough"), ..Default::default() };
    let replies = async { sizes(client.full_duplex_call(endless(request, &dropped)).await?).await };
    assert_eq!(told(replies.await), (Code::Unknown, "enough".to_owned()));
    is_one(&dropped).await;
}

#[tokio::test]
async fn a_slow_reader_makes_their_server_wait() {
    let Some((_server, client)) = served().await else { return };
    let mut replies = client.streaming_output_call(outputs([64 << 10; 1000])).await.unwrap();
    replies.next().await.unwrap().unwrap();
    sleep(Duration::from_secs(1)).await;
    let mut rest = 0;
    while let Some(reply) = replies.next().await {
        reply.unwrap();
        rest += 1;
    }
    assert_eq!(rest, 999);
    let early: usize = replies.trailers().get("x-early").unwrap().to_str().unwrap().parse().unwrap();
    assert!(early < 300, "{early} of 1000 messages were written while nobody read");
}

#[tokio::test]
async fn a_slow_server_makes_us_wait() {
    let Some((_server, client)) = served().await else { return };
    // Their handler does not read for a second after a first message of a mebibyte.
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let requests = stream::iter(0..64).map(move |_| {
        counter.fetch_add(1, SeqCst);
        input(MEBIBYTE)
    });
    let call = tokio::spawn(async move { client.streaming_input_call(requests).await });
    sleep(Duration::from_millis(700)).await;
    let early = taken.load(SeqCst);
    assert!((1..20).contains(&early), "{early} of 64 messages were taken while nobody read");
    assert_eq!(call.await.unwrap().unwrap().aggregated_payload_size, 64 << 20);
}
