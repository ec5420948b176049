//! How long a stream may be quiet.

use std::time::Duration;

use tokio::time::sleep;
use tonic::Status;

/// In how many steps a time is waited for: a stream is ended at most a quarter too late, and a message costs a counter and
/// no timer.
const STEPS: u32 = 4;

/// Ready when a stream was quiet for too long; `moved` changes with every message, whichever way it goes.
pub(crate) async fn silence(most: Duration, moved: impl Fn() -> u64) -> Status {
    let (mut seen, mut quiet) = (moved(), 0);
    while quiet < STEPS {
        sleep(most / STEPS).await;
        let now = moved();
        quiet = if now == seen { quiet + 1 } else { 0 };
        seen = now;
    }
    Status::deadline_exceeded(format!("the stream carried nothing for {most:?}"))
}
