//! What stands in a store as it is, and what becomes of it: what [tools](super::raw) see of all stores.
//!
//! In: keys and values. Out: records, and the differences between what was told and what is there now. Never: what they mean.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::time::sleep;

/// A value, and how long it stays.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawRecord {
    /// The value as text; bytes that are no UTF-8 are replaced.
    pub value: Arc<str>,
    /// Whether it goes with the process that wrote it.
    pub is_leased: bool,
}

impl RawRecord {
    /// A record with this value.
    #[must_use]
    pub fn new(value: impl Into<Arc<str>>, is_leased: bool) -> Self {
        Self { value: value.into(), is_leased }
    }
}

/// Records by their keys.
pub type RawRecords = BTreeMap<String, RawRecord>;

/// What a store tells whoever follows it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RawChange {
    /// All records that there are. This comes first.
    All(RawRecords),
    /// Records that are new or different now, and keys that are gone.
    Some(Vec<(String, Option<RawRecord>)>),
}

/// Why a store does not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RawError {
    /// It cannot be reached, or cannot answer now. Another attempt may help.
    #[error("{0}")]
    Away(String),
    /// It answers, and will not: a wrong password, a missing permission.
    #[error("{0}")]
    Refused(String),
    /// It answers, and does not have what all keys are said to be in: a folder, a namespace.
    #[error("{0}")]
    Missing(String),
}

/// A store, seen by a tool.
pub trait RawStore: Send + Sync + fmt::Debug + 'static {
    /// The kind of the store: `etcd`.
    fn kind(&self) -> &'static str;

    /// All records whose keys begin so; empty for all that there are.
    ///
    /// # Errors
    ///
    /// Fails when the store does not answer.
    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<RawRecords, RawError>>;

    /// One record; `None` if there is none.
    ///
    /// # Errors
    ///
    /// Fails when the store does not answer.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<RawRecord>, RawError>>;

    /// Tells all records whose keys begin so, and from then on every change without a gap, until the store is lost; says why.
    fn follow<'a>(
        &'a self,
        prefix: &'a str,
        tell: &'a mut (dyn FnMut(RawChange) + Send),
    ) -> BoxFuture<'a, RawError>;
}

/// Follows a store that has to be read again and again.
#[cfg_attr(not(unix), allow(dead_code, reason = "files are such a store"))]
pub(super) async fn poll<F>(
    interval: Duration,
    read: impl Fn() -> F,
    tell: &mut (dyn FnMut(RawChange) + Send),
) -> RawError
where
    F: Future<Output = Result<RawRecords, RawError>>,
{
    let mut told = Told::default();
    loop {
        match read().await {
            Ok(records) => told.tell(records, tell),
            Err(error) => return error,
        }
        sleep(interval).await;
    }
}

/// What was told last of records that are read again.
#[derive(Default)]
#[cfg_attr(not(unix), allow(dead_code, reason = "files are read again"))]
pub(super) struct Told(Option<RawRecords>);

impl Told {
    /// Tells all of them the first time, and then what has become of them, if anything has.
    #[cfg_attr(not(unix), allow(dead_code, reason = "files are read again"))]
    pub(super) fn tell(&mut self, records: RawRecords, tell: &mut (dyn FnMut(RawChange) + Send)) {
        match &self.0 {
            None => tell(RawChange::All(records.clone())),
            Some(known) => match differences(known, &records) {
                changed if changed.is_empty() => {}
                changed => tell(RawChange::Some(changed)),
            },
        }
        self.0 = Some(records);
    }

    /// Whether nothing was told yet.
    #[cfg(feature = "nacos")]
    pub(super) fn is_nothing(&self) -> bool {
        self.0.is_none()
    }
}

/// What has become of records: those that are gone first, then those that are new or different.
fn differences(known: &RawRecords, now: &RawRecords) -> Vec<(String, Option<RawRecord>)> {
    let gone = known.keys().filter(|key| !now.contains_key(*key)).map(|key| (key.clone(), None));
    let others = now.iter().filter(|(key, record)| known.get(*key) != Some(record));
    gone.chain(others.map(|(key, record)| (key.clone(), Some(record.clone())))).collect()
}
