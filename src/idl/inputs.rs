//! What a person asks for: files, folders and globs.
//!
//! In: inputs and include roots. Out: the names by which imports would call the files, and which folders were searched for them.
//! Never: reading a file.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use super::roots::{first, is_same, name_below, slashed, tidy};
use crate::diag::{Code, Diagnostic, Diagnostics};

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
