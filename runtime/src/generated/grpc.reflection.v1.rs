// @generated from grpc/reflection/v1/reflection.proto

use ::jovian_runtime::codegen::v1 as __jovian;

/// Asks one question.
#[derive(Clone, PartialEq, Eq, Hash, ::jovian_runtime::codegen::v1::prost::Message)]
#[prost(prost_path = "::jovian_runtime::codegen::v1::prost")]
pub struct ServerReflectionRequest {
    /// The host that is meant; it comes back in the answer and means nothing here.
    #[prost(string, tag = "1")]
    pub host: ::jovian_runtime::codegen::v1::prost::alloc::string::String,
    /// The question.
    #[prost(oneof = "server_reflection_request::MessageRequest", tags = "3, 4, 5, 6, 7")]
    pub message_request: ::core::option::Option<server_reflection_request::MessageRequest>,
}
/// Nested message and enum types in `ServerReflectionRequest`.
pub mod server_reflection_request {
    /// The question.
    #[derive(Clone, PartialEq, Eq, Hash, ::jovian_runtime::codegen::v1::prost::Oneof)]
    #[prost(prost_path = "::jovian_runtime::codegen::v1::prost")]
    pub enum MessageRequest {
        /// Which file has this name?
        #[prost(string, tag = "3")]
        FileByFilename(::jovian_runtime::codegen::v1::prost::alloc::string::String),
        /// Which file declares this symbol, given by its full name? A service, method, message, field, enum or enum value.
        #[prost(string, tag = "4")]
        FileContainingSymbol(::jovian_runtime::codegen::v1::prost::alloc::string::String),
        /// Which file declares this extension?
        #[prost(message, tag = "5")]
        FileContainingExtension(super::ExtensionRequest),
        /// Which numbers of extensions does this message have, given by its full name?
        #[prost(string, tag = "6")]
        AllExtensionNumbersOfType(::jovian_runtime::codegen::v1::prost::alloc::string::String),
        /// Which services are served? The text means nothing.
        #[prost(string, tag = "7")]
        ListServices(::jovian_runtime::codegen::v1::prost::alloc::string::String),
    }
}
/// Names an extension.
#[derive(Clone, PartialEq, Eq, Hash, ::jovian_runtime::codegen::v1::prost::Message)]
#[prost(prost_path = "::jovian_runtime::codegen::v1::prost")]
pub struct ExtensionRequest {
    /// The full name of the message that is extended.
    #[prost(string, tag = "1")]
    pub containing_type: ::jovian_runtime::codegen::v1::prost::alloc::string::String,
    /// The number of the extension.
    #[prost(int32, tag = "2")]
    pub extension_number: i32,
}
/// Answers one question.
#[derive(Clone, PartialEq, ::jovian_runtime::codegen::v1::prost::Message)]
#[prost(prost_path = "::jovian_runtime::codegen::v1::prost")]
pub struct ServerReflectionResponse {
    /// The host of the request.
    #[prost(string, tag = "1")]
    pub valid_host: ::jovian_runtime::codegen::v1::prost::alloc::string::String,
    /// The request.
    #[prost(message, optional, tag = "2")]
    pub original_request: ::core::option::Option<ServerReflectionRequest>,
    /// The answer.
    #[prost(oneof = "server_reflection_response::MessageResponse", tags = "4, 5, 6, 7")]
    pub message_response: ::core::option::Option<server_reflection_response::MessageResponse>,
}
/// Nested message and enum types in `ServerReflectionResponse`.
pub mod server_reflection_response {
    /// The answer.
    #[derive(Clone, PartialEq, ::jovian_runtime::codegen::v1::prost::Oneof)]
    #[prost(prost_path = "::jovian_runtime::codegen::v1::prost")]
    pub enum MessageResponse {
        /// To the questions for a file: the file and all that it imports.
        #[prost(message, tag = "4")]
        FileDescriptorResponse(super::FileDescriptorResponse),
        /// To `all_extension_numbers_of_type`.
        #[prost(message, tag = "5")]
        AllExtensionNumbersResponse(super::ExtensionNumberResponse),
        /// To `list_services`.
        #[prost(message, tag = "6")]
        ListServicesResponse(super::ListServiceResponse),
        /// To a question without an answer.
        #[prost(message, tag = "7")]
        ErrorResponse(super::ErrorResponse),
    }
}
/// Files.
#[derive(Clone, PartialEq, Eq, Hash, ::jovian_runtime::codegen::v1::prost::Message)]
#[prost(prost_path = "::jovian_runtime::codegen::v1::prost")]
pub struct FileDescriptorResponse {
    /// Each an encoded google.protobuf.FileDescriptorProto, the file asked for first.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub file_descriptor_proto: ::jovian_runtime::codegen::v1::prost::alloc::vec::Vec<
        ::jovian_runtime::codegen::v1::prost::alloc::vec::Vec<u8>,
    >,
}
/// The extensions of a message.
#[derive(Clone, PartialEq, Eq, Hash, ::jovian_runtime::codegen::v1::prost::Message)]
#[prost(prost_path = "::jovian_runtime::codegen::v1::prost")]
pub struct ExtensionNumberResponse {
    /// The full name of the message.
    #[prost(string, tag = "1")]
    pub base_type_name: ::jovian_runtime::codegen::v1::prost::alloc::string::String,
    /// Their numbers.
    #[prost(int32, repeated, tag = "2")]
    pub extension_number: ::jovian_runtime::codegen::v1::prost::alloc::vec::Vec<i32>,
}
/// The services of a server.
#[derive(Clone, PartialEq, ::jovian_runtime::codegen::v1::prost::Message)]
#[prost(prost_path = "::jovian_runtime::codegen::v1::prost")]
pub struct ListServiceResponse {
    /// One by one.
    #[prost(message, repeated, tag = "1")]
    pub service: ::jovian_runtime::codegen::v1::prost::alloc::vec::Vec<ServiceResponse>,
}
/// A service.
#[derive(Clone, PartialEq, Eq, Hash, ::jovian_runtime::codegen::v1::prost::Message)]
#[prost(prost_path = "::jovian_runtime::codegen::v1::prost")]
pub struct ServiceResponse {
    /// Its full name.
    #[prost(string, tag = "1")]
    pub name: ::jovian_runtime::codegen::v1::prost::alloc::string::String,
}
/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Hash, ::jovian_runtime::codegen::v1::prost::Message)]
#[prost(prost_path = "::jovian_runtime::codegen::v1::prost")]
pub struct ErrorResponse {
    /// A status code of gRPC.
    #[prost(int32, tag = "1")]
    pub error_code: i32,
    /// The reason.
    #[prost(string, tag = "2")]
    pub error_message: ::jovian_runtime::codegen::v1::prost::alloc::string::String,
}

/// What the IDL says of `grpc.reflection.v1.ServerReflection`: its names, methods and policies.
pub static SERVER_REFLECTION: __jovian::Service = __jovian::Service::new(
    "grpc.reflection.v1.ServerReflection",
    &[__jovian::Method::new(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        0,
        __jovian::Kind::Bidi,
    )],
)
.descriptors(FILE_DESCRIPTOR_SET);

/// Tells what the IDL says of the services of a server.
pub trait ServerReflection: ::core::marker::Send + ::core::marker::Sync + 'static {
    /// What its methods fail with.
    type Error: __jovian::IntoFailure;

    /// Answers each request in turn.
    fn server_reflection_info(
        &self,
        call: &__jovian::Call,
        requests: &mut __jovian::Incoming<ServerReflectionRequest>,
        out: &mut __jovian::Replies<ServerReflectionResponse>,
    ) -> impl ::core::future::Future<Output = ::core::result::Result<(), Self::Error>> + ::core::marker::Send;
}

/// Serves an [`ServerReflection`].
#[derive(Clone, Debug)]
pub struct ServerReflectionServer(__jovian::BoundService);

impl ServerReflectionServer {
    /// Serves `service`.
    pub fn new<S: ServerReflection>(service: S) -> Self {
        Self(__jovian::BoundService::new::<S, __jovian::NoDomainError>(
            &SERVER_REFLECTION,
            service,
            const {
                &[|service, call, mut io| {
                    __jovian::boxed(async move {
                        let (mut requests, mut replies) = io.split();
                        __jovian::finish(
                            service.server_reflection_info(call, &mut requests, &mut replies).await,
                        )
                    })
                }]
            },
        ))
    }

    /// Adds an interceptor around this service's calls; the first added is outermost.
    #[must_use]
    pub fn intercept(self, interceptor: impl __jovian::Interceptor) -> Self {
        Self(self.0.intercept(interceptor))
    }
}

impl ::core::convert::From<ServerReflectionServer> for __jovian::BoundService {
    fn from(server: ServerReflectionServer) -> Self {
        server.0
    }
}

/// Calls `grpc.reflection.v1.ServerReflection`.
#[derive(Clone, Debug)]
pub struct ServerReflectionClient(__jovian::Client);

impl ServerReflectionClient {
    /// Finds the service through the registry of `app`.
    ///
    /// # Errors
    ///
    /// Fails outside of a tokio runtime.
    pub fn discover(app: &__jovian::App) -> ::core::result::Result<Self, __jovian::ConnectError> {
        __jovian::Client::discover::<__jovian::NoDomainError>(&SERVER_REFLECTION, app).map(Self)
    }

    /// Calls the service at `target`; connects when it is first called.
    ///
    /// # Errors
    ///
    /// Fails when `target` is no address, and outside of a tokio runtime.
    pub fn connect(target: &str) -> ::core::result::Result<Self, __jovian::ConnectError> {
        __jovian::Client::connect::<__jovian::NoDomainError>(&SERVER_REFLECTION, target).map(Self)
    }

    /// Calls `service` in this process.
    pub fn local<S: ServerReflection>(service: S) -> Self {
        Self(__jovian::Client::local(ServerReflectionServer::new(service)))
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

    /// Answers each request in turn.
    pub async fn server_reflection_info(
        &self,
        requests: impl __jovian::Stream<Item = ServerReflectionRequest> + ::core::marker::Send + 'static,
    ) -> ::core::result::Result<
        __jovian::ReplyStream<ServerReflectionResponse, __jovian::NoDomainError>,
        __jovian::CallError<__jovian::NoDomainError>,
    > {
        self.0.bidi(&SERVER_REFLECTION.methods[0], requests).await
    }
}

/// The encoded `google.protobuf.FileDescriptorSet` of grpc/reflection/v1/reflection.proto and all that it imports.
const FILE_DESCRIPTOR_SET: &[u8] = b"\
\n\xe8\x0c\n#grpc/reflection/v1/reflection.proto\x12\x12grpc.reflection.v1\"\xf3\x02\n\x17Server\
ReflectionRequest\x12\x12\n\x04host\x18\x01 \x01(\tR\x04host\x12*\n\x10file_by_filename\x18\x03 \
\x01(\tH\x00R\x0efileByFilename\x126\n\x16file_containing_symbol\x18\x04 \x01(\tH\x00R\x14fileCo\
ntainingSymbol\x12b\n\x19file_containing_extension\x18\x05 \x01(\x0b2$.grpc.reflection.v1.Extens\
ionRequestH\x00R\x17fileContainingExtension\x12B\n\x1dall_extension_numbers_of_type\x18\x06 \x01\
(\tH\x00R\x19allExtensionNumbersOfType\x12%\n\rlist_services\x18\x07 \x01(\tH\x00R\x0clistServic\
esB\x11\n\x0fmessage_request\"f\n\x10ExtensionRequest\x12\'\n\x0fcontaining_type\x18\x01 \x01(\t\
R\x0econtainingType\x12)\n\x10extension_number\x18\x02 \x01(\x05R\x0fextensionNumber\"\xae\x04\n\
\x18ServerReflectionResponse\x12\x1d\n\nvalid_host\x18\x01 \x01(\tR\tvalidHost\x12V\n\x10origina\
l_request\x18\x02 \x01(\x0b2+.grpc.reflection.v1.ServerReflectionRequestR\x0foriginalRequest\x12\
f\n\x18file_descriptor_response\x18\x04 \x01(\x0b2*.grpc.reflection.v1.FileDescriptorResponseH\x00\
R\x16fileDescriptorResponse\x12r\n\x1eall_extension_numbers_response\x18\x05 \x01(\x0b2+.grpc.re\
flection.v1.ExtensionNumberResponseH\x00R\x1ballExtensionNumbersResponse\x12_\n\x16list_services\
_response\x18\x06 \x01(\x0b2\'.grpc.reflection.v1.ListServiceResponseH\x00R\x14listServicesRespo\
nse\x12J\n\x0eerror_response\x18\x07 \x01(\x0b2!.grpc.reflection.v1.ErrorResponseH\x00R\rerrorRe\
sponseB\x12\n\x10message_response\"L\n\x16FileDescriptorResponse\x122\n\x15file_descriptor_proto\
\x18\x01 \x03(\x0cR\x13fileDescriptorProto\"j\n\x17ExtensionNumberResponse\x12$\n\x0ebase_type_n\
ame\x18\x01 \x01(\tR\x0cbaseTypeName\x12)\n\x10extension_number\x18\x02 \x03(\x05R\x0fextensionN\
umber\"T\n\x13ListServiceResponse\x12=\n\x07service\x18\x01 \x03(\x0b2#.grpc.reflection.v1.Servi\
ceResponseR\x07service\"%\n\x0fServiceResponse\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name\"S\n\r\
ErrorResponse\x12\x1d\n\nerror_code\x18\x01 \x01(\x05R\terrorCode\x12#\n\rerror_message\x18\x02 \
\x01(\tR\x0cerrorMessage2\x89\x01\n\x10ServerReflection\x12u\n\x14ServerReflectionInfo\x12+.grpc\
.reflection.v1.ServerReflectionRequest\x1a,.grpc.reflection.v1.ServerReflectionResponse(\x010\x01\
b\x06proto3";
