//! What a client in Rust wants of a Greeter in Java.

use std::time::{Duration, Instant};

use jovian_runtime::codegen::v1::Stream;
use jovian_runtime::stream::{self, StreamExt as _};
use jovian_runtime::{CallError, CallOptions, Code, NoDomainError, ReplyStream, Status};
use jovian_tests_interop_dubbo::plain::{FailRequest, HelloReply, HelloRequest};
use jovian_tests_interop_dubbo::{plain, split};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tonic_types::StatusExt as _;

/// How long something may take that has no reason to take long; the seconds are for slow machines.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const LARGE: usize = 5 << 20;

type Answer<T> = Result<T, CallError<NoDomainError>>;
type Answers = ReplyStream<HelloReply, NoDomainError>;

/// A client of either Greeter.
pub(crate) trait Greeter: Clone {
    fn with(&self, options: CallOptions) -> Self;
    async fn say_hello(&self, request: HelloRequest) -> Answer<HelloReply>;
    async fn list_hellos(&self, request: HelloRequest) -> Answer<Answers>;
    async fn greet_all(
        &self,
        requests: impl Stream<Item = HelloRequest> + Send + 'static,
    ) -> Answer<HelloReply>;
    async fn chat(&self, requests: impl Stream<Item = HelloRequest> + Send + 'static) -> Answer<Answers>;
    async fn fail(&self, request: FailRequest) -> Answer<HelloReply>;
    async fn fail_late(&self, request: FailRequest) -> Answer<Answers>;
}

macro_rules! calls {
    ($($package:ident)*) => {$(
        impl Greeter for $package::GreeterClient {
            fn with(&self, options: CallOptions) -> Self {
                self.with(options)
            }

            async fn say_hello(&self, request: HelloRequest) -> Answer<HelloReply> {
                self.say_hello(request).await
            }

            async fn list_hellos(&self, request: HelloRequest) -> Answer<Answers> {
                self.list_hellos(request).await
            }

            async fn greet_all(
                &self,
                requests: impl Stream<Item = HelloRequest> + Send + 'static,
            ) -> Answer<HelloReply> {
                self.greet_all(requests).await
            }

            async fn chat(&self, requests: impl Stream<Item = HelloRequest> + Send + 'static) -> Answer<Answers> {
                self.chat(requests).await
            }

            async fn fail(&self, request: FailRequest) -> Answer<HelloReply> {
                self.fail(request).await
            }

            async fn fail_late(&self, request: FailRequest) -> Answer<Answers> {
                self.fail_late(request).await
            }
        }
    )*};
}
calls!(plain split);

/// Who is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Dubbo 3.
    Triple,
    /// Dubbo 2.7, which is grpc-java on the wire.
    Grpc,
}

pub(crate) fn hello(name: &str) -> HelloRequest {
    HelloRequest { name: name.to_owned(), ..HelloRequest::default() }
}

/// Calls until somebody is found; who that is.
pub(crate) async fn found(client: &impl Greeter) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        match client.say_hello(hello("who")).await {
            Ok(reply) => return reply.server,
            Err(error) if Instant::now() > until => panic!("nobody was found: {error}"),
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// All that there is to a call.
pub(crate) async fn all(client: &impl Greeter, peer: Peer) {
    let patient = client.with(CallOptions::new().timeout(PATIENCE));
    assert_eq!(patient.say_hello(hello("größe")).await.unwrap().text, "Hello, größe");
    streams(&patient).await;
    timeout(PATIENCE, turns(&patient)).await.expect("each text is answered before the next");
    errors(&patient, peer).await;
    deadline(client).await;
    large(&patient, peer).await;
}

async fn streams(client: &impl Greeter) {
    let mut replies = client.list_hellos(HelloRequest { count: 3, ..hello("s") }).await.unwrap();
    for number in 1..=3 {
        assert_eq!(replies.next().await.unwrap().unwrap().text, format!("Hello, s #{number}"));
    }
    assert!(replies.next().await.is_none());
    let names = stream::iter(["a", "b", "c"]).map(hello);
    assert_eq!(client.greet_all(names).await.unwrap().text, "Hello, a, b, c");
}

async fn turns(client: &impl Greeter) {
    let (send, mut sent) = mpsc::channel(1);
    let requests = stream::poll_fn(move |cx| sent.poll_recv(cx));
    send.send(hello("x")).await.unwrap();
    let mut replies = client.chat(requests).await.unwrap();
    assert_eq!(replies.next().await.unwrap().unwrap().text, "Hello, x");
    send.send(hello("y")).await.unwrap();
    assert_eq!(replies.next().await.unwrap().unwrap().text, "Hello, y");
    drop(send);
    assert!(replies.next().await.is_none());
}

/// Every code arrives as itself, and texts as far as their server sends them.
async fn errors(client: &impl Greeter, peer: Peer) {
    for number in 1..=16 {
        let code = Code::from_i32(number);
        let status = status(client.fail(failing(code, "out of stock")).await);
        assert_eq!((status.code(), status.message()), (code, "out of stock"));
    }
    // Java 3 writes Latin-1, and a question mark for what that does not have.
    let han = if peer == Peer::Triple { "größe ?" } else { "größe 货" };
    for (text, expected) in [("größe 货", han), ("100% sold, 1+1 left", "100% sold, 1+1 left")] {
        let status = status(client.fail(failing(Code::FailedPrecondition, text)).await);
        assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, expected));
        let info = status.get_details_error_info();
        // Dubbo 3 has no way to send details.
        assert_eq!(info.is_some(), peer == Peer::Grpc);
        assert!(info.is_none_or(|info| info.reason == "OUT_OF_STOCK" && info.metadata["sku"] == "42"));
    }
    let mut replies = client.fail_late(failing(Code::FailedPrecondition, "too late")).await.unwrap();
    assert_eq!(replies.next().await.unwrap().unwrap().text, "before");
    let late = status(replies.next().await.unwrap());
    assert_eq!((late.code(), late.message()), (Code::FailedPrecondition, "too late"));
}

async fn deadline(client: &impl Greeter) {
    let hasty = client.with(CallOptions::new().timeout(Duration::from_millis(300)));
    let begun = Instant::now();
    let late = status(hasty.say_hello(HelloRequest { delay_ms: 3_000, ..hello("late") }).await);
    assert_eq!(late.code(), Code::DeadlineExceeded, "{late}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

async fn large(client: &impl Greeter, peer: Peer) {
    let reply = client.say_hello(HelloRequest { reply_bytes: LARGE as u32, ..hello("large") }).await.unwrap();
    assert_eq!(reply.payload.len(), LARGE);
    let sent = client.say_hello(HelloRequest { payload: vec![0; LARGE], ..hello("large") }).await;
    match peer {
        Peer::Triple => assert_eq!(sent.unwrap().received_bytes as usize, LARGE),
        // Its limit is 4 MiB, and it resets the stream.
        Peer::Grpc => assert!(sent.is_err()),
    }
}

fn failing(code: Code, message: &str) -> FailRequest {
    FailRequest {
        code: code as i32,
        message: message.to_owned(),
        reason: "OUT_OF_STOCK".to_owned(),
        domain: "interop.example".to_owned(),
        metadata: [("sku".to_owned(), "42".to_owned())].into(),
    }
}

fn status<T: std::fmt::Debug>(answer: Answer<T>) -> Status {
    answer.expect_err("it always fails").into_status()
}
