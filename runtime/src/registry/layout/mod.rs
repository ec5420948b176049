//! What instances look like in the registries of others.
//!
//! In: an instance, or the keys and values that somebody wrote. Out: the other one. Everything here is pure: it knows
//! neither a store nor a connection. One record that cannot be read hides no other.

use std::fmt;

use super::{Instance, Wanted};

/// One key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The whole key: `grpc:orders:v1:live/10.0.0.7:9000`, `/dubbo/shop.orders.v1.Orders/providers/tri%3A%2F%2F..`.
    pub key: String,
    /// Its value; may be empty.
    pub value: String,
    /// How long it stays.
    pub life: Life,
}

/// How long an entry stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Life {
    /// As long as the process: it is on its lease, or belongs to its session.
    Leased,
    /// It outlives the process, and is the same whoever writes it.
    Kept,
    /// It outlives the process and is a list with commas that several apps share: the value is added to it, once.
    Shared,
}

/// One format of an instance as keys and values.
pub trait Layout: Send + Sync + fmt::Debug + 'static {
    /// Its name in configurations and on the command line: `jupiter`.
    fn name(&self) -> &'static str;

    /// Everything that is written for an instance, in the order in which it is to be written.
    fn write(&self, instance: &Instance) -> Vec<Entry>;

    /// The beginnings of the keys under which instances of what is wanted may stand.
    fn places(&self, wanted: &Wanted) -> Vec<String>;

    /// The instance that one record stands for; `None` if it is no record of an instance, or not of one that is wanted.
    ///
    /// # Errors
    ///
    /// Fails when it should be one and cannot be read.
    fn read(&self, wanted: &Wanted, key: &str, value: &str) -> Result<Option<Instance>, Unreadable>;
}

/// A record that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}`: {why}")]
pub struct Unreadable {
    /// The key of the record.
    pub key: String,
    /// What is wrong with it.
    pub why: String,
}
