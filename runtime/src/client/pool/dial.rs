//! From an address to an open connection.
//!
//! In: a host and a port, or the path of a socket. Out: a connection, within a bounded time. A name of which no address is chosen
//! is looked up each time, and all that it stands for is tried.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::connection::Connection;
use super::settings::Settings;
use crate::chance;
use crate::client::address::{Address, Place};
use crate::net::{Plain, Stream};

/// When a quiet connection is probed by TCP, how often, and how often in vain.
const QUIET: Duration = Duration::from_secs(60);
const PROBE: Duration = Duration::from_secs(10);
const PROBES: u32 = 3;

/// How long a host may take to acknowledge what it was sent. Without a limit, calls go to a host that is gone for a
/// quarter of an hour.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(60);

/// Opens a connection.
pub(super) async fn dial(address: &Address, settings: &Settings) -> io::Result<Connection> {
    let limit = settings.connect_timeout;
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, format!("no answer in {} ms", limit.as_millis()));
    timeout(limit, open(address, settings)).await.map_err(late)?
}

async fn open(address: &Address, settings: &Settings) -> io::Result<Connection> {
    let stream = match &address.place {
        Place::Tcp { at: Some(at), .. } => Plain::Tcp(tcp(vec![*at], settings.connect_timeout).await?),
        Place::Tcp { host, port, at: None } => {
            let addresses = lookup_host((host.as_str(), *port)).await?.collect();
            Plain::Tcp(tcp(addresses, settings.connect_timeout).await?)
        }
        Place::Unix(path) => unix(path).await?,
    };
    let stream = match (&settings.tls, &address.place) {
        (Some(tls), Place::Tcp { host, .. }) if address.is_tls() => tls.connect(host, stream).await?,
        _ if address.is_tls() => {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "TLS is not set up for this client"));
        }
        _ => Stream::Plain(stream),
    };
    Connection::open(stream, settings.keep_alive).await
}

#[cfg(unix)]
async fn unix(path: &Path) -> io::Result<Plain> {
    tokio::net::UnixStream::connect(path).await.map(Plain::Unix)
}

#[cfg(not(unix))]
async fn unix(_: &Path) -> io::Result<Plain> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no such sockets"))
}

/// Tries all addresses of a name, from any of them on, each for its share of the time.
async fn tcp(mut addresses: Vec<SocketAddr>, limit: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    if let Some(first) = chance::below(addresses.len()) {
        addresses.rotate_left(first);
    }
    let share = limit / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    for address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                if let Err(error) = tune(&stream) {
                    tracing::debug!(%address, %error, "cannot set the options of a socket");
                }
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::Error::new(io::ErrorKind::TimedOut, format!("{address} does not answer")),
        }
    }
    Err(last)
}

fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(QUIET).with_interval(PROBE).with_retries(PROBES))
}
