//! What the plan adds to printed types: attributes, and a `Debug` that keeps secrets.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Attribute, Fields, Ident, Item, Path, Token, parse_quote};

use crate::plan::TypeExtras;

/// Decorates the items of a module, `around` which stand others: `outer::`.
pub(super) fn items(items: &mut Vec<Item>, around: &str, types: &BTreeMap<String, TypeExtras>) {
    let mut decorated = Vec::with_capacity(items.len());
    for mut item in std::mem::take(items) {
        let mut debug = None;
        match &mut item {
            Item::Mod(module) => {
                let around = format!("{around}{}::", module.ident);
                if let Some((_, inner)) = &mut module.content {
                    self::items(inner, &around, types);
                }
            }
            Item::Struct(item) => {
                if let Some(extras) = types.get(&format!("{around}{}", item.ident)) {
                    decorate(&mut item.attrs, extras);
                    for field in &mut item.fields {
                        let name = field.ident.as_ref().map(Ident::to_string).unwrap_or_default();
                        add(&mut field.attrs, extras.fields.get(&name));
                    }
                    debug = shows(extras).then(|| of_struct(&item.ident, &item.fields, extras));
                }
            }
            Item::Enum(item) => {
                if let Some(extras) = types.get(&format!("{around}{}", item.ident)) {
                    decorate(&mut item.attrs, extras);
                    for variant in &mut item.variants {
                        add(&mut variant.attrs, extras.fields.get(&variant.ident.to_string()));
                    }
                    let variants = item.variants.iter().map(|variant| &variant.ident);
                    debug = shows(extras).then(|| of_enum(&item.ident, variants, extras));
                }
            }
            _ => {}
        }
        decorated.push(item);
        decorated.extend(debug);
    }
    *items = decorated;
}

/// Whether `Debug` is written here.
fn shows(extras: &TypeExtras) -> bool {
    extras.own_debug && !extras.skip_debug
}

fn decorate(attributes: &mut Vec<Attribute>, extras: &TypeExtras) {
    if extras.foreign {
        keep_derived(attributes, |name| !["Copy", "Eq", "Hash"].contains(&name));
    }
    // What is derived already cannot be derived again, and people write `#[derive(Eq)]` for all types at once.
    let skip_debug = extras.skip_debug || extras.own_debug;
    let mut known: Vec<String> = derived(attributes).into_iter().map(|path| last(&path)).collect();
    for (derive, others) in
        [("Message", &["Debug", "Default"][..]), ("Oneof", &["Debug"]), ("Enumeration", &["Default"])]
    {
        if known.iter().any(|known| known == derive) {
            known
                .extend(others.iter().filter(|it| **it != "Debug" || !skip_debug).map(|it| (*it).to_owned()));
        }
    }
    let mut added = parsed(&extras.attributes);
    keep_derived(&mut added, |name| !known.iter().any(|known| known == name));
    let behind_docs = attributes.iter().position(|it| !it.path().is_ident("doc")).unwrap_or(attributes.len());
    attributes.splice(behind_docs..behind_docs, added);
    if skip_debug {
        attributes.push(parse_quote!(#[prost(skip_debug)]));
    }
}

fn add(attributes: &mut Vec<Attribute>, texts: Option<&Vec<String>>) {
    attributes.extend(texts.into_iter().flat_map(|texts| parsed(texts)));
}

/// The settings let nothing else through.
fn parsed(texts: &[String]) -> Vec<Attribute> {
    texts.iter().flat_map(|text| Attribute::parse_outer.parse_str(text).unwrap_or_default()).collect()
}

fn derived(attributes: &[Attribute]) -> Vec<Path> {
    let derives = attributes.iter().filter(|it| it.path().is_ident("derive"));
    let paths = derives.flat_map(|it| {
        it.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated).unwrap_or_default()
    });
    paths.collect()
}

/// Keeps the derives whose names are wanted; an attribute with none goes.
fn keep_derived(attributes: &mut Vec<Attribute>, wanted: impl Fn(&str) -> bool) {
    for attribute in attributes.iter_mut().filter(|it| it.path().is_ident("derive")) {
        let mut paths = derived(std::slice::from_ref(attribute));
        paths.retain(|path| wanted(&last(path)));
        *attribute = parse_quote!(#[derive(#(#paths),*)]);
    }
    attributes.retain(|it| !it.path().is_ident("derive") || !derived(std::slice::from_ref(it)).is_empty());
}

fn last(path: &Path) -> String {
    path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
}

fn of_struct(ident: &Ident, fields: &Fields, extras: &TypeExtras) -> Item {
    let shown = fields.iter().filter_map(|field| field.ident.as_ref()).map(|field| {
        let label = label(field);
        match extras.redacted.contains(&field.to_string()) {
            true => quote!(.field(#label, &::core::format_args!("[redacted]"))),
            false => quote!(.field(#label, &self.#field)),
        }
    });
    let name = label(ident);
    debug(ident, quote!(f.debug_struct(#name) #(#shown)* .finish()))
}

fn of_enum<'a>(ident: &Ident, variants: impl Iterator<Item = &'a Ident>, extras: &TypeExtras) -> Item {
    let arms = variants.map(|variant| {
        let label = label(variant);
        match extras.redacted.contains(&variant.to_string()) {
            true => quote!(Self::#variant(_) => f.debug_tuple(#label).field(&::core::format_args!("[redacted]")).finish()),
            false => quote!(Self::#variant(value) => f.debug_tuple(#label).field(value).finish()),
        }
    });
    debug(ident, quote!(match self { #(#arms,)* }))
}

fn debug(ident: &Ident, body: TokenStream) -> Item {
    parse_quote! {
        #[allow(deprecated)]
        impl ::core::fmt::Debug for #ident {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                #body
            }
        }
    }
}

fn label(ident: &Ident) -> String {
    ident.to_token_stream().to_string().trim_start_matches("r#").to_owned()
}
