//! Calls without a break, and how many of them fail.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use jovian_runtime::{CallError, stream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::{OrdersClient, OrdersError, get, order};

/// What callers do.
#[derive(Clone, Copy)]
pub enum What {
    /// A unary call, which is idempotent, so that policy may try it again.
    Get,
    /// A stream of requests, which is not: whoever fails has failed.
    Import,
}

impl What {
    async fn call(self, client: &OrdersClient) -> Result<(), CallError<OrdersError>> {
        match self {
            Self::Get => client.get_order(get("1")).await.map(drop),
            Self::Import => {
                let summary = client.import(stream::iter([order("", 1), order("", 2)])).await?;
                assert_eq!((summary.count, summary.amount), (2, 3), "whole, and once");
                Ok(())
            }
        }
    }
}

/// Calls without a break, by several callers, until it is told to stop.
pub struct Load {
    stop: Arc<AtomicBool>,
    good: Arc<AtomicUsize>,
    callers: Vec<JoinHandle<BTreeMap<String, usize>>>,
}

impl Load {
    pub fn start(client: &OrdersClient, what: What, callers: usize) -> Self {
        let (stop, good) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let caller = |_| {
            let (client, stop, good) = (client.clone(), Arc::clone(&stop), Arc::clone(&good));
            tokio::spawn(async move {
                let mut failures = BTreeMap::new();
                while !stop.load(SeqCst) {
                    match timeout(Duration::from_secs(20), what.call(&client)).await {
                        Ok(Ok(_)) => drop(good.fetch_add(1, SeqCst)),
                        Ok(Err(error)) => *failures.entry(error.to_string()).or_default() += 1,
                        Err(_) => *failures.entry("no answer in 20 s".to_owned()).or_default() += 1,
                    }
                }
                failures
            })
        };
        let callers = (0..callers).map(caller).collect();
        Self { stop, good, callers }
    }

    pub fn good(&self) -> usize {
        self.good.load(SeqCst)
    }

    /// Waits for so many more good calls.
    pub async fn more(&self, calls: usize) {
        let goal = self.good() + calls;
        let reached = async {
            while self.good() < goal {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_secs(30), reached).await.expect("calls go on");
    }

    /// All that failed, by their text.
    pub async fn failures(self) -> BTreeMap<String, usize> {
        self.stop.store(true, SeqCst);
        let mut all = BTreeMap::new();
        for caller in self.callers {
            for (text, count) in caller.await.unwrap() {
                *all.entry(text).or_default() += count;
            }
        }
        all
    }
}

/// How many failed.
pub fn count(failures: &BTreeMap<String, usize>) -> usize {
    failures.values().sum()
}
