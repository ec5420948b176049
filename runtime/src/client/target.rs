//! One address, from its text to a connection.

use std::time::Duration;

use http::Uri;
use tokio::runtime::Handle;
use tonic::transport::{Channel, Endpoint};

use super::leash::Executor;
use crate::policy::UnknownTarget;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);

/// A connection to `target` that is made when it is first needed, and made again when it is lost.
pub(super) fn channel(target: &str) -> Result<Channel, ConnectError> {
    let invalid = |why: &str| ConnectError::Target { target: target.to_owned(), why: why.to_owned() };
    Handle::try_current().map_err(|_| ConnectError::NoRuntime)?;
    let uri = if target.contains("://") { target.to_owned() } else { format!("http://{target}") };
    let uri: Uri = uri.parse().map_err(|error: http::uri::InvalidUri| invalid(&error.to_string()))?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") => return Err(invalid("this build has no TLS")),
        _ => return Err(invalid("only `http` is supported")),
    }
    if uri.authority().is_none_or(|authority| authority.host().is_empty()) {
        return Err(invalid("it names no host"));
    }
    let endpoint = Endpoint::from(uri)
        .connect_timeout(CONNECT)
        .tcp_keepalive(Some(Duration::from_secs(60)))
        .executor(Executor);
    Ok(endpoint.connect_lazy())
}

/// A client cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The target is no address.
    #[error("cannot connect to `{target}`: {why}")]
    Target {
        /// The target as it was given: `http//10.1.0.7`.
        target: String,
        /// What is wrong with it: `invalid authority`.
        why: String,
    },
    /// A policy of a method that the service does not have.
    #[error("`methods` of [client]: {0}")]
    Policy(#[from] UnknownTarget),
    /// A client needs a tokio runtime around it.
    #[error("a client is made inside of a tokio runtime")]
    NoRuntime,
}
