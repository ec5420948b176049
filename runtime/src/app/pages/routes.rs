//! The page that shows what is served, and what holds for it now.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::descriptor::{Idempotency, Kind, Method, Service};
use crate::policy::{Policy, bound};
use crate::server::Configured;

pub(super) fn routes(services: &[&'static Service], configured: &Configured) -> Json {
    let method = |method: &Method| {
        json!({
            "name": method.name(),
            "path": method.path,
            "kind": kind(method.kind),
            "idempotency": idempotency(method.idempotency),
            "policy": configured.policy(method.path).map(|policy| shown(&policy)),
        })
    };
    let service = |service: &&'static Service| {
        let methods: Vec<Json> = service.methods.iter().map(method).collect();
        json!({ "service": service.name, "app": service.app, "methods": methods })
    };
    services.iter().map(service).collect()
}

/// What a server makes of a policy, under the names that a configuration has for it; 0 sets no bound. What nobody has said
/// is left out.
fn shown(policy: &Policy) -> Json {
    let all = json!({
        "timeout_ms": policy.timeout.map(milliseconds),
        "open_timeout_ms": policy.open_timeout.map(milliseconds),
        "idle_timeout_ms": policy.idle_timeout.map(milliseconds),
        "max_request_bytes": policy.max_request_bytes,
        "max_reply_bytes": policy.max_reply_bytes,
        "in_flight": policy.in_flight,
        "callers": policy.callers,
        "access_log": policy.access_log,
        "slow_log_ms": policy.slow_log.map(milliseconds),
        "metrics": policy.metrics,
        "trace": policy.trace,
    });
    match all {
        Json::Object(said) => Json::Object(said.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        other => other,
    }
}

fn milliseconds(time: Duration) -> u64 {
    bound(Some(time)).map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Unary => "unary",
        Kind::ClientStream => "client stream",
        Kind::ServerStream => "server stream",
        Kind::Bidi => "bidi",
    }
}

fn idempotency(idempotency: Idempotency) -> &'static str {
    match idempotency {
        Idempotency::Unknown => "unknown",
        Idempotency::Idempotent => "idempotent",
        Idempotency::NoSideEffects => "no side effects",
    }
}
