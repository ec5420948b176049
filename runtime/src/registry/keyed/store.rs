//! What a store of keys and values has to be able to do, so that instances can be kept and found in it.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::registry::board::Phase;
use crate::registry::records::RawError;

/// A value, and what the store knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::registry) struct Record {
    pub(in crate::registry) value: Arc<str>,
    /// The session that it goes with; 0 if it stays.
    pub(in crate::registry) owner: i64,
    /// Another one whenever the key was written.
    pub(in crate::registry) version: i64,
}

/// What is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::registry) enum Scope {
    /// One key.
    Key(String),
    /// All keys that begin so.
    Place(String),
}

/// What a store tells of a scope.
#[derive(Clone, Debug)]
pub(in crate::registry) enum Change {
    /// All records that there are.
    All(BTreeMap<String, Record>),
    /// Records that are new now, or gone.
    #[cfg_attr(
        not(any(feature = "etcd", feature = "zookeeper")),
        allow(dead_code, reason = "some stores tell everything each time")
    )]
    Some(Vec<(String, Option<Record>)>),
}

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::registry) enum Trouble {
    /// It cannot be reached, or cannot answer now.
    Away(String),
    /// It answers, and will not: a wrong password, a missing permission.
    Refused(String),
    /// The session has ended, and its keys with it.
    Lost(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Away(why) | Self::Refused(why) | Self::Lost(why)) = self;
        f.write_str(why)
    }
}

impl From<Trouble> for RawError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused(why) => Self::Refused(why),
            Trouble::Away(why) | Trouble::Lost(why) => Self::Away(why),
        }
    }
}

impl Trouble {
    /// How it stands with whoever met this trouble.
    pub(super) fn phase(&self) -> Phase {
        match self {
            Self::Away(why) | Self::Lost(why) => Phase::Away(why.clone()),
            Self::Refused(why) => Phase::Refused(why.clone()),
        }
    }
}

/// A store of keys and values in which sessions end with their processes: etcd with its leases, ZooKeeper.
///
/// Every future comes to its end in bounded time, but for [`follow`](Self::follow).
pub(in crate::registry) trait Store: Send + Sync + 'static {
    /// What it is called in logs and metrics: `etcd`.
    fn kind(&self) -> &'static str;

    /// How often a session has to give a sign of life.
    fn rhythm(&self) -> Duration;

    /// Begins a session; its number is never 0.
    fn open(&self) -> impl Future<Output = Result<i64, Trouble>> + Send;

    /// Gives a sign of life.
    fn beat(&self, session: i64) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Ends a session; its keys are gone when this returns.
    fn close(&self, session: i64) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Reads one key.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Record>, Trouble>> + Send;

    /// Writes a key if nobody has since `version` was read (0: if it is not there), for as long as session `owner`
    /// lives (0: for good). Tells whether it did.
    fn swap(
        &self,
        key: &str,
        value: &str,
        owner: i64,
        version: i64,
    ) -> impl Future<Output = Result<bool, Trouble>> + Send;

    /// Tells all records of a scope, and from then on every change without a gap, until it breaks.
    fn follow(
        &self,
        scope: &Scope,
        tell: &mut (dyn FnMut(Change) + Send),
    ) -> impl Future<Output = Trouble> + Send;
}
