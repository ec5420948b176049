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
/// Where the colour of a call stands, by rank: as Kratos and CloudWeGo pass it on, as Dubbo says it to the next one
/// (`TagRouter`).
const COLOURS: [&str; 3] = ["x-md-global-color", "rpc-persist-color", "dubbo.tag"];
/// Where Dubbo says that instances of another colour will not do.
const FORCED: &str = "dubbo.force.tag";

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

/// Which variant of the services a call is for.
pub(crate) fn colour(headers: &HeaderMap) -> Option<&str> {
    let named = |name: &&str| headers.get(*name)?.to_str().ok().filter(|colour| !colour.is_empty());
    COLOURS.iter().find_map(named)
}

/// Whether nobody but instances of its colour may have the call.
pub(crate) fn is_colour_forced(headers: &HeaderMap) -> bool {
    headers.get(FORCED).is_some_and(|forced| forced.as_bytes().eq_ignore_ascii_case(b"true"))
}

/// The text of the first entry that travelled one hop under `key`.
pub(crate) fn local<'a>(headers: &'a HeaderMap, key: &str) -> Option<&'a str> {
    first(headers, &LOCAL, key)
}

fn first<'a>(headers: &'a HeaderMap, prefixes: &[&str], key: &str) -> Option<&'a str> {
    prefixes.iter().find_map(|prefix| headers.get(format!("{prefix}{key}"))?.to_str().ok())
}
