//! Files that are read again when they change.
//!
//! They are compared by what is in them, so that it does not matter how they change: in place, by a rename, or by a link
//! that points elsewhere, as Kubernetes changes the secrets that it mounts.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use rustls::pki_types::pem;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::TlsError;

/// Paths, each under the key of the setting that names it.
#[derive(Clone)]
pub(super) struct Files(Vec<(&'static str, PathBuf)>);

/// What is in the files.
#[derive(PartialEq)]
pub(super) struct Contents(Vec<File>);

#[derive(PartialEq)]
pub(super) struct File {
    key: &'static str,
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Files {
    /// Those of `files` that there are.
    pub(super) fn new<const N: usize>(files: [(&'static str, Option<&PathBuf>); N]) -> Self {
        Self(files.into_iter().filter_map(|(key, path)| Some((key, path?.clone()))).collect())
    }

    /// Reads all files as they were at one time: when they are replaced meanwhile, again.
    fn read(&self) -> Result<Contents, TlsError> {
        let mut before = self.read_once()?;
        loop {
            let contents = self.read_once()?;
            if contents == before {
                return Ok(contents);
            }
            before = contents;
        }
    }

    fn read_once(&self) -> Result<Contents, TlsError> {
        let read = |(key, path): &(&'static str, PathBuf)| match fs::read(path) {
            Ok(bytes) => Ok(File { key, path: path.clone(), bytes }),
            Err(error) => Err(TlsError::file(key, path, error)),
        };
        self.0.iter().map(read).collect::<Result<_, _>>().map(Contents)
    }
}

impl Contents {
    pub(super) fn get(&self, key: &str) -> Option<&File> {
        self.0.iter().find(|file| file.key == key)
    }
}

impl File {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Everything of one kind that is in the file, which has to be something.
    pub(super) fn parse<'a, T>(
        &'a self,
        parse: impl Fn(&'a [u8]) -> pem::SliceIter<'a, T>,
    ) -> Result<Vec<T>, TlsError>
    where
        pem::SliceIter<'a, T>: Iterator<Item = Result<T, pem::Error>>,
    {
        let parsed: Vec<T> =
            parse(&self.bytes).collect::<Result<_, _>>().map_err(|error| self.wrong(error))?;
        if parsed.is_empty() { Err(self.wrong(pem::Error::NoItemsFound)) } else { Ok(parsed) }
    }

    pub(super) fn wrong(&self, why: impl Error + Send + Sync + 'static) -> TlsError {
        TlsError::file(self.key, &self.path, why)
    }
}

/// What was made of files, and is made again when they change.
pub(super) struct Reloaded<T>(RwLock<Arc<T>>);

impl<T: Send + Sync + 'static> Reloaded<T> {
    /// Reads `files` now, and then again and again until nobody has the result any more.
    pub(super) fn load(
        files: Files,
        every: Duration,
        make: fn(&Contents) -> Result<T, TlsError>,
    ) -> Result<Arc<Self>, TlsError> {
        let contents = files.read()?;
        let reloaded = Arc::new(Self(RwLock::new(Arc::new(make(&contents)?))));
        tokio::spawn(watch(Arc::downgrade(&reloaded), files, contents, every, make));
        Ok(reloaded)
    }

    /// What the files last were that could be used.
    pub(super) fn current(&self) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, made: T) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(made);
    }
}

async fn watch<T: Send + Sync + 'static>(
    reloaded: Weak<Reloaded<T>>,
    files: Files,
    mut seen: Contents,
    every: Duration,
    make: fn(&Contents) -> Result<T, TlsError>,
) {
    let mut said = String::new();
    loop {
        sleep(every).await;
        let read = files.clone();
        // A panic is not expected of it, and would be no reason to stop looking.
        let Ok(read) = spawn_blocking(move || read.read()).await else { continue };
        let Some(reloaded) = reloaded.upgrade() else { return };
        let made = match read {
            Ok(contents) if contents == seen => continue,
            Ok(contents) => {
                seen = contents;
                make(&seen)
            }
            Err(error) => Err(error),
        };
        match made {
            Ok(made) => {
                said.clear();
                reloaded.replace(made);
                tracing::info!("the certificates changed; new connections have the new ones");
            }
            // Of two files that change one after the other, the next look finds both.
            Err(error) if said != format!("{error:?}") => {
                said = format!("{error:?}");
                let error: &(dyn Error + 'static) = &error;
                tracing::warn!(error, "the certificates changed and cannot be used; the old ones stay");
            }
            Err(_) => {}
        }
    }
}
