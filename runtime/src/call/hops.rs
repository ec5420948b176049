//! Metadata and how far it travels.
//!
//! In: the metadata of a call. Out: what of it goes on with the calls that are made for it. The names are those of the
//! fleets: Kratos marks what travels over all hops with `x-md-global-` and what travels one with `x-md-local-`
//! (`middleware/metadata`), CloudWeGo with `rpc-persist-` and `rpc-transit-`, and what a reply brings back with
//! `rpc-backward-` (`metainfo` over gRPC).

use http::{HeaderMap, HeaderName};

use super::trace::{BAGGAGE, JUPITER, TRACEPARENT, TRACESTATE};

/// What goes on over all hops.
const GLOBAL: [&str; 2] = ["x-md-global-", "rpc-persist-"];
/// What goes one hop.
const LOCAL: [&str; 2] = ["x-md-local-", "rpc-transit-"];
/// What comes back with a reply, one hop.
const BACKWARD: &str = "rpc-backward-";

/// Where callers say who they are: Jupiter (`aid`), Kratos (`x-md-service-name`).
pub(crate) const CALLERS: [&str; 2] = [CALLER, "x-md-service-name"];
/// Where a client says it.
pub(crate) const CALLER: &str = "aid";
/// Entries of all hops that have a meaning of their own.
pub(crate) const TENANT: &str = "tenant";
pub(crate) const COLOUR: &str = "color";

/// The name under which an entry goes over all hops; of the names that are read, one is written.
pub(crate) fn global_name(key: &str) -> String {
    format!("{}{key}", GLOBAL[0])
}

/// The name under which an entry goes one hop.
pub(crate) fn local_name(key: &str) -> String {
    format!("{}{key}", LOCAL[0])
}

/// The name under which an entry comes back with a reply.
pub(crate) fn backward_name(key: &str) -> String {
    format!("{BACKWARD}{key}")
}

/// Whether a call that is made for another one inherits metadata of this name.
pub(crate) fn travels(name: &HeaderName) -> bool {
    let name = name.as_str();
    matches!(name, TRACEPARENT | TRACESTATE | BAGGAGE | JUPITER)
        || GLOBAL.iter().any(|prefix| name.starts_with(prefix))
}

/// The text of the first entry that travels over all hops under `key`, as `tenant`.
pub(crate) fn global<'a>(headers: &'a HeaderMap, key: &str) -> Option<&'a str> {
    first(headers, &GLOBAL, key)
}

/// The text of the first entry that travelled one hop under `key`.
pub(crate) fn local<'a>(headers: &'a HeaderMap, key: &str) -> Option<&'a str> {
    first(headers, &LOCAL, key)
}

fn first<'a>(headers: &'a HeaderMap, prefixes: &[&str], key: &str) -> Option<&'a str> {
    prefixes.iter().find_map(|prefix| headers.get(format!("{prefix}{key}"))?.to_str().ok())
}
