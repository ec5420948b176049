//! Names that prost-build gives twice, because two names of the IDL are one in Rust.
//!
//! In: printed items, and the modules that lie beside them. Out: what is defined twice, in words.

use std::collections::BTreeSet;

/// All twins of a file; `beside` are the modules of the packages below its own.
pub(super) fn find(file: &syn::File, beside: BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    scope("", &file.items, beside, &mut found);
    found
}

fn scope(path: &str, items: &[syn::Item], mut types: BTreeSet<String>, found: &mut Vec<String>) {
    for item in items {
        let name = match item {
            syn::Item::Struct(item) => {
                let fields = item.fields.iter().filter_map(|field| field.ident.as_ref());
                members(&format!("{path}{}", item.ident), "field", fields, found);
                &item.ident
            }
            syn::Item::Enum(item) => {
                let variants = item.variants.iter().map(|variant| &variant.ident);
                members(&format!("{path}{}", item.ident), "variant", variants, found);
                &item.ident
            }
            syn::Item::Mod(item) => {
                let items = item.content.as_ref().map_or(&[][..], |(_, items)| items.as_slice());
                scope(&format!("{path}{}::", item.ident), items, BTreeSet::new(), found);
                &item.ident
            }
            _ => continue,
        };
        if !types.insert(name.to_string()) {
            found.push(format!("`{path}{name}` would be defined twice"));
        }
    }
}

fn members<'a>(
    owner: &str,
    kind: &str,
    names: impl Iterator<Item = &'a syn::Ident>,
    found: &mut Vec<String>,
) {
    let mut seen = BTreeSet::new();
    for name in names.filter(|name| !seen.insert((*name).clone())) {
        found.push(format!("the {kind} `{name}` of `{owner}` would be defined twice"));
    }
}
