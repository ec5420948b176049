//! The client of a service.

use super::{docs_and, fill, list};
use crate::plan::{Method, Service, Shape};

const CLIENT: &str = r"
/// Calls `$wire`. Cheap to clone; clones share their connections.
$deprecated
$attributes
#[derive(Clone, Debug)]
pub struct $client(__jovian::Client);

impl $client {
    /// Finds the service by its application, through the registry of `app`.
    ///
    /// # Errors
    /// When no discovery is possible here: no registry is configured, or no runtime is running.
    pub fn discover(app: &__jovian::App) -> ::core::result::Result<Self, __jovian::ConnectError> {
        __jovian::Client::discover::<$error>(&$constant, app).map(Self)
    }

    /// Calls the service at `target`, such as `http://127.0.0.1:9000`; connects with the first call.
    ///
    /// # Errors
    /// When `target` is no address.
    pub fn connect(
        target: impl ::core::convert::Into<__jovian::Target>,
    ) -> ::core::result::Result<Self, __jovian::ConnectError> {
        __jovian::Client::connect::<$error>(&$constant, target).map(Self)
    }

    $local

    /// Puts an interceptor around every call of this client; the first one added is the outermost.
    #[must_use]
    pub fn intercept(self, interceptor: impl __jovian::Interceptor) -> Self {
        Self(self.0.intercept(interceptor))
    }

    /// Says what holds for the calls of this client, where it differs from what the IDL says.
    ///
    /// # Errors
    /// When a policy is for a method that the service does not have.
    pub fn policies(
        self,
        policies: __jovian::Policies,
    ) -> ::core::result::Result<Self, __jovian::UnknownTarget> {
        self.0.policies(policies).map(Self)
    }

    /// Says how calls choose among the instances of the service, where no configuration says it of this service.
    ///
    /// # Errors
    /// When what is said cannot be meant.
    pub fn balancing(
        self,
        balancing: __jovian::BalancingSection,
    ) -> ::core::result::Result<Self, __jovian::ConnectError> {
        self.0.balancing(balancing).map(Self)
    }

    /// A client whose calls have these options.
    #[must_use]
    pub fn with(&self, options: __jovian::CallOptions) -> Self {
        Self(self.0.with(options))
    }

    /// A client whose calls are part of `call`, whatever call is running here.
    #[must_use]
    pub fn under(&self, call: &__jovian::Call) -> Self {
        Self(self.0.under(call))
    }

    $methods
}
";

const LOCAL: &str = r"
/// Calls `service` in this process, through the same stack as over the network.
pub fn local(service: impl $name) -> Self {
    Self(__jovian::Client::local($server::new(service)))
}
";

const METHOD: &str = r"
$docs
$deprecated
pub async fn $name(
    &self,
    $argument,
) -> ::core::result::Result<$reply, __jovian::CallError<$error>> {
    self.0.$call.await
}
";

/// The same for many replies, of which nobody has short names.
const STREAM: &str = r"
$docs
$deprecated
pub async fn $name(
    &self,
    $argument,
) -> ::core::result::Result<
    __jovian::ReplyStream<$reply, $error>,
    __jovian::CallError<$error>,
> {
    self.0.$call.await
}
";

pub(super) fn items(service: &Service) -> String {
    if !service.has_client {
        return String::new();
    }
    let Service { wire, name, server, client, constant, error, .. } = service;
    let deprecated = super::deprecated(service.deprecated);
    let attributes = service.client_attributes.join("\n");
    let local = if service.has_server { fill!(LOCAL, name, server) } else { String::new() };
    let methods = list(service.methods.iter().map(|method| call(constant, error, method)));
    fill!(CLIENT, wire, deprecated, attributes, client, error, constant, local, methods)
}

fn call(constant: &str, error: &str, method: &Method) -> String {
    let Method { client_name: name, request, reply, index, .. } = method;
    let docs = docs_and(&method.docs, &format!("Calls `{}`.", method.route));
    let deprecated = super::deprecated(method.deprecated);
    let (argument, given) = match method.shape {
        Shape::Unary | Shape::ServerStream => (format!("request: {request}"), "request"),
        Shape::ClientStream | Shape::Bidi => (
            format!("requests: impl __jovian::Stream<Item = {request}> + ::core::marker::Send + 'static"),
            "requests",
        ),
    };
    let (page, kind) = match method.shape {
        Shape::Unary => (METHOD, "unary"),
        Shape::ClientStream => (METHOD, "client_stream"),
        Shape::ServerStream => (STREAM, "server_stream"),
        Shape::Bidi => (STREAM, "bidi"),
    };
    let call = format!("{kind}(&{constant}.methods[{index}], {given})");
    fill!(page, docs, deprecated, name, argument, reply, error, call)
}
