//! Every service of the IDL is there: its trait, its server, its client, its table of methods.

use jovian_runtime::{Kind, Service};
use jovian_tests_foreign::crates::{grpc, opentelemetry};

/// Compiles if the package has what is generated for a service, and compares the service with what the IDL says.
macro_rules! service {
    ($package:path, $service:ident, $server:ident, $client:ident, $table:ident, $name:literal, [$($method:literal $kind:ident),+]) => {{
        use $package as package;
        fn _served(service: impl package::$service) -> package::$server {
            package::$server::new(service)
        }
        fn _local(service: impl package::$service) -> package::$client {
            package::$client::local(service)
        }
        check(&package::$table, $name, &[$(($method, Kind::$kind)),+]);
    }};
}

fn check(service: &Service, name: &str, methods: &[(&str, Kind)]) {
    assert_eq!(service.name, name);
    let ours: Vec<_> = service.methods.iter().map(|method| (method.name(), method.kind)).collect();
    assert_eq!(ours, methods, "{name}");
    for method in service.methods {
        assert_eq!(method.path, format!("/{name}/{}", method.name()));
    }
}

#[test]
fn grpc_health() {
    service!(grpc::health::v1, Health, HealthServer, HealthClient, HEALTH, "grpc.health.v1.Health", [
        "Check" Unary, "Watch" ServerStream
    ]);
}

#[test]
fn grpc_reflection() {
    service!(
        grpc::reflection::v1, ServerReflection, ServerReflectionServer, ServerReflectionClient, SERVER_REFLECTION,
        "grpc.reflection.v1.ServerReflection", ["ServerReflectionInfo" Bidi]
    );
    service!(
        grpc::reflection::v1alpha, ServerReflection, ServerReflectionServer, ServerReflectionClient, SERVER_REFLECTION,
        "grpc.reflection.v1alpha.ServerReflection", ["ServerReflectionInfo" Bidi]
    );
}

#[test]
fn opentelemetry_collector() {
    use opentelemetry::proto::collector;
    service!(
        collector::trace::v1, TraceService, TraceServiceServer, TraceServiceClient, TRACE_SERVICE,
        "opentelemetry.proto.collector.trace.v1.TraceService", ["Export" Unary]
    );
    service!(
        collector::metrics::v1, MetricsService, MetricsServiceServer, MetricsServiceClient, METRICS_SERVICE,
        "opentelemetry.proto.collector.metrics.v1.MetricsService", ["Export" Unary]
    );
    service!(
        collector::logs::v1, LogsService, LogsServiceServer, LogsServiceClient, LOGS_SERVICE,
        "opentelemetry.proto.collector.logs.v1.LogsService", ["Export" Unary]
    );
    service!(
        collector::profiles::v1development, ProfilesService, ProfilesServiceServer, ProfilesServiceClient,
        PROFILES_SERVICE, "opentelemetry.proto.collector.profiles.v1development.ProfilesService", ["Export" Unary]
    );
}

#[cfg(google)]
#[test]
fn google_longrunning() {
    use jovian_tests_foreign::googleapis::google;
    service!(
        google::longrunning, Operations, OperationsServer, OperationsClient, OPERATIONS,
        "google.longrunning.Operations", [
            "ListOperations" Unary, "GetOperation" Unary, "DeleteOperation" Unary, "CancelOperation" Unary,
            "WaitOperation" Unary
        ]
    );
}

#[cfg(google)]
#[test]
fn google_pubsub() {
    use jovian_tests_foreign::googleapis::google;
    service!(google::pubsub::v1, Publisher, PublisherServer, PublisherClient, PUBLISHER, "google.pubsub.v1.Publisher", [
        "CreateTopic" Unary, "UpdateTopic" Unary, "Publish" Unary, "GetTopic" Unary, "ListTopics" Unary,
        "ListTopicSubscriptions" Unary, "ListTopicSnapshots" Unary, "DeleteTopic" Unary, "DetachSubscription" Unary
    ]);
    service!(
        google::pubsub::v1, Subscriber, SubscriberServer, SubscriberClient, SUBSCRIBER, "google.pubsub.v1.Subscriber", [
            "CreateSubscription" Unary, "GetSubscription" Unary, "UpdateSubscription" Unary, "ListSubscriptions" Unary,
            "DeleteSubscription" Unary, "ModifyAckDeadline" Unary, "Acknowledge" Unary, "Pull" Unary,
            "StreamingPull" Bidi, "ModifyPushConfig" Unary, "GetSnapshot" Unary, "ListSnapshots" Unary,
            "CreateSnapshot" Unary, "UpdateSnapshot" Unary, "DeleteSnapshot" Unary, "Seek" Unary
        ]
    );
    service!(
        google::pubsub::v1, SchemaService, SchemaServiceServer, SchemaServiceClient, SCHEMA_SERVICE,
        "google.pubsub.v1.SchemaService", [
            "CreateSchema" Unary, "GetSchema" Unary, "ListSchemas" Unary, "ListSchemaRevisions" Unary,
            "CommitSchema" Unary, "RollbackSchema" Unary, "DeleteSchemaRevision" Unary, "DeleteSchema" Unary,
            "ValidateSchema" Unary, "ValidateMessage" Unary
        ]
    );
}
