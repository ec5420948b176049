//! Where connections come from.

use std::io;
use std::net::SocketAddr;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};

use super::settings::ConnectionSection;
use super::stream::Plain;
#[cfg(unix)]
use super::unix::SocketFile;
use super::{Address, Peer};

/// What a [`Server`](crate::Server) takes connections from: a TCP port or a Unix socket.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    /// The file is removed with it, if it was made with it.
    #[cfg(unix)]
    Unix {
        listener: tokio::net::UnixListener,
        _file: Option<SocketFile>,
    },
}

impl Listener {
    /// Listens at `host:port`, or at `unix:/path/of/a/socket`.
    ///
    /// The file of a Unix socket that nobody listens at any more is replaced, and the file is removed at the end.
    ///
    /// # Errors
    ///
    /// Fails when the address is none, or is taken.
    pub async fn bind(address: &str) -> io::Result<Self> {
        Self::bind_with(address, ConnectionSection::default().backlog).await
    }

    pub(crate) async fn bind_with(address: &str, backlog: u32) -> io::Result<Self> {
        match Address::unix(address) {
            #[cfg(unix)]
            Some(path) => {
                let (listener, file) = super::unix::listen(path, backlog)?;
                Ok(Self(Kind::Unix { listener, _file: Some(file) }))
            }
            #[cfg(not(unix))]
            Some(_) => Err(io::Error::new(io::ErrorKind::Unsupported, "there are no Unix sockets here")),
            None => tcp(address, backlog).await.map(Self::from),
        }
    }

    /// Where it listens; with the port that it got if it asked for 0.
    ///
    /// # Errors
    ///
    /// Fails when the system does not know.
    pub fn address(&self) -> io::Result<Address> {
        match &self.0 {
            Kind::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            #[cfg(unix)]
            Kind::Unix { listener, .. } => {
                let address = listener.local_addr()?;
                Ok(Address::Unix(address.as_pathname().map(Into::into).unwrap_or_default()))
            }
        }
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> io::Result<(Plain, Peer)> {
        match &self.0 {
            Kind::Tcp(listener) => {
                listener.accept().await.map(|(stream, peer)| (Plain::Tcp(stream), Peer::at(peer)))
            }
            #[cfg(unix)]
            Kind::Unix { listener, .. } => {
                listener.accept().await.map(|(stream, _)| (Plain::Unix(stream), Peer::default()))
            }
        }
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self(Kind::Tcp(listener))
    }
}

#[cfg(unix)]
impl From<tokio::net::UnixListener> for Listener {
    /// Its file is not removed by whoever did not make it.
    fn from(listener: tokio::net::UnixListener) -> Self {
        Self(Kind::Unix { listener, _file: None })
    }
}

/// Listens at the first address of `host:port` that can be had.
async fn tcp(address: &str, backlog: u32) -> io::Result<TcpListener> {
    let listen = |address: SocketAddr| {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A server that comes back gets its port again. On Windows this would mean to take it from others.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(backlog)
    };
    let mut last = io::Error::new(io::ErrorKind::InvalidInput, "the host has no address");
    for address in lookup_host(address).await? {
        match listen(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Plain {
    /// Sets the options of the socket.
    pub(crate) fn tune(&self, settings: &ConnectionSection) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => tune(stream, settings),
            #[cfg(unix)]
            Self::Unix(_) => Ok(()),
        }
    }
}

fn tune(stream: &TcpStream, settings: &ConnectionSection) -> io::Result<()> {
    stream.set_nodelay(settings.nodelay)?;
    match settings.tcp_keepalive() {
        Some(time) => SockRef::from(stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(time)),
        None => Ok(()),
    }
}
