//! Include roots: where an import leads to.
//!
//! In: a name, as an import says it. Out: the text of the first file of that name, or else of the one that Jovian carries.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use protox::file::{File, FileResolver};

use super::carried::{carried, is_well_known};
use super::limits::Limits;

/// The files that somebody asked for, and what was found in the roots.
pub(crate) type Opened = BTreeMap<String, Option<(PathBuf, String)>>;

/// Looks files up in the include roots, then among those that Jovian carries.
#[derive(Clone)]
pub(super) struct Roots {
    dirs: Vec<PathBuf>,
    /// What was looked up so far.
    pub opened: Arc<Mutex<Opened>>,
    limits: Arc<Limits>,
}

impl Roots {
    pub(super) fn new(dirs: Vec<PathBuf>) -> Self {
        Self { dirs, opened: Arc::default(), limits: Arc::default() }
    }

    /// The path of a file as a person would open it; its name if it is in no root.
    pub(super) fn shown(&self, name: &str) -> String {
        first(&self.dirs, name).map_or_else(|| name.to_owned(), |path| slashed(&tidy(&path)))
    }

    /// The text of a file, if there is one of this name and it is text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let found = look_up(&self.dirs, name).ok()?;
        let text = found.as_ref().map(|(_, text)| text.clone());
        self.note(name, found);
        text.or_else(|| carried(name).map(str::to_owned))
    }

    /// Refuses a file that is too deep for protox.
    pub(super) fn limit(&self, path: &Path, name: &str, text: &str) -> Result<(), protox::Error> {
        self.limits.check(&slashed(path), name, text)
    }

    /// Where files are looked up, in this order.
    pub(super) fn dirs(&self) -> &[PathBuf] {
        &self.dirs
    }

    /// Remembers what was found under a name.
    pub(super) fn note(&self, name: &str, found: Option<(PathBuf, String)>) {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), found);
    }
}

impl FileResolver for Roots {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        // Installations of protoc bring their own copies, which may use what cannot be read here; the types are prost's.
        if is_well_known(name) {
            return Err(protox::Error::file_not_found(name));
        }
        let found = match look_up(&self.dirs, name) {
            Ok(found) => found,
            // What is no text is opened again, for protox to say why.
            Err(path) => return File::open(name, &path),
        };
        let file = found
            .as_ref()
            .map(|(path, text)| self.limit(path, name, text).and_then(|()| File::from_source(name, text)));
        self.note(name, found);
        let file = file.or_else(|| carried(name).map(|text| File::from_source(name, text)));
        file.unwrap_or_else(|| Err(protox::Error::file_not_found(name)))
    }
}

/// The first file of this name.
pub(super) fn first(roots: &[PathBuf], name: &str) -> Option<PathBuf> {
    roots.iter().map(|root| root.join(name)).find(|path| path.is_file())
}

/// What the roots hold under a name; `Err` if it is no text.
pub(super) fn look_up(roots: &[PathBuf], name: &str) -> Result<Option<(PathBuf, String)>, PathBuf> {
    let Some(path) = first(roots, name) else { return Ok(None) };
    match text_of(&path) {
        Some(text) => Ok(Some((tidy(&path), text))),
        None => Err(path),
    }
}

/// What an import would call a file that lies below one of the roots.
pub(super) fn name_below(roots: &[PathBuf], path: &Path) -> Option<String> {
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
pub(super) fn is_same(a: &Path, b: &Path) -> bool {
    a == b || a.canonicalize().ok().is_some_and(|a| b.canonicalize().is_ok_and(|b| a == b))
}

/// The text of a file, if it is one, without the byte order mark that protoc passes over, too.
pub(super) fn text_of(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Without `.` components.
pub(super) fn tidy(path: &Path) -> PathBuf {
    let tidy: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
    if tidy == Path::new("") { PathBuf::from(".") } else { tidy }
}

/// With `/` between the parts on every system.
pub(super) fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
