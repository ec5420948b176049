//! Interceptors: on both sides, in order, around everything.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jovian_runtime::stream;
use jovian_runtime::{
    Call, CallError, CallOptions, Code, Direction, Interceptor, MessageEvent, Next, Reply, ReplyMetadata,
    Server, Status,
};
use support::{
    Order, OrdersClient, OrdersError, OrdersServer, Running, Shop, amounts, get, order, soon, watch,
};

type Log = Arc<Mutex<Vec<String>>>;

/// Writes down when a call goes in and out.
struct Recorder {
    name: &'static str,
    log: Log,
}

impl Recorder {
    fn new(name: &'static str, log: &Log) -> Self {
        Self { name, log: Arc::clone(log) }
    }

    fn note(&self, what: &str) {
        self.log.lock().unwrap().push(format!("{} {what}", self.name));
    }
}

impl Interceptor for Recorder {
    async fn around(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Status> {
        self.note("in");
        let reply = next.run(call).await;
        self.note(&reply.as_ref().map_or_else(|status| format!("{:?}", status.code()), |_| "out".to_owned()));
        reply
    }
}

fn taken(log: &Log) -> Vec<String> {
    std::mem::take(&mut log.lock().unwrap())
}

#[tokio::test]
async fn the_first_added_is_outermost_and_servers_are_outside_of_services() {
    let log = Log::default();
    let service = OrdersServer::new(Shop::default())
        .intercept(Recorder::new("service-1", &log))
        .intercept(Recorder::new("service-2", &log));
    let server = Server::new()
        .intercept(Recorder::new("server-1", &log))
        .add(service)
        .intercept(Recorder::new("server-2", &log));
    let running = Running::start(server).await;
    let client = OrdersClient::connect(running.url())
        .unwrap()
        .intercept(Recorder::new("client-1", &log))
        .intercept(Recorder::new("client-2", &log));
    let names = ["client-1", "client-2", "server-1", "server-2", "service-1", "service-2"];
    let expected = |outcome: &str| -> Vec<String> {
        let inwards = names.iter().map(|name| format!("{name} in"));
        inwards.chain(names.iter().rev().map(|name| format!("{name} {outcome}"))).collect()
    };

    soon(client.get_order(get("1"))).await.unwrap();
    assert_eq!(taken(&log), expected("out"));
    soon(client.get_order(get("missing"))).await.unwrap_err();
    assert_eq!(taken(&log), expected("NotFound"));
    soon(client.import(stream::iter([order("", 1)]))).await.unwrap();
    assert_eq!(taken(&log), expected("out"));
}

#[tokio::test]
async fn on_a_server_they_cover_streams_to_the_end_and_on_a_client_to_the_headers() {
    let log = Log::default();
    let running = Running::start(
        Server::new().add(OrdersServer::new(Shop::default())).intercept(Recorder::new("server", &log)),
    )
    .await;
    let client = OrdersClient::connect(running.url()).unwrap().intercept(Recorder::new("client", &log));
    let replies = soon(client.watch(watch("break", 5))).await.unwrap();
    assert!(taken(&log).contains(&"client out".to_owned()));
    soon(amounts(replies)).await.unwrap_err();
    let error = soon(client.watch(watch("refuse", 5))).await.unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
    assert!(taken(&log).ends_with(&["server FailedPrecondition".into(), "client FailedPrecondition".into()]));
}

/// Changes what passes, on either side.
struct Changer;

#[derive(Clone)]
struct Tenant(&'static str);

impl Interceptor for Changer {
    async fn around(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Status> {
        call.metadata_mut().insert("x-lane", "changed".parse().unwrap());
        call.extensions_mut().insert(Tenant("acme"));
        let reply = next.run(call).await?;
        assert_eq!(call.extensions().get::<Tenant>().unwrap().0, "acme");
        call.reply().add_trailer("x-changer", "was here");
        Ok(reply)
    }
}

#[tokio::test]
async fn they_change_metadata_on_both_sides() {
    let changes = [(true, false), (false, true), (true, true)];
    for (on_client, on_server) in changes {
        let mut service = OrdersServer::new(Shop::default());
        if on_server {
            service = service.intercept(Changer);
        }
        let running = Running::start(Server::new().add(service)).await;
        let mut client = OrdersClient::connect(running.url()).unwrap();
        if on_client {
            client = client.intercept(Changer);
        }
        let reply = ReplyMetadata::new();
        let options = CallOptions::new().metadata("x-lane", "given").capture(&reply);
        soon(client.with(options).get_order(get("meta"))).await.unwrap();
        assert_eq!(reply.header("x-seen").as_deref(), Some("changed"));
        assert_eq!(reply.trailer("x-after").as_deref(), Some("tail"), "from the handler");
        assert_eq!(reply.trailer("x-changer").as_deref(), Some("was here"));
    }
}

/// Answers or refuses instead of the handler.
struct Short;

impl Interceptor for Short {
    async fn around(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Status> {
        match call.metadata().get("x-short").map(|value| value.to_str().unwrap()) {
            Some("answer") => Ok(next.answer(&order("cached", 7))),
            Some("refuse") => Err(Status::unauthenticated("who are you?")),
            // The handler has answered, and that is not what the caller gets.
            Some("late") => next.run(call).await.and(Err(Status::aborted("too late"))),
            Some("domain") => Err(CallError::Domain(OrdersError::OutOfStock).into_status()),
            Some("panic") => panic!("in an interceptor"),
            _ => next.run(call).await,
        }
    }
}

#[tokio::test]
async fn they_answer_and_refuse_instead_of_what_is_inside() {
    let service = || OrdersServer::new(Shop::default()).intercept(Short);
    let running = Running::start(Server::new().add(service())).await;
    let server_side = OrdersClient::connect(running.url()).unwrap();
    let running = Running::start(Server::new().add(OrdersServer::new(Shop::default()))).await;
    let client_side = OrdersClient::connect(running.url()).unwrap().intercept(Short);
    for client in [&server_side, &client_side] {
        let short = |how: &str| client.with(CallOptions::new().metadata("x-short", how));
        assert_eq!(soon(short("answer").get_order(get("1"))).await.unwrap(), order("cached", 7));
        let replies = soon(short("answer").watch(watch("", 100))).await.unwrap();
        assert_eq!(soon(amounts(replies)).await.unwrap(), [7]);
        for (how, code) in [("refuse", Code::Unauthenticated), ("late", Code::Aborted)] {
            assert_eq!(soon(short(how).get_order(get("1"))).await.unwrap_err().code(), code, "{how}");
        }
        let error = soon(short("domain").get_order(get("1"))).await.unwrap_err();
        assert!(matches!(error, CallError::Domain(OrdersError::OutOfStock)));
        assert_eq!(soon(short("none").get_order(get("1"))).await.unwrap().id, "1");
    }
    let panicked = server_side.with(CallOptions::new().metadata("x-short", "panic"));
    assert_eq!(soon(panicked.get_order(get("1"))).await.unwrap_err().code(), Code::Internal);
}

/// Sees every message, and lets none through that is too much.
struct Watcher {
    log: Log,
    most: u64,
}

impl Interceptor for Watcher {
    async fn around(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Status> {
        next.run(call).await
    }

    fn message(&self, call: &Call, message: MessageEvent<'_>) -> Result<(), Status> {
        let Ok(order) = <Order as prost::Message>::decode(message.payload) else { return Ok(()) };
        let arrow = if message.direction == Direction::Sent { "->" } else { "<-" };
        let line = format!("{} {arrow} {} {}", call.method().name(), message.sequence, order.amount);
        self.log.lock().unwrap().push(line);
        // The request of `Watch` reads as an order, too.
        let is_watch_request = order.amount == 50;
        if order.amount > self.most && !is_watch_request {
            Err(Status::invalid_argument("too much"))
        } else {
            Ok(())
        }
    }
}

#[tokio::test]
async fn they_see_every_message_and_may_refuse_it() {
    let log = Log::default();
    let watcher = |most| Watcher { log: Arc::clone(&log), most };
    let running =
        Running::start(Server::new().add(OrdersServer::new(Shop::default()).intercept(watcher(9)))).await;
    let client = OrdersClient::connect(running.url()).unwrap();

    let replies = soon(client.chat(stream::iter([order("", 1), order("", 2)]))).await.unwrap();
    assert_eq!(soon(amounts(replies)).await.unwrap(), [2, 4, 0]);
    let expected = ["Chat <- 0 1", "Chat -> 0 2", "Chat <- 1 2", "Chat -> 1 4", "Chat -> 2 0"];
    assert_eq!(taken(&log), expected);

    // A reply and a request that the server's own interceptor refuses.
    let replies = soon(client.watch(watch("", 50))).await.unwrap();
    assert_eq!(soon(amounts(replies)).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(taken(&log).len(), 12, "the handler does not go on after the message that was refused");
    let error = soon(client.import(stream::iter([order("", 1), order("", 10)]))).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);

    // The same on the client.
    let running = Running::start(Server::new().add(OrdersServer::new(Shop::default()))).await;
    let client = OrdersClient::connect(running.url()).unwrap().intercept(watcher(9));
    let sent = stream::iter([order("", 1), order("", 10)]);
    let error = soon(client.import(sent)).await.unwrap_err().into_status();
    assert_eq!((error.code(), error.message()), (Code::InvalidArgument, "too much"));
    let replies = soon(client.watch(watch("", 50))).await.unwrap();
    assert_eq!(soon(amounts(replies)).await.unwrap_err().code(), Code::InvalidArgument);
    let error = soon(client.get_order(get("1"))).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument, "the reply says how many milliseconds were left");
}

/// Makes a call of its own before it lets one through.
struct Asks(OrdersClient);

impl Interceptor for Asks {
    async fn around(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Status> {
        let asked = self.0.get_order(get("1")).await.map_err(CallError::into_status)?;
        assert!(asked.amount <= 500, "it has the deadline of the call it is around: {}", asked.amount);
        next.run(call).await
    }
}

#[tokio::test]
async fn they_call_on_behalf_of_the_call() {
    let orders = OrdersClient::local(Shop::default());
    let running =
        Running::start(Server::new().add(OrdersServer::new(Shop::default()).intercept(Asks(orders)))).await;
    let client = OrdersClient::connect(running.url()).unwrap();
    let client = client.with(CallOptions::new().timeout(Duration::from_millis(500)));
    soon(client.get_order(get("1"))).await.unwrap();
}

#[tokio::test]
async fn an_interceptor_may_be_for_some_methods_alone() {
    let log = Log::default();
    let service = OrdersServer::new(Shop::default())
        .intercept(Recorder::new("get", &log).only(&["GetOrder"]))
        .intercept(Recorder::new("watch", &log).only(&["shop.orders.v1.Orders/Watch"]))
        .intercept(Recorder::new("all", &log).only(&["shop.orders.v1.Orders"]))
        .intercept(Recorder::new("none", &log).only(&["Stock", "shop.orders.v1.Orders/Get"]));
    let running = Running::start(Server::new().add(service)).await;
    let client = OrdersClient::connect(running.url())
        .unwrap()
        .intercept(Recorder::new("client", &log).only(&["Watch"]));
    soon(client.get_order(get("1"))).await.unwrap();
    assert_eq!(taken(&log), ["get in", "all in", "all out", "get out"]);
    amounts(soon(client.watch(watch("", 1))).await.unwrap()).await.unwrap();
    let seen = taken(&log);
    assert_eq!(seen.iter().filter(|line| line.ends_with(" in")).count(), 3, "{seen:?}");
    assert!(seen.iter().all(|line| !line.starts_with("get") && !line.starts_with("none")), "{seen:?}");
}
