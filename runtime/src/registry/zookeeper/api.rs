//! ZooKeeper as a store: sessions, nodes that go with them, watches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::ZooKeeperOptions;
use super::cluster::{Cluster, Line};
use super::connection::Connection;
use super::failed::{Code, Failed};
use super::following;
use super::wire::{self, Request, Stat};
use crate::registry::keyed::store::{Change, Record, Scope, Store, Trouble};

/// How often parents are made that somebody removes at the same time.
const ATTEMPTS: u32 = 3;

pub(super) struct ZooKeeper {
    ttl: Duration,
    /// What reads and follows, and writes what belongs to no session; or why there is nothing to connect to.
    reading: Result<(Arc<Cluster>, Line), String>,
    sessions: Mutex<HashMap<i64, Arc<Line>>>,
}

impl ZooKeeper {
    pub(super) fn new(options: &ZooKeeperOptions) -> Self {
        let cluster = Cluster::new(&options.endpoints, options.user.clone(), options.ttl);
        let reading = cluster.map(Arc::new).map(|cluster| (Arc::clone(&cluster), Line::reading(cluster)));
        Self { ttl: options.ttl, reading, sessions: Mutex::default() }
    }

    fn cluster(&self) -> Result<&Arc<Cluster>, Trouble> {
        self.reading.as_ref().map(|(cluster, _)| cluster).map_err(|why| Trouble::Refused(why.clone()))
    }

    /// The whole path of a key, and a connection to read it.
    pub(super) async fn reading(&self, key: &str) -> Result<(String, Arc<Connection>), Trouble> {
        let (cluster, line) = self.reading.as_ref().map_err(|why| Trouble::Refused(why.clone()))?;
        Ok((format!("{}{key}", cluster.root), line.connection().await.map_err(trouble)?))
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<i64, Arc<Line>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something in a session, which is forgotten when it has ended.
    async fn within<T>(
        &self,
        session: i64,
        work: impl AsyncFnOnce(Arc<Connection>) -> Result<T, Failed>,
    ) -> Result<T, Trouble> {
        let line = self.sessions().get(&session).cloned();
        let Some(line) = line else { return Err(Trouble::Lost("the session has ended".to_owned())) };
        let working = async { work(line.connection().await?).await };
        let done = working.await.map_err(trouble);
        if matches!(done, Err(Trouble::Lost(_))) {
            self.sessions().remove(&session);
        }
        done
    }
}

impl Store for ZooKeeper {
    fn kind(&self) -> &'static str {
        "zookeeper"
    }

    fn rhythm(&self) -> Duration {
        self.ttl / 3
    }

    async fn open(&self) -> Result<i64, Trouble> {
        let (session, line) = Line::begin(Arc::clone(self.cluster()?)).await.map_err(trouble)?;
        self.sessions().insert(session, Arc::new(line));
        Ok(session)
    }

    async fn beat(&self, session: i64) -> Result<(), Trouble> {
        self.within(session, async |connection| connection.call(Request::Ping).await.map(drop)).await
    }

    async fn close(&self, session: i64) -> Result<(), Trouble> {
        self.within(session, async |connection| connection.call(Request::Close).await.map(drop)).await?;
        self.sessions().remove(&session);
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Option<Record>, Trouble> {
        let (path, connection) = self.reading(key).await?;
        let found = newest(&connection, &path).await.map_err(trouble)?;
        Ok(found.map(|(value, stat)| record(value, &stat)))
    }

    async fn swap(&self, key: &str, value: &str, owner: i64, version: i64) -> Result<bool, Trouble> {
        let cluster = self.cluster()?;
        let (path, is_private) = (format!("{}{key}", cluster.root), cluster.user.is_some());
        let node = Node { path: &path, value, owner, is_private };
        if owner == 0 {
            let (_, connection) = self.reading(key).await?;
            return node.swap(&connection, version).await.map_err(trouble);
        }
        self.within(owner, async |connection| node.swap(&connection, version).await).await
    }

    async fn follow(&self, scope: &Scope, tell: &mut (dyn FnMut(Change) + Send)) -> Trouble {
        let (Scope::Key(key) | Scope::Place(key)) = scope;
        let following = async {
            let (path, connection) = self.reading(key).await?;
            // It may be another server than the one before, and has to know at least as much.
            connection.call(Request::Sync { path: folder(&path) }).await.map_err(trouble)?;
            let failed = match scope {
                Scope::Key(key) => following::key(&connection, &path, key, tell).await,
                Scope::Place(place) => following::place(&connection, folder(&path), place, tell).await,
            };
            Ok(trouble(failed))
        };
        following.await.unwrap_or_else(|trouble: Trouble| trouble)
    }
}

/// A path as servers take it: they know no `/` at the end.
pub(super) fn folder(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => "/",
        folder => folder,
    }
}

pub(super) fn record(value: String, stat: &Stat) -> Record {
    Record { value: value.into(), owner: stat.owner, version: stat.modified }
}

/// A node as it is now, and not as a server remembers it that is behind the others.
async fn newest(connection: &Connection, path: &str) -> Result<Option<(String, Stat)>, Failed> {
    let synced = connection.call(Request::Sync { path });
    let read = connection.call(Request::Get { path, watch: false });
    let (synced, read) = tokio::join!(synced, read);
    synced?;
    there(read)?.map(|reply| wire::node(&reply)).transpose()
}

/// What was read, if it is there.
pub(super) fn there(reply: Result<Bytes, Failed>) -> Result<Option<Bytes>, Failed> {
    match reply {
        Err(Failed::Code(Code::NoNode)) => Ok(None),
        reply => reply.map(Some),
    }
}

/// A node as it is to be.
struct Node<'a> {
    path: &'a str,
    value: &'a str,
    owner: i64,
    is_private: bool,
}

impl Node<'_> {
    /// Writes it if nobody has since that transaction; whether it did.
    async fn swap(&self, connection: &Connection, modified: i64) -> Result<bool, Failed> {
        let done = if modified == 0 {
            self.create(connection).await
        } else {
            match newest(connection, self.path).await? {
                Some((_, stat)) if stat.modified == modified => self.write(connection, &stat).await,
                _ => return Ok(false),
            }
        };
        match done {
            Ok(()) => Ok(true),
            Err(Failed::Code(Code::NodeExists | Code::NoNode | Code::BadVersion)) => Ok(false),
            Err(failed) => Err(failed),
        }
    }

    /// A node stays with its session: to go with another one it has to be another node.
    async fn write(&self, connection: &Connection, stat: &Stat) -> Result<(), Failed> {
        let Self { path, value, is_private, .. } = *self;
        let version = stat.version;
        if stat.owner == self.owner {
            return connection.call(Request::Set { path, value, version }).await.map(drop);
        }
        let is_ephemeral = self.owner != 0;
        let replace = Request::Replace { path, version, value, is_ephemeral, is_private };
        wire::all_done(&connection.call(replace).await?)
    }

    async fn create(&self, connection: &Connection) -> Result<(), Failed> {
        let Self { path, value, is_private, .. } = *self;
        let create = Request::Create { path, value, is_ephemeral: self.owner != 0, is_private };
        for _ in 0..ATTEMPTS {
            match connection.call(create).await {
                Err(Failed::Code(Code::NoNode)) => self.create_folders(connection).await?,
                done => return done.map(drop),
            }
        }
        Err(Failed::Away(format!("somebody removes the folders of {path}")))
    }

    /// Creates the folders that are missing, looking for them from below: above there may be some in which nothing may be
    /// created, whether it is there or not.
    async fn create_folders(&self, connection: &Connection) -> Result<(), Failed> {
        let create = async |end: usize| {
            let path = &self.path[..end];
            let folder =
                Request::Create { path, value: "", is_ephemeral: false, is_private: self.is_private };
            match connection.call(folder).await {
                Err(Failed::Code(Code::NodeExists)) => Ok(()),
                done => done.map(drop),
            }
        };
        let ends = self.path.match_indices('/').map(|(end, _)| end).filter(|end| *end > 0);
        let mut missing = Vec::new();
        for end in ends.collect::<Vec<_>>().into_iter().rev() {
            match create(end).await {
                Err(Failed::Code(Code::NoNode)) => missing.push(end),
                done => {
                    done?;
                    break;
                }
            }
        }
        for end in missing.into_iter().rev() {
            create(end).await?;
        }
        Ok(())
    }
}

/// What a failed request means.
pub(super) fn trouble(failed: Failed) -> Trouble {
    let why = failed.to_string();
    match failed {
        Failed::Code(Code::Expired) => Trouble::Lost(why),
        Failed::Code(
            Code::NoAuth
            | Code::AuthFailed
            | Code::InvalidAcl
            | Code::BadArguments
            | Code::NotEmpty
            | Code::NoChildrenForEphemerals,
        ) => Trouble::Refused(why),
        _ => Trouble::Away(why),
    }
}
