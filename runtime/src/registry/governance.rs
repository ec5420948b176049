//! The keys under which operators steer the calls of one app to another.
//!
//! In: who calls whom, and the descriptor of a service. Out: a key for each of its methods and each kind of rule. Pure; never:
//! what stands under a key, or whether anything does.
//!
//! A key is `/{from}/{from cluster}/{to}/{to cluster}/{method}/{rule}`:
//!
//! ```text
//! /shop.web.site/default/shop.order.orders/default/GetOrder/degrade
//! ```
//!
//! Apps are named by their ids, a method by its name in the IDL. What would end a part or could not stand in a key, which is
//! `/`, `%`, white space and control characters, is percent-encoded, so that different names never share a key.

use crate::descriptor::{Method, Service};

/// Who calls whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route<'a> {
    /// The app that calls: `shop.web.site`.
    pub from: &'a str,
    /// The cluster that it runs in.
    pub from_cluster: &'a str,
    /// The app that is called: `shop.order.orders`.
    pub to: &'a str,
    /// The cluster that it runs in.
    pub to_cluster: &'a str,
}

/// What a key rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// Calls that are answered without being made.
    Degrade,
    /// Which instances calls go to.
    Traffic,
    /// The policies of calls: timeouts, retries, limits.
    Config,
}

impl Rule {
    /// All of them, in the order of [`Route::keys`].
    pub const ALL: [Self; 3] = [Self::Degrade, Self::Traffic, Self::Config];

    /// The last part of a key: `degrade`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Degrade => "degrade",
            Self::Traffic => "traffic",
            Self::Config => "config",
        }
    }
}

impl<'a> Route<'a> {
    /// The cluster of apps that do not name theirs.
    pub const DEFAULT_CLUSTER: &'static str = "default";

    /// From one app to another, both in the default cluster.
    #[must_use]
    pub const fn new(from: &'a str, to: &'a str) -> Self {
        Self { from, from_cluster: Self::DEFAULT_CLUSTER, to, to_cluster: Self::DEFAULT_CLUSTER }
    }

    /// The same between two clusters.
    #[must_use]
    pub const fn clusters(mut self, from: &'a str, to: &'a str) -> Self {
        self.from_cluster = from;
        self.to_cluster = to;
        self
    }

    /// The key of a rule for a method, by its name in the IDL: `GetOrder`.
    #[must_use]
    pub fn key(&self, method: &str, rule: Rule) -> String {
        let mut key = String::new();
        for part in [self.from, self.from_cluster, self.to, self.to_cluster, method, rule.name()] {
            key.push('/');
            part.chars().for_each(|c| add(c, &mut key));
        }
        key
    }

    /// The keys of all rules for all methods of a service, in the order of the IDL.
    pub fn keys(self, service: &'static Service) -> impl Iterator<Item = String> + use<'a> {
        let methods = service.methods.iter().map(Method::name);
        methods.flat_map(move |method| Rule::ALL.map(|rule| self.key(method, rule)))
    }
}

fn add(c: char, key: &mut String) {
    if !matches!(c, '/' | '%') && !c.is_whitespace() && !c.is_control() {
        key.push(c);
        return;
    }
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        key.push_str(&format!("%{byte:02X}"));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::descriptor::{Kind, Method};

    static ORDERS: Service = Service::new(
        "shop.orders.v1.Orders",
        &[
            Method::new("/shop.orders.v1.Orders/GetOrder", 0, Kind::Unary),
            Method::new("/shop.orders.v1.Orders/Watch", 1, Kind::ServerStream),
        ],
    )
    .app("shop.order.orders");

    #[test]
    fn every_method_has_a_key_for_every_rule() {
        let keys: Vec<String> =
            Route::new("shop.web.site", ORDERS.app).clusters("blue", "green").keys(&ORDERS).collect();
        assert_eq!(
            keys,
            [
                "/shop.web.site/blue/shop.order.orders/green/GetOrder/degrade",
                "/shop.web.site/blue/shop.order.orders/green/GetOrder/traffic",
                "/shop.web.site/blue/shop.order.orders/green/GetOrder/config",
                "/shop.web.site/blue/shop.order.orders/green/Watch/degrade",
                "/shop.web.site/blue/shop.order.orders/green/Watch/traffic",
                "/shop.web.site/blue/shop.order.orders/green/Watch/config",
            ]
        );
    }

    #[test]
    fn what_would_break_a_key_is_encoded() {
        let route = Route::new("a/b", "50% c");
        assert_eq!(
            route.key("Größe\u{2003}", Rule::Traffic),
            "/a%2Fb/default/50%25%20c/default/Größe%E2%80%83/traffic"
        );
    }

    proptest! {
        /// Different names never share a key: the names can be read off it.
        #[test]
        fn names_can_be_read_off_a_key(names in prop::array::uniform5(".*")) {
            let [from, from_cluster, to, to_cluster, method] = &names;
            let key = Route::new(from, to).clusters(from_cluster, to_cluster).key(method, Rule::Config);
            let parts: Vec<String> = key.split('/').skip(1).map(decoded).collect();
            let read: Vec<&str> = parts.iter().map(String::as_str).collect();
            prop_assert_eq!(read, [from, from_cluster, to, to_cluster, method, "config"]);
        }
    }

    fn decoded(part: &str) -> String {
        let (mut bytes, mut rest) = (Vec::new(), part.as_bytes());
        while let [first, behind @ ..] = rest {
            (rest, bytes) = match (first, behind.split_at_checked(2)) {
                (b'%', Some((hex, behind))) => {
                    let hex = std::str::from_utf8(hex).expect("two digits");
                    bytes.push(u8::from_str_radix(hex, 16).expect("two digits"));
                    (behind, bytes)
                }
                _ => {
                    bytes.push(*first);
                    (behind, bytes)
                }
            };
        }
        String::from_utf8(bytes).expect("text")
    }
}
