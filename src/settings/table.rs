//! Every setting once: its name, its kind, its help.

use std::collections::BTreeMap;

use super::{Attributes, Overrides};

/// One setting, by whichever door it comes.
#[derive(Debug)]
pub struct Setting {
    /// As in `jovian.toml` and on the command line: `extern-path`. Plugin parameters may write `_` for `-`.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What a value looks like, for help texts.
    pub value: &'static str,
    /// What it does, in a line.
    pub help: &'static str,
}

/// What a setting holds, and where.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Yes or no.
    Switch(fn(&mut Overrides) -> &mut Option<bool>),
    /// Names.
    List(fn(&mut Overrides) -> &mut Vec<String>),
    /// A table from names of the IDL to one text each.
    Table(fn(&mut Overrides) -> &mut BTreeMap<String, String>),
    /// A table from selectors to any number of attributes.
    Attributes(fn(&mut Overrides) -> &mut Attributes),
}

/// All settings, in the order of the documentation.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "client",
        kind: Kind::Switch(|it| &mut it.client),
        value: "BOOL",
        help: "Generate clients [default: true]",
    },
    Setting {
        name: "server",
        kind: Kind::Switch(|it| &mut it.server),
        value: "BOOL",
        help: "Generate servers [default: true]",
    },
    Setting {
        name: "modules",
        kind: Kind::Switch(|it| &mut it.modules),
        value: "BOOL",
        help: "Generate `mod.rs`, and the types of imported files that are needed [default: true]",
    },
    Setting {
        name: "serde",
        kind: Kind::Switch(|it| &mut it.serde),
        value: "BOOL",
        help: "Give messages and enums serde's traits, after protobuf's JSON mapping [default: false]",
    },
    Setting {
        name: "packages",
        kind: Kind::List(|it| &mut it.details.packages),
        value: "PACKAGE",
        help: "Generate these packages alone, with the packages below them and the types they need",
    },
    Setting {
        name: "services",
        kind: Kind::List(|it| &mut it.details.services),
        value: "SERVICE",
        help: "Generate these services alone: `shop.v1.Orders`",
    },
    Setting {
        name: "extern-path",
        kind: Kind::Table(|it| &mut it.details.extern_path),
        value: "NAME=PATH",
        help: "Take a package or type from another crate: `.shop.common=::common_idl::shop::common`",
    },
    Setting {
        name: "rename",
        kind: Kind::Table(|it| &mut it.details.rename),
        value: "NAME=IDENT",
        help: "Call something by another name in Rust: `shop.v1.Foo_Bar=OtherFooBar`",
    },
    Setting {
        name: "java-interface",
        kind: Kind::Table(|it| &mut it.details.java_interface),
        value: "SERVICE=INTERFACE",
        help: "What a service is called in Java: `shop.v1.Orders=com.example.shop.Orders`",
    },
    Setting {
        name: "peers",
        kind: Kind::List(|it| &mut it.details.peers),
        value: "PEER",
        help: "Warn of what programs of these cannot use: `java` (Dubbo), `kitex`",
    },
    Setting {
        name: "bytes",
        kind: Kind::List(|it| &mut it.details.bytes),
        value: "SELECTOR",
        help: "Use `bytes::Bytes` for `bytes` fields",
    },
    Setting {
        name: "btree-map",
        kind: Kind::List(|it| &mut it.details.btree_map),
        value: "SELECTOR",
        help: "Use a `BTreeMap` for map fields",
    },
    Setting {
        name: "boxed",
        kind: Kind::List(|it| &mut it.details.boxed),
        value: "SELECTOR",
        help: "Put message fields into a `Box`",
    },
    Setting {
        name: "skip-debug",
        kind: Kind::List(|it| &mut it.details.skip_debug),
        value: "SELECTOR",
        help: "Leave the `Debug` of messages to you",
    },
    Setting {
        name: "type-attribute",
        kind: Kind::Attributes(|it| &mut it.details.type_attribute),
        value: "SELECTOR=ATTRIBUTE",
        help: "Add an attribute to messages, enums and oneofs: `.shop=#[derive(Hash)]`",
    },
    Setting {
        name: "message-attribute",
        kind: Kind::Attributes(|it| &mut it.details.message_attribute),
        value: "SELECTOR=ATTRIBUTE",
        help: "Add an attribute to messages",
    },
    Setting {
        name: "enum-attribute",
        kind: Kind::Attributes(|it| &mut it.details.enum_attribute),
        value: "SELECTOR=ATTRIBUTE",
        help: "Add an attribute to enums",
    },
    Setting {
        name: "field-attribute",
        kind: Kind::Attributes(|it| &mut it.details.field_attribute),
        value: "SELECTOR=ATTRIBUTE",
        help: "Add an attribute to fields and variants of oneofs",
    },
    Setting {
        name: "trait-attribute",
        kind: Kind::Attributes(|it| &mut it.details.trait_attribute),
        value: "SELECTOR=ATTRIBUTE",
        help: "Add an attribute to the traits of services",
    },
    Setting {
        name: "server-attribute",
        kind: Kind::Attributes(|it| &mut it.details.server_attribute),
        value: "SELECTOR=ATTRIBUTE",
        help: "Add an attribute to the servers of services",
    },
    Setting {
        name: "client-attribute",
        kind: Kind::Attributes(|it| &mut it.details.client_attribute),
        value: "SELECTOR=ATTRIBUTE",
        help: "Add an attribute to the clients of services",
    },
];

/// Whether a selector means the thing with this full name, as in prost-build: `.` everything, `.shop.v1` all that is
/// declared in it, `Order.id` whatever ends with it.
pub fn selects(selector: &str, full_name: &str) -> bool {
    let Some(prefix) = selector.strip_prefix('.') else {
        let rest = full_name.strip_suffix(selector);
        return rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    };
    let rest = full_name.strip_prefix(prefix);
    prefix.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether a name, with a dot in front or without, stands for another one or for something that this is declared in.
pub(crate) fn covers(name: &str, full_name: &str) -> bool {
    selects(&format!(".{}", name.trim_start_matches('.')), full_name)
}

impl Setting {
    /// The setting of that name; `_` counts as `-`.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        let name = name.replace('_', "-");
        SETTINGS.iter().find(|setting| setting.name == name)
    }

    /// Takes what a flag or a parameter says: `true`, `shop.v1`, `.shop=::idl::shop`.
    pub(crate) fn set(&self, overrides: &mut Overrides, text: &str) -> Result<(), String> {
        match self.kind {
            Kind::Switch(_) | Kind::List(_) => self.add(overrides, text, ""),
            Kind::Table(_) | Kind::Attributes(_) => {
                let pair = text.split_once('=').ok_or_else(|| format!("`{text}` is no {}", self.value))?;
                self.add(overrides, pair.0.trim(), pair.1.trim())
            }
        }
    }

    /// Adds an entry to a table, or to a list; lists and switches have no `value`.
    pub(crate) fn add(&self, overrides: &mut Overrides, name: &str, value: &str) -> Result<(), String> {
        if !matches!(self.kind, Kind::Switch(_)) {
            check_name(name)?;
        }
        match self.kind {
            Kind::Switch(field) => {
                let yes = name.parse().map_err(|_| format!("`{name}` is neither `true` nor `false`"))?;
                *field(overrides) = Some(yes);
            }
            Kind::List(field) => {
                if self.name == "peers" {
                    check_peer(name)?;
                }
                field(overrides).push(name.to_owned());
            }
            Kind::Attributes(field) => {
                check_attribute(value)?;
                field(overrides).push((name.to_owned(), value.to_owned()));
            }
            Kind::Table(field) => {
                if self.name == "extern-path" {
                    check_path(value)?;
                }
                let known = field(overrides).insert(name.to_owned(), value.to_owned());
                if known.is_some_and(|known| known != value) {
                    return Err(format!("`{name}` is given twice"));
                }
            }
        }
        Ok(())
    }

    /// Joins what somebody said later to what was said before.
    pub(super) fn join(&self, whole: &mut Overrides, later: &mut Overrides) {
        match self.kind {
            Kind::Switch(field) => *field(whole) = field(later).or(*field(whole)),
            Kind::List(field) if field(later).is_empty() => {}
            Kind::List(field) => *field(whole) = std::mem::take(field(later)),
            Kind::Table(field) => field(whole).append(field(later)),
            Kind::Attributes(field) => field(whole).append(field(later)),
        }
    }
}

/// `.`, `.shop.v1`, `Order.id`
fn check_name(name: &str) -> Result<(), String> {
    let part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let rest = name.strip_prefix('.').unwrap_or(name);
    let legal = name == "." || rest.split('.').all(part);
    if legal { Ok(()) } else { Err(format!("`{name}` is no name of the IDL")) }
}

fn check_peer(name: &str) -> Result<(), String> {
    let known = ["java", "kitex"].contains(&name);
    if known { Ok(()) } else { Err(format!("`{name}` is neither `java` nor `kitex`")) }
}

/// Every module of the output has to find it.
fn check_path(path: &str) -> Result<(), String> {
    let parsed = syn::parse_str::<syn::Path>(path).ok();
    let absolute = parsed.is_some_and(|path| {
        path.leading_colon.is_some() || path.segments.first().is_some_and(|first| first.ident == "crate")
    });
    if absolute { Ok(()) } else { Err(format!("`{path}` is no path that begins with `::` or `crate::`")) }
}

fn check_attribute(text: &str) -> Result<(), String> {
    let parsed = syn::parse::Parser::parse_str(syn::Attribute::parse_outer, text);
    let some = parsed.is_ok_and(|attributes| !attributes.is_empty());
    if some { Ok(()) } else { Err(format!("`{text}` is no attribute like `#[derive(Hash)]`")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors() {
        for (selector, name, selected) in [
            (".", "shop.Order", true),
            (".shop", "shop.Order", true),
            (".shop.Order", "shop.Order", true),
            (".shop.Ord", "shop.Order", false),
            ("Order", "shop.Order", true),
            ("Order.id", "shop.Order.id", true),
            ("rder.id", "shop.Order.id", false),
            ("shop", "shop.Order", false),
        ] {
            assert_eq!(selects(selector, name), selected, "{selector} {name}");
        }
    }

    #[test]
    fn values_are_checked() {
        let try_out = |name: &str, text: &str| {
            Setting::find(name).unwrap().set(&mut Overrides::default(), text).err().unwrap_or_default()
        };
        assert_eq!(try_out("client", "maybe"), "`maybe` is neither `true` nor `false`");
        assert_eq!(try_out("extern_path", ".a=::a::b"), "");
        assert!(try_out("extern-path", ".a=super::a").contains("begins with"));
        assert!(try_out("extern-path", ".a").contains("NAME=PATH"));
        assert_eq!(try_out("type-attribute", ".=#[derive(Hash, Eq)]"), "");
        assert!(try_out("type-attribute", ".=derive(Hash)").contains("no attribute"));
        assert_eq!(try_out("peers", "kitex"), "");
        assert_eq!(try_out("peers", "cobol"), "`cobol` is neither `java` nor `kitex`");
        assert!(try_out("bytes", "a..b").contains("no name"));
    }
}
