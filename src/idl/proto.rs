//! `.proto` text to descriptors, by protox.
//!
//! In: inputs and include roots. Out: descriptors with every option in them. Files that Jovian carries, and those of
//! protobuf itself, are found without being in any root; a user's own copy comes first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, io};

use miette::{Diagnostic as _, SourceSpan};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

use super::limits::{self, Limits};
use super::trace::Trace;
use super::{Compiled, raw};
use crate::diag::{Code, Diagnostic, Diagnostics, Span};

macro_rules! carried {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../proto-plugins/include/", $name)))),+]
    };
}

/// The IDL that users may import without having it.
const CARRIED: &[(&str, &str)] = carried![
    "buf/validate/validate.proto",
    "error/v1/error.proto",
    "errors/errors.proto",
    "google/api/annotations.proto",
    "google/api/http.proto",
    "google/rpc/code.proto",
    "google/rpc/error_details.proto",
    "google/rpc/status.proto",
    "jovian/options.proto",
];

/// Whether `name` is one of protobuf's own files, whose types are `prost_types`'.
pub(crate) fn is_well_known(name: &str) -> bool {
    let known = [
        "any",
        "api",
        "compiler/plugin",
        "descriptor",
        "duration",
        "empty",
        "field_mask",
        "source_context",
        "struct",
        "timestamp",
        "type",
        "wrappers",
    ];
    let stem = name.strip_prefix("google/protobuf/").and_then(|name| name.strip_suffix(".proto"));
    stem.is_some_and(|stem| known.contains(&stem))
}

/// Whether Jovian or protobuf brings `name` along.
pub(super) fn is_carried(name: &str) -> bool {
    is_well_known(name) || CARRIED.iter().any(|(carried, _)| *carried == name)
}

/// The complaint about a file that uses editions.
pub(super) fn edition(file: &str) -> Diagnostic {
    Diagnostic::error(Code::Edition, "protobuf editions cannot be read yet")
        .at(Span::file(file))
        .help("write `syntax = \"proto3\";` or `syntax = \"proto2\";` instead of the edition")
}

/// Compiles the inputs; what is wrong with one file does not hide what is wrong with the next.
pub(super) fn compile(inputs: &[String], includes: &[PathBuf], diags: &mut Diagnostics) -> Compiled {
    let Sought { roots, names, read } = seek(inputs, includes, diags);
    let mut compiled = Compiled { read, ..Compiled::default() };
    let opened = Arc::new(Mutex::new(BTreeMap::new()));
    let mut resolver = ChainFileResolver::new();
    resolver.add(Roots { roots: roots.clone(), opened: opened.clone(), limits: Limits::default() });
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).include_source_info(true);
    for name in names {
        if let Err(error) = compiler.open_file(&name) {
            complain(&error, &roots, diags);
        }
        compiled.targets.insert(name);
    }
    let opened = opened.lock().unwrap_or_else(PoisonError::into_inner);
    compiled.trace = Trace::new(&compiled.targets, &opened);
    for (name, found) in opened.iter() {
        let Some((path, text)) = found else { continue };
        compiled.paths.insert(name.clone(), slashed(path));
        compiled.read.insert(path.clone());
        // Complaints of later stages show the line they speak of.
        diags.source(slashed(path), text);
    }
    if !diags.has_errors() {
        compiled.files = split(&compiler.encode_file_descriptor_set());
    }
    compiled
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
        let first = sought.roots.iter().map(|root| root.join(&name)).find(|path| path.is_file());
        match first.filter(|other| !is_same(other, &path)) {
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

/// The files of an encoded set.
fn split(set: &[u8]) -> Vec<Vec<u8>> {
    <raw::FileSet as prost::Message>::decode(set).map(|set| set.files).unwrap_or_default()
}

/// Looks files up in the include roots, then among those that Jovian carries.
struct Roots {
    roots: Vec<PathBuf>,
    opened: Arc<Mutex<Opened>>,
    limits: Limits,
}

/// The files that somebody asked for, and what was found in the roots.
pub(super) type Opened = BTreeMap<String, Option<(PathBuf, String)>>;

/// What the roots hold under a name; `Err` if it is no text.
pub(super) fn look_up(roots: &[PathBuf], name: &str) -> Result<Option<(PathBuf, String)>, PathBuf> {
    let Some(path) = roots.iter().map(|root| root.join(name)).find(|path| path.is_file()) else {
        return Ok(None);
    };
    match text_of(&path) {
        Some(text) => Ok(Some((tidy(&path), text))),
        None => Err(path),
    }
}

impl FileResolver for Roots {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        // Installations of protoc bring their own copies, which may use what cannot be read yet; the types are prost's.
        if is_well_known(name) {
            return Err(protox::Error::file_not_found(name));
        }
        let found = match look_up(&self.roots, name) {
            Ok(found) => found,
            // What is no text is opened again, for protox to say why.
            Err(path) => return File::open(name, &path),
        };
        let file = found.as_ref().map(|(path, text)| {
            let sound = self.limits.check(&slashed(path), name, text);
            sound.and_then(|()| File::from_source(name, text))
        });
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), found);
        if let Some(file) = file {
            return file;
        }
        match CARRIED.iter().find(|(carried, _)| *carried == name) {
            Some((_, text)) => File::from_source(name, text),
            None => Err(protox::Error::file_not_found(name)),
        }
    }
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

/// What an import would call a file that lies below one of the roots.
fn name_below(roots: &[PathBuf], path: &Path) -> Option<String> {
    let lexical = |root: &PathBuf| {
        let root_path = if root == Path::new(".") { Path::new("") } else { root.as_path() };
        let rest = path.strip_prefix(root_path).ok()?;
        (path.is_relative() || root.is_absolute()).then(|| slashed(rest))
    };
    let resolved = |root: &PathBuf| {
        let (root, path) = (root.canonicalize().ok()?, path.canonicalize().ok()?);
        Some(slashed(path.strip_prefix(root).ok()?))
    };
    roots.iter().find_map(lexical).or_else(|| roots.iter().find_map(resolved))
}

/// Whether two paths lead to one file.
fn is_same(a: &Path, b: &Path) -> bool {
    a.canonicalize().ok().is_some_and(|a| b.canonicalize().is_ok_and(|b| a == b))
}

/// The text of a file, if it is one, without the byte order mark that protoc passes over, too.
fn text_of(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Without `.` components.
fn tidy(path: &Path) -> PathBuf {
    let tidy: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
    if tidy == Path::new("") { PathBuf::from(".") } else { tidy }
}

fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// protox's complaint in our form.
fn complain(error: &protox::Error, roots: &[PathBuf], diags: &mut Diagnostics) {
    if let Some(refused) = limits::refused(error) {
        return diags.push_new(refused.clone());
    }
    let file = error.file().map(|name| {
        let path = roots.iter().map(|root| root.join(name)).find(|path| path.is_file());
        path.map_or_else(|| name.to_owned(), |path| slashed(&tidy(&path)))
    });
    let text = file.as_ref().and_then(|file| text_of(Path::new(file)));
    if let (Some(file), Some(text)) = (&file, &text) {
        if text.lines().any(|line| line.trim_start().starts_with("edition")) && error.is_parse() {
            diags.push(edition(file));
            return;
        }
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
