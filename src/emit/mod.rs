//! Plan to files: pages that look like their output.
//!
//! In: a plan and the printed messages. Out: files. Never: a decision, a failure, a look at the model.

use std::collections::BTreeMap;

use crate::docs;
use crate::files::{File, MARK, Owner};
use crate::messages::{self, Messages};
use crate::parallel;
use crate::plan::{Package, Plan};

mod client;
mod descriptor;
mod errors;
mod json;
mod modules;
mod page;
mod server;

use page::fill;

/// The files of a plan: one a package, and the module tree that includes them. `held` are texts that need not be printed.
pub(crate) fn emit(plan: &Plan, messages: &Messages, held: BTreeMap<String, String>) -> Vec<(String, File)> {
    let printed: Vec<&Package> =
        plan.packages.iter().filter(|package| !held.contains_key(&package.file)).collect();
    let pages = parallel::map(&printed, |package| (package.file.clone(), page(package, messages)));
    let modules = plan.has_modules.then(|| ("mod.rs".to_owned(), modules::page(plan)));
    let files = pages.into_iter().chain(held).chain(modules);
    files.map(|(name, text)| (name, File { text, owner: Owner::Tool })).collect()
}

/// The file of one package: services and errors, then messages as prost-build printed them.
fn page(package: &Package, messages: &Messages) -> String {
    let sources = package.sources.join(", ");
    let mut text = format!("{MARK} from {sources}. Do not edit.\n\n");
    if !package.services.is_empty() || !package.errors.is_empty() {
        text.push_str("use ::jovian_runtime::codegen::v1 as __jovian;\n\n");
    }
    let services = package
        .services
        .iter()
        .flat_map(|service| [descriptor::item(service), server::items(service), client::items(service)]);
    let errors = package.errors.iter().map(errors::items);
    text.push_str(&list(services.chain(errors)));
    let printed = messages.packages.get(&package.wire).map_or("", String::as_str);
    finish(printed, &messages.comments, &mut text);
    if !printed.is_empty() {
        text.push('\n');
    }
    // Nobody reads the descriptors, so they come last.
    let json = package.json.iter().map(json::item);
    text.push_str(&list(std::iter::once(descriptor::set(package)).chain(json)));
    text.truncate(text.trim_end().len() + 1);
    if package.modules.is_empty() { allowing(&text) } else { text }
}

/// Without a package there is no module to say for all of its items what they may do.
fn allowing(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for line in text.split_inclusive('\n') {
        if ["pub struct ", "pub enum ", "pub mod ", "pub trait ", "impl"]
            .iter()
            .any(|item| line.starts_with(item))
        {
            out.extend([messages::ALLOWED, "\n"]);
        }
        out.push_str(line);
    }
    out
}

/// Items with a blank line behind each of them.
fn list(items: impl Iterator<Item = String>) -> String {
    items.filter(|item| !item.is_empty()).map(|item| item + "\n").collect()
}

/// Puts the comments where their placeholders stand, and a blank line between items, which the formatter leaves out.
fn finish(text: &str, comments: &[Vec<String>], out: &mut String) {
    out.reserve(text.len() * 2);
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
}

fn begins_item(line: &str) -> bool {
    let line = line.trim_start();
    ["///", "#[", "pub ", "fn ", "impl "].iter().any(|start| line.starts_with(start))
}

fn ends_item(line: &str) -> bool {
    line.ends_with(['}', ';']) && !line.trim_start().starts_with("///")
}

/// The IDL's comment, and what it stands for.
fn docs_and(comment: &[String], sentence: &str) -> String {
    let lines = docs::followed_by(comment, sentence);
    lines.map(|line| if line.is_empty() { "///\n".to_owned() } else { format!("/// {line}\n") }).collect()
}

fn deprecated(yes: bool) -> &'static str {
    if yes { "#[deprecated]" } else { "" }
}
