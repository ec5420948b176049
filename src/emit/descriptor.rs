//! What the IDL says of a service, as a `static`.

use proc_macro2::Literal;

use super::fill;
use crate::plan::{Compress, Idempotency, Method, Package, Policy, Service, Shape, standard};

const SERVICE: &str = r"
/// What the IDL says of `$wire`: its names, its methods and their policies.
pub static $constant: __jovian::Service = __jovian::Service::new(
    $name,
    &[
        $methods
    ],
)
$app
$java
.descriptors(FILE_DESCRIPTOR_SET)$policy;
";

pub(super) fn item(service: &Service) -> String {
    let Service { wire, constant, .. } = service;
    let name = format!("{wire:?}");
    let methods: String = service.methods.iter().map(method).collect();
    let app = service.app.as_ref().map_or_else(String::new, |app| format!(".app({app:?})"));
    let java = service.java.as_ref().map_or_else(String::new, |java| format!(".java({java:?})"));
    let policy = match policy(&service.policy) {
        none if none.is_empty() => none,
        policy => format!("\n{policy}"),
    };
    fill!(SERVICE, wire, constant, name, methods, app, java, policy)
}

fn method(method: &Method) -> String {
    let Method { route, index, shape, idempotency, policy: said, .. } = method;
    let kind = match shape {
        Shape::Unary => "Unary",
        Shape::ClientStream => "ClientStream",
        Shape::ServerStream => "ServerStream",
        Shape::Bidi => "Bidi",
    };
    let mut text = format!("__jovian::Method::new({route:?}, {index}, __jovian::Kind::{kind})");
    if let Some(timeout) = said.timeout_ms {
        text.push_str(&format!("\n    .timeout_ms({timeout})"));
    }
    match idempotency {
        Idempotency::Unknown => {}
        Idempotency::Idempotent => text.push_str("\n    .idempotency(__jovian::Idempotency::Idempotent)"),
        Idempotency::NoSideEffects => {
            text.push_str("\n    .idempotency(__jovian::Idempotency::NoSideEffects)")
        }
    }
    let policy = self::policy(&Policy { timeout_ms: None, ..said.clone() });
    if !policy.is_empty() {
        text.push_str("\n    ");
        text.push_str(&policy.replace('\n', "\n    "));
    }
    text + ",\n"
}

/// The calls that say what a policy says, one after the other.
fn said(policy: &Policy) -> Vec<String> {
    let time = |name: &str, milliseconds: Option<u64>| Some(format!("{name}({})", duration(milliseconds?)));
    let value = |name: &str, value: Option<String>| Some(format!("{name}({})", value?));
    let text = |number: Option<u64>| number.map(|number| number.to_string());
    let flag = |on: Option<bool>| on.map(|on| on.to_string());
    let compress = policy.compress.map(|compress| match compress {
        Compress::None => "uncompressed()".to_owned(),
        Compress::Gzip => "compress(__jovian::Encoding::Gzip)".to_owned(),
        Compress::Zstd => "compress(__jovian::Encoding::Zstd)".to_owned(),
    });
    let said = [
        time("timeout", policy.timeout_ms),
        time("open_timeout", policy.open_timeout_ms),
        time("idle_timeout", policy.idle_timeout_ms),
        value("max_request_bytes", text(policy.max_request_bytes)),
        value("max_reply_bytes", text(policy.max_reply_bytes)),
        compress,
        value("in_flight", text(policy.in_flight.map(u64::from))),
        value("callers", (!policy.callers.is_empty()).then(|| format!("&{:?}", policy.callers))),
        value("retry", retry(policy)),
        value("breaker", flag(policy.breaker)),
        value("access_log", policy.access_log_ppm.map(|ppm| format!("{:?}", f64::from(ppm) / 1e6))),
        time("slow_log", policy.slow_log_ms),
        value("metrics", flag(policy.metrics)),
        value("trace", flag(policy.trace)),
    ];
    said.into_iter().flatten().collect()
}

fn retry(policy: &Policy) -> Option<String> {
    let codes = policy.retry_codes.iter().map(|code| format!("__jovian::Code::{}", standard(*code).0));
    let codes = codes.collect::<Vec<_>>().join(", ");
    let said = [
        policy.retry_attempts.map(|attempts| format!(".attempts({attempts})")),
        (!codes.is_empty()).then(|| format!(".codes(&[{codes}])")),
        policy.retry_backoff_ms.map(|time| format!(".backoff({})", duration(time))),
        policy.retry_max_backoff_ms.map(|time| format!(".max_backoff({})", duration(time))),
    ];
    match said.into_iter().flatten().collect::<Vec<_>>().as_slice() {
        [] => None,
        [one] => Some(format!("__jovian::Retry::new(){one}")),
        many => {
            let many: String = many.iter().map(|said| format!("\n                {said}")).collect();
            Some(format!("\n            __jovian::Retry::new(){many},\n        "))
        }
    }
}

fn duration(milliseconds: u64) -> String {
    format!("::core::time::Duration::from_millis({milliseconds})")
}

/// `.policy(..)` of a descriptor, if there is anything to say.
fn policy(policy: &Policy) -> String {
    match said(policy).as_slice() {
        [] => String::new(),
        [one] => format!(".policy(__jovian::Policy::new().{one})"),
        many => {
            format!(".policy(\n    __jovian::Policy::new()\n        .{},\n)", many.join("\n        ."))
        }
    }
}

const SET: &str = r"
/// The IDL of this package's services and all that it imports, as an encoded `google.protobuf.FileDescriptorSet`
/// without protobuf's own files.
pub const FILE_DESCRIPTOR_SET: &[u8] = $bytes;
";

/// The descriptors that reflection answers with.
pub(super) fn set(package: &Package) -> String {
    if package.descriptor_set.is_empty() {
        return String::new();
    }
    let bytes = Literal::byte_string(&package.descriptor_set).to_string();
    fill!(SET, bytes)
}
