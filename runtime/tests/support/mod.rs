//! A shop to test with: an implementation of the hand-written "generated" services, and servers on loopback.
#![allow(
    dead_code,
    unused_imports,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test, and every test file uses its own part of it"
)]

pub mod generated;
pub mod hpack;
pub mod http;
pub mod load;
pub mod process;
pub mod raw;
pub mod raw_server;
pub mod wire;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use jovian_runtime::stream::{self, StreamExt};
use jovian_runtime::{Call, Incoming, Replies, Server, Stats};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

pub use generated::front::{Front, FrontClient, FrontServer};
pub use generated::shop::{
    GetOrderRequest, Order, Orders, OrdersClient, OrdersError, OrdersServer, Summary, WatchRequest,
};

/// What handlers leave behind for tests to see.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    /// Handlers that ran to their end.
    pub completed: Arc<AtomicUsize>,
    /// Handlers that began.
    pub begun: Arc<AtomicUsize>,
    /// Handlers that were dropped or ended.
    pub dropped: Arc<AtomicUsize>,
    /// Messages that were sent or received.
    pub messages: Arc<AtomicU64>,
}

impl Traces {
    fn begin(&self) -> Leaving {
        self.begun.fetch_add(1, SeqCst);
        Leaving(Arc::clone(&self.dropped))
    }
}

struct Leaving(Arc<AtomicUsize>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Does what the id or the filter of a request says.
#[derive(Clone, Debug, Default)]
pub struct Shop {
    pub traces: Traces,
}

impl Orders for Shop {
    type Error = OrdersError;

    async fn get_order(&self, call: &Call, request: GetOrderRequest) -> Result<Order, OrdersError> {
        let _leaving = self.traces.begin();
        match request.id.as_str() {
            "missing" => return Err(OrdersError::OrderNotFound { id: request.id }),
            "sold" => return Err(OrdersError::OutOfStock),
            "marked" => return Err(mark(call)),
            "panic" => panic!("a secret"),
            "slow" => sleep(Duration::from_secs(30)).await,
            "nap" => sleep(Duration::from_millis(150)).await,
            "meta" => {
                let lane =
                    call.metadata().get("x-lane").and_then(|lane| lane.to_str().ok()).unwrap_or("none");
                call.reply().add_header("x-seen", lane);
                call.reply().add_trailer("x-after", "tail");
            }
            _ => {}
        }
        self.traces.completed.fetch_add(1, SeqCst);
        let amount = call.remaining().map_or(0, |left| u64::try_from(left.as_millis()).unwrap());
        Ok(Order { id: request.id, amount })
    }

    async fn watch(
        &self,
        call: &Call,
        request: WatchRequest,
        out: &mut Replies<Order>,
    ) -> Result<(), OrdersError> {
        let _leaving = self.traces.begin();
        match request.filter.as_str() {
            "quiet" => sleep(Duration::from_secs(30)).await,
            "open" => {
                out.open();
                sleep(Duration::from_secs(30)).await;
            }
            "refuse" => return Err(OrdersError::OutOfStock),
            "marked" => return Err(mark(call)),
            "stuck" => {
                out.send(Order::default()).await;
                sleep(Duration::from_secs(30)).await;
            }
            "panic" => {
                out.send(order("", 0)).await;
                out.send(order("", 1)).await;
                tokio::task::yield_now().await;
                panic!("a secret");
            }
            "forward" => out.forward(stream::iter((0..request.count).map(|amount| order("", amount)))).await,
            padding => {
                for amount in 0..request.count {
                    out.send(order(padding, amount)).await;
                    self.traces.messages.fetch_add(1, SeqCst);
                }
            }
        }
        self.traces.completed.fetch_add(1, SeqCst);
        if request.filter == "break" { Err(OrdersError::OrderNotFound { id: "7".into() }) } else { Ok(()) }
    }

    async fn import(&self, _: &Call, requests: &mut Incoming<Order>) -> Result<Summary, OrdersError> {
        let _leaving = self.traces.begin();
        let mut summary = Summary::default();
        while let Some(order) = requests.next().await {
            self.traces.messages.fetch_add(1, SeqCst);
            if order.id == "sold" {
                return Err(OrdersError::OutOfStock);
            }
            summary.count += 1;
            summary.amount += order.amount;
        }
        self.traces.completed.fetch_add(1, SeqCst);
        Ok(summary)
    }

    async fn chat(
        &self,
        _: &Call,
        requests: &mut Incoming<Order>,
        out: &mut Replies<Order>,
    ) -> Result<(), OrdersError> {
        let _leaving = self.traces.begin();
        while let Some(order) = requests.next().await {
            self.traces.messages.fetch_add(1, SeqCst);
            out.send(Order { amount: order.amount * 2, ..order }).await;
        }
        out.send(order("bye", 0)).await;
        self.traces.completed.fetch_add(1, SeqCst);
        Ok(())
    }
}

/// What a failed call says beside its error, bytes included.
fn mark(call: &Call) -> OrdersError {
    call.reply().add_header("x-seen", "marked");
    for token in call.metadata_bin("x-token-bin") {
        call.reply().add_header_bin("x-token-bin", &token);
        call.reply().add_trailer_bin("x-token-bin", &[token.as_ref(), b"!"].concat());
    }
    OrdersError::OutOfStock
}

pub fn order(id: &str, amount: u64) -> Order {
    Order { id: id.to_owned(), amount }
}

pub fn get(id: &str) -> GetOrderRequest {
    GetOrderRequest { id: id.to_owned() }
}

pub fn watch(filter: &str, count: u64) -> WatchRequest {
    WatchRequest { filter: filter.to_owned(), count }
}

pub async fn amounts(
    mut replies: jovian_runtime::ReplyStream<Order, OrdersError>,
) -> Result<Vec<u64>, jovian_runtime::CallError<OrdersError>> {
    let mut amounts = Vec::new();
    while let Some(reply) = replies.next().await {
        amounts.push(reply?.amount);
    }
    assert!(StreamExt::next(&mut replies).await.is_none(), "the end stays the end");
    Ok(amounts)
}

/// A server on a port of its own.
pub struct Running {
    pub address: SocketAddr,
    pub stats: Stats,
    stop: oneshot::Sender<()>,
    served: JoinHandle<usize>,
}

impl Running {
    pub async fn start(server: Server) -> Self {
        Self::drained_for(server, Duration::from_secs(5)).await
    }

    pub async fn drained_for(server: Server, drain: Duration) -> Self {
        Self::listening(server, TcpListener::bind("127.0.0.1:0").await.unwrap(), drain)
    }

    pub fn listening(server: Server, listener: TcpListener, drain: Duration) -> Self {
        let address = listener.local_addr().unwrap();
        let stats = server.stats();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            server.serve(listener, stopped, drain).await.unwrap()
        });
        Self { address, stats, stop, served }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Asks it to stop; the task gives the number of connections that were cut.
    pub fn stop(self) -> JoinHandle<usize> {
        drop(self.stop);
        self.served
    }
}

/// A shop on loopback, and a client of it.
pub async fn shop() -> (Running, OrdersClient, Traces) {
    let shop = Shop::default();
    let traces = shop.traces.clone();
    let running = Running::start(Server::new().add(OrdersServer::new(shop))).await;
    let client = OrdersClient::connect(running.url()).unwrap();
    (running, client, traces)
}

/// Waits until something is so; five seconds are for slow machines, not for the code.
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(Duration::from_secs(5), waiting).await.unwrap_or_else(|_| panic!("never came to be: {what}"));
}

/// Fails a test that would otherwise hang.
pub async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(10), future).await.expect("done in ten seconds")
}
