//! What things are called in Rust: the only case conversion and the only keyword escape.
//!
//! In: names of the IDL. Out: Rust names, the same that prost-build makes for messages. Never: a name on the wire.

use std::collections::BTreeSet;

use heck::{ToShoutySnakeCase as _, ToSnakeCase as _, ToUpperCamelCase as _};

/// Where generated code finds the runtime.
pub(crate) const RUNTIME: &str = "::jovian_runtime::codegen::v1";

/// The Rust type of a well-known type, which nobody generates; `None` for any other name.
///
/// Wrappers and `Empty` are plain Rust values, for which prost implements `Message`.
pub(crate) fn well_known(full_name: &str) -> Option<String> {
    let name = full_name.strip_prefix("google.protobuf.")?;
    let plain = match name {
        "BoolValue" => "bool",
        "Int32Value" => "i32",
        "Int64Value" => "i64",
        "UInt32Value" => "u32",
        "UInt64Value" => "u64",
        "FloatValue" => "f32",
        "DoubleValue" => "f64",
        "StringValue" => "::prost::alloc::string::String",
        "BytesValue" => "::prost::alloc::vec::Vec<u8>",
        "Empty" => "()",
        _ => "",
    };
    if !plain.is_empty() {
        return Some(plain.replace("::prost::", &format!("{RUNTIME}::prost::")));
    }
    let mut parts = name.split('.').collect::<Vec<_>>();
    let last = parts.pop()?;
    let path = parts.into_iter().map(|part| format!("{}::", module(part))).collect::<String>();
    Some(format!("{RUNTIME}::prost_types::{path}{}", type_name(last)))
}

/// The full name of what is declared in a package or in a message: `shop.v1` and `Order` → `shop.v1.Order`.
pub(crate) fn full(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}

/// `GetOrder` → `get_order`, `type` → `r#type`
pub(crate) fn method(wire: &str) -> String {
    escape(spoken(wire).to_snake_case())
}

/// `shop` → `shop`, `Outer` → `outer`, `gen` → `r#gen`
pub(crate) fn module(wire: &str) -> String {
    escape(spoken(wire).to_snake_case())
}

/// `orders` → `Orders`, `HTTPRequest` → `HttpRequest`
pub(crate) fn type_name(wire: &str) -> String {
    escape(spoken(wire).to_upper_camel_case())
}

/// `OrderDesk` → `ORDER_DESK`, and `Orders_`, which had to make way, → `ORDERS_`.
///
/// Never the name of the type itself: `S` → `S_SERVICE`.
pub(crate) fn constant(name: &str) -> String {
    let stem = name.trim_end_matches('_');
    let shouted = escape(stem.to_shouty_snake_case());
    let shouted = if shouted == stem { shouted + "_SERVICE" } else { shouted };
    shouted + &name[stem.len()..]
}

/// `Orders` and `Server` → `OrdersServer`; of `Orders_`, which had to make way, `OrdersServer_`
pub(crate) fn with_suffix(name: &str, suffix: &str) -> String {
    let stem = name.trim_end_matches('_');
    format!("{stem}{suffix}{}", &name[stem.len()..])
}

/// `ORDERS_ERROR_OUT_OF_STOCK` of `OrdersError` → `OutOfStock`
pub(crate) fn variant(enumeration: &str, value: &str) -> String {
    let (prefix, name) = (enumeration.to_upper_camel_case(), value.to_upper_camel_case());
    let stripped = name.strip_prefix(&prefix).filter(|rest| rest.starts_with(char::is_uppercase));
    escape(stripped.unwrap_or(&name).to_owned())
}

/// The file of a package: `shop.v1.rs`, `_.rs` without a package.
pub(crate) fn package_file(package: &str) -> String {
    let parts: Vec<String> = package.split('.').filter(|part| !part.is_empty()).map(module).collect();
    if parts.is_empty() { "_.rs".to_owned() } else { format!("{}.rs", parts.join(".").replace("r#", "")) }
}

/// The path from the module of `package` to the message or enum `full_name`, whose package is `home`.
///
/// Relative, because nobody knows where a user puts the generated modules: `super::super::common::v1::Money`.
pub(crate) fn type_path(package: &str, home: &str, full_name: &str) -> String {
    if let Some(path) = well_known(full_name) {
        return path;
    }
    let split = |name: &str| -> Vec<String> {
        name.split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let (from, to) = (split(package), split(home));
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let mut path = "super::".repeat(from.len() - shared);
    let full = split(full_name);
    let (name, modules) = full.split_last().map_or(("", &[][..]), |(name, modules)| (name.as_str(), modules));
    for part in &modules[shared.min(modules.len())..] {
        path.push_str(&module(part));
        path.push_str("::");
    }
    path + &type_name(name)
}

/// A name that has words: one of underscores alone has none that could be written in another case.
pub(crate) fn spoken(wire: &str) -> &str {
    if wire.chars().all(|c| c == '_') { "unnamed" } else { wire }
}

/// prost-build's rule (its `ident` module): raw where the language allows it, an underscore where not.
fn escape(name: String) -> String {
    const RAW: &[&str] = &[
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
        "else", "enum", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
        "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "static", "struct",
        "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while",
        "yield",
    ];
    match name.as_str() {
        "super" | "self" | "Self" | "extern" | "crate" => format!("{name}_"),
        digits if digits.starts_with(|c: char| c.is_numeric()) => format!("_{name}"),
        keyword if RAW.contains(&keyword) => format!("r#{name}"),
        _ => name,
    }
}

/// The names of one scope, each given out once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope(BTreeSet<String>);

impl Scope {
    /// A scope in which these names are taken.
    pub(crate) fn with(taken: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(taken.into_iter().map(Into::into).collect())
    }

    /// Takes the first of `wanted`, `wanted_`, `wanted__` … that is free, along with all that `derived` makes of it;
    /// every name it makes must change with the one it is made from.
    pub(crate) fn claim(&mut self, wanted: &str, derived: impl Fn(&str) -> Vec<String>) -> String {
        let mut name = wanted.to_owned();
        while !self.take(derived(&name)) {
            // A raw name that gets an underscore is no keyword any more.
            name = format!("{}_", name.trim_start_matches("r#"));
        }
        name
    }

    /// Whether none of these names is taken.
    pub(crate) fn is_free(&self, names: &[String]) -> bool {
        names.iter().all(|name| !self.0.contains(name))
    }

    /// Takes all of these names, if all are free.
    pub(crate) fn take(&mut self, names: Vec<String>) -> bool {
        let free = self.is_free(&names);
        if free {
            self.0.extend(names);
        }
        free
    }

    /// Gives a name to what prost-build prints: the first of `stem`, `stem2`, `stem3` … that `take` accepts. It writes names in
    /// another case, where an underscore would be lost.
    pub(crate) fn numbered(stem: &str, take: impl FnMut(&String) -> bool) -> String {
        let others = (2_u64..).map(|number| format!("{stem}{number}"));
        std::iter::once(stem.to_owned()).chain(others).find(take).unwrap_or_default()
    }

    /// Takes one name.
    pub(crate) fn claim_one(&mut self, wanted: &str) -> String {
        self.claim(wanted, |name| vec![name.to_owned()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_prost() {
        assert_eq!(method("GetOrder"), "get_order");
        assert_eq!(method("Type"), "r#type");
        assert_eq!(method("Self"), "self_");
        assert_eq!(type_name("HTTPRequest"), "HttpRequest");
        assert_eq!(type_name("self"), "Self_");
        assert_eq!((method("_"), type_name("__")), ("unnamed".to_owned(), "Unnamed".to_owned()));
        assert_eq!(variant("OrdersError", "ORDERS_ERROR_OUT_OF_STOCK"), "OutOfStock");
        assert_eq!(constant("FooBar_"), "FOO_BAR_");
        assert_eq!(constant("S"), "S_SERVICE");
        assert_eq!(variant("Foo", "FOOBAR"), "Foobar");
        assert_eq!(variant("Foo", "FOO_2"), "Foo2");
        assert_eq!(package_file("shop.type.v1"), "shop.type.v1.rs");
        assert_eq!(package_file(""), "_.rs");
    }

    #[test]
    fn paths_go_up_and_down() {
        assert_eq!(type_path("a.b", "a.b", "a.b.Outer.Inner"), "outer::Inner");
        assert_eq!(type_path("a.b", "a.c", "a.c.M"), "super::c::M");
        assert_eq!(type_path("a.b", "a", "a.M"), "super::M");
        assert_eq!(type_path("", "a", "a.M"), "a::M");
        assert_eq!(type_path("a", "", "M"), "super::M");
        assert_eq!(type_path("a.b", "google.protobuf", "google.protobuf.Empty"), "()");
    }

    #[test]
    fn a_name_is_given_once() {
        let mut scope = Scope::with(["connect"]);
        assert_eq!(scope.claim_one("connect"), "connect_");
        assert_eq!(scope.claim_one("get"), "get");
        assert_eq!(scope.claim_one("get"), "get_");
        assert_eq!(scope.claim_one("r#type"), "r#type");
        assert_eq!(scope.claim_one("r#type"), "type_");
    }
}
