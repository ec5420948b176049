//! The service in Rust, as every program of the fleet serves it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jovian_runtime::stream::StreamExt as _;
use jovian_runtime::{
    Call, Code, Failure, Incoming, Interceptor, IntoFailure as _, Next, Replies, Reply, Status,
};
use jovian_tests_fleet::jupiter::JupiterError;
use jovian_tests_fleet::kratos::KratosReason;
use jovian_tests_fleet::probe::{
    CountRequest, EchoReply, EchoRequest, FailReply, FailRequest, Number, ProbeError, ProbeService,
    ProbeServiceClient, WaitReply, WaitRequest,
};

/// Answers the calls of `interop.probe.v1.ProbeService`.
pub(crate) struct Probe {
    /// Who it says that it is.
    name: String,
    /// Who answers an `Echo` in its place.
    next: Option<ProbeServiceClient>,
}

impl Probe {
    pub(crate) fn new(next: Option<ProbeServiceClient>) -> Self {
        Self { name: "rust".to_owned(), next }
    }

    /// One that says that it is this one.
    pub(crate) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), next: None }
    }
}

impl ProbeService for Probe {
    type Error = Failure;

    async fn echo(&self, call: &Call, request: EchoRequest) -> Result<EchoReply, Failure> {
        if let Some(next) = &self.next {
            return Ok(next.echo(request).await?);
        }
        let mut metadata: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in call.metadata().as_ref() {
            let value = value.to_str().unwrap_or_default();
            if !value.is_empty() && !name.as_str().ends_with("-bin") {
                let values = metadata.entry(name.to_string()).or_default();
                let comma = if values.is_empty() { "" } else { ", " };
                *values += &format!("{comma}{value}");
            }
        }
        Ok(EchoReply {
            text: request.text,
            metadata: metadata.into_iter().collect(),
            provider: self.name.clone(),
        })
    }

    async fn fail(&self, _: &Call, request: FailRequest) -> Result<FailReply, Failure> {
        let FailRequest { code, reason, message, mut metadata } = request;
        Err(match reason.as_str() {
            "STOCK_EMPTY" => {
                ProbeError::StockEmpty { sku: metadata.remove("sku").unwrap_or_default() }.into()
            }
            "" if code == 1000 => JupiterError::Sold.into_failure(),
            "" => Failure::status(Code::from_i32(code), message),
            _ => kratos(code).into_failure(),
        })
    }

    async fn wait(&self, call: &Call, request: WaitRequest) -> Result<WaitReply, Failure> {
        let left = call.remaining().unwrap_or_default();
        tokio::time::sleep(Duration::from_millis(request.millis.into())).await;
        Ok(WaitReply { budget_millis: left.as_millis().try_into()? })
    }

    async fn count(&self, _: &Call, request: CountRequest, out: &mut Replies<Number>) -> Result<(), Failure> {
        for number in 1..=request.upto {
            out.send(Number { number }).await;
        }
        Ok(())
    }

    async fn sum(&self, _: &Call, requests: &mut Incoming<Number>) -> Result<Number, Failure> {
        let number = requests.fold(0, async |sum, next| sum + next.number).await;
        Ok(Number { number })
    }

    async fn chat(
        &self,
        _: &Call,
        requests: &mut Incoming<EchoRequest>,
        out: &mut Replies<EchoReply>,
    ) -> Result<(), Failure> {
        while let Some(EchoRequest { text }) = requests.next().await {
            out.send(EchoReply { text, provider: self.name.clone(), ..EchoReply::default() }).await;
        }
        Ok(())
    }
}

/// The reason that was declared for an HTTP status.
fn kratos(code: i32) -> KratosReason {
    match code {
        400 => KratosReason::Code400,
        401 => KratosReason::Code401,
        402 => KratosReason::Code402,
        403 => KratosReason::Code403,
        404 => KratosReason::Code404,
        409 => KratosReason::Code409,
        429 => KratosReason::Code429,
        499 => KratosReason::Code499,
        501 => KratosReason::Code501,
        503 => KratosReason::Code503,
        504 => KratosReason::Code504,
        _ => KratosReason::Code500,
    }
}

/// Notes the paths that were called, of health and reflection, too.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls(Arc<Mutex<BTreeSet<&'static str>>>);

impl Calls {
    /// Whether somebody called this path.
    pub(crate) fn had(&self, path: &str) -> bool {
        self.0.lock().unwrap().contains(path)
    }
}

impl Interceptor for Calls {
    async fn around(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Status> {
        self.0.lock().unwrap().insert(call.method().path);
        next.run(call).await
    }
}
