//! The trait that a person implements, and the server that serves it.

use super::{docs_and, fill, list};
use crate::plan::{Method, Service, Shape};

const TRAIT: &str = r"
$docs
$attributes
pub trait $name: ::core::marker::Send + ::core::marker::Sync + 'static {
    /// What a call may fail with: $errors, or `jovian_runtime::Failure`,
    /// which takes `?` from anything.
    type Error: __jovian::IntoFailure;

    $methods
}
";

const METHOD: &str = r"
$docs
fn $name(
    &self,
    call: &__jovian::Call,
    $arguments
) -> impl ::core::future::Future<Output = ::core::result::Result<$output, Self::Error>>
+ ::core::marker::Send;
";

const SERVER: &str = r"
/// Serves an implementation of [`$name`] as `$wire`.
$attributes
#[derive(Clone, Debug)]
pub struct $server(__jovian::BoundService);

impl $server {
    /// Serves `service`.
    pub fn new<__S: $name>(service: __S) -> Self {
        Self(__jovian::BoundService::new::<__S, $error>(
            &$constant,
            service,
            const {
                &[
                    $rows
                ]
            },
        ))
    }

    /// Puts an interceptor around every call of this service; the first one added is the outermost.
    #[must_use]
    pub fn intercept(self, interceptor: impl __jovian::Interceptor) -> Self {
        Self(self.0.intercept(interceptor))
    }
}

impl ::core::convert::From<$server> for __jovian::BoundService {
    fn from(server: $server) -> Self {
        server.0
    }
}
";

/// The row of a method in the table of handlers: all that is compiled for each method on the server.
const ROW: &str = r"
|service, call, mut io| {
    __jovian::boxed(async move {
        $body
    })
},
";

pub(super) fn items(service: &Service) -> String {
    if !service.has_server {
        return String::new();
    }
    service_trait(service) + "\n" + &server(service)
}

fn service_trait(service: &Service) -> String {
    let Service { name, wire, .. } = service;
    let docs = docs_and(&service.docs, &format!("The service `{wire}`."));
    let attributes = service.trait_attributes.join("\n");
    let own = "an error of your own";
    let errors = if service.has_errors { format!("[`{}`], {own}", service.error) } else { own.to_owned() };
    let methods = list(service.methods.iter().map(trait_method));
    fill!(TRAIT, docs, attributes, name, errors, methods)
}

fn trait_method(method: &Method) -> String {
    let Method { name, request, reply, .. } = method;
    let docs = docs_and(&method.docs, &format!("Answers `{}`.", method.route));
    let one = format!("request: {request},");
    let many = format!("requests: &mut __jovian::Incoming<{request}>,");
    let out = format!("out: &mut __jovian::Replies<{reply}>,");
    let (arguments, output) = match method.shape {
        Shape::Unary => (one, reply.as_str()),
        Shape::ClientStream => (many, reply.as_str()),
        Shape::ServerStream => (one + "\n" + &out, "()"),
        Shape::Bidi => (many + "\n" + &out, "()"),
    };
    fill!(METHOD, docs, name, arguments, output)
}

fn server(service: &Service) -> String {
    let Service { wire, name, server, constant, error, .. } = service;
    let attributes = service.server_attributes.join("\n");
    let rows: String = service.methods.iter().map(|method| row(name, method)).collect();
    fill!(SERVER, attributes, wire, name, server, constant, error, rows)
}

fn row(service: &str, method: &Method) -> String {
    let name = &method.name;
    let body = match method.shape {
        Shape::Unary => {
            r"
let reply = <__S as $service>::$name(service, call, io.request().await?).await;
io.reply(reply)
"
        }
        Shape::ClientStream => {
            r"
let reply = <__S as $service>::$name(service, call, &mut io.requests()).await;
io.reply(reply)
"
        }
        Shape::ServerStream => {
            r"
let done = <__S as $service>::$name(
    service,
    call,
    io.request().await?,
    &mut io.replies(),
)
.await;
__jovian::finish(done)
"
        }
        Shape::Bidi => {
            r"
let (mut requests, mut replies) = io.split();
let done = <__S as $service>::$name(
    service,
    call,
    &mut requests,
    &mut replies,
)
.await;
__jovian::finish(done)
"
        }
    };
    let body = fill!(body, service, name);
    fill!(ROW, body)
}
