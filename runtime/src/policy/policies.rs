//! Policies of everything, of services and of methods, and how they make one.

use std::collections::BTreeMap;
use std::fmt;

use super::Policy;

/// What one source says: of everything, of services, of methods.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policies {
    all: Policy,
    /// By the full name of a service, or of a method with its service: `shop.orders.v1.Orders/GetOrder`.
    targets: BTreeMap<String, Policy>,
}

impl Policies {
    /// Says nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says something of every method.
    #[must_use]
    pub fn all(mut self, policy: Policy) -> Self {
        self.all = policy.over(&self.all);
        self
    }

    /// Says something of a service, by its full name: `shop.orders.v1.Orders`.
    #[must_use]
    pub fn service(self, name: &str, policy: Policy) -> Self {
        self.target(name, policy)
    }

    /// Says something of a method, by its service and its name: `shop.orders.v1.Orders/GetOrder`.
    #[must_use]
    pub fn method(self, name: &str, policy: Policy) -> Self {
        self.target(name, policy)
    }

    fn target(mut self, name: &str, policy: Policy) -> Self {
        let name = name.trim_start_matches('/');
        let policy = match self.targets.get(name) {
            Some(earlier) => policy.over(earlier),
            None => policy,
        };
        self.targets.insert(name.to_owned(), policy);
        self
    }

    /// The services and methods of which something is said.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.targets.keys().map(String::as_str)
    }

    fn named(&self, name: &str) -> Option<&Policy> {
        self.targets.get(name)
    }
}

/// Everything that is said on one side, a server's or a client's, beside the IDL.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    /// By the program.
    pub(crate) program: Policies,
    /// By the configuration, which wins.
    pub(crate) configuration: Policies,
}

impl Said {
    /// What holds for a method: `path` is `/shop.orders.v1.Orders/GetOrder`; the IDL says `of_service` and `of_method`.
    /// What is said of everything counts if `is_own`.
    pub(crate) fn resolve(
        &self,
        path: &str,
        of_service: &Policy,
        of_method: &Policy,
        is_own: bool,
    ) -> Policy {
        let method = path.trim_start_matches('/');
        let service = method.rsplit_once('/').map_or("", |(service, _)| service);
        let Self { program, configuration } = self;
        let strongest_first = [
            configuration.named(method),
            program.named(method),
            Some(of_method),
            configuration.named(service),
            program.named(service),
            Some(of_service),
            is_own.then_some(&configuration.all),
            is_own.then_some(&program.all),
        ];
        strongest_first.into_iter().flatten().fold(Policy::new(), |stronger, weaker| stronger.over(weaker))
    }

    /// Something that is said of what is none of `services` (full names) and none of `methods` (paths).
    pub(crate) fn unknown<'a>(&self, mut known: impl FnMut(&str) -> bool + 'a) -> Option<UnknownTarget> {
        let said = |policies: &Policies, key: &'static str, known: &mut dyn FnMut(&str) -> bool| {
            let name = policies.names().find(|name| !known(name))?.to_owned();
            Some(UnknownTarget { name, by_configuration: key == "configuration" })
        };
        said(&self.configuration, "configuration", &mut known)
            .or_else(|| said(&self.program, "program", &mut known))
    }
}

/// A policy is for a service or a method that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownTarget {
    /// What it is for: `shop.orders.v1.Orders/GetOder`.
    pub name: String,
    /// Whether the configuration says so, and not the program.
    pub by_configuration: bool,
}

impl fmt::Display for UnknownTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no service and no method `{}`, which a policy is for", self.name)
    }
}

impl std::error::Error for UnknownTarget {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Everything at once says something else each time, and one after the other is taken away.
    #[test]
    fn more_specific_wins_then_configuration_program_idl() {
        let policy = |ms| Policy::new().timeout(Duration::from_millis(ms));
        let (method, service) = ("shop.Orders/Get", "shop.Orders");
        for last in 1..=8 {
            let said = |place| if place >= last { policy(place) } else { Policy::new() };
            let said = |ms| said(ms);
            let beside = Said {
                configuration: Policies::new().method(method, said(1)).service(service, said(4)).all(said(7)),
                program: Policies::new().method(method, said(2)).service(service, said(5)).all(said(8)),
            };
            let resolved = beside.resolve("/shop.Orders/Get", &said(6), &said(3), true);
            assert_eq!(resolved.timeout, Some(Duration::from_millis(last)), "from place {last} on");
        }
    }

    #[test]
    fn what_is_not_there_is_named() {
        let known = |name: &str| name == "shop.Orders" || name == "shop.Orders/Get";
        let said = |policies| Said { program: policies, ..Said::default() };
        let fine =
            Policies::new().method("/shop.Orders/Get", Policy::new()).service("shop.Orders", Policy::new());
        assert_eq!(said(fine).unknown(known), None);
        let wrong = said(Policies::new().method("shop.Orders/Got", Policy::new())).unknown(known);
        assert_eq!(wrong.map(|unknown| unknown.name).as_deref(), Some("shop.Orders/Got"));
    }
}
