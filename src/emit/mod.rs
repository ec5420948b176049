//! Plan to files: pages of `quote!` that look like their output.
//!
//! In: a plan and the printed messages. Out: files. Never: a decision, a failure, a look at the model.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::quote;

use crate::files::{File, MARK, Owner};
use crate::messages::{self, Messages};
use crate::parallel;
use crate::plan::{Package, Plan};

mod client;
mod descriptor;
mod errors;
mod json;
mod modules;
mod server;

/// The files of a plan: one a package, and the module tree that includes them. `held` are texts that need not be printed.
pub(crate) fn emit(plan: &Plan, messages: &Messages, held: &BTreeMap<String, String>) -> Vec<(String, File)> {
    let pages = parallel::map(&plan.packages, |package| {
        let text = held.get(&package.file).cloned();
        (package.file.clone(), tool(text.unwrap_or_else(|| page(package, messages))))
    });
    let modules = plan.has_modules.then(|| ("mod.rs".to_owned(), tool(modules::page(plan))));
    pages.into_iter().chain(modules).collect()
}

fn tool(text: String) -> File {
    File { text, owner: Owner::Tool }
}

/// The file of one package: services and errors, then messages as prost-build printed them.
fn page(package: &Package, messages: &Messages) -> String {
    let mut text = prettyplease::unparse(&parse(items(package)));
    text.push_str(messages.packages.get(&package.wire).map_or("", String::as_str));
    let mut text = finish(&text, &messages.comments);
    // Nobody reads the descriptors, so they come last.
    text.push_str(&descriptor::set(package));
    text.extend(package.json.as_ref().map(json::item));
    if package.modules.is_empty() {
        text = allowing(&text);
    }
    let heading = format!("{MARK} from {}. Do not edit.\n\n", package.sources.join(", "));
    heading + &text
}

/// Without a package there is no module to say for all of its items what they may do.
fn allowing(text: &str) -> String {
    let allow = prettyplease::unparse(&parse(
        path(messages::ALLOWED)
            .into_iter()
            .chain(quote!(
                mod all;
            ))
            .collect(),
    ));
    let allow = allow.trim_end_matches("mod all;\n");
    let mut out = String::with_capacity(text.len() * 2);
    for line in text.split_inclusive('\n') {
        if ["pub struct ", "pub enum ", "pub mod ", "pub trait ", "impl"]
            .iter()
            .any(|item| line.starts_with(item))
        {
            out.push_str(allow);
        }
        out.push_str(line);
    }
    out
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
