//! Many calls on one connection, which is polled once for a batch of them.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use futures_util::future::join_all;
use support::{amounts, eventually, get, shop, soon, watch};
use tokio::time::timeout;

const MIB: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_messages_share_a_connection_with_small_ones() {
    let (_running, client, _) = shop().await;
    let large = (0..2).map(|_| client.get_order(get(&"x".repeat(5 * MIB))));
    let small = (0..200).map(|id| {
        let client = client.clone();
        async move { client.get_order(get(&id.to_string())).await }
    });
    let (large, small) = soon(async { tokio::join!(join_all(large), join_all(small)) }).await;
    assert!(large.into_iter().all(|reply| reply.unwrap().id.len() == 5 * MIB));
    for (id, reply) in small.into_iter().enumerate() {
        assert_eq!(reply.unwrap().id, id.to_string());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_does_not_hold_its_neighbours_up() {
    let (_running, client, traces) = shop().await;
    // Fills its window, and is not read.
    let slow = soon(client.watch(watch(&"x".repeat(1 << 10), 900))).await.unwrap();
    eventually("the window is full", || traces.messages.load(SeqCst) > 500).await;
    for _ in 0..20 {
        let replies = soon(join_all((0..25).map(|id| {
            let client = client.clone();
            async move { client.get_order(get(&id.to_string())).await }
        })))
        .await;
        assert!(replies.into_iter().all(|reply| reply.is_ok()));
    }
    assert_eq!(soon(amounts(slow)).await.unwrap().len(), 900);
}

/// Whoever waits alone on a connection that others use without saying anything is answered, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quiet_streams_delay_nobody() {
    let (running, client, _) = shop().await;
    let mut quiet = Vec::new();
    for _ in 0..50 {
        quiet.push(soon(client.watch(watch("open", 1))).await.unwrap());
    }
    for id in 0..100 {
        let reply = timeout(Duration::from_secs(1), client.get_order(get(&id.to_string()))).await;
        assert_eq!(reply.expect("at once").unwrap().id, id.to_string());
    }
    assert_eq!(running.stats.in_flight(), 50);
}
