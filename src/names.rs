//! What things are called in Rust: the only case conversion and the only keyword escape.
//!
//! In: names of the IDL. Out: Rust names, the same that prost-build makes for messages. Never: a name on the wire.

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
        "StringValue" => "::std::string::String",
        "BytesValue" => "::std::vec::Vec<u8>",
        "Empty" => "()",
        _ => "",
    };
    if !plain.is_empty() {
        return Some(plain.to_owned());
    }
    let mut parts = name.split('.').collect::<Vec<_>>();
    let last = parts.pop()?;
    let path = parts.into_iter().map(|part| format!("{}::", module(part))).collect::<String>();
    Some(format!("{RUNTIME}::prost_types::{path}{}", type_name(last)))
}

/// The full name of what is declared in a package or in a message: `shop.v1` and `Order` → `shop.v1.Order`.
pub(crate) fn full(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { [scope, ".", name].concat() }
}

/// What something is declared in: `shop.v1.Order` → `shop.v1`
pub(crate) fn scope(full_name: &str) -> &str {
    &full_name[..full_name.rfind('.').unwrap_or_default()]
}

/// `a.b.C` → `a`, `a.b`, `a.b.C`
pub(crate) fn prefixes(full_name: &str) -> impl Iterator<Item = &str> {
    let ends = full_name.match_indices('.').map(|(at, _)| at).chain([full_name.len()]);
    ends.map(|end| &full_name[..end]).filter(|prefix| !prefix.is_empty())
}

/// `GetOrder` → `get_order`, `type` → `r#type`
pub(crate) fn method(wire: &str) -> String {
    escape(snake(wire))
}

/// `shop` → `shop`, `Outer` → `outer`, `gen` → `r#gen`
pub(crate) fn module(wire: &str) -> String {
    escape(snake(wire))
}

fn snake(wire: &str) -> String {
    // Nearly every field of every IDL, and looking for words in it takes long.
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if wire.split('_').all(is_word) { wire.to_owned() } else { wire.to_snake_case() }
}

/// `orders` → `Orders`, `HTTPRequest` → `HttpRequest`
pub(crate) fn type_name(wire: &str) -> String {
    escape(wire.to_upper_camel_case())
}

/// `OrderDesk` → `ORDER_DESK`; never the name of the type itself: `S` → `S_SERVICE`.
pub(crate) fn constant(name: &str) -> String {
    let shouted = escape(name.to_shouty_snake_case());
    if shouted == name { shouted + "_SERVICE" } else { shouted }
}

/// `Orders` and `Server` → `OrdersServer`, `Self_` and `Server` → `SelfServer`
pub(crate) fn with_suffix(name: &str, suffix: &str) -> String {
    format!("{}{suffix}", name.trim_end_matches('_'))
}

/// `ORDERS_ERROR_OUT_OF_STOCK` of `OrdersError` → `OutOfStock`
pub(crate) fn variant(enumeration: &str, value: &str) -> String {
    let (prefix, name) = (type_name(enumeration), type_name(value));
    let stripped = name.strip_prefix(&prefix).filter(|rest| rest.starts_with(char::is_uppercase));
    escape(stripped.unwrap_or(&name).to_owned())
}

/// The file of the package with these modules: `shop.v1.rs`, `_.rs` without a package.
pub(crate) fn package_file(modules: &[String]) -> String {
    /// File systems end a name at 255 bytes; a part of it is left to whoever writes the file.
    const LONGEST: usize = 200;
    let whole = modules.join(".").replace("r#", "");
    let stem: String = whole.char_indices().take_while(|(at, _)| *at < LONGEST).map(|(_, c)| c).collect();
    match stem.as_str() {
        "" => "_.rs".to_owned(),
        // The tree of modules, and the devices of Windows.
        "mod" | "aux" | "con" | "nul" | "prn" => format!("{stem}_.rs"),
        _ => format!("{stem}.rs"),
    }
}

/// A name as one that somebody wrote for Rust; `None` if it can be none.
pub(crate) fn exact(name: &str) -> Option<String> {
    let plain = name.strip_prefix("r#").unwrap_or(name);
    let escaped = escape(plain.to_owned());
    let legal = escaped.trim_start_matches("r#") == plain && syn::parse_str::<syn::Ident>(&escaped).is_ok();
    legal.then_some(escaped)
}

/// `Order` and `2` → `Order2`; a raw name that gets a suffix is no keyword any more.
pub(crate) fn suffixed(name: &str, suffix: &str) -> String {
    format!("{}{suffix}", name.trim_start_matches("r#"))
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
        assert_eq!((method(spoken("_")), type_name("Self")), ("unnamed".to_owned(), "Self_".to_owned()));
        assert_eq!(variant("OrdersError", "ORDERS_ERROR_OUT_OF_STOCK"), "OutOfStock");
        assert_eq!(constant("FooBar2"), "FOO_BAR2");
        assert_eq!(constant("S"), "S_SERVICE");
        assert_eq!(variant("Foo", "FOOBAR"), "Foobar");
        assert_eq!(variant("Foo", "FOO_2"), "Foo2");
    }

    #[test]
    fn files_have_names_that_every_disk_takes() {
        let file =
            |modules: &[&str]| package_file(&modules.iter().map(|part| module(part)).collect::<Vec<_>>());
        assert_eq!(file(&["shop", "type", "v1"]), "shop.type.v1.rs");
        assert_eq!(file(&[]), "_.rs");
        assert_eq!((file(&["mod"]), file(&["CON"])), ("mod_.rs".to_owned(), "con_.rs".to_owned()));
        assert!(file(&["long"; 100]).len() < 255);
    }

    #[test]
    fn a_name_that_somebody_chose_is_taken_as_it_is() {
        assert_eq!(exact("HTTPRequest").as_deref(), Some("HTTPRequest"));
        assert_eq!(exact("type").as_deref(), Some("r#type"));
        assert_eq!(exact("r#type").as_deref(), Some("r#type"));
        for wrong in ["", "_", "self", "Self", "2fast", "a b", "a::b", "a-b", "fn()", "'a"] {
            assert_eq!(exact(wrong), None, "{wrong}");
        }
    }
}
