//! How long a stream may be quiet.
//!
//! In: what the policy of a method says. Out: the end of a stream whose caller says nothing for longer.

use std::time::Duration;

use tokio::time::sleep;
use tonic::Status;

use super::outbox::Outbox;
use crate::call::silence;
use crate::descriptor::Method;
use crate::policy::{Policy, bound};

/// The bounds of one stream, where there are any.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    open: Option<Duration>,
    idle: Option<Duration>,
}

impl Patience {
    /// That of a method; one reply to one request has a deadline instead.
    pub(super) fn of(method: &Method, policy: &Policy) -> Option<Self> {
        let open = bound(policy.open_timeout).filter(|_| method.kind.streams_requests());
        let idle = bound(policy.idle_timeout);
        (method.kind.streams() && (open.is_some() || idle.is_some())).then_some(Self { open, idle })
    }

    /// Ready when the stream was quiet for too long.
    pub(super) async fn lost(self, outbox: &Outbox) -> Status {
        if let Some(open) = self.open {
            sleep(open).await;
            if outbox.moved() == 0 {
                return Status::deadline_exceeded(format!(
                    "the stream carried nothing in its first {open:?}"
                ));
            }
        }
        match self.idle {
            Some(idle) => silence(idle, || outbox.moved()).await,
            None => std::future::pending().await,
        }
    }
}
