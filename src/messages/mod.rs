//! Messages and enums, printed by prost-build: the only place that talks to it.
//!
//! In: the model's descriptors and the plan's edits. Out: the items of each package, and the comments that belong to them;
//! what prost cannot express, and its panics, as complaints. Never: services, files.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

use prost_build::Module;
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};

use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::idl::is_well_known;
use crate::model::Model;
use crate::names::{self, RUNTIME};
use crate::parallel;
use crate::plan::{Plan, TypeExtras};

mod boxes;
mod comments;
mod decorate;
mod derives;
mod edit;
mod layout;

pub(crate) use comments::comment_number;

/// What prost-build printed.
#[derive(Default)]
pub(crate) struct Messages {
    /// The items of a package, formatted, by the package's name in the IDL.
    pub packages: BTreeMap<String, String>,
    /// The comments that the items refer to by number.
    pub comments: Vec<Vec<String>>,
}

/// What printed code may do: its names and shapes are the IDL's, and not everybody comments.
pub(crate) const ALLOWED: &str = "#[allow(deprecated, missing_docs, clippy::doc_lazy_continuation, \
    clippy::doc_overindented_list_items, clippy::enum_variant_names, clippy::large_enum_variant, \
    clippy::module_inception, clippy::new_ret_no_self, clippy::self_named_constructors, clippy::should_implement_trait, \
    clippy::upper_case_acronyms, clippy::wrong_self_convention, non_camel_case_types, non_snake_case)]";

/// Prints the messages of all generated files.
pub(crate) fn print(model: &Model, plan: &Plan, diags: &mut Diagnostics) -> Messages {
    let mut comments = Vec::new();
    let mut files = match generate(model, plan, None, &mut comments) {
        Ok(files) => files,
        Err(problem) => {
            diags.push(locate(model, plan, problem));
            return Messages::default();
        }
    };
    let packages = model.packages.iter().filter_map(|package| {
        let items = files.remove(&Module::from_parts([&package.name]))?;
        Some((package.name.clone(), items))
    });
    Messages { packages: packages.collect(), comments }
}

/// Runs prost-build on all files; prints those that are generated, or `only` one of them.
fn generate(
    model: &Model,
    plan: &Plan,
    only: Option<&str>,
    comments: &mut Vec<Vec<String>>,
) -> Result<BTreeMap<Module, String>, String> {
    let mut config = prost_build::Config::new();
    config.prost_path(format!("{RUNTIME}::prost")).compile_well_known_types();
    let Plan { edits, extras, .. } = plan;
    config.bytes(&extras.bytes).btree_map(&extras.btree_map);
    for path in &extras.boxed {
        config.boxed(path);
    }
    for (full_name, path) in extras.elsewhere.iter() {
        config.extern_path(format!(".{}", edits.applied_to(full_name)), path);
    }
    let dropped: BTreeSet<String> = edits.dropped.iter().map(|name| edits.applied_to(name)).collect();
    let mut requests = Vec::new();
    for file in &model.files {
        let printed = file.generate && only.is_none_or(|only| only == file.name);
        // What prost-build reads of a file, and no more: the comments alone are half of it.
        let original = &file.descriptor;
        let mut descriptor = FileDescriptorProto {
            name: original.name.clone(),
            package: original.package.clone(),
            message_type: original.message_type.clone(),
            enum_type: original.enum_type.clone(),
            source_code_info: printed.then(|| comments::mark(file, comments)),
            syntax: original.syntax.clone(),
            ..FileDescriptorProto::default()
        };
        edit::file(&mut descriptor, edits);
        for (name, shown) in top_level(&file.descriptor).zip(top_level(&descriptor)) {
            if extras.elsewhere.path(&names::full(&file.package, name)).is_some() {
                continue;
            }
            let full_name = names::full(descriptor.package(), shown);
            // prost-build wants to see every file, but prints no type that is said to be elsewhere.
            if !printed || dropped.contains(&full_name) {
                let path = match is_well_known(&file.name) {
                    true => names::well_known(&full_name),
                    false => None,
                };
                let path = path.unwrap_or_else(|| "()".to_owned());
                config.extern_path(format!(".{full_name}"), path);
            }
        }
        requests.push((Module::from_parts([&file.package]), descriptor));
    }
    for path in boxes::needed(requests.iter().map(|(_, descriptor)| descriptor)) {
        config.boxed(path);
    }
    let answers =
        derives::answers(requests.iter().map(|(_, descriptor)| descriptor), !extras.boxed.is_empty());
    let aside = Module::from_parts(["answers", "of", "nobody"]);
    requests.extend(answers.into_iter().map(|descriptor| (aside.clone(), descriptor)));
    let mut texts = quietly(|| config.generate(requests).map_err(|error| error.to_string()))?;
    texts.remove(&aside);
    let texts: Vec<(Module, String)> = texts.into_iter().collect();
    let types: BTreeMap<Module, _> =
        extras.types.iter().map(|(package, types)| (Module::from_parts([package]), types)).collect();
    let formatted = parallel::map(&texts, |(module, text)| {
        format(&tidied(&edits.restored(text)), types.get(module).copied())
    });
    texts.into_iter().zip(formatted).map(|((module, _), text)| Ok((module, text?))).collect()
}

/// Lays the text of a package out. prost-build prints any name; whether it is one in Rust shows here.
fn format(text: &str, types: Option<&BTreeMap<String, TypeExtras>>) -> Result<String, String> {
    if types.is_none()
        && let Some(text) = layout::lay_out(text)
    {
        return Ok(text);
    }
    let mut file = syn::parse_file(text).map_err(|error| {
        // What has no tokens has no lines either.
        let line = error.span().start().line.saturating_sub(1);
        let line = text.lines().nth(line).unwrap_or_default();
        format!("{error} in `{}`", line.trim())
    })?;
    if let Some(types) = types {
        decorate::items(&mut file.items, "", types);
    }
    Ok(prettyplease::unparse(&file))
}

fn top_level(file: &FileDescriptorProto) -> impl Iterator<Item = &str> {
    let messages = file.message_type.iter().map(DescriptorProto::name);
    messages.chain(file.enum_type.iter().map(EnumDescriptorProto::name))
}

/// The same text, with the short paths to what the prelude knows, and with `self::` before enums that are called like something
/// inside of the functions that prost derives.
fn tidied(text: &str) -> String {
    let long = format!("{RUNTIME}::prost::alloc::");
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let is_attribute = line.trim_start().starts_with("#[");
        match is_attribute {
            true if line.contains("enumeration") => out.push_str(&unshadowed(line)),
            false if line.contains(&long) => out.push_str(&line.replace(&long, "::std::")),
            _ => out.push_str(line),
        }
    }
    out
}

fn unshadowed(attribute: &str) -> String {
    let names = ["Inner", "KeyWrapper", "MapWrapper", "ScalarWrapper", "ValueWrapper"];
    names.iter().fold(attribute.to_owned(), |text, name| {
        text.replace(&format!("enumeration = \"{name}\""), &format!("enumeration = \"self::{name}\""))
            .replace(&format!("enumeration({name})"), &format!("enumeration(self::{name})"))
    })
}

/// Runs `work` without letting a panic out, onto the terminal or up the stack.
fn quietly<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    // The hook belongs to the process: two runs at once must not put each other's hook back.
    static HOOK: Mutex<()> = Mutex::new(());
    let _one_at_a_time = HOOK.lock().unwrap_or_else(PoisonError::into_inner);
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    panic::set_hook(hook);
    result.unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        Err(text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("unknown problem").to_owned())
    })
}

/// Finds the file that prost-build stumbles over by printing one at a time.
fn locate(model: &Model, plan: &Plan, problem: String) -> Diagnostic {
    let guilty = model.files.iter().filter(|file| file.generate).find_map(|file| {
        let problem = generate(model, plan, Some(&file.name), &mut Vec::new()).err()?;
        Some((file.path.clone(), problem))
    });
    let (file, problem) = guilty.map_or((None, problem), |(file, problem)| (Some(file), problem));
    Diagnostic::error(Code::Messages, format!("the messages cannot be expressed in Rust: {problem}"))
        .at(file.map(Span::file))
        .help("rename what the message speaks of")
}
