//! The servers of one ZooKeeper, and sessions that go from one of them to another.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::Mutex;

use super::connection::Connection;
use super::failed::{Code, Failed};
use super::wire::{Request, Ticket};
use crate::chance::below;

/// Where clients of ZooKeeper go when nobody says otherwise.
const PORT: u16 = 2181;

/// Where a ZooKeeper is, and who asks there.
pub(super) struct Cluster {
    servers: Vec<String>,
    /// The folder that all paths are in: `/fleet`, or nothing.
    pub(super) root: String,
    pub(super) user: Option<(String, String)>,
    time: Duration,
    /// The server that is tried first.
    first: AtomicUsize,
}

impl Cluster {
    /// Servers as the clients of Java name them: `10.1.0.7:2181`, `10.1.0.7,10.1.0.8/fleet`.
    ///
    /// # Errors
    ///
    /// Fails when there is none, or when they are in different folders.
    pub(super) fn new(
        endpoints: &[String],
        user: Option<(String, String)>,
        time: Duration,
    ) -> Result<Self, String> {
        let (mut servers, mut roots) = (Vec::new(), BTreeSet::new());
        for endpoint in endpoints {
            let (hosts, root) = endpoint.split_at(endpoint.find('/').unwrap_or(endpoint.len()));
            servers.extend(hosts.split(',').map(str::trim).filter(|host| !host.is_empty()).map(with_port));
            roots.insert(root.trim_end_matches('/'));
        }
        // Java has the folder behind the last server alone.
        roots.remove("");
        match (servers.len(), roots.len()) {
            (0, _) => Err("no server is named".to_owned()),
            (_, 0 | 1) => Ok(Self {
                // Those who start together do not all go to the same one.
                first: AtomicUsize::new(below(servers.len()).unwrap_or_default()),
                servers,
                root: roots.pop_first().unwrap_or_default().to_owned(),
                user,
                time,
            }),
            _ => Err(format!("one registry is in one folder, and not in {roots:?}")),
        }
    }

    /// Connects to any server that will, with a session or with a new one.
    async fn connect(&self, ticket: &Ticket) -> Result<Connection, Failed> {
        let first = self.first.load(Relaxed);
        let mut last = Failed::Away("there is no server".to_owned());
        for number in (0..self.servers.len()).map(|next| (first + next) % self.servers.len()) {
            match Connection::open(&self.servers[number], ticket, self.time).await {
                Ok(connection) => {
                    self.first.store(number, Relaxed);
                    return self.name_oneself(connection).await;
                }
                Err(Failed::Code(code)) => return Err(Failed::Code(code)),
                Err(failed) => last = failed,
            }
        }
        Err(last)
    }

    async fn name_oneself(&self, connection: Connection) -> Result<Connection, Failed> {
        if let Some((user, password)) = &self.user {
            connection.call(Request::Auth { user, password }).await?;
        }
        Ok(connection)
    }
}

fn with_port(host: &str) -> String {
    let name = host.rsplit_once(']').map_or(host, |(_, rest)| rest);
    if name.contains(':') { host.to_owned() } else { format!("{host}:{PORT}") }
}

/// One session, or one that is begun anew whenever it is lost, with the connection that it has now.
pub(super) struct Line {
    cluster: Arc<Cluster>,
    /// The session that it has to be; none if any will do.
    ticket: Option<Ticket>,
    connection: Mutex<Option<Arc<Connection>>>,
}

impl Line {
    /// Any session will do, for it owns nothing.
    pub(super) fn reading(cluster: Arc<Cluster>) -> Self {
        Self { cluster, ticket: None, connection: Mutex::default() }
    }

    /// A new session, and its number.
    pub(super) async fn begin(cluster: Arc<Cluster>) -> Result<(i64, Self), Failed> {
        let connection = cluster.connect(&Ticket::none()).await?;
        let ticket = connection.ticket.clone();
        let session = ticket.session;
        Ok((
            session,
            Self { cluster, ticket: Some(ticket), connection: Mutex::new(Some(Arc::new(connection))) },
        ))
    }

    /// A connection that is whole, as far as that is known.
    ///
    /// # Errors
    ///
    /// Fails with [`Code::Expired`] when the session has ended.
    pub(super) async fn connection(&self) -> Result<Arc<Connection>, Failed> {
        let mut known = self.connection.lock().await;
        if let Some(connection) = known.as_ref().filter(|connection| connection.is_whole()) {
            return Ok(Arc::clone(connection));
        }
        *known = None;
        let none = Ticket::none();
        let connection = self.cluster.connect(self.ticket.as_ref().unwrap_or(&none)).await?;
        if self.ticket.as_ref().is_some_and(|ticket| ticket.session != connection.ticket.session) {
            return Err(Failed::Code(Code::Expired));
        }
        Ok(Arc::clone(known.insert(Arc::new(connection))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_named_as_java_names_them() {
        let of = |endpoints: &[&str]| {
            let endpoints: Vec<String> = endpoints.iter().map(|&endpoint| endpoint.to_owned()).collect();
            Cluster::new(&endpoints, None, Duration::ZERO).map(|cluster| (cluster.servers, cluster.root))
        };
        let found = |servers: &[&str], root: &str| {
            Ok((servers.iter().map(|&server| server.to_owned()).collect::<Vec<_>>(), root.to_owned()))
        };
        assert_eq!(of(&["10.1.0.7:2182"]), found(&["10.1.0.7:2182"], ""));
        assert_eq!(of(&["one", "[::1]/"]), found(&["one:2181", "[::1]:2181"], ""));
        assert_eq!(of(&["one:1, two/a/b"]), found(&["one:1", "two:2181"], "/a/b"));
        assert_eq!(of(&["one/a", "two:1/a/", "three"]), found(&["one:2181", "two:1", "three:2181"], "/a"));
        assert!(of(&[]).is_err() && of(&["/a"]).is_err() && of(&["one/a", "two/b"]).is_err());
    }
}
