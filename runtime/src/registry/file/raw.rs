//! The folder of records as tools see it.

use std::future::ready;
use std::io::{self, Read as _};
use std::path::PathBuf;

use futures_core::future::BoxFuture;

use super::folder::{self, Folder};
use super::hub::INTERVAL;
use crate::registry::records::{RawChange, RawError, RawRecord, RawRecords, RawStore, poll};

#[derive(Debug)]
pub(in crate::registry) struct RawFiles(PathBuf);

impl RawFiles {
    pub(in crate::registry) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    pub(in crate::registry) fn of_user() -> Self {
        Self(folder::of_user())
    }

    /// A folder that is not there yet has no records.
    fn read(&self, prefix: &str) -> Result<RawRecords, RawError> {
        let folder = Folder::new(self.0.clone());
        let names = match folder.names() {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(RawRecords::new()),
            Err(error) => return Err(self.error(&error)),
        };
        let mut records = RawRecords::new();
        for name in names.into_keys().filter(|name| name.starts_with(prefix)) {
            let Ok(Some(mut file)) = folder.open(&name) else { continue };
            let mut text = Vec::new();
            if folder::is_true(&file) && file.read_to_end(&mut text).is_ok() {
                records.insert(name, RawRecord::new(String::from_utf8_lossy(&text), true));
            }
        }
        Ok(records)
    }

    fn error(&self, error: &io::Error) -> RawError {
        let why = format!("the folder `{}` cannot be read: {error}", self.0.display());
        match error.kind() {
            io::ErrorKind::PermissionDenied => RawError::Refused(why),
            _ => RawError::Away(why),
        }
    }
}

impl RawStore for RawFiles {
    fn kind(&self) -> &'static str {
        "file"
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<RawRecords, RawError>> {
        Box::pin(async move { self.read(prefix) })
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<RawRecord>, RawError>> {
        Box::pin(async move { Ok(self.read(key)?.remove(key)) })
    }

    fn follow<'a>(
        &'a self,
        prefix: &'a str,
        tell: &'a mut (dyn FnMut(RawChange) + Send),
    ) -> BoxFuture<'a, RawError> {
        Box::pin(poll(INTERVAL, move || ready(self.read(prefix)), tell))
    }
}
