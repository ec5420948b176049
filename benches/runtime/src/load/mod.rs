//! The process that calls: `load JSON`. It prints what it saw as JSON.

use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};

use crate::counted;

mod clients;
mod idle;
mod raw;
mod window;

/// The first argument of a process that calls.
pub(crate) const LOAD: &str = "load";

/// How many messages a stream has.
pub(crate) const MESSAGES: u32 = 1000;

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Caller {
    /// HTTP/2 and five bytes before each message: light, and the same for every server.
    Raw,
    Ours,
    Tonic,
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    Unary,
    Stream,
    /// Connections that do nothing.
    IdleConnections,
    /// Streams that do nothing, 100 on a connection.
    IdleStreams,
}

/// What to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Load {
    pub caller: Caller,
    pub what: What,
    /// `127.0.0.1:1234`
    pub address: String,
    /// The process at the address.
    pub server: u32,
    pub connections: usize,
    /// How many calls run at once on each connection.
    pub calls: usize,
    pub warm: Duration,
    pub until: Until,
}

/// When it has been enough.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Until {
    Passed(Duration),
    /// Each of the connections' callers calls so often.
    Calls(u64),
}

/// What was seen.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub calls: u64,
    /// CPU time of the server and of this process meanwhile, in seconds.
    pub server: f64,
    pub client: f64,
    /// Latencies in microseconds.
    pub p50: f64,
    pub p99: f64,
    /// What this process allocated, if that is noted.
    pub blocks: u64,
    /// Bytes of the server for each that is idle.
    pub bytes: f64,
}

/// Something that can call, over a connection of its own or one that it shares.
pub(crate) trait Calls: Clone + Send + 'static {
    fn connect(address: &str) -> impl Future<Output = anyhow::Result<Self>> + Send;
    fn unary(&mut self) -> impl Future<Output = anyhow::Result<()>> + Send;
    fn stream(&mut self) -> impl Future<Output = anyhow::Result<()>> + Send;
}

pub(crate) fn main(load: &str) -> anyhow::Result<()> {
    let load: Load = serde_json::from_str(load)?;
    let profiler = counted::start();
    let runtime = match load.caller {
        // One thread is enough, and does not compete with itself.
        Caller::Raw => Builder::new_current_thread().enable_all().build()?,
        Caller::Ours | Caller::Tonic => Runtime::new()?,
    };
    let mut seen = runtime.block_on(async {
        match (load.what, load.caller) {
            (What::IdleConnections | What::IdleStreams, _) => idle::run(&load).await,
            (_, Caller::Raw) => window::run::<raw::Raw>(&load).await,
            (_, Caller::Ours) => window::run::<clients::Ours>(&load).await,
            (_, Caller::Tonic) => window::run::<clients::Tonic>(&load).await,
        }
    })?;
    seen.blocks = counted::blocks();
    drop(profiler);
    println!("{}", serde_json::to_string(&seen)?);
    Ok(())
}
