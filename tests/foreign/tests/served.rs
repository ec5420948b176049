//! Services of other people's IDL, served by generated code to clients that share no code with it: Python's, and those
//! that the crates which ship the IDL have made with tonic.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::path::Path;
use std::time::Duration;

use jovian_runtime::codegen::v1::BoundService;
use jovian_runtime::{Call, Failure, Incoming, Replies, Server};
use jovian_tests_foreign::crates::grpc::health::v1 as health;
use jovian_tests_foreign::crates::grpc::reflection::v1 as reflection;
use jovian_tests_foreign::crates::opentelemetry::proto::collector::trace::v1 as trace;
use jovian_tests_interop::python::Python;
use tokio::net::TcpListener;
use tonic::transport::Channel;

/// Serves on a free port of the loopback until the test is over.
async fn serve(service: impl Into<BoundService>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(Server::new().add(service).serve(listener, std::future::pending(), Duration::ZERO));
    address
}

async fn channel(address: &str) -> Channel {
    Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

fn python(include: &str, protos: &[&str]) -> Option<Python> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    Python::new(env!("CARGO_TARGET_TMPDIR"), scripts, &[Path::new(include)], protos)
}

/// Takes spans that have a name.
struct Collector;

impl trace::TraceService for Collector {
    type Error = Failure;

    async fn export(
        &self,
        _: &Call,
        request: trace::ExportTraceServiceRequest,
    ) -> Result<trace::ExportTraceServiceResponse, Failure> {
        let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        let (named, nameless): (Vec<_>, Vec<_>) =
            scopes.flat_map(|scope| scope.spans).partition(|span| !span.name.is_empty());
        let first = named.first().map(|span| {
            let keys: Vec<_> = span.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
            format!("first accepted: {}, {} bytes, {}", span.name, span.trace_id.len(), keys.join(" "))
        });
        let refused = trace::ExportTracePartialSuccess {
            rejected_spans: nameless.len().try_into()?,
            error_message: first.unwrap_or_default(),
        };
        Ok(trace::ExportTraceServiceResponse { partial_success: Some(refused) })
    }
}

#[tokio::test]
async fn traces_from_python() {
    let protos = [
        "opentelemetry/proto/collector/trace/v1/trace_service.proto",
        "opentelemetry/proto/trace/v1/trace.proto",
        "opentelemetry/proto/common/v1/common.proto",
        "opentelemetry/proto/resource/v1/resource.proto",
    ];
    let Some(python) = python(env!("OPENTELEMETRY_PROTOS"), &protos) else { return };
    let address = serve(trace::TraceServiceServer::new(Collector)).await;
    python.run("client.py", &[&address, "trace"]).await;
}

#[tokio::test]
async fn traces_from_tonic() {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

    let address = serve(trace::TraceServiceServer::new(Collector)).await;
    let span = Span { name: "GET /orders".to_owned(), trace_id: vec![7; 16], ..Default::default() };
    let scope_spans = vec![ScopeSpans { spans: vec![span, Span::default()], ..Default::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..Default::default() }];
    let mut client = TraceServiceClient::new(channel(&address).await);
    let reply = client.export(ExportTraceServiceRequest { resource_spans }).await.unwrap().into_inner();
    let refused = reply.partial_success.unwrap();
    assert_eq!(refused.rejected_spans, 1);
    assert_eq!(refused.error_message, "first accepted: GET /orders, 16 bytes, ");
}

/// Is well, and falls ill when watched.
struct Nurse;

impl health::Health for Nurse {
    type Error = Failure;

    async fn check(
        &self,
        _: &Call,
        _: health::HealthCheckRequest,
    ) -> Result<health::HealthCheckResponse, Failure> {
        let status = health::health_check_response::ServingStatus::Serving.into();
        Ok(health::HealthCheckResponse { status })
    }

    async fn watch(
        &self,
        call: &Call,
        request: health::HealthCheckRequest,
        out: &mut Replies<health::HealthCheckResponse>,
    ) -> Result<(), Failure> {
        out.send(self.check(call, request).await?).await;
        let status = health::health_check_response::ServingStatus::NotServing.into();
        out.send(health::HealthCheckResponse { status }).await;
        Ok(())
    }
}

#[tokio::test]
async fn health_from_tonic() {
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_check_response::ServingStatus;
    use tonic_health::pb::health_client::HealthClient;

    let address = serve(health::HealthServer::new(Nurse)).await;
    let mut client = HealthClient::new(channel(&address).await);
    let checked = client.check(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(checked.status(), ServingStatus::Serving);
    let mut watched = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert_eq!(watched.message().await.unwrap(), None);
}

/// Gives each question back, and answers none.
struct Echo;

impl reflection::ServerReflection for Echo {
    type Error = Failure;

    async fn server_reflection_info(
        &self,
        _: &Call,
        requests: &mut Incoming<reflection::ServerReflectionRequest>,
        out: &mut Replies<reflection::ServerReflectionResponse>,
    ) -> Result<(), Failure> {
        while let Some(request) = requests.next().await {
            let response = reflection::ServerReflectionResponse {
                valid_host: request.host.clone(),
                original_request: Some(request),
                ..Default::default()
            };
            out.send(response).await;
        }
        Ok(())
    }
}

#[tokio::test]
async fn reflection_from_tonic() {
    use jovian_runtime::stream;
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;

    let address = serve(reflection::ServerReflectionServer::new(Echo)).await;
    let mut client = ServerReflectionClient::new(channel(&address).await);
    let asked = |host: &str| ServerReflectionRequest {
        host: host.to_owned(),
        message_request: Some(MessageRequest::FileContainingSymbol("a.b.C".to_owned())),
    };
    let requests = stream::iter([asked("one"), asked("two")]);
    let mut answers = client.server_reflection_info(requests).await.unwrap().into_inner();
    for host in ["one", "two"] {
        let answer = answers.message().await.unwrap().unwrap();
        assert_eq!(answer.valid_host, host);
        assert_eq!(answer.original_request, Some(asked(host)));
    }
    assert!(answers.message().await.unwrap().is_none());
}

#[cfg(google)]
mod google {
    use jovian_runtime::codegen::v1::prost_types::Any;
    use jovian_runtime::{Call, Code, Failure};
    use jovian_tests_foreign::googleapis::google::longrunning::{
        CancelOperationRequest, DeleteOperationRequest, GetOperationRequest, ListOperationsRequest,
        ListOperationsResponse, Operation, Operations, OperationsServer, WaitOperationRequest, operation,
    };
    use jovian_tests_foreign::googleapis::google::rpc;

    use super::{python, serve};

    /// Two operations that are over.
    struct Finished;

    impl Finished {
        fn all() -> [Operation; 2] {
            let value = Any::from_msg(&"forty-two".to_owned()).expect("a string is a message");
            let error = rpc::Status { code: 5, message: "gone".to_owned(), details: Vec::new() };
            [
                ("operations/done", operation::Result::Response(value)),
                ("operations/failed", operation::Result::Error(error)),
            ]
            .map(|(name, result)| Operation {
                name: name.to_owned(),
                done: true,
                result: Some(result),
                metadata: None,
            })
        }

        fn find(name: &str) -> Result<Operation, Failure> {
            let missing = || Failure::status(Code::NotFound, format!("no {name}"));
            Self::all().into_iter().find(|operation| operation.name == name).ok_or_else(missing)
        }
    }

    impl Operations for Finished {
        type Error = Failure;

        async fn list_operations(
            &self,
            _: &Call,
            _: ListOperationsRequest,
        ) -> Result<ListOperationsResponse, Failure> {
            Ok(ListOperationsResponse { operations: Self::all().into(), ..Default::default() })
        }

        async fn get_operation(&self, _: &Call, request: GetOperationRequest) -> Result<Operation, Failure> {
            Self::find(&request.name)
        }

        async fn delete_operation(&self, _: &Call, request: DeleteOperationRequest) -> Result<(), Failure> {
            Self::find(&request.name).map(drop)
        }

        async fn cancel_operation(&self, _: &Call, request: CancelOperationRequest) -> Result<(), Failure> {
            Self::find(&request.name).map(drop)
        }

        async fn wait_operation(
            &self,
            _: &Call,
            request: WaitOperationRequest,
        ) -> Result<Operation, Failure> {
            Self::find(&request.name)
        }
    }

    #[tokio::test]
    async fn operations_from_python() {
        let Some(python) = python(env!("GOOGLE_PROTOS"), &["google/longrunning/operations.proto"]) else {
            return;
        };
        let address = serve(OperationsServer::new(Finished)).await;
        python.run("client.py", &[&address, "operations"]).await;
    }
}
