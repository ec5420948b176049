//! `.proto` text to descriptors, by protox.
//!
//! In: inputs and include roots. Out: descriptors with every option in them. Files that Jovian carries, and those of
//! protobuf itself, are found without being in any root; a user's own copy comes first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::PoisonError;
use std::{fs, io};

use miette::{Diagnostic as _, SourceSpan};
use prost::bytes::Bytes;
use protox::file::{ChainFileResolver, GoogleFileResolver};

use super::known::{Earlier, Known, records};
use super::limits;
use super::roots::{Roots, first, is_same, name_below, slashed, text_of, tidy};
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

/// What the inputs stand for.
pub(super) struct Sought {
    /// Where imports are looked up.
    pub roots: Vec<PathBuf>,
    /// The files that are asked for, as imports call them.
    pub names: BTreeSet<String>,
    /// The folders that were searched.
    pub read: BTreeSet<PathBuf>,
}

/// Finds the files that are asked for.
pub(super) fn seek(inputs: &[String], includes: &[PathBuf], diags: &mut Diagnostics) -> Sought {
    let roots = includes.iter().map(|root| tidy(root)).collect();
    let mut sought = Sought { roots, names: BTreeSet::new(), read: BTreeSet::new() };
    for root in sought.roots.iter().filter(|root| !root.is_dir()) {
        diags.push(
            Diagnostic::error(Code::NotFound, format!("the include root `{}` is no folder", root.display()))
                .help("give an existing folder with `-I`"),
        );
    }
    if diags.has_errors() {
        return sought;
    }
    let mut found = BTreeSet::new();
    for input in inputs {
        expand(input, &mut sought.roots, includes.is_empty(), &mut found, &mut sought.read, diags);
    }
    if found.is_empty() && !diags.has_errors() {
        diags.push(
            Diagnostic::error(Code::NoInput, "no `.proto` file to generate from")
                .help("give files, folders or globs: `jovian gen -I proto proto`"),
        );
    }
    for path in found {
        let Some(name) = name_below(&sought.roots, &path) else {
            diags.push(
                Diagnostic::error(Code::NotFound, format!("`{}` is below no include root", path.display()))
                    .help("give the folder that its imports start from with `-I`"),
            );
            continue;
        };
        // Imports of that name would lead to another file: protoc refuses that, and so do we.
        match first(&sought.roots, &name).filter(|other| !is_same(other, &path)) {
            None => drop(sought.names.insert(name)),
            Some(other) => diags.push(
                Diagnostic::error(
                    Code::NotFound,
                    format!("`{}` is hidden by `{}`", path.display(), tidy(&other).display()),
                )
                .help("give the include roots in another order, or the other file"),
            ),
        }
    }
    sought
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

/// The files that one input stands for; its folder becomes a root when none were given.
fn expand(
    input: &str,
    roots: &mut Vec<PathBuf>,
    as_root: bool,
    found: &mut BTreeSet<PathBuf>,
    read: &mut BTreeSet<PathBuf>,
    diags: &mut Diagnostics,
) {
    let path = tidy(Path::new(input));
    let is_file = path.is_file();
    let (base, files) = if path.is_dir() {
        (path.clone(), walk(&path))
    } else if is_file {
        (path.parent().unwrap_or(Path::new("")).to_owned(), Ok(vec![path]))
    } else if input.contains(['*', '?', '[']) {
        (fixed_part(&path), matching(&path))
    } else {
        diags.push(
            Diagnostic::error(Code::NotFound, format!("`{input}` is no file or folder"))
                .help("give files, folders or globs with `.proto` files"),
        );
        return;
    };
    match files {
        Ok(files) if files.is_empty() => diags.push(
            Diagnostic::error(Code::NoInput, format!("`{input}` holds no `.proto` file"))
                .help("give files, folders or globs with `.proto` files"),
        ),
        Ok(files) => found.extend(files),
        Err(error) => diags.push(
            Diagnostic::error(Code::NotFound, format!("`{input}` cannot be read: {error}"))
                .help("give files, folders or globs with `.proto` files"),
        ),
    }
    let base = if base == Path::new("") { PathBuf::from(".") } else { base };
    if !is_file {
        read.insert(base.clone());
    }
    if as_root && !roots.contains(&base) {
        roots.push(base);
    }
}

/// All `.proto` files below a folder, in the order of their names.
fn walk(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else if entry.path().extension().is_some_and(|extension| extension == "proto") {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

fn matching(pattern: &Path) -> io::Result<Vec<PathBuf>> {
    let pattern = slashed(pattern);
    let paths = glob::glob(&pattern).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let paths: Vec<PathBuf> = paths.collect::<Result<_, _>>().map_err(io::Error::from)?;
    Ok(paths.into_iter().filter(|path| path.is_file()).collect())
}

/// The folder of a glob before its first wildcard.
fn fixed_part(pattern: &Path) -> PathBuf {
    let fixed = |part: &Component<'_>| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    pattern.components().take_while(fixed).collect()
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
