//! A service by all the names that registries know it by.
//!
//! In: the descriptor of a service, or what a record says. Out: what an instance provides, what a client wants.

use serde::{Deserialize, Serialize};

use crate::descriptor::{Method, Service, legacy_of};

/// A service behind an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Provided {
    /// Its full name in the IDL: `shop.orders.v1.Orders`. Empty if the record does not say.
    pub name: String,
    /// Its Java interface, by which Dubbo 3 looks for it: `com.example.shop.Orders`. Empty if the record does not say.
    pub java: String,
    /// Its Java interface for the protocol `grpc` of Dubbo 2.7: `com.example.shop.DubboOrdersGrpc$IOrders`. Empty if the
    /// record does not say.
    pub legacy: String,
    /// The names of its methods, as in the IDL: `GetOrder`.
    pub methods: Vec<String>,
    /// The group that callers have to ask for; empty if there is none.
    pub group: String,
    /// The version that callers have to ask for; empty if there is none.
    pub version: String,
    /// The name that stands before the method in the path of a call, where it is not [`name`](Self::name).
    pub path: String,
}

impl Provided {
    /// A service as its IDL names it.
    #[must_use]
    pub fn of(service: &Service) -> Self {
        Self::declared(service.name, service.java, service.methods.iter().map(Method::name))
    }

    /// A service that IDL declares, by its full name, its Java interface and the names of its methods.
    #[must_use]
    pub fn declared<'a>(name: &str, java: &str, methods: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            name: name.to_owned(),
            java: java.to_owned(),
            legacy: legacy_of(java),
            methods: methods.into_iter().map(str::to_owned).collect(),
            ..Self::default()
        }
    }

    /// A service of which only the name is known.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

/// What a client looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Wanted {
    /// The app that serves it: `shop.order.orders`.
    pub app: String,
    /// The full name of the service in the IDL. Empty where any service of the app will do.
    pub name: String,
    /// Its Java interface.
    pub java: String,
    /// Its Java interface for the protocol `grpc` of Dubbo 2.7.
    pub legacy: String,
    /// The group that it has to be in; empty for those in none.
    pub group: String,
    /// The version that it has to have; empty for those without.
    pub version: String,
}

impl Wanted {
    /// A service as its IDL names it.
    #[must_use]
    pub fn of(service: &Service) -> Self {
        Self {
            app: service.app.to_owned(),
            name: service.name.to_owned(),
            java: service.java.to_owned(),
            legacy: service.legacy(),
            ..Self::default()
        }
    }

    /// An app, whatever it serves.
    #[must_use]
    pub fn app(app: impl Into<String>) -> Self {
        Self { app: app.into(), ..Self::default() }
    }

    /// The same in another group and of another version, where one is said.
    pub(crate) fn within(self, group: Option<&str>, version: Option<&str>) -> Self {
        let (group, version) = (group.map(str::to_owned), version.map(str::to_owned));
        Self { group: group.unwrap_or(self.group), version: version.unwrap_or(self.version), ..self }
    }
}
