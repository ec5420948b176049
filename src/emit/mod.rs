//! Plan to files: pages of `quote!` that look like their output.
//!
//! In: a plan and the printed messages. Out: files. Never: a decision, a failure, a look at the model.

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

/// The files of a plan: one a package, and the module tree that includes them.
pub(crate) fn emit(plan: &Plan, messages: &Messages) -> Vec<(String, File)> {
    let mut files: Vec<(String, File)> =
        plan.packages.iter().map(|package| (package.file.clone(), tool(page(package, messages)))).collect();
    files.push(("mod.rs".to_owned(), tool(modules::page(plan))));
    files
}

fn tool(text: String) -> File {
    File { text, owner: Owner::Tool }
}

/// The file of one package: messages as prost-build printed them, then errors and services.
fn page(package: &Package, messages: &Messages) -> String {
    let mut file = messages.texts.get(&package.wire).map_or_else(empty, |text| parse(text));
    let ours = parse(&items(package).to_string());
    // Imports first, as everybody expects them.
    file.items.splice(0..0, ours.items);
    let heading = format!("{MARK} from {}. Do not edit.\n\n", package.sources.join(", "));
    heading + &with_comments(&prettyplease::unparse(&file), &messages.comments)
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
    let descriptor_set = descriptor::set(package);
    quote! {
        use ::jovian_runtime::codegen::v1 as __jovian;
        #(#services)*
        #(#errors)*
        #descriptor_set
    }
}

/// Our own tokens and prost-build's text are Rust; a file that is not would be a mistake of ours that no input can cause,
/// and is shown as it is, so that rustc points at the place.
fn parse(text: &str) -> syn::File {
    syn::parse_file(text).unwrap_or_else(|_| {
        let problem = format!("compile_error!({text:?});");
        syn::parse_file(&problem).unwrap_or_else(|_| empty())
    })
}

fn empty() -> syn::File {
    syn::File { shebang: None, attrs: Vec::new(), items: Vec::new() }
}

/// Puts the comments where their placeholders stand.
fn with_comments(text: &str, comments: &[Vec<String>]) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for line in text.split_inclusive('\n') {
        let Some(lines) = messages::comment_number(line).and_then(|number| comments.get(number)) else {
            out.push_str(line);
            continue;
        };
        let indent = &line[..line.len() - line.trim_start().len()];
        for comment in lines {
            out.push_str(indent);
            out.push_str("///");
            if !comment.is_empty() {
                out.push(' ');
                out.push_str(comment);
            }
            out.push('\n');
        }
    }
    out
}

/// Doc comments.
fn docs<'a>(lines: impl IntoIterator<Item = &'a str>) -> TokenStream {
    let lines = lines.into_iter().map(|line| if line.is_empty() { String::new() } else { format!(" {line}") });
    quote!(#(#[doc = #lines])*)
}

/// The IDL's comment, or `otherwise` where it has none.
fn docs_or(lines: &[String], otherwise: &str) -> TokenStream {
    if lines.is_empty() { docs([otherwise]) } else { docs(lines.iter().map(String::as_str)) }
}

/// A path or a type that the plan has decided.
fn path(text: &str) -> TokenStream {
    text.parse().unwrap_or_default()
}

fn deprecated(yes: bool) -> TokenStream {
    if yes { quote!(#[deprecated]) } else { TokenStream::new() }
}
