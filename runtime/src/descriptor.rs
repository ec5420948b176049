//! What the IDL says of a service, as statics that generated code builds.
//!
//! In: literals, by `const fn`. Out: [`Service`] and [`Method`] that every call carries a reference to. Never: anything
//! that is decided at run time.

use std::time::Duration;

use crate::policy::Policy;

/// A service: its names and its methods.
#[derive(Debug)]
#[non_exhaustive]
pub struct Service {
    /// The full name on the wire: `shop.orders.v1.Orders`.
    pub name: &'static str,
    /// The app that serves it, which is its key in a registry: `shop.order.orders`. The full name if the IDL does not say.
    pub app: &'static str,
    /// The interface that Java generates for it, by which Dubbo 3 knows it: `com.example.shop.Orders`. The full name, if the
    /// IDL has no `java_package`.
    pub java: &'static str,
    /// Its methods; a method's [`index`](Method::index) is its place here.
    pub methods: &'static [Method],
    /// An encoded `google.protobuf.FileDescriptorSet` with the service's file and all that it imports. May be empty.
    pub descriptors: &'static [u8],
    /// What the IDL says of the calls of all its methods.
    pub policy: Policy,
}

impl Service {
    /// A service that is its own app and has no descriptors.
    pub const fn new(name: &'static str, methods: &'static [Method]) -> Self {
        Self { name, app: name, java: name, methods, descriptors: &[], policy: Policy::new() }
    }

    /// Sets the app that serves it.
    #[must_use]
    pub const fn app(mut self, app: &'static str) -> Self {
        self.app = app;
        self
    }

    /// Sets its Java interface.
    #[must_use]
    pub const fn java(mut self, java: &'static str) -> Self {
        self.java = java;
        self
    }

    /// Sets the encoded `FileDescriptorSet`.
    #[must_use]
    pub const fn descriptors(mut self, descriptors: &'static [u8]) -> Self {
        self.descriptors = descriptors;
        self
    }

    /// Sets what the IDL says of the calls of all its methods.
    #[must_use]
    pub const fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The interface that Java generates for the protocol `grpc` of Dubbo 2.7: `com.example.shop.DubboOrdersGrpc$IOrders`.
    #[must_use]
    pub fn legacy(&self) -> String {
        legacy_of(self.java)
    }
}

/// The legacy interface beside a Java interface: an inner class that dubbo-compiler derives from the name of the service
/// (`DubboGrpcStub.mustache` of Dubbo 2.7).
pub(crate) fn legacy_of(java: &str) -> String {
    let at = java.rfind('.').map_or(0, |dot| dot + 1);
    let (package, service) = java.split_at(at);
    format!("{package}Dubbo{service}Grpc$I{service}")
}

/// A method: its path and its policies.
#[derive(Debug)]
#[non_exhaustive]
pub struct Method {
    /// The path on the wire: `/shop.orders.v1.Orders/GetOrder`.
    pub path: &'static str,
    /// Its place in [`Service::methods`].
    pub index: usize,
    /// Which sides stream.
    pub kind: Kind,
    /// Whether a call may be repeated.
    pub idempotency: Idempotency,
    /// What the IDL says of its calls.
    pub policy: Policy,
}

impl Method {
    /// A method without policies.
    pub const fn new(path: &'static str, index: usize, kind: Kind) -> Self {
        Self { path, index, kind, idempotency: Idempotency::Unknown, policy: Policy::new() }
    }

    /// Sets the time that a unary call may take.
    #[must_use]
    pub const fn timeout_ms(mut self, milliseconds: u64) -> Self {
        self.policy.timeout = Some(Duration::from_millis(milliseconds));
        self
    }

    /// Sets whether a call may be repeated.
    #[must_use]
    pub const fn idempotency(mut self, idempotency: Idempotency) -> Self {
        self.idempotency = idempotency;
        self
    }

    /// Sets what the IDL says of its calls.
    #[must_use]
    pub const fn policy(mut self, policy: Policy) -> Self {
        let timeout = self.policy.timeout;
        self.policy = policy;
        if self.policy.timeout.is_none() {
            self.policy.timeout = timeout;
        }
        self
    }

    /// The name without the service: `GetOrder`.
    pub fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }

    /// The name that Java gives it, its first letter in lower case: `getOrder`. Registries list methods by it, and callers on
    /// Dubbo may use it.
    #[must_use]
    pub fn java_name(&self) -> String {
        java_method(self.name())
    }

    /// The full name of its service: `shop.orders.v1.Orders`.
    pub fn service(&self) -> &'static str {
        let path = self.path.strip_prefix('/').unwrap_or(self.path);
        path.rsplit_once('/').map_or("", |(service, _)| service)
    }
}

/// The name that Java gives a method, its first letter in lower case: `getOrder`.
pub(crate) fn java_method(method: &str) -> String {
    let mut name = method.to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    name
}

/// Which sides of a method stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One request, one reply.
    Unary,
    /// Many requests, one reply.
    ClientStream,
    /// One request, many replies.
    ServerStream,
    /// Many of both.
    Bidi,
}

impl Kind {
    /// Whether many replies may come.
    pub const fn streams_replies(self) -> bool {
        matches!(self, Self::ServerStream | Self::Bidi)
    }

    /// Whether either side streams.
    pub const fn streams(self) -> bool {
        !matches!(self, Self::Unary)
    }

    /// Whether many requests may come.
    pub const fn streams_requests(self) -> bool {
        matches!(self, Self::ClientStream | Self::Bidi)
    }
}

/// Whether a call may be repeated without asking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Idempotency {
    /// The IDL does not say: never repeat what may have been executed.
    #[default]
    Unknown,
    /// Repeating has no further effect.
    Idempotent,
    /// It only reads.
    NoSideEffects,
}

#[cfg(test)]
mod tests {
    use super::{Kind, Method, Service};

    #[test]
    fn a_path_is_service_and_name() {
        let method = Method::new("/shop.orders.v1.Orders/GetOrder", 0, Kind::Unary);
        assert_eq!((method.service(), method.name()), ("shop.orders.v1.Orders", "GetOrder"));
        let odd = Method::new("Odd", 0, Kind::Unary);
        assert_eq!((odd.service(), odd.name()), ("", "Odd"));
    }
    #[test]
    fn java_has_names_of_its_own() {
        let legacy = |service: Service| service.legacy();
        assert_eq!(
            legacy(Service::new("shop.Orders", &[]).java("com.shop.Orders")),
            "com.shop.DubboOrdersGrpc$IOrders"
        );
        assert_eq!(legacy(Service::new("shop.Orders", &[])), "shop.DubboOrdersGrpc$IOrders");
        assert_eq!(legacy(Service::new("Orders", &[])), "DubboOrdersGrpc$IOrders");

        let java = |path| Method::new(path, 0, Kind::Unary).java_name();
        assert_eq!((java("/a.B/GetOrder"), java("/a.B/getOrder")), ("getOrder".into(), "getOrder".into()));
        assert_eq!((java("/a.B/_Get"), java("/a.B/")), ("_Get".into(), String::new()));
    }
}
