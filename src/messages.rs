//! Messages and enums, printed by prost-build: the only place that talks to it.
//!
//! In: the model's descriptors and the plan's edits. Out: the items of each package, and the comments that belong to them;
//! what prost cannot express, and its panics, as complaints. Never: services, files.

use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

use prost_build::Module;
use prost_types::source_code_info::Location;
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto, SourceCodeInfo};

use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::docs;
use crate::idl::Locations;
use crate::model::Model;
use crate::names::{self, RUNTIME};
use crate::plan::Edits;

/// What prost-build printed.
#[derive(Default)]
pub(crate) struct Messages {
    /// The items of a package, by the package's name in the IDL.
    pub packages: BTreeMap<String, syn::File>,
    /// The comments that the items refer to by [`placeholder`].
    pub comments: Vec<Vec<String>>,
}

/// What printed code may do: its names and shapes are the IDL's, and not everybody comments.
pub(crate) const ALLOWED: &str = "#[allow(deprecated, missing_docs, clippy::doc_lazy_continuation, \
    clippy::doc_overindented_list_items, clippy::enum_variant_names, clippy::large_enum_variant, \
    clippy::module_inception, clippy::new_ret_no_self, clippy::should_implement_trait, \
    clippy::upper_case_acronyms, clippy::wrong_self_convention)]";

/// Stands in a text where the comment with this number belongs: prost-build would change the comments it is given.
fn placeholder(number: usize) -> String {
    format!("jovian:comment:{number}")
}

/// The number of the comment that a doc line stands for.
pub(crate) fn comment_number(line: &str) -> Option<usize> {
    line.trim().strip_prefix("/// jovian:comment:")?.parse().ok()
}

/// Prints the messages of all generated files.
pub(crate) fn print(model: &Model, edits: &Edits, diags: &mut Diagnostics) -> Messages {
    let mut comments = Vec::new();
    let mut files = match generate(model, edits, None, &mut comments) {
        Ok(files) => files,
        Err(problem) => {
            diags.push(locate(model, edits, problem));
            return Messages::default();
        }
    };
    let packages = model.packages.iter().filter_map(|package| {
        let items = files.remove(&Module::from_protobuf_package_name(&package.name))?;
        Some((package.name.clone(), items))
    });
    Messages { packages: packages.collect(), comments }
}

/// Runs prost-build on all files; prints those that are generated, or `only` one of them.
fn generate(
    model: &Model,
    edits: &Edits,
    only: Option<&str>,
    comments: &mut Vec<Vec<String>>,
) -> Result<BTreeMap<Module, syn::File>, String> {
    let mut config = prost_build::Config::new();
    config.prost_path(format!("{RUNTIME}::prost")).compile_well_known_types();
    let mut requests = Vec::new();
    for file in &model.files {
        let printed = file.generate && only.is_none_or(|only| only == file.name);
        let mut descriptor = file.descriptor.clone();
        descriptor.source_code_info = printed.then(|| mark(&descriptor, comments));
        edit(&mut descriptor, &file.package, edits);
        let top = descriptor.message_type.iter().map(DescriptorProto::name);
        for name in top.chain(descriptor.enum_type.iter().map(EnumDescriptorProto::name)) {
            let full_name = names::full(&file.package, name);
            // prost-build wants to see every file, but prints no type that is said to be elsewhere.
            if !printed || edits.dropped.contains(&full_name) {
                let path = names::well_known(&full_name).unwrap_or_else(|| "()".to_owned());
                config.extern_path(format!(".{full_name}"), path);
            } else if file.package.is_empty() {
                // Without a package there is no module to say it for all of them.
                config.type_attribute(format!(".{full_name}"), ALLOWED);
            }
        }
        requests.push((Module::from_protobuf_package_name(&file.package), descriptor));
    }
    let texts = quietly(|| config.generate(requests).map_err(|error| error.to_string()))?;
    let parsed = texts.into_iter().map(|(module, text)| {
        let file = syn::parse_file(&text);
        // prost-build prints any name; whether it is one in Rust shows here.
        file.map(|file| (module, file)).map_err(|error| {
            let line = text.lines().nth(error.span().start().line - 1).unwrap_or_default();
            format!("{error} in `{}`", line.trim())
        })
    });
    parsed.collect()
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
fn locate(model: &Model, edits: &Edits, problem: String) -> Diagnostic {
    let guilty = model.files.iter().filter(|file| file.generate).find_map(|file| {
        let problem = generate(model, edits, Some(&file.name), &mut Vec::new()).err()?;
        Some((file.path.clone(), problem))
    });
    let (file, problem) = guilty.map_or((None, problem), |(file, problem)| (Some(file), problem));
    Diagnostic::error(Code::Messages, format!("the messages cannot be expressed in Rust: {problem}"))
        .at(file.map(Span::file))
        .help("rename what the message speaks of")
}

/// Applies the edits to one file.
fn edit(descriptor: &mut FileDescriptorProto, package: &str, edits: &Edits) {
    // prost-build finds comments by position, so no message or enum is removed here.
    descriptor.service.clear();
    descriptor.enum_type.iter_mut().for_each(|enumeration| rename(&mut enumeration.name, package, edits));
    descriptor.message_type.iter_mut().for_each(|message| edit_message(message, package, edits));
}

/// Gives a message and everything in it the new names, and follows them in the types of fields.
fn edit_message(message: &mut DescriptorProto, scope: &str, edits: &Edits) {
    let full_name = names::full(scope, message.name());
    for field in &mut message.field {
        rename(&mut field.name, &full_name, edits);
        if let Some(used) = field.type_name.as_mut().filter(|used| !used.is_empty()) {
            *used = format!(".{}", edits.applied_to(used.trim_start_matches('.')));
        }
    }
    message.oneof_decl.iter_mut().for_each(|oneof| rename(&mut oneof.name, &full_name, edits));
    message.enum_type.iter_mut().for_each(|enumeration| rename(&mut enumeration.name, &full_name, edits));
    message.nested_type.iter_mut().for_each(|nested| edit_message(nested, &full_name, edits));
    rename(&mut message.name, scope, edits);
}

fn rename(name: &mut Option<String>, scope: &str, edits: &Edits) {
    let renamed = name.as_ref().and_then(|name| edits.renamed.get(&names::full(scope, name)));
    if let Some(renamed) = renamed {
        *name = Some(renamed.clone());
    }
}

/// Gives everything that can carry a comment a placeholder, and collects the real comments.
fn mark(descriptor: &FileDescriptorProto, comments: &mut Vec<Vec<String>>) -> SourceCodeInfo {
    let locations = Locations::new("", descriptor.source_code_info.as_ref());
    let mut marker = Marker { locations, comments, marked: Vec::new() };
    marker.each(&[], 4, &descriptor.message_type, Marker::message);
    marker.each(&[], 5, &descriptor.enum_type, Marker::enumeration);
    SourceCodeInfo { location: marker.marked }
}

struct Marker<'a> {
    locations: Locations<'a>,
    comments: &'a mut Vec<Vec<String>>,
    marked: Vec<Location>,
}

impl Marker<'_> {
    /// Marks all things of one field of a descriptor.
    fn each<T>(&mut self, path: &[i32], field: i32, things: &[T], mark: fn(&mut Self, &T, &[i32])) {
        for (thing, index) in things.iter().zip(0..) {
            let path = [path, &[field, index]].concat();
            self.mark(&path);
            mark(self, thing, &path);
        }
    }

    fn mark(&mut self, path: &[i32]) {
        self.marked.push(Location {
            path: path.to_vec(),
            leading_comments: Some(placeholder(self.comments.len())),
            ..Location::default()
        });
        self.comments.push(docs::lines(&self.locations.docs(path)));
    }

    fn message(&mut self, message: &DescriptorProto, path: &[i32]) {
        self.each(path, 2, &message.field, |_, _, _| {});
        self.each(path, 3, &message.nested_type, Self::message);
        self.each(path, 4, &message.enum_type, Self::enumeration);
        self.each(path, 8, &message.oneof_decl, |_, _, _| {});
    }

    fn enumeration(&mut self, enumeration: &EnumDescriptorProto, path: &[i32]) {
        self.each(path, 2, &enumeration.value, |_, _, _| {});
    }
}
