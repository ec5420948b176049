//! What connections and streams cost a server in memory when nothing happens on them.

use std::time::Duration;

use tokio::time::sleep;

use super::raw::Raw;
use super::{Calls as _, Load, Seen, What};
use crate::process;

/// How many there are.
const COUNT: usize = 1000;

/// How many streams share a connection.
const STREAMS: usize = 100;

/// How long the server has to come to rest.
const REST: Duration = Duration::from_millis(1500);

pub(super) async fn run(load: &Load) -> anyhow::Result<Seen> {
    // What a server keeps after its first calls is not what one more costs.
    let mut first = Raw::connect(&load.address).await?;
    for _ in 0..100 {
        first.unary().await?;
        drop(first.hold().await?);
    }
    let mut connections = Vec::new();
    if load.what == What::IdleStreams {
        for _ in 0..COUNT / STREAMS {
            connections.push(Raw::connect(&load.address).await?);
        }
    }
    sleep(REST).await;
    let before = process::resident(load.server)?;
    let mut streams = Vec::new();
    match load.what {
        What::IdleStreams => {
            for connection in &mut connections {
                for _ in 0..STREAMS {
                    streams.push(connection.hold().await?);
                }
            }
        }
        _ => {
            for _ in 0..COUNT {
                let mut connection = Raw::connect(&load.address).await?;
                connection.unary().await?;
                connections.push(connection);
            }
        }
    }
    sleep(REST).await;
    let after = process::resident(load.server)?;
    Ok(Seen { bytes: (after - before) / COUNT as f64, ..Seen::default() })
}
