//! What the IDL says of a service, as a `static`.

use proc_macro2::Literal;

use super::fill;
use crate::plan::{Idempotency, Method, Package, Service, Shape};

const SERVICE: &str = r"
/// What the IDL says of `$wire`: its names, its methods and their policies.
pub static $constant: __jovian::Service = __jovian::Service::new(
    $name,
    &[
        $methods
    ],
)
$app
.descriptors(FILE_DESCRIPTOR_SET);
";

pub(super) fn item(service: &Service) -> String {
    let Service { wire, constant, .. } = service;
    let name = format!("{wire:?}");
    let methods: String = service.methods.iter().map(method).collect();
    let app = service.app.as_ref().map_or_else(String::new, |app| format!(".app({app:?})"));
    fill!(SERVICE, wire, constant, name, methods, app)
}

fn method(method: &Method) -> String {
    let Method { route, index, shape, idempotency, timeout_ms, .. } = method;
    let kind = match shape {
        Shape::Unary => "Unary",
        Shape::ClientStream => "ClientStream",
        Shape::ServerStream => "ServerStream",
        Shape::Bidi => "Bidi",
    };
    let mut text = format!("__jovian::Method::new({route:?}, {index}, __jovian::Kind::{kind})");
    if let Some(timeout) = timeout_ms {
        text.push_str(&format!("\n    .timeout_ms({timeout})"));
    }
    match idempotency {
        Idempotency::Unknown => {}
        Idempotency::Idempotent => text.push_str("\n    .idempotency(__jovian::Idempotency::Idempotent)"),
        Idempotency::NoSideEffects => {
            text.push_str("\n    .idempotency(__jovian::Idempotency::NoSideEffects)")
        }
    }
    text + ",\n"
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
