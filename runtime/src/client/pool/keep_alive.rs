//! Whether the other end of a connection is still there.
//!
//! In: the pings of a connection. Out: the moment at which it is lost. By default pings are as rare as servers of grpc-go
//! and grpc-java allow to clients they were not configured for (once in five minutes, while calls run); who pings more
//! is sent away with `too_many_pings`. A host that is gone is noticed sooner than that, by TCP.

use std::future::{pending, poll_fn};
use std::time::Duration;

use h2::{Ping, PingPong};
use tokio::time::{sleep, timeout};

use crate::net::Load;

/// When a connection is asked whether it still is one.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeepAlive {
    /// The time between two pings, if there are any.
    pub(super) interval: Option<Duration>,
    /// How long an answer may take.
    pub(super) patience: Duration,
    /// Also when the connection carries no call.
    pub(super) while_idle: bool,
}

impl KeepAlive {
    /// Ready when a ping was not answered in time.
    pub(super) async fn lost(self, pings: Option<PingPong>, load: Load) {
        let (Some(mut pings), Some(interval)) = (pings, self.interval) else { return pending().await };
        loop {
            sleep(interval).await;
            if !self.while_idle && load.count() == 0 {
                continue;
            }
            if pings.send_ping(Ping::opaque()).is_err() {
                return pending().await;
            }
            match timeout(self.patience, poll_fn(|cx| pings.poll_pong(cx))).await {
                Ok(Ok(_)) => {}
                // It ended, and says so itself.
                Ok(Err(_)) => return pending().await,
                Err(_late) => return,
            }
        }
    }
}
