//! The way to a server: over connections, or to a service in this process.
//!
//! In: a call and its requests. Out: an HTTP response. Both ways look the same from here on.

use std::fmt;
use std::sync::Arc;

use http::header::{CONTENT_TYPE, TE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method as Verb, Request, Response, Uri, Version};
use tonic::Status;
use tonic::body::Body;

use super::pool::{Pool, Upload};
use super::requests::{Requests, announce};
use super::{BalancingSection, ConnectError, response};
use crate::call::{Call, deadline, reserved};
use crate::codec::Encoding;
use crate::interceptor::Hooks;
use crate::net::Peer;
use crate::server::Router;

/// The way to a server.
#[derive(Clone)]
pub(super) enum Transport {
    Remote(Arc<Pool>),
    Local(Router),
}

impl Transport {
    /// The same way, with calls that choose by other rules.
    pub(super) fn balanced(self, section: &BalancingSection) -> Result<Self, ConnectError> {
        match self {
            Self::Local(_) => Ok(self),
            Self::Remote(pool) => pool.balanced(section).map(Self::Remote),
        }
    }

    /// Sends a call and waits for the head of its response. Whether a server saw a call that failed, the status knows:
    /// see [`response::never_sent`].
    pub(super) async fn send(
        &self,
        call: &Call,
        requests: Requests,
        hooks: Option<Hooks>,
    ) -> Result<Response<Body>, Status> {
        let encoding = requests.encoding();
        let (sending, refusal) = requests.into_sending(hooks);
        match self {
            Self::Local(router) => {
                let head = request(call, encoding)?;
                Ok(router.call(head.map(|()| sending.into_body()), Peer::default()).await)
            }
            Self::Remote(pool) => {
                let sent = pool.send(call, || request(call, encoding), Upload::new(sending)).await;
                sent.map_err(|status| refusal.take().unwrap_or(status))
            }
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(pool) => pool.fmt(f),
            Self::Local(router) => router.fmt(f),
        }
    }
}

/// The head of a call's HTTP request.
fn request(call: &Call, encoding: Option<Encoding>) -> Result<Request<()>, Status> {
    let mut headers = call.metadata().clone().into_headers();
    reserved::strip(&mut headers);
    set_timeout(call, &mut headers)?;
    if call.attempts() > 0 {
        headers.insert("grpc-previous-rpc-attempts", call.attempts().into());
    }
    announce(encoding, &mut headers);
    headers.insert(TE, HeaderValue::from_static("trailers"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    let mut request = Request::new(());
    *request.method_mut() = Verb::POST;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = Uri::from(PathAndQuery::from_static(call.method().path));
    *request.headers_mut() = headers;
    Ok(request)
}

/// Tells the server what is left of the deadline now, after whatever waited before.
fn set_timeout(call: &Call, headers: &mut HeaderMap) -> Result<(), Status> {
    if call.is_over() {
        return Err(response::deadline_exceeded());
    }
    if let Some(left) = call.remaining() {
        headers.insert(deadline::GRPC_TIMEOUT, deadline::format(left));
    }
    Ok(())
}
