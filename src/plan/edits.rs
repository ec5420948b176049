//! What prost-build is shown instead of the original names, and what it printed with the names of the plan in it.
//!
//! A thing whose name had to change is shown under a number behind a letter that no IDL can write. The letter has an upper
//! and a lower case, so prost-build prints the number as a type or as a field, and both are found again.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::names::{self, prefixes};

/// What stands in Rust for one name of the IDL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Printed {
    /// As a type or a variant: `FooBar2`
    pub upper: String,
    /// As a module, a field or a method: `foo_bar2`; of the value of an enum, its name on the wire.
    pub lower: String,
    /// Other names on the wire of the same value.
    pub aliases: Vec<String>,
}

/// Changes to the descriptors before prost-build prints messages from them.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Edits {
    /// Enums that are printed as errors and used nowhere else; full names.
    pub dropped: BTreeSet<String>,
    /// The first value with the number of an alias, by the alias' name below its enum: `shop.Kind.KIND_OLD`.
    pub firsts: BTreeMap<String, String>,
    /// Places in `printed`, by full names of the IDL; values are below their enum.
    renamed: BTreeMap<String, usize>,
    printed: Vec<Printed>,
}

const LOWER: char = '𐐨';
const UPPER: char = '𐐀';

impl Edits {
    /// Prints `full_name` under a new name.
    pub(super) fn rename(&mut self, full_name: String, printed: Printed) {
        self.renamed.insert(full_name, self.printed.len());
        self.printed.push(printed);
    }

    fn printed(&self, full_name: &str) -> Option<&Printed> {
        self.printed.get(*self.renamed.get(full_name)?)
    }

    /// What prost-build is shown as the last part of a full name, if it is not what the IDL says.
    pub(crate) fn shown(&self, full_name: &str) -> Option<String> {
        self.renamed.get(full_name).map(|number| format!("{LOWER}{number}"))
    }

    /// A full name, without a leading dot, as prost-build is shown it.
    pub(crate) fn applied_to(&self, full_name: &str) -> String {
        if self.renamed.is_empty() {
            return full_name.to_owned();
        }
        let parts =
            prefixes(full_name).map(|prefix| self.shown(prefix).unwrap_or_else(|| last(prefix).to_owned()));
        parts.collect::<Vec<_>>().join(".")
    }

    /// The modules of a package or of what is declared in a message: `shop.v1` → `["shop", "v1"]`.
    pub(super) fn modules<'a>(&'a self, full_name: &'a str) -> impl Iterator<Item = String> + 'a {
        prefixes(full_name).map(|prefix| match self.printed(prefix) {
            Some(printed) => printed.lower.clone(),
            None => names::module(last(prefix)),
        })
    }

    /// A field or a oneof.
    pub(super) fn field_name(&self, full_name: &str) -> String {
        match self.printed(full_name) {
            Some(printed) => printed.lower.clone(),
            None => names::method(last(full_name)),
        }
    }

    /// The type of a message, an enum or a oneof, without the modules around it; a variant of a oneof.
    pub(super) fn type_name(&self, full_name: &str) -> String {
        match self.printed(full_name) {
            Some(printed) => printed.upper.clone(),
            None => names::type_name(last(full_name)),
        }
    }

    /// The path from the module of `package` to the message or enum `full_name`, whose package is `home`.
    ///
    /// Relative, because nobody knows where a user puts the generated modules: `super::super::common::v1::Money`.
    pub(super) fn path(&self, package: &str, home: &str, full_name: &str) -> String {
        let shared = prefixes(package).zip(prefixes(home)).take_while(|(from, to)| from == to).count();
        let mut path = "super::".repeat(prefixes(package).count() - shared);
        for module in self.modules(names::scope(full_name)).skip(shared) {
            path.push_str(&module);
            path.push_str("::");
        }
        path + &self.type_name(full_name)
    }

    /// What prost-build printed, with the names of the plan where it was shown others.
    pub(crate) fn restored<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.renamed.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find([LOWER, UPPER]) {
            out.push_str(&rest[..at]);
            let is_type = rest[at..].starts_with(UPPER) || out.ends_with("enum types in `");
            rest = &rest[at + LOWER.len_utf8()..];
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let printed = rest[..end].parse().ok().and_then(|number: usize| self.printed.get(number));
            rest = &rest[end..];
            let Some(printed) = printed else { continue };
            out.push_str(if is_type { &printed.upper } else { &printed.lower });
            // The arm of `from_str_name`.
            if rest.starts_with("\" => ") {
                printed.aliases.iter().for_each(|alias| out.extend(["\" | \"", alias]));
            }
        }
        Cow::Owned(out + rest)
    }
}

/// `a.b.C` → `C`
fn last(full_name: &str) -> &str {
    full_name.rsplit('.').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_go_up_and_down() {
        let mut edits = Edits::default();
        assert_eq!(edits.path("a.b", "a.b", "a.b.Outer.Inner"), "outer::Inner");
        assert_eq!(edits.path("a.b", "a.c", "a.c.M"), "super::c::M");
        assert_eq!(edits.path("a.b", "a", "a.M"), "super::M");
        assert_eq!(edits.path("", "a", "a.M"), "a::M");
        assert_eq!(edits.path("a", "", "M"), "super::M");
        let printed =
            |upper: &str, lower: &str| Printed { upper: upper.into(), lower: lower.into(), aliases: vec![] };
        edits.rename("a.c".into(), printed("", "c2"));
        edits.rename("a.c.M".into(), printed("M2", "m2"));
        assert_eq!(edits.path("a.b", "a.c", "a.c.M"), "super::c2::M2");
        assert_eq!(edits.path("a.b", "a.c", "a.c.M.Inner"), "super::c2::m2::Inner");
    }

    #[test]
    fn names_come_back() {
        let mut edits = Edits::default();
        let printed = Printed { upper: "Bar2".into(), lower: "BAR".into(), aliases: vec!["OLD".into()] };
        edits.rename("p.E.BAR".into(), printed);
        assert_eq!(edits.applied_to("p.E.BAR"), "p.E.𐐨0");
        let text = "𐐀0 = 1, Self::𐐀0 => \"𐐨0\", \"𐐨0\" => Some(Self::𐐀0)".to_owned();
        assert_eq!(
            edits.restored(&text),
            "Bar2 = 1, Self::Bar2 => \"BAR\", \"BAR\" | \"OLD\" => Some(Self::Bar2)"
        );
    }
}
