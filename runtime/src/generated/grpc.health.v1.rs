// @generated from grpc/health/v1/health.proto

use ::jovian_runtime::codegen::v1 as __jovian;

/// Asks for the status of a service.
#[derive(Clone, PartialEq, Eq, Hash, ::jovian_runtime::codegen::v1::prost::Message)]
#[prost(prost_path = "::jovian_runtime::codegen::v1::prost")]
pub struct HealthCheckRequest {
    /// The full name of the service; empty for the server as a whole.
    #[prost(string, tag = "1")]
    pub service: ::jovian_runtime::codegen::v1::prost::alloc::string::String,
}
/// The status of a service.
#[derive(Clone, Copy, PartialEq, Eq, Hash, ::jovian_runtime::codegen::v1::prost::Message)]
#[prost(prost_path = "::jovian_runtime::codegen::v1::prost")]
pub struct HealthCheckResponse {
    /// The status.
    #[prost(enumeration = "health_check_response::ServingStatus", tag = "1")]
    pub status: i32,
}
/// Nested message and enum types in `HealthCheckResponse`.
pub mod health_check_response {
    /// Whether a service can take calls.
    #[derive(
        Clone,
        Copy,
        Debug,
        PartialEq,
        Eq,
        Hash,
        PartialOrd,
        Ord,
        ::jovian_runtime::codegen::v1::prost::Enumeration,
    )]
    #[prost(prost_path = "::jovian_runtime::codegen::v1::prost")]
    #[repr(i32)]
    pub enum ServingStatus {
        /// Nothing is known.
        Unknown = 0,
        /// It can.
        Serving = 1,
        /// It cannot, or should not be asked to.
        NotServing = 2,
        /// There is no such service; only `Watch` says so.
        ServiceUnknown = 3,
    }
    impl ServingStatus {
        /// String value of the enum field names used in the ProtoBuf definition.
        ///
        /// The values are not transformed in any way and thus are considered stable
        /// (if the ProtoBuf definition does not change) and safe for programmatic use.
        pub fn as_str_name(&self) -> &'static str {
            match self {
                Self::Unknown => "UNKNOWN",
                Self::Serving => "SERVING",
                Self::NotServing => "NOT_SERVING",
                Self::ServiceUnknown => "SERVICE_UNKNOWN",
            }
        }
        /// Creates an enum from field names used in the ProtoBuf definition.
        pub fn from_str_name(value: &str) -> ::core::option::Option<Self> {
            match value {
                "UNKNOWN" => Some(Self::Unknown),
                "SERVING" => Some(Self::Serving),
                "NOT_SERVING" => Some(Self::NotServing),
                "SERVICE_UNKNOWN" => Some(Self::ServiceUnknown),
                _ => None,
            }
        }
    }
}

/// What the IDL says of `grpc.health.v1.Health`: its names, methods and policies.
pub static HEALTH: __jovian::Service = __jovian::Service::new(
    "grpc.health.v1.Health",
    &[
        __jovian::Method::new("/grpc.health.v1.Health/Check", 0, __jovian::Kind::Unary),
        __jovian::Method::new("/grpc.health.v1.Health/Watch", 1, __jovian::Kind::ServerStream),
    ],
)
.descriptors(FILE_DESCRIPTOR_SET);

/// Tells whether a server, or one of its services, can take calls.
pub trait Health: ::core::marker::Send + ::core::marker::Sync + 'static {
    /// What its methods fail with.
    type Error: __jovian::IntoFailure;

    /// Tells the status now. NOT_FOUND for a service that the server does not know.
    fn check(
        &self,
        call: &__jovian::Call,
        request: HealthCheckRequest,
    ) -> impl ::core::future::Future<Output = ::core::result::Result<HealthCheckResponse, Self::Error>>
    + ::core::marker::Send;

    /// Tells the status now and whenever it changes. SERVICE_UNKNOWN for a service that the server does not know, or
    /// does not know yet.
    fn watch(
        &self,
        call: &__jovian::Call,
        request: HealthCheckRequest,
        out: &mut __jovian::Replies<HealthCheckResponse>,
    ) -> impl ::core::future::Future<Output = ::core::result::Result<(), Self::Error>> + ::core::marker::Send;
}

/// Serves an [`Health`].
#[derive(Clone, Debug)]
pub struct HealthServer(__jovian::BoundService);

impl HealthServer {
    /// Serves `service`.
    pub fn new<S: Health>(service: S) -> Self {
        Self(__jovian::BoundService::new::<S, __jovian::NoDomainError>(
            &HEALTH,
            service,
            const {
                &[
                    |service, call, mut io| {
                        __jovian::boxed(async move {
                            let request = io.request().await?;
                            io.reply(service.check(call, request).await)
                        })
                    },
                    |service, call, mut io| {
                        __jovian::boxed(async move {
                            let request = io.request().await?;
                            __jovian::finish(service.watch(call, request, &mut io.replies()).await)
                        })
                    },
                ]
            },
        ))
    }

    /// Adds an interceptor around this service's calls; the first added is outermost.
    #[must_use]
    pub fn intercept(self, interceptor: impl __jovian::Interceptor) -> Self {
        Self(self.0.intercept(interceptor))
    }
}

impl ::core::convert::From<HealthServer> for __jovian::BoundService {
    fn from(server: HealthServer) -> Self {
        server.0
    }
}

/// Calls `grpc.health.v1.Health`.
#[derive(Clone, Debug)]
pub struct HealthClient(__jovian::Client);

impl HealthClient {
    /// Finds the service through the registry of `app`.
    ///
    /// # Errors
    ///
    /// Fails outside of a tokio runtime.
    pub fn discover(app: &__jovian::App) -> ::core::result::Result<Self, __jovian::ConnectError> {
        __jovian::Client::discover::<__jovian::NoDomainError>(&HEALTH, app).map(Self)
    }

    /// Calls the service at `target`; connects when it is first called.
    ///
    /// # Errors
    ///
    /// Fails when `target` is no address, and outside of a tokio runtime.
    pub fn connect(target: &str) -> ::core::result::Result<Self, __jovian::ConnectError> {
        __jovian::Client::connect::<__jovian::NoDomainError>(&HEALTH, target).map(Self)
    }

    /// Calls `service` in this process.
    pub fn local<S: Health>(service: S) -> Self {
        Self(__jovian::Client::local(HealthServer::new(service)))
    }

    /// Adds an interceptor around this client's calls; the first added is outermost.
    #[must_use]
    pub fn intercept(self, interceptor: impl __jovian::Interceptor) -> Self {
        Self(self.0.intercept(interceptor))
    }

    /// The same client with other options.
    #[must_use]
    pub fn with(&self, options: __jovian::CallOptions) -> Self {
        Self(self.0.with(options))
    }

    /// The same client, calling on behalf of `call`.
    #[must_use]
    pub fn under(&self, call: &__jovian::Call) -> Self {
        Self(self.0.under(call))
    }

    /// Tells the status now. NOT_FOUND for a service that the server does not know.
    pub async fn check(
        &self,
        request: HealthCheckRequest,
    ) -> ::core::result::Result<HealthCheckResponse, __jovian::CallError<__jovian::NoDomainError>> {
        self.0.unary(&HEALTH.methods[0], request).await
    }

    /// Tells the status now and whenever it changes. SERVICE_UNKNOWN for a service that the server does not know, or
    /// does not know yet.
    pub async fn watch(
        &self,
        request: HealthCheckRequest,
    ) -> ::core::result::Result<
        __jovian::ReplyStream<HealthCheckResponse, __jovian::NoDomainError>,
        __jovian::CallError<__jovian::NoDomainError>,
    > {
        self.0.server_stream(&HEALTH.methods[1], request).await
    }
}

/// The encoded `google.protobuf.FileDescriptorSet` of grpc/health/v1/health.proto and all that it imports.
const FILE_DESCRIPTOR_SET: &[u8] = b"\
\n\xca\x03\n\x1bgrpc/health/v1/health.proto\x12\x0egrpc.health.v1\".\n\x12HealthCheckRequest\x12\
\x18\n\x07service\x18\x01 \x01(\tR\x07service\"\xb1\x01\n\x13HealthCheckResponse\x12I\n\x06statu\
s\x18\x01 \x01(\x0e21.grpc.health.v1.HealthCheckResponse.ServingStatusR\x06status\"O\n\rServingS\
tatus\x12\x0b\n\x07UNKNOWN\x10\x00\x12\x0b\n\x07SERVING\x10\x01\x12\x0f\n\x0bNOT_SERVING\x10\x02\
\x12\x13\n\x0fSERVICE_UNKNOWN\x10\x032\xae\x01\n\x06Health\x12P\n\x05Check\x12\".grpc.health.v1.\
HealthCheckRequest\x1a#.grpc.health.v1.HealthCheckResponse\x12R\n\x05Watch\x12\".grpc.health.v1.\
HealthCheckRequest\x1a#.grpc.health.v1.HealthCheckResponse0\x01b\x06proto3";
