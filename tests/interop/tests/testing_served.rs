//! The cases of gRPC's interoperability tests: Python's client against our server. They are in `python/testing_client.py`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use jovian_runtime::{Call, Code, Encoding, Failure, Incoming, Replies, Server};
use jovian_tests_interop::testing::{
    BoolValue, EchoStatus, Empty, Payload, SimpleRequest, SimpleResponse, StreamingInputCallRequest,
    StreamingInputCallResponse, StreamingOutputCallRequest, StreamingOutputCallResponse, TestService,
    TestServiceServer,
};
use jovian_tests_interop::testing_python;
use tokio::net::TcpListener;
use tokio::time::sleep;

#[derive(Default)]
struct Tested {
    /// Streams that were dropped before they were done.
    abandoned: Arc<AtomicUsize>,
}

impl TestService for Tested {
    type Error = Failure;

    async fn empty_call(&self, _: &Call, _: Empty) -> Result<Empty, Failure> {
        Ok(Empty::default())
    }

    async fn unary_call(&self, call: &Call, request: SimpleRequest) -> Result<SimpleResponse, Failure> {
        echo(call);
        expect_compressed(call, request.expect_compressed)?;
        compress(call, request.response_compressed);
        end(request.response_status)?;
        Ok(SimpleResponse { payload: payload(request.response_size) })
    }

    async fn streaming_output_call(
        &self,
        call: &Call,
        request: StreamingOutputCallRequest,
        out: &mut Replies<StreamingOutputCallResponse>,
    ) -> Result<(), Failure> {
        echo(call);
        output(call, request, out).await
    }

    async fn streaming_input_call(
        &self,
        call: &Call,
        requests: &mut Incoming<StreamingInputCallRequest>,
    ) -> Result<StreamingInputCallResponse, Failure> {
        let mut guard = Abandoned(&self.abandoned, false);
        let mut total = 0;
        while let Some(request) = requests.next().await {
            expect_compressed(call, request.expect_compressed).inspect_err(|_| guard.1 = true)?;
            let size = request.payload.unwrap_or_default().body.len();
            if total == 0 && size == 1 << 20 {
                sleep(Duration::from_secs(1)).await;
            }
            total += size;
            if size == 0 {
                break;
            }
        }
        guard.1 = true;
        Ok(StreamingInputCallResponse { aggregated_payload_size: i32::try_from(total).unwrap() })
    }

    async fn full_duplex_call(
        &self,
        call: &Call,
        requests: &mut Incoming<StreamingOutputCallRequest>,
        out: &mut Replies<StreamingOutputCallResponse>,
    ) -> Result<(), Failure> {
        echo(call);
        let mut guard = Abandoned(&self.abandoned, false);
        while let Some(request) = requests.next().await {
            output(call, request, out).await.inspect_err(|_| guard.1 = true)?;
        }
        guard.1 = true;
        Ok(())
    }

    async fn unimplemented_call(&self, call: &Call, _: Empty) -> Result<Empty, Failure> {
        Err(Failure::unimplemented(call.method().name()))
    }
}

struct Abandoned<'a>(&'a AtomicUsize, bool);

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(usize::from(!self.1), SeqCst);
    }
}

fn payload(size: i32) -> Option<Payload> {
    Some(Payload { body: vec![0; usize::try_from(size).unwrap()] })
}

/// Gives back the metadata that the tests name, bytes as they came.
fn echo(call: &Call) {
    const INITIAL: &str = "x-grpc-test-echo-initial";
    const TRAILING: &str = "x-grpc-test-echo-trailing-bin";
    if let Some(value) = call.metadata().get(INITIAL) {
        call.reply().add_header(INITIAL, value.to_str().unwrap());
    }
    for value in call.metadata_bin(TRAILING) {
        call.reply().add_trailer_bin(TRAILING, &value);
    }
}

/// A message does not say how it came; whether its call compresses, the call says.
fn expect_compressed(call: &Call, expected: Option<BoolValue>) -> Result<(), Failure> {
    if expected.is_some_and(|expected| expected.value) && call.metadata().get("grpc-encoding").is_none() {
        return Err(Failure::status(Code::InvalidArgument, "it is not compressed"));
    }
    Ok(())
}

fn compress(call: &Call, wanted: Option<BoolValue>) {
    if wanted.is_some_and(|wanted| wanted.value) {
        call.reply().compress(Encoding::Gzip);
    }
}

fn end(status: Option<EchoStatus>) -> Result<(), Failure> {
    match status {
        Some(status) if status.code != 0 => Err(Failure::status(Code::from(status.code), status.message)),
        _ => Ok(()),
    }
}

async fn output(
    call: &Call,
    request: StreamingOutputCallRequest,
    out: &mut Replies<StreamingOutputCallResponse>,
) -> Result<(), Failure> {
    let (began, mut early) = (Instant::now(), 0);
    let many = request.response_parameters.len() > 100;
    compress(
        call,
        request.response_parameters.iter().find_map(|parameters| parameters.compressed.filter(|c| c.value)),
    );
    for parameters in request.response_parameters {
        if parameters.interval_us > 0 {
            sleep(Duration::from_micros(parameters.interval_us.try_into().unwrap())).await;
        }
        out.compress(parameters.compressed.is_none_or(|compressed| compressed.value));
        out.send(StreamingOutputCallResponse { payload: payload(parameters.size) }).await;
        early += u32::from(began.elapsed() < Duration::from_millis(700));
    }
    if many {
        call.reply().add_trailer("x-early", &early.to_string());
    }
    end(request.response_status)
}

/// Serves while Python runs a case; gives the number of handlers that were dropped before they were done.
async fn run(name: &str) -> Option<usize> {
    let python = testing_python(env!("CARGO_TARGET_TMPDIR"))?;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let tested = Tested::default();
    let dropped = Arc::clone(&tested.abandoned);
    let server = Server::new().add(TestServiceServer::new(tested));
    let stats = server.stats();
    let served = tokio::spawn(server.serve(listener, std::future::pending(), Duration::ZERO));
    python.run("testing_client.py", &[&address, name]).await;
    let settled = async {
        while stats.in_flight() > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), settled).await.expect("every call is counted out");
    served.abort();
    Some(dropped.load(SeqCst))
}

macro_rules! cases {
    ($($name:ident: $abandoned:literal,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let dropped = run(stringify!($name)).await;
                assert!(dropped.is_none_or(|dropped| dropped == $abandoned), "{dropped:?} handlers were dropped");
            }
        )*
    };
}

// Each with the number of handlers that it leaves before they are done.
cases! {
    empty_unary: 0,
    large_unary: 0,
    client_compressed_unary: 0,
    server_compressed_unary: 0,
    client_streaming: 0,
    client_compressed_streaming: 0,
    server_streaming: 0,
    server_compressed_streaming: 0,
    ping_pong: 0,
    empty_stream: 0,
    custom_metadata: 0,
    status_code_and_message: 0,
    special_status_message: 0,
    unimplemented_method: 0,
    unimplemented_service: 0,
    cancel_after_first_response: 1,
    timeout_on_sleeping_server: 1,
    five_mebibytes: 0,
    half_close: 0,
    early_reply: 0,
    slow_reader: 0,
    slow_writer: 0,
}

/// The call may be cancelled before it left, so that there may be a handler or none; none is left behind.
#[tokio::test]
async fn cancel_after_begin() {
    let dropped = run("cancel_after_begin").await;
    assert!(dropped.is_none_or(|dropped| dropped <= 1), "{dropped:?} handlers were dropped");
}
