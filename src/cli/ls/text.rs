//! Descriptors as IDL, for people.

use prost_reflect::{
    Cardinality, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor,
    ServiceDescriptor, Syntax,
};

use super::{Listing, Method};
use crate::names;

/// The services of a server, with their methods below them.
pub(super) fn table(listing: &Listing) -> String {
    let mut lines = vec![with_health(&listing.target, listing.health.as_deref())];
    for service in &listing.services {
        lines.push(String::new());
        lines.push(with_health(&service.name, service.health.as_deref()));
        let Some(methods) = &service.methods else {
            lines.push("  the server does not say what it is".to_owned());
            continue;
        };
        let widest = methods.iter().map(|method| method.name.chars().count()).max().unwrap_or_default();
        let package = names::scope(&service.name);
        lines.extend(methods.iter().map(|method| {
            format!("  {:widest$}  {:13}  {}", method.name, kind(method), types(method, package))
        }));
    }
    lines.join("\n")
}

fn with_health(name: &str, health: Option<&str>) -> String {
    health.map_or_else(|| name.to_owned(), |health| format!("{name}  {health}"))
}

fn kind(method: &Method) -> &'static str {
    match (method.client_streaming, method.server_streaming) {
        (false, false) => "unary",
        (true, false) => "client stream",
        (false, true) => "server stream",
        (true, true) => "bidi",
    }
}

fn types(method: &Method, package: &str) -> String {
    let one = |streams: bool, name: &str| {
        format!("{}{}", if streams { "stream " } else { "" }, short(name, package))
    };
    let input = one(method.client_streaming, &method.input);
    format!("{input} -> {}", one(method.server_streaming, &method.output))
}

/// The name of a type as a file of the package would write it.
fn short(name: &str, package: &str) -> String {
    let rest = name.strip_prefix(package).and_then(|rest| rest.strip_prefix('.'));
    rest.filter(|_| !package.is_empty()).unwrap_or(name).to_owned()
}

/// A service.
pub(super) fn service(service: &ServiceDescriptor) -> String {
    let lines: Vec<String> = service.methods().map(|method| format!("  {}\n", rpc(&method))).collect();
    format!("// {}\nservice {} {{\n{}}}", service.full_name(), service.name(), lines.concat())
}

/// A method, and below it its messages.
pub(super) fn method(method: &MethodDescriptor) -> String {
    let service = method.parent_service();
    let mut parts = vec![format!("// {}/{}\n{}", service.full_name(), method.name(), rpc(method))];
    parts.push(message(&method.input()));
    if method.output() != method.input() {
        parts.push(message(&method.output()));
    }
    parts.join("\n\n")
}

fn rpc(method: &MethodDescriptor) -> String {
    let package = method.parent_service().package_name().to_owned();
    let one = |streams: bool, message: &MessageDescriptor| {
        format!("{}{}", if streams { "stream " } else { "" }, short(message.full_name(), &package))
    };
    format!(
        "rpc {}({}) returns ({});",
        method.name(),
        one(method.is_client_streaming(), &method.input()),
        one(method.is_server_streaming(), &method.output())
    )
}

/// A message with all that is declared in it.
pub(super) fn message(message: &MessageDescriptor) -> String {
    format!("// {}\n{}", message.full_name(), declared(message, 0))
}

/// An enum.
pub(super) fn enumeration(enumeration: &EnumDescriptor) -> String {
    format!("// {}\n{}", enumeration.full_name(), values(enumeration, 0))
}

fn declared(message: &MessageDescriptor, depth: usize) -> String {
    let inner = depth + 1;
    let mut text = format!("{}message {} {{\n", indent(depth), message.name());
    let mut written = Vec::new();
    for field in message.fields() {
        match field.containing_oneof().filter(|oneof| !oneof.is_synthetic()) {
            None => text += &format!("{}{}\n", indent(inner), one(&field)),
            Some(oneof) if !written.contains(&oneof) => {
                text += &format!("{}oneof {} {{\n", indent(inner), oneof.name());
                for field in oneof.fields() {
                    text += &format!("{}{}\n", indent(inner + 1), one(&field));
                }
                text += &format!("{}}}\n", indent(inner));
                written.push(oneof);
            }
            Some(_) => {}
        }
    }
    // What a group or a map declares is written where its field is.
    let groups: Vec<Kind> =
        message.fields().filter(FieldDescriptor::is_group).map(|field| field.kind()).collect();
    let is_of_field = |nested: &MessageDescriptor| {
        nested.is_map_entry() || groups.iter().any(|kind| kind.as_message() == Some(nested))
    };
    for nested in message.child_messages().filter(|nested| !is_of_field(nested)) {
        text += &declared(&nested, inner);
        text.push('\n');
    }
    for nested in message.child_enums() {
        text += &values(&nested, inner);
        text.push('\n');
    }
    text + &indent(depth) + "}"
}

fn values(enumeration: &EnumDescriptor, depth: usize) -> String {
    let value = |value: prost_reflect::EnumValueDescriptor| {
        format!("{}{} = {};\n", indent(depth + 1), value.name(), value.number())
    };
    let values: String = enumeration.values().map(value).collect();
    format!("{}enum {} {{\n{values}{}}}", indent(depth), enumeration.name(), indent(depth))
}

fn one(field: &FieldDescriptor) -> String {
    let scope = field.parent_message().full_name().to_owned();
    let package = field.parent_message().package_name().to_owned();
    let of = |kind: &Kind| type_name(kind, &scope, &package);
    if field.is_map()
        && let Kind::Message(entry) = field.kind()
    {
        let (key, value) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
        return format!("map<{}, {}> {} = {};", of(&key), of(&value), field.name(), field.number());
    }
    let is_proto2 = field.parent_file().syntax() == Syntax::Proto2;
    let in_oneof = field.containing_oneof().is_some_and(|oneof| !oneof.is_synthetic());
    let label = match field.cardinality() {
        Cardinality::Repeated => "repeated ",
        Cardinality::Required => "required ",
        // A message is there or not, whatever is said.
        Cardinality::Optional if in_oneof => "",
        Cardinality::Optional if is_proto2 => "optional ",
        Cardinality::Optional if field.field_descriptor_proto().proto3_optional() => "optional ",
        Cardinality::Optional => "",
    };
    format!("{label}{} {} = {};", of(&field.kind()), field.name(), field.number())
}

fn type_name(kind: &Kind, scope: &str, package: &str) -> String {
    match kind {
        Kind::Message(message) => within(message.full_name(), scope, package),
        Kind::Enum(enumeration) => within(enumeration.full_name(), scope, package),
        Kind::Double => "double".to_owned(),
        Kind::Float => "float".to_owned(),
        scalar => format!("{scalar:?}").to_lowercase(),
    }
}

/// The name of a type as a message of the package would write it.
fn within(name: &str, scope: &str, package: &str) -> String {
    let nested = short(name, scope);
    if nested == name { short(name, package) } else { nested }
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth)
}
