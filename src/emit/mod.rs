//! Plan to files: pages of `quote!` that look like their output.
//!
//! In: a plan and the printed messages. Out: files. Never: a decision, a failure, a look at the model.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::quote;

use crate::files::{File, MARK, Owner};
use crate::messages::{self, Messages};
use crate::plan::{Package, Plan};

mod client;
mod descriptor;
mod errors;
mod modules;
mod server;

/// The files of a plan: one a package, and the module tree that includes them. `held` are texts that need not be printed.
pub(crate) fn emit(
    plan: &Plan,
    messages: Messages,
    mut held: BTreeMap<String, String>,
) -> Vec<(String, File)> {
    let Messages { mut packages, comments } = messages;
    let mut page_of = |package: &Package| {
        let text = held.remove(&package.file);
        text.unwrap_or_else(|| page(package, packages.remove(&package.wire), &comments))
    };
    let mut files: Vec<(String, File)> =
        plan.packages.iter().map(|package| (package.file.clone(), tool(page_of(package)))).collect();
    if plan.has_modules {
        files.push(("mod.rs".to_owned(), tool(modules::page(plan))));
    }
    files
}

fn tool(text: String) -> File {
    File { text, owner: Owner::Tool }
}

/// The file of one package: services and errors, then messages as prost-build printed them.
fn page(package: &Package, messages: Option<syn::File>, comments: &[Vec<String>]) -> String {
    let mut file = parse(items(package));
    file.items.extend(messages.into_iter().flat_map(|messages| messages.items));
    // Nobody reads it, so it comes last.
    file.items.extend(parse(descriptor::set(package)).items);
    if package.modules.is_empty() {
        // Without a package there is no module to say it for all of them.
        let allowed = parse(
            path(messages::ALLOWED)
                .into_iter()
                .chain(quote!(
                    mod all;
                ))
                .collect(),
        );
        let allowed: Vec<_> =
            allowed.items.into_iter().filter_map(|mut all| attributes(&mut all).cloned()).collect();
        for attributes in file.items.iter_mut().filter_map(attributes) {
            attributes.extend(allowed.iter().flatten().cloned());
        }
    }
    let heading = format!("{MARK} from {}. Do not edit.\n\n", package.sources.join(", "));
    heading + &finish(&prettyplease::unparse(&file), comments)
}

/// The attributes of an item in which something may be unusual.
fn attributes(item: &mut syn::Item) -> Option<&mut Vec<syn::Attribute>> {
    match item {
        syn::Item::Enum(item) => Some(&mut item.attrs),
        syn::Item::Impl(item) => Some(&mut item.attrs),
        syn::Item::Mod(item) => Some(&mut item.attrs),
        syn::Item::Struct(item) => Some(&mut item.attrs),
        syn::Item::Trait(item) => Some(&mut item.attrs),
        _ => None,
    }
}

fn items(package: &Package) -> TokenStream {
    if package.services.is_empty() && package.errors.is_empty() {
        return TokenStream::new();
    }
    let errors = package.errors.iter().map(errors::items);
    let services = package.services.iter().map(|service| {
        let (server, client) = (server::items(service), client::items(service));
        let descriptor = descriptor::item(service);
        quote!(#descriptor #server #client)
    });
    quote! {
        use ::jovian_runtime::codegen::v1 as __jovian;
        #(#services)*
        #(#errors)*
    }
}

/// Our own tokens are always Rust; if they were not, rustc would say so at this place in the user's build.
fn parse(tokens: TokenStream) -> syn::File {
    syn::parse2(tokens).unwrap_or_else(|error| {
        let problem = format!("jovian printed no Rust: {error}");
        syn::File {
            shebang: None,
            attrs: Vec::new(),
            items: vec![syn::parse_quote!(compile_error!(#problem);)],
        }
    })
}

/// Puts the comments where their placeholders stand, and a blank line between items, which the formatter leaves out.
fn finish(text: &str, comments: &[Vec<String>]) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut last = "";
    for line in text.lines() {
        let indent = &line[..line.len() - line.trim_start().len()];
        let comment =
            messages::comment_number(line).map(|number| comments.get(number).map_or(&[][..], Vec::as_slice));
        if begins_item(line)
            && ends_item(last)
            && last.starts_with(indent)
            && !last[indent.len()..].starts_with(' ')
        {
            out.push('\n');
        }
        match comment {
            None => out.extend([line, "\n"]),
            Some(lines) => {
                for text in lines {
                    let space = if text.is_empty() { "" } else { " " };
                    out.extend([indent, "///", space, text, "\n"]);
                }
            }
        }
        last = line;
    }
    out
}

fn begins_item(line: &str) -> bool {
    let line = line.trim_start();
    ["///", "#[", "pub ", "fn ", "impl "].iter().any(|start| line.starts_with(start))
}

fn ends_item(line: &str) -> bool {
    line.ends_with(['}', ';']) && !line.trim_start().starts_with("///")
}

/// Doc comments.
fn docs<'a>(lines: impl IntoIterator<Item = &'a str>) -> TokenStream {
    let lines =
        lines.into_iter().map(|line| if line.is_empty() { String::new() } else { format!(" {line}") });
    quote!(#(#[doc = #lines])*)
}

/// The IDL's comment, and what it stands for.
fn docs_and(comment: &[String], sentence: &str) -> TokenStream {
    docs(crate::docs::followed_by(comment, sentence))
}

/// A path or a type that the plan has decided.
fn path(text: &str) -> TokenStream {
    text.parse().unwrap_or_default()
}

fn deprecated(yes: bool) -> TokenStream {
    if yes { quote!(#[deprecated]) } else { TokenStream::new() }
}
