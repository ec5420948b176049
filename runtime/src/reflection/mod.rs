//! The public reflection protocol, `grpc.reflection.v1` and `v1alpha`.
//!
//! In: the descriptors of the served services, as the IDL compiler encoded them. Out: those bytes, to tools that ask by
//! name. Never: encoding a descriptor anew, which would lose the options that this crate does not know.

use std::sync::Arc;

use crate::call::Call;
use crate::descriptor::Service;
use crate::error::{Code, Status};
use crate::generated::grpc::reflection::{v1, v1alpha};
use crate::health::Health;
use crate::server::{BoundService, Incoming, Replies};

mod index;
mod well_known;

use index::Index;

/// Both versions of the reflection service, for `services`. `health` says when the server drains.
pub(crate) fn services(services: &[&'static Service], health: &Health) -> [BoundService; 2] {
    let own = [&v1::SERVER_REFLECTION, &v1alpha::SERVER_REFLECTION];
    let index = Arc::new(Index::new(services.iter().copied().chain(own)));
    let reflection = Reflection { index, health: health.clone() };
    [
        v1::ServerReflectionServer::new(reflection.clone()).into(),
        v1alpha::ServerReflectionServer::new(reflection).into(),
    ]
}

#[derive(Clone)]
struct Reflection {
    index: Arc<Index>,
    health: Health,
}

/// A question without an answer.
struct Unanswered {
    code: Code,
    message: String,
}

impl Unanswered {
    fn not_found(what: &str, name: &str) -> Self {
        Self { code: Code::NotFound, message: format!("no {what} `{name}`") }
    }
}

/// The two versions differ in nothing but the module of their messages.
macro_rules! reflection {
    ($version:ident) => {
        impl $version::ServerReflection for Reflection {
            type Error = Status;

            async fn server_reflection_info(
                &self,
                _: &Call,
                requests: &mut Incoming<$version::ServerReflectionRequest>,
                out: &mut Replies<$version::ServerReflectionResponse>,
            ) -> Result<(), Status> {
                let answers = async {
                    while let Some(request) = requests.next().await {
                        out.send(self.index.$version(request)).await;
                    }
                };
                // A tool may keep the stream open for as long as it runs; that must not hold up the drain.
                tokio::select! {
                    biased;
                    () = answers => Ok(()),
                    () = self.health.closed() => Err(Status::unavailable("the server is stopping")),
                }
            }
        }

        impl Index {
            fn $version(
                &self,
                request: $version::ServerReflectionRequest,
            ) -> $version::ServerReflectionResponse {
                use $version::server_reflection_request::MessageRequest;
                use $version::server_reflection_response::MessageResponse;

                let files = |name: Option<&str>| {
                    let file_descriptor_proto = self.with_imports(name?);
                    Some(MessageResponse::FileDescriptorResponse($version::FileDescriptorResponse {
                        file_descriptor_proto,
                    }))
                };
                let answer = match &request.message_request {
                    Some(MessageRequest::FileByFilename(name)) => {
                        files(self.file(name)).ok_or_else(|| Unanswered::not_found("file", name))
                    }
                    Some(MessageRequest::FileContainingSymbol(name)) => {
                        files(self.file_of_symbol(name)).ok_or_else(|| Unanswered::not_found("symbol", name))
                    }
                    Some(MessageRequest::FileContainingExtension(extension)) => {
                        let number = extension.extension_number;
                        files(self.file_of_extension(&extension.containing_type, number)).ok_or_else(|| {
                            let what = format!("extension {number} of");
                            Unanswered::not_found(&what, &extension.containing_type)
                        })
                    }
                    Some(MessageRequest::AllExtensionNumbersOfType(name)) => self
                        .extension_numbers(name)
                        .map(|extension_number| {
                            MessageResponse::AllExtensionNumbersResponse($version::ExtensionNumberResponse {
                                base_type_name: name.clone(),
                                extension_number,
                            })
                        })
                        .ok_or_else(|| Unanswered::not_found("message", name)),
                    Some(MessageRequest::ListServices(_)) => {
                        let service = self
                            .services()
                            .map(|name| $version::ServiceResponse { name: name.to_owned() })
                            .collect();
                        Ok(MessageResponse::ListServicesResponse($version::ListServiceResponse { service }))
                    }
                    None => Err(Unanswered {
                        code: Code::InvalidArgument,
                        message: "the request asks nothing that is known here".to_owned(),
                    }),
                };
                let answer = answer.unwrap_or_else(|unanswered| {
                    MessageResponse::ErrorResponse($version::ErrorResponse {
                        error_code: unanswered.code as i32,
                        error_message: unanswered.message,
                    })
                });
                $version::ServerReflectionResponse {
                    valid_host: request.host.clone(),
                    original_request: Some(request),
                    message_response: Some(answer),
                }
            }
        }
    };
}

reflection!(v1);
reflection!(v1alpha);
