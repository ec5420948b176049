//! ZooKeeper as tools see it: a tree in which every node is a record, those too that have others below them. Whoever makes a folder
//! makes it before what is in it, so nobody knows of an empty node whether it is one.
//!
//! Every node of the tree is watched on its own, and what was touched is read again: a watch is set by the request that reads, as
//! for [a folder](super::following).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::ZooKeeperOptions;
use super::api::{ZooKeeper, folder, there, trouble};
use super::connection::Connection;
use super::wire::{self, Request};
use crate::registry::keyed::store::Store as _;
use crate::registry::records::{RawChange, RawError, RawRecord, RawRecords, RawStore, Told};

/// How many nodes are read at once.
const AT_ONCE: usize = 256;
/// What ZooKeeper keeps of itself.
const OWN: &str = "/zookeeper";

pub(in crate::registry) struct RawZooKeeper {
    endpoints: Vec<String>,
    zookeeper: ZooKeeper,
}

impl RawZooKeeper {
    pub(in crate::registry) fn new(options: &ZooKeeperOptions) -> Self {
        Self { endpoints: options.endpoints.clone(), zookeeper: ZooKeeper::new(options) }
    }

    /// A tree of which nothing is read.
    async fn tree(&self, prefix: &str, is_watched: bool) -> Result<Tree, RawError> {
        let (root, connection) = self.zookeeper.reading("").await?;
        // It may be another server than the one before, and has to know at least as much.
        connection.call(Request::Sync { path: folder(&root) }).await.map_err(trouble)?;
        Ok(Tree { connection, root, prefix: prefix.to_owned(), is_watched, nodes: BTreeMap::new() })
    }

    async fn watch(
        &self,
        prefix: &str,
        tell: &mut (dyn FnMut(RawChange) + Send),
    ) -> Result<std::convert::Infallible, RawError> {
        let mut tree = self.tree(prefix, true).await?;
        let mut watch = tree.connection.watch(Connection::EVERYTHING);
        tree.read_all().await?;
        let mut told = Told::default();
        told.tell(tree.records(), tell);
        while let Some(touched) = watch.touched().await {
            tree.read(touched.iter().filter_map(|path| tree.key(path)).collect()).await?;
            told.tell(tree.records(), tell);
        }
        Err(trouble(watch.connection.broken()).into())
    }
}

/// Nodes by their keys, from the root on, as they were last seen.
struct Tree {
    connection: Arc<Connection>,
    root: String,
    prefix: String,
    is_watched: bool,
    nodes: BTreeMap<String, Node>,
}

struct Node {
    /// The names of those directly below it.
    names: BTreeSet<String>,
    record: RawRecord,
}

impl Tree {
    async fn read_all(&mut self) -> Result<(), RawError> {
        self.read(vec![String::new()]).await
    }

    /// Reads these nodes again, and those below them that were not known.
    async fn read(&mut self, mut keys: Vec<String>) -> Result<(), RawError> {
        while !keys.is_empty() {
            let tree = &*self;
            let looks = keys.drain(..).map(async |key| tree.look(&key).await.map(|node| (node, key)));
            let seen: Vec<_> = stream::iter(looks).buffer_unordered(AT_ONCE).try_collect().await?;
            for (node, key) in seen {
                match node {
                    Some(node) => keys.extend(self.keep(key, node)),
                    None if key.is_empty() => {
                        return Err(RawError::Missing(format!("there is no folder `{}`", self.root)));
                    }
                    None => self.forget(&key),
                }
            }
        }
        Ok(())
    }

    /// Keeps a node as it is now; the keys of those below it that are not known.
    fn keep(&mut self, key: String, node: Node) -> Vec<String> {
        if let Some(last) = self.nodes.remove(&key) {
            last.names.difference(&node.names).for_each(|name| self.forget(&format!("{key}/{name}")));
        }
        let below = node.names.iter().map(|name| format!("{key}/{name}"));
        let unknown = below.filter(|key| self.leads(key) && !self.nodes.contains_key(key)).collect();
        self.nodes.insert(key, node);
        unknown
    }

    /// Forgets a node and all below it.
    fn forget(&mut self, key: &str) {
        let below = format!("{key}/");
        self.nodes.retain(|known, _| known != key && !known.starts_with(&below));
    }

    /// Whether a node is looked at, or leads to one that is.
    fn leads(&self, key: &str) -> bool {
        let is_own = self.root.is_empty() && key == OWN;
        !is_own && (key.starts_with(&self.prefix) || self.prefix.starts_with(&format!("{key}/")))
    }

    /// A node; nothing if it is gone.
    async fn look(&self, key: &str) -> Result<Option<Node>, RawError> {
        let path = format!("{}{key}", self.root);
        let (path, watch) = (folder(&path), self.is_watched);
        let read = async |request| {
            let read = self.connection.call(request).await;
            there(read).map_err(|failed| match trouble(failed).into() {
                RawError::Refused(why) => RawError::Refused(format!("`{path}`: {why}")),
                other => other,
            })
        };
        let (names, node) =
            tokio::join!(read(Request::Children { path, watch }), read(Request::Get { path, watch }));
        let (Some(names), Some(node)) = (names?, node?) else { return Ok(None) };
        let names: BTreeSet<String> = wire::names(&names).map_err(trouble)?.into_iter().collect();
        let (value, stat) = wire::node(&node).map_err(trouble)?;
        Ok(Some(Node { names, record: RawRecord::new(value, stat.owner != 0) }))
    }

    /// The key of a path, where that is one of a node that is known.
    fn key(&self, path: &str) -> Option<String> {
        let key = path.strip_prefix(&self.root)?.trim_end_matches('/');
        self.nodes.contains_key(key).then(|| key.to_owned())
    }

    fn records(&self) -> RawRecords {
        let is_record = |(key, _): &(&String, &Node)| !key.is_empty() && key.starts_with(&self.prefix);
        let records = self.nodes.iter().filter(is_record);
        records.map(|(key, node)| (key.clone(), node.record.clone())).collect()
    }
}

impl fmt::Debug for RawZooKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RawZooKeeper").field(&self.endpoints).finish()
    }
}

impl RawStore for RawZooKeeper {
    fn kind(&self) -> &'static str {
        self.zookeeper.kind()
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<RawRecords, RawError>> {
        Box::pin(async move {
            let mut tree = self.tree(prefix, false).await?;
            tree.read_all().await?;
            Ok(tree.records())
        })
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<RawRecord>, RawError>> {
        Box::pin(async move {
            let found = self.zookeeper.get(key).await?;
            Ok(found.map(|record| RawRecord::new(record.value, record.owner != 0)))
        })
    }

    fn follow<'a>(
        &'a self,
        prefix: &'a str,
        tell: &'a mut (dyn FnMut(RawChange) + Send),
    ) -> BoxFuture<'a, RawError> {
        Box::pin(async move {
            let Err(error) = self.watch(prefix, tell).await;
            error
        })
    }
}
