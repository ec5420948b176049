//! The embedded registry as files: the processes of one user on one machine find each other in a folder.
//!
//! In: registrations of this process, and a folder that other processes write to as well. Out: the instances whose
//! process is alive, to every watcher. Never: other machines, other users, file systems without locks (NFS is none for
//! this purpose).
//!
//! # What makes a record true
//!
//! A record is a file, `app@id.toml`, that a person can read. The process that wrote it keeps it open and holds an
//! advisory lock on it (`flock`). The system gives the lock back when the process ends, however it ends, so a record is
//! true as long as it is locked. There is no time in this: no clock, no interval after which a record expires, no process
//! id that somebody else could have by now.
//!
//! # How the folder changes
//!
//! Whoever changes the folder holds a lock on the folder itself, and a process that dies gives that back, too. What happens under it:
//!
//! * Registering writes `.new`, locks it, and renames it to its name. So a record is locked before it is seen, is seen
//!   whole or not at all, and takes the place of an older one of its name in one step. A `.new` that is found was left
//!   by somebody who died, and is overwritten.
//! * Removing compares the file that is to go with the file that has its name by now, and leaves another one alone. So
//!   who cleans up after the dead cannot remove a record that has just taken the place of theirs.
//!
//! Readers take no lock on the folder. They keep the records of the apps that they follow open, so that asking whether one is
//! still true is one system call, and no other file can be taken for it. A record that is not locked counts for nothing
//! at once, and whoever sees it removes it, now or at the next look.
//!
//! # What else may happen
//!
//! * Two processes register one id: the later record takes the place of the earlier one, and both say so in the log. When the
//!   later one goes, the earlier one, if it is still alive, writes its record again.
//! * Somebody removes records, or the folder: their processes write them again.
//! * The folder cannot be read: what is known stays, except for records whose process has died.
//! * A record cannot be read: it is left out and said once. The others stay.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use tokio::sync::watch;

mod folder;
mod hub;
mod raw;
mod record;

use hub::Hub;
pub(super) use raw::RawFiles;

use super::{Instance, Instances, Lease, Registration, Registry, RegistryError, Wanted};

/// A registry in a folder: `kind = "file"`. Clones, and others of the same folder, share what they know.
///
/// Others hear of a change within a tenth of a second.
#[derive(Clone)]
pub struct FileRegistry(Arc<Hub>);

impl FileRegistry {
    /// A registry in this folder, which is made when somebody registers.
    ///
    /// It has to belong to the user of this process and to be closed to others, or nobody is registered and nobody found.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self(Hub::of(folder.into()))
    }

    /// The registry of this user on this machine: in `$XDG_RUNTIME_DIR/jovian` if there is that folder, else in `jovian-`
    /// and the user's number, in the folder for temporary files.
    #[must_use]
    pub fn of_user() -> Self {
        Self::at(folder::of_user())
    }
}

impl fmt::Debug for FileRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileRegistry").field(&self.0.path()).finish()
    }
}

impl Registry for FileRegistry {
    fn register(&self, instance: Instance) -> BoxFuture<'_, Result<Registration, RegistryError>> {
        Box::pin(async move {
            let number = self.0.register(&instance).await.map_err(|error| {
                let folder = self.0.path().display();
                RegistryError::new(format!("cannot keep a record in the folder `{folder}`")).caused_by(error)
            })?;
            Ok(Registration::new(FileLease { hub: Arc::clone(&self.0), number }))
        })
    }

    fn watch(&self, wanted: &Wanted) -> watch::Receiver<Instances> {
        self.0.watch(&wanted.app)
    }
}

/// Gives the record up when it is dropped.
struct FileLease {
    hub: Arc<Hub>,
    number: u64,
}

impl Lease for FileLease {
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), RegistryError>> {
        Box::pin(async move {
            self.hub.release(self.number).await;
            Ok(())
        })
    }
}

impl Drop for FileLease {
    fn drop(&mut self) {
        self.hub.abandon(self.number);
    }
}
