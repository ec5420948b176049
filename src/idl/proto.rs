//! `.proto` text to descriptors, by protox.
//!
//! In: inputs and include roots. Out: descriptors with every option in them. Files that Jovian carries, and those of
//! protobuf itself, are found without being in any root; a user's own copy comes first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use miette::{Diagnostic as _, SourceSpan};
use prost::bytes::Bytes;
use protox::file::{ChainFileResolver, GoogleFileResolver};

use super::inputs::{Sought, seek};
use super::known::{Earlier, Known, records};
use super::limits;
use super::roots::{Roots, slashed, text_of};
use super::source::slim;
use super::trace::Trace;
use super::{Compiled, editions, raw};
use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::parallel;

/// Compiles the inputs; what is wrong with one file does not hide what is wrong with the next. `protoc` is started for
/// files that need an edition, and for no others. Files that hold since they were recorded are not compiled again.
pub(super) fn compile(
    inputs: &[String],
    includes: &[PathBuf],
    protoc: &Path,
    earlier: Earlier,
    diags: &mut Diagnostics,
) -> Compiled {
    let sought = seek(inputs, includes, diags);
    let roots = Roots::new(sought.roots.clone());
    let known = Known::new(earlier, &roots);
    if !known.is_empty() {
        let mut found = Diagnostics::default();
        // What goes wrong is told by those who look at everything.
        if let Some(compiled) =
            compile_rest(&sought, roots, &known, protoc, &mut found).filter(|_| !found.has_errors())
        {
            diags.extend(found);
            return compiled;
        }
    }
    let roots = Roots::new(sought.roots.clone());
    let nothing = Known::new(Earlier::default(), &roots);
    compile_rest(&sought, roots, &nothing, protoc, diags).unwrap_or_default()
}

/// Compiles what is not known; nothing, if it takes more than that.
fn compile_rest(
    sought: &Sought,
    roots: Roots,
    known: &Known,
    protoc: &Path,
    diags: &mut Diagnostics,
) -> Option<Compiled> {
    let mut compiled = Compiled { read: sought.read.clone(), ..Compiled::default() };
    let mut resolver = ChainFileResolver::new();
    resolver.add(known.clone());
    resolver.add(roots.clone());
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).include_source_info(true);
    let mut beyond = BTreeSet::new();
    for name in &sought.names {
        compiled.targets.insert(name.clone());
        if known.take(name) {
            continue;
        }
        match compiler.open_file(name) {
            Ok(_) => {}
            Err(error) if needs_edition(&error, &roots) => {
                beyond.insert(name.clone());
            }
            Err(error) => complain(&error, &roots, diags),
        }
    }
    let from_protoc = match beyond.is_empty() {
        true => Vec::new(),
        false => editions::compile(&beyond, &roots, protoc, diags),
    };
    let opened = roots.opened.lock().unwrap_or_else(PoisonError::into_inner);
    compiled.trace = Trace::new(&compiled.targets, &opened);
    for (name, found) in opened.iter() {
        let Some((path, text)) = found else { continue };
        compiled.paths.insert(name.clone(), slashed(path));
        compiled.read.insert(path.clone());
        // Complaints of later stages show the line they speak of.
        diags.source(slashed(path), text);
    }
    if diags.has_errors() {
        return Some(compiled);
    }
    let pool: Vec<_> = compiler.descriptor_pool().files().collect();
    let encoded = parallel::map(&pool, |file| (file.name().to_owned(), slim(file.encode_to_vec().into())));
    let mut files: BTreeMap<String, Bytes> = encoded.into_iter().collect();
    if known.may_meddle(&files, &opened) {
        return None;
    }
    files.extend(known.taken());
    compiled.records = records(&files, &opened);
    compiled.files = files.into_values().collect();
    add(&mut compiled.files, from_protoc);
    Some(compiled)
}

/// Adds the files that are new. What both can read comes from protox, with or without a protoc beside it.
fn add(files: &mut Vec<Bytes>, others: Vec<Bytes>) {
    if others.is_empty() {
        return;
    }
    let known: BTreeSet<String> = files.iter().filter_map(|file| name(file)).collect();
    files.extend(others.into_iter().filter(|file| name(file).is_some_and(|name| !known.contains(&name))));
}

fn name(file: &[u8]) -> Option<String> {
    match raw::field(file, 1)? {
        raw::Value::Bytes(name) => String::from_utf8(name.to_vec()).ok(),
        raw::Value::Varint(_) => None,
    }
}

/// Whether a complaint of protox is about an edition, which it does not know.
fn needs_edition(error: &protox::Error, roots: &Roots) -> bool {
    let text = error.file().filter(|_| error.is_parse()).and_then(|name| roots.text(name));
    text.is_some_and(|text| editions::is_edition(&text))
}

/// protox's complaint in our form.
fn complain(error: &protox::Error, roots: &Roots, diags: &mut Diagnostics) {
    if let Some(refused) = limits::refused(error) {
        return diags.push_new(refused.clone());
    }
    let file = error.file().map(|name| roots.shown(name));
    let text = file.as_ref().and_then(|file| text_of(Path::new(file)));
    if let (Some(file), Some(text)) = (&file, &text) {
        diags.source(file.clone(), text.clone());
    }
    let code = if error.is_file_not_found() || error.is_io() { Code::NotFound } else { Code::Idl };
    let help = match code {
        Code::NotFound => "give the folder that holds it with `-I`".to_owned(),
        _ => error.help().map_or_else(|| "correct the IDL".to_owned(), |help| help.to_string()),
    };
    let place = |span: &SourceSpan| {
        let (file, text) = (file.as_ref()?, text.as_ref()?);
        Some(Span::bytes(file.clone(), text, span.offset(), span.offset() + span.len()))
    };
    // One error of protox can stand for several.
    let others = error.related().into_iter().flatten();
    for error in std::iter::once(error as &dyn miette::Diagnostic).chain(others) {
        let mut diagnostic = Diagnostic::error(code, error.to_string().replace('\'', "`")).help(help.clone());
        let labels: Vec<_> = error.labels().into_iter().flatten().collect();
        if let Some((first, rest)) = labels.split_first() {
            diagnostic = diagnostic.at(place(first.inner()));
            for label in rest {
                diagnostic =
                    diagnostic.label(place(label.inner()).as_ref(), label.label().unwrap_or_default());
            }
        }
        if diagnostic.span.is_none() {
            diagnostic = diagnostic.at(file.clone().map(Span::file));
        }
        diags.push_new(diagnostic);
    }
}
