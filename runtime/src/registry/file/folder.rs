//! The folder of records, as the file system has it.
//!
//! In: names and texts of records. Out: files that are locked as long as their writer lives. Never: what a record says.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, DirEntryExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::record;

/// What is written before it gets its name. One name is enough, because one process at a time writes.
const NEW: &str = ".new";

/// Where the records of this user are, if the configuration does not say.
pub(super) fn of_user() -> PathBuf {
    let user = geteuid().as_raw();
    let own = |dir: &PathBuf| fs::metadata(dir).is_ok_and(|data| data.is_dir() && data.uid() == user);
    match env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(own) {
        Some(dir) => dir.join("jovian"),
        None => env::temp_dir().join(format!("jovian-{user}")),
    }
}

/// A folder of records, which may not be there yet.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        // Where the process goes later must not matter.
        Self(std::path::absolute(&path).unwrap_or(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The records that are there: their names, and which file each is.
    pub(super) fn names(&self) -> io::Result<BTreeMap<String, u64>> {
        self.check()?;
        let mut names = BTreeMap::new();
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            if let Some(name) = entry.file_name().to_str().filter(|name| record::is_name(name)) {
                names.insert(name.to_owned(), entry.ino());
            }
        }
        Ok(names)
    }

    /// Opens a record to read; `None` if there is none of that name.
    pub(super) fn open(&self, name: &str) -> io::Result<Option<File>> {
        match File::open(self.0.join(name)) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Which file has this name.
    pub(super) fn named(&self, name: &str, file: &File) -> io::Result<Named> {
        match fs::symlink_metadata(self.0.join(name)) {
            Ok(data) if is_same(&data, &file.metadata()?) => Ok(Named::This),
            Ok(_) => Ok(Named::Other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Named::Nobody),
            Err(error) => Err(error),
        }
    }

    /// Takes the folder to change it; `None` if somebody else is changing it now. It is made if it is not there.
    pub(super) fn take(&self) -> io::Result<Option<Taken<'_>>> {
        let data = match self.check() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
                self.check()?
            }
            checked => checked?,
        };
        let dir = File::open(&self.0)?;
        // It may have been removed and made again meanwhile.
        let taken = is_same(&dir.metadata()?, &data) && lock(&dir, FlockOperation::NonBlockingLockExclusive)?;
        Ok(taken.then_some(Taken { folder: self, _lock: dir }))
    }

    /// Refuses a folder in which others could write, or could have written. A link might lead into one.
    fn check(&self) -> io::Result<Metadata> {
        let refused = |why: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        let data = fs::symlink_metadata(&self.0)?;
        if !data.is_dir() {
            return refused("it is no folder");
        }
        if data.uid() != geteuid().as_raw() {
            return refused("it belongs to another user");
        }
        if data.mode() & 0o022 != 0 {
            return refused("other users may write to it");
        }
        Ok(data)
    }
}

/// What has the name of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    This,
    Other,
    Nobody,
}

/// The folder, which nobody else changes as long as this lives.
pub(super) struct Taken<'f> {
    folder: &'f Folder,
    _lock: File,
}

impl Taken<'_> {
    /// Writes a record, in place of another one of its name. It is true until the file is closed.
    pub(super) fn put(&self, name: &str, text: &str) -> io::Result<File> {
        let new = self.folder.0.join(NEW);
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        if !lock(&file, FlockOperation::NonBlockingLockExclusive)? {
            return Err(io::Error::other("a new file is locked already"));
        }
        file.write_all(text.as_bytes())?;
        fs::rename(new, self.folder.0.join(name))?;
        Ok(file)
    }

    /// Removes a record, unless another one has its name by now.
    pub(super) fn remove(&self, name: &str, file: &File) -> io::Result<()> {
        match self.folder.named(name, file)? {
            Named::This => fs::remove_file(self.folder.0.join(name)),
            Named::Other | Named::Nobody => Ok(()),
        }
    }

    /// Removes the records whose process has died. One that cannot be removed harms nobody.
    pub(super) fn sweep(&self) {
        for name in self.folder.names().unwrap_or_default().into_keys() {
            if let Ok(Some(file)) = self.folder.open(&name)
                && !is_true(&file)
            {
                let _left = self.remove(&name, &file);
            }
        }
    }
}

/// Whether the process that wrote a record is alive.
///
/// Readers lock together, so that they never take each other for the writer. A lock that cannot be asked for says nothing
/// against the record.
pub(super) fn is_true(file: &File) -> bool {
    !lock(file, FlockOperation::NonBlockingLockShared).unwrap_or(false)
}

/// Makes a record of this process untrue.
pub(super) fn end(file: &File) {
    // It cannot fail on an open file; closing it does the same.
    let _closed = flock(file, FlockOperation::Unlock);
}

/// Locks a file, unless somebody else has.
fn lock(file: &File, how: FlockOperation) -> io::Result<bool> {
    match rustix::io::retry_on_intr(|| flock(file, how)) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}
