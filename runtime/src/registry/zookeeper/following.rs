//! Follows a node, or all nodes of a folder, on one connection.
//!
//! A watch of ZooKeeper is for one event, and is set by the same request that reads. So whoever reads again after each event
//! misses nothing, whatever happened in between. Watches that stay, and see all below them, are newer than many fleets (3.6),
//! and lose what happens while a connection is mended (ZOOKEEPER-4698).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::api::{record, there};
use super::connection::{Connection, Watch};
use super::failed::Failed;
use super::wire::{self, Request};
use crate::registry::keyed::store::{Change, Record};

/// How many nodes are read at once.
const AT_ONCE: usize = 256;

/// How it is told.
type Tell<'a> = &'a mut (dyn FnMut(Change) + Send);

/// Follows one node until that breaks.
pub(super) async fn key(connection: &Arc<Connection>, path: &str, key: &str, tell: Tell<'_>) -> Failed {
    let mut watch = connection.watch(path);
    let following = async {
        let named = |record| BTreeMap::from([(key.to_owned(), record)]);
        let record = read_or_await(connection, path).await?;
        tell(Change::All(record.map(named).unwrap_or_default()));
        loop {
            next(&mut watch).await?;
            let record = read_or_await(connection, path).await?;
            tell(Change::Some(vec![(key.to_owned(), record)]));
        }
    };
    ended(following.await)
}

/// Follows the nodes of a folder until that breaks. The keys of its nodes begin with `place`, which ends with `/`.
pub(super) async fn place(connection: &Arc<Connection>, folder: &str, place: &str, tell: Tell<'_>) -> Failed {
    let mut watch = connection.watch(folder);
    let following = async {
        let names = list(connection, folder).await?;
        let all = read_all(connection, folder, names.iter().cloned()).await?;
        let mut known: BTreeSet<String> = BTreeSet::new();
        let mut records = BTreeMap::new();
        for (name, record) in all {
            if let Some(record) = record {
                records.insert(format!("{place}{name}"), record);
                known.insert(name);
            }
        }
        tell(Change::All(records));
        loop {
            let touched = next(&mut watch).await?;
            let changed = changes(connection, folder, &mut known, &touched).await?;
            if !changed.is_empty() {
                tell(Change::Some(
                    changed.into_iter().map(|(name, record)| (format!("{place}{name}"), record)).collect(),
                ));
            }
        }
    };
    ended(following.await)
}

/// What has changed in a folder when these paths were touched.
async fn changes(
    connection: &Arc<Connection>,
    folder: &str,
    known: &mut BTreeSet<String>,
    touched: &[String],
) -> Result<Vec<(String, Option<Record>)>, Failed> {
    let mut changed = Vec::new();
    let inside = |path: &String| path.strip_prefix(folder)?.strip_prefix('/').map(str::to_owned);
    // What was touched is read again even if it is gone: it may be there again.
    let mut to_read: BTreeSet<String> =
        touched.iter().filter_map(inside).filter(|name| known.contains(name)).collect();
    if touched.iter().any(|path| path == folder) {
        let listed = list(connection, folder).await?;
        to_read.extend(listed.difference(known).cloned());
        to_read.retain(|name| listed.contains(name));
        let gone: Vec<String> = known.difference(&listed).cloned().collect();
        for name in gone {
            known.remove(&name);
            changed.push((name, None));
        }
    }
    for (name, record) in read_all(connection, folder, to_read.into_iter()).await? {
        let was_known = if record.is_some() { !known.insert(name.clone()) } else { known.remove(&name) };
        if was_known || record.is_some() {
            changed.push((name, record));
        }
    }
    Ok(changed)
}

/// The names in a folder, or none until it is there. What comes and goes there is seen from now on.
async fn list(connection: &Connection, folder: &str) -> Result<BTreeSet<String>, Failed> {
    loop {
        let listed = connection.call(Request::Children { path: folder, watch: true }).await;
        if let Some(reply) = there(listed)? {
            return wire::names(&reply).map(|names| names.into_iter().collect());
        }
        let exists = connection.call(Request::Exists { path: folder, watch: true }).await;
        if there(exists)?.is_none() {
            return Ok(BTreeSet::new());
        }
    }
}

/// A node, or nothing until it is there. What happens to it is seen from now on.
async fn read_or_await(connection: &Connection, path: &str) -> Result<Option<Record>, Failed> {
    loop {
        if let Some(record) = read(connection, path).await? {
            return Ok(Some(record));
        }
        let exists = connection.call(Request::Exists { path, watch: true }).await;
        if there(exists)?.is_none() {
            return Ok(None);
        }
    }
}

/// A node. What happens to it is seen from now on; what is not there is not.
async fn read(connection: &Connection, path: &str) -> Result<Option<Record>, Failed> {
    let reply = there(connection.call(Request::Get { path, watch: true }).await)?;
    let node = reply.map(|reply| wire::node(&reply)).transpose()?;
    Ok(node.map(|(value, stat)| record(value, &stat)))
}

async fn read_all(
    connection: &Connection,
    folder: &str,
    names: impl Iterator<Item = String>,
) -> Result<Vec<(String, Option<Record>)>, Failed> {
    let folder = folder.trim_end_matches('/');
    let reads = names.map(async |name| {
        let record = read(connection, &format!("{folder}/{name}")).await?;
        Ok((name, record))
    });
    stream::iter(reads).buffer_unordered(AT_ONCE).try_collect().await
}

async fn next(watch: &mut Watch) -> Result<Vec<String>, Failed> {
    match watch.touched().await {
        Some(touched) => Ok(touched),
        None => Err(watch.connection.broken()),
    }
}

fn ended(following: Result<std::convert::Infallible, Failed>) -> Failed {
    match following {
        Ok(never) => match never {},
        Err(failed) => failed,
    }
}
