//! From a target to a connection.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::peer::{Metadata, Peer};
use super::target::Place;
use super::{Problem, Target, tls};
use crate::diag::{Code, Diagnostic, Diagnostics};

/// How long a server may take to be reached, and to say what it has, unless `--timeout` says less.
const PATIENCE: Duration = Duration::from_secs(10);

/// What every command says of a connection.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(in crate::cli) struct Connection {
    /// Metadata to send, also with what is asked before a call; `-bin` values in base64. May be given several times
    #[arg(short = 'H', long = "header", value_name = "KEY: VALUE")]
    headers: Vec<String>,
    /// Use TLS; `https://` targets do
    #[arg(long)]
    tls: bool,
    /// Trust the certificates of this file alone (PEM), instead of those of the system
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// Show the server this certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// The private key of `--cert` (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// The name that the certificate of the server has, also sent as `:authority` [default: the host of the target]
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Use TLS with whoever answers: for tests, never for secrets
    #[arg(long, conflicts_with = "cacert")]
    insecure_skip_verify: bool,
    /// How long a call may take: `300ms`, `2s`, `1m` [default: as long as it takes, and 10s for what is asked before it]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    timeout: Option<Duration>,
}

impl Connection {
    /// How long a call may take.
    pub(in crate::cli) fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// What is sent with each call.
    pub(in crate::cli) fn metadata(&self) -> Result<Metadata, Diagnostics> {
        Metadata::parse(&self.headers)
    }

    /// How long anything but a call may take.
    pub(super) fn patience(&self) -> Duration {
        self.timeout.map_or(PATIENCE, |timeout| timeout.min(PATIENCE))
    }

    /// Connects to a server.
    ///
    /// # Errors
    /// When nobody listens, when TLS does not come about, and when files of certificates are none.
    pub(in crate::cli) async fn open(&self, target: &Target) -> Result<Peer, Problem> {
        let is_tls = self.tls
            || target.tls
            || self.cacert.is_some()
            || self.cert.is_some()
            || self.insecure_skip_verify;
        let tls = if is_tls { Some(self.tls(target)?) } else { None };
        let connecting = async {
            let stream = dial(&target.place).await.map_err(|error| nobody(target, &error))?;
            match &tls {
                None => Ok(stream),
                Some(tls) => tls.wrap(stream).await.map_err(|error| no_tls(target, &error)),
            }
        };
        let stream = tokio::time::timeout(self.patience(), connecting).await.map_err(|_| {
            Problem::late(
                format!("`{target}` cannot be reached within {:?}", self.patience()),
                "check host, port and firewalls",
            )
        })??;
        let authority = self.server_name.clone().unwrap_or_else(|| target.authority());
        Peer::new(stream, &authority, is_tls, self.metadata()?, self.patience()).await
    }

    fn tls(&self, target: &Target) -> Result<tls::Tls, Diagnostics> {
        let trust = match (&self.cacert, self.insecure_skip_verify) {
            (_, true) => tls::Trust::Anybody,
            (Some(file), false) => tls::Trust::File(file),
            (None, false) => tls::Trust::System,
        };
        let own = self.cert.as_deref().zip(self.key.as_deref());
        let name = self.server_name.as_deref().unwrap_or_else(|| target.host());
        tls::Tls::new(trust, own, name)
    }
}

/// A connection, whatever it is made of.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn dial(place: &Place) -> io::Result<Box<dyn Stream>> {
    match place {
        Place::Tcp { host, port } => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
        #[cfg(unix)]
        Place::Unix(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
        #[cfg(not(unix))]
        Place::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

fn nobody(target: &Target, error: &io::Error) -> Problem {
    Problem::unreachable(
        format!("nobody listens on `{target}`: {error}"),
        "start the server, or give the address that it listens on",
    )
}

fn no_tls(target: &Target, error: &io::Error) -> Problem {
    let help = "without `--tls` if the server does not speak it; else give its authority with `--cacert`, its name with \
                `--server-name`, your certificate with `--cert` and `--key`";
    Problem::unreachable(format!("no TLS with `{target}`: {error}"), help)
}

/// `300ms`, `2s`, `1m`
pub(in crate::cli) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a whole number above 0 and a unit: `300ms`, `2s`, `1m`".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let number: u64 = text[..digits].parse().ok().filter(|number| *number > 0).ok_or_else(wrong)?;
    match &text[digits..] {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

/// What is wrong with a file that was named.
pub(super) fn bad_file(path: &std::path::Path, problem: impl std::fmt::Display) -> Diagnostic {
    Diagnostic::error(Code::NotFound, format!("`{}`: {problem}", path.display()))
        .help("give a file in PEM: `-----BEGIN CERTIFICATE-----` or `-----BEGIN PRIVATE KEY-----`")
}
