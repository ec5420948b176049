//! Brings a folder up to date so that it is the old one or the new one, whenever the run is killed.
//!
//! In: how the folder differs. Out: the folder changed, in one of two ways. A folder that holds nothing but the tool's own
//! files is built anew beside the old one, and the two change places in one step. Where that is impossible, or a person's
//! files lie there, all new files are staged inside of it first; from then on every run completes what is staged before it
//! looks. Never: a person's file lost, two runs at work in one folder.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::{Changes, absolute, around, entries, marked};

/// What the names of folders with staged files begin with.
pub(super) const STAGING: &str = ".jovian-";

/// In a staging folder: what is still being written, and never looked at again if the run is killed.
const BUILDING: &str = "building";
/// In a staging folder: what is complete.
const READY: &str = "ready";
/// In what is staged inside: the files to be.
const NEW: &str = "new";
/// In what is staged inside: an empty file for each that has to go.
const GONE: &str = "gone";

/// An output folder, which is nobody else's as long as this lives.
pub(super) struct Place {
    /// Where it really is, or will be.
    out: PathBuf,
    /// The folder around it, locked where the system can do so. The output folder itself may be replaced.
    _lock: Option<fs::File>,
}

impl Place {
    /// Waits for its turn. The folder around `dir` has to exist.
    pub(super) fn take(dir: &Path) -> io::Result<Self> {
        let out = absolute(dir)?;
        let _lock = lock(around(&out));
        Ok(Self { out, _lock })
    }

    pub(super) fn out(&self) -> &Path {
        &self.out
    }

    /// Where a new folder is built: beside the old one, so that both are on one disk.
    fn beside(&self) -> PathBuf {
        let name = self.out.file_name().unwrap_or_default().to_string_lossy();
        around(&self.out).join(format!("{STAGING}{name}"))
    }

    /// Where single files wait for taking their places.
    fn inside(&self) -> PathBuf {
        self.out.join(format!("{STAGING}staged"))
    }

    /// Carries the changes out.
    pub(super) fn apply(&self, changes: &Changes) -> io::Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let movable = !changes.shared && !self.is_current();
        // One file takes its place in one step anyway.
        if changes.list.len() > 1 && movable {
            let swapped = self.swap(changes);
            // What cannot be removed now is removed by the next run.
            let _later = self.discard();
            // If it is the disk that refuses, that shows below once more.
            if swapped.is_ok() {
                return Ok(());
            }
        }
        self.stage(changes)?;
        self.complete()
    }

    /// Puts right what a killed run left.
    pub(super) fn recover(&self) -> io::Result<()> {
        self.complete()?;
        let (unfinished, _later) = (self.inside(), self.discard());
        if is_folder(&unfinished) { fs::remove_dir_all(unfinished) } else { Ok(()) }
    }

    /// Builds the new folder beside the old one and lets them change places.
    fn swap(&self, changes: &Changes) -> io::Result<()> {
        let staging = self.beside();
        let (building, ready) = (open(&staging)?, staging.join(READY));
        for name in &changes.kept {
            // The same file under a second name: its time of change stays.
            fs::hard_link(self.out.join(name), building.join(name))?;
        }
        changes.written().try_for_each(|(name, text)| fs::write(building.join(name), text))?;
        match fs::metadata(&self.out) {
            Ok(old) => {
                fs::set_permissions(&building, old.permissions())?;
                fs::rename(&building, &ready)?;
                exchange(&ready, &self.out)
            }
            Err(_) => fs::rename(&building, &self.out),
        }
    }

    /// Removes what was built beside, or what the new folder replaced. What a person put there at that very moment, and
    /// nobody could know of, moves on.
    fn discard(&self) -> io::Result<()> {
        let staging = self.beside();
        if !is_folder(&staging) {
            return Ok(());
        }
        for (name, entry) in entries(&staging.join(READY))? {
            let back = self.out.join(&name);
            if marked(&entry.path()).is_none() && fs::symlink_metadata(&back).is_err() {
                fs::create_dir_all(&self.out)?;
                fs::rename(entry.path(), back)?;
            }
        }
        fs::remove_dir_all(staging)
    }

    /// Writes everything that has to change into the folder, under other names.
    fn stage(&self, changes: &Changes) -> io::Result<()> {
        fs::create_dir_all(&self.out)?;
        let staging = self.inside();
        let building = open(&staging)?;
        let (new, gone) = (building.join(NEW), building.join(GONE));
        fs::create_dir(&new)?;
        fs::create_dir(&gone)?;
        changes.written().try_for_each(|(name, text)| fs::write(new.join(name), text))?;
        changes.removed().try_for_each(|name| fs::write(gone.join(name), ""))?;
        fs::rename(building, staging.join(READY))
    }

    /// Gives staged files their places, those of a killed run, too. May be done again from any point.
    pub(super) fn complete(&self) -> io::Result<()> {
        let staging = self.inside();
        let ready = staging.join(READY);
        if !is_folder(&ready) {
            return Ok(());
        }
        for (name, entry) in entries(&ready.join(NEW))? {
            fs::rename(entry.path(), self.out.join(name))?;
        }
        for (name, _) in entries(&ready.join(GONE))? {
            let path = self.out.join(name);
            // A day may have gone by since, and another file may have that name.
            if marked(&path).is_some() {
                fs::remove_file(path)?;
            }
        }
        // Half removed, it must not be taken for something to do.
        fs::rename(ready, staging.join(BUILDING))?;
        fs::remove_dir_all(staging)
    }

    /// Whether the process runs in the folder: a shell that does so, too, would find itself nowhere.
    fn is_current(&self) -> bool {
        fs::canonicalize(".").is_ok_and(|here| here.starts_with(&self.out))
    }
}

/// A new staging folder, which git does not see, and what is written into first.
fn open(staging: &Path) -> io::Result<PathBuf> {
    let building = staging.join(BUILDING);
    fs::create_dir(staging)?;
    fs::write(staging.join(".gitignore"), "*\n")?;
    fs::create_dir(&building)?;
    Ok(building)
}

/// Whether it is a folder, and no link to one.
fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|data| data.is_dir())
}

/// Lets two folders change places in one step.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn exchange(_a: &Path, _b: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Waits until no other run is at work in a folder. The lock ends with the process, however that ends; a disk without locks
/// does without.
#[cfg(unix)]
fn lock(dir: &Path) -> Option<fs::File> {
    use rustix::fs::{FlockOperation, flock};
    let dir = fs::File::open(dir).ok()?;
    rustix::io::retry_on_intr(|| flock(&dir, FlockOperation::LockExclusive)).ok()?;
    Some(dir)
}

#[cfg(not(unix))]
fn lock(_dir: &Path) -> Option<fs::File> {
    None
}
