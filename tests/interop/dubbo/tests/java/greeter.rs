//! The Greeters in Rust, which do what those in Java do.

use std::collections::HashMap;
use std::time::Duration;

use jovian_runtime::{Call, Code, Failure, Incoming, IntoFailure as _, Replies, Status};
use jovian_tests_interop_dubbo::plain::{FailRequest, HelloReply, HelloRequest};
use jovian_tests_interop_dubbo::{plain, split};
use tonic_types::{ErrorDetails, StatusExt as _};

/// A Greeter of either package, which signs its replies.
#[derive(Clone)]
pub(crate) struct Greeting {
    pub(crate) server: String,
}

impl Greeting {
    fn reply(&self, text: impl Into<String>) -> HelloReply {
        HelloReply { text: text.into(), server: self.server.clone(), ..HelloReply::default() }
    }

    async fn hello(&self, call: &Call, request: HelloRequest) -> HelloReply {
        tokio::time::sleep(Duration::from_millis(request.delay_ms.into())).await;
        HelloReply {
            payload: vec![0; request.reply_bytes as usize],
            received_bytes: u32::try_from(request.payload.len()).unwrap(),
            headers: seen(call),
            ..self.reply(format!("Hello, {}", request.name))
        }
    }

    async fn list(&self, request: HelloRequest, out: &mut Replies<HelloReply>) {
        for number in 1..=request.count {
            out.send(self.reply(format!("Hello, {} #{number}", request.name))).await;
        }
    }

    async fn greet(&self, requests: &mut Incoming<HelloRequest>) -> HelloReply {
        let (mut names, mut received) = (Vec::new(), 0);
        while let Some(request) = requests.next().await {
            received += request.payload.len();
            names.push(request.name);
        }
        let received_bytes = u32::try_from(received).unwrap();
        HelloReply { received_bytes, ..self.reply(format!("Hello, {}", names.join(", "))) }
    }

    async fn chat(&self, requests: &mut Incoming<HelloRequest>, out: &mut Replies<HelloReply>) {
        while let Some(request) = requests.next().await {
            out.send(self.reply(format!("Hello, {}", request.name))).await;
        }
    }
}

/// What the service sees of a request: headers that are text, and attachments as they were given.
fn seen(call: &Call) -> HashMap<String, String> {
    let headers = call.metadata().as_ref().iter();
    let mut seen: HashMap<String, String> = headers
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect();
    seen.extend(call.attachments());
    seen
}

/// The error that was asked for.
fn failure(request: FailRequest) -> Failure {
    let FailRequest { code, message, reason, domain, metadata } = request;
    let code = Code::from_i32(code);
    if reason.is_empty() {
        return Status::new(code, message).into_failure();
    }
    let metadata: HashMap<_, _> = metadata.into_iter().collect();
    let details = ErrorDetails::with_error_info(reason, domain, metadata);
    Status::with_error_details(code, message, details).into_failure()
}

macro_rules! serves {
    ($($package:ident)*) => {$(
        impl $package::Greeter for Greeting {
            type Error = Failure;

            async fn say_hello(&self, call: &Call, request: HelloRequest) -> Result<HelloReply, Failure> {
                Ok(self.hello(call, request).await)
            }

            async fn list_hellos(
                &self,
                _: &Call,
                request: HelloRequest,
                out: &mut Replies<HelloReply>,
            ) -> Result<(), Failure> {
                self.list(request, out).await;
                Ok(())
            }

            async fn greet_all(
                &self,
                _: &Call,
                requests: &mut Incoming<HelloRequest>,
            ) -> Result<HelloReply, Failure> {
                Ok(self.greet(requests).await)
            }

            async fn chat(
                &self,
                _: &Call,
                requests: &mut Incoming<HelloRequest>,
                out: &mut Replies<HelloReply>,
            ) -> Result<(), Failure> {
                Greeting::chat(self, requests, out).await;
                Ok(())
            }

            async fn fail(&self, _: &Call, request: FailRequest) -> Result<HelloReply, Failure> {
                Err(failure(request))
            }

            async fn fail_late(
                &self,
                _: &Call,
                request: FailRequest,
                out: &mut Replies<HelloReply>,
            ) -> Result<(), Failure> {
                out.send(self.reply("before")).await;
                Err(failure(request))
            }
        }
    )*};
}
serves!(plain split);
