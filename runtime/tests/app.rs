//! The life of an app: it starts, is found, stops and loses no call.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use jovian_runtime::codegen::v1::BoundService;
use jovian_runtime::health::{Health, ServingStatus};
use jovian_runtime::registry::{
    Instance, Instances, Lease, MemoryRegistry, Provided, Registration, Registry, RegistryError, Wanted,
};
use jovian_runtime::{
    App, AppConfig, AppError, Call, CallError, CallOptions, Code, ConnectError, Interceptor, Next,
    NoDomainError, Reply, Service, Status,
};
use support::{Orders, OrdersClient, OrdersError, OrdersServer, Shop, eventually, get, soon};
use tokio::sync::watch;

fn config() -> AppConfig {
    let mut config = AppConfig::default();
    config.server.address = "127.0.0.1:0".to_owned();
    config.server.stop_wait_ms = 0;
    config
}

/// An app with a registry of its own, which serves nothing yet.
fn app() -> App {
    App::new(config()).with_registry(Arc::new(MemoryRegistry::new()))
}

fn orders() -> OrdersServer {
    OrdersServer::new(Shop::default())
}

fn code<T>(result: Result<T, CallError<OrdersError>>) -> Code {
    match result {
        Ok(_) => Code::Ok,
        Err(CallError::Status(status)) => status.code(),
        Err(CallError::Domain(error)) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_client_follows_instances_as_they_come_and_go() {
    let registry = MemoryRegistry::new();
    let start = async || {
        let registry = Arc::new(registry.clone());
        App::new(config()).with_registry(registry).serve(orders()).start().await.unwrap()
    };
    let consumer = app().with_registry(Arc::new(registry.clone()));
    let client = OrdersClient::discover(&consumer).unwrap();
    assert_eq!(code(soon(client.get_order(get("1"))).await), Code::Unavailable);

    let first = start().await;
    assert_eq!(soon(client.get_order(get("1"))).await.unwrap().id, "1");
    let second = start().await;
    assert_ne!(first.address(), second.address());
    soon(first.stop()).await.unwrap();
    for _ in 0..10 {
        assert_eq!(soon(client.get_order(get("2"))).await.unwrap().id, "2");
    }
    soon(second.stop()).await.unwrap();
    assert_eq!(code(soon(client.get_order(get("3"))).await), Code::Unavailable);

    let third = start().await;
    assert_eq!(soon(client.get_order(get("4"))).await.unwrap().id, "4");
    soon(third.stop()).await.unwrap();
}

#[tokio::test]
async fn apps_of_one_process_find_each_other_without_being_told() {
    let running = App::new(config()).serve(orders()).start().await.unwrap();
    let client = OrdersClient::discover(&App::new(config())).unwrap();
    assert_eq!(soon(client.get_order(get("1"))).await.unwrap().id, "1");
    soon(running.stop()).await.unwrap();
}

#[tokio::test]
async fn the_record_says_what_the_configuration_says() {
    let mut config = config();
    config.app.version = "1.4.2".to_owned();
    config.app.zone = "eu-1a".to_owned();
    config.app.host = "web-1".to_owned();
    config.app.metadata.insert("team".to_owned(), "orders".to_owned());
    config.registry.advertise = Some("orders.internal".to_owned());
    config.registry.weight = 7;
    let registry = MemoryRegistry::new();
    let running =
        App::new(config).with_registry(Arc::new(registry.clone())).serve(orders()).start().await.unwrap();
    let address = format!("orders.internal:{}", running.address().port().unwrap());
    let found = registry.watch(&Wanted::app("shop.order.orders")).borrow().clone();
    assert!(found[0].started > 1_700_000_000_000, "{found:?}");
    let expected = Instance {
        services: vec![Provided::of(&support::generated::shop::ORDERS)],
        started: found[0].started,
        host: "web-1".to_owned(),
        weight: 7,
        zone: "eu-1a".to_owned(),
        version: "1.4.2".to_owned(),
        metadata: [("team".to_owned(), "orders".to_owned())].into(),
        ..Instance::new("shop.order.orders", address)
    };
    assert_eq!(*found, [Arc::new(expected)]);

    drop(running);
    assert!(
        registry.watch(&Wanted::app("shop.order.orders")).borrow().is_empty(),
        "dropping it ends it, too"
    );
}

/// A registry that writes down what it is told and what could be seen then.
#[derive(Clone, Debug, Default)]
struct Diary {
    lines: Arc<Mutex<Vec<String>>>,
    health: Arc<Mutex<Option<Health>>>,
    address: Arc<Mutex<String>>,
    refuses: bool,
}

impl Diary {
    fn write(&self, what: &str) {
        let health = self.health.lock().unwrap().as_ref().and_then(|health| health.get(""));
        self.lines.lock().unwrap().push(format!("{what} while {health:?}"));
    }
}

impl Registry for Diary {
    fn register(&self, instance: Instance) -> BoxFuture<'_, Result<Registration, RegistryError>> {
        *self.address.lock().unwrap() = instance.address;
        Box::pin(async {
            self.write("register");
            if self.refuses {
                Err(RegistryError::new("no more room"))
            } else {
                Ok(Registration::new(self.clone()))
            }
        })
    }

    fn watch(&self, _: &Wanted) -> watch::Receiver<Instances> {
        watch::channel(Instances::default()).1
    }
}

impl Lease for Diary {
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), RegistryError>> {
        Box::pin(async move {
            let address = self.address.lock().unwrap().clone();
            let client = OrdersClient::connect(&address).unwrap();
            let code = code(client.get_order(get("1")).await);
            self.write(&format!("deregister, a call gives {code:?},"));
            Err(RegistryError::new("gone away").caused_by("a cable"))
        })
    }
}

#[tokio::test]
async fn it_is_well_before_it_is_found_and_lost_before_it_drains() {
    let diary = Diary::default();
    let mut config = config();
    config.server.stop_wait_ms = 150;
    let app = App::new(config).with_registry(Arc::new(diary.clone())).serve(orders());
    *diary.health.lock().unwrap() = Some(app.health());
    let running = app.start().await.unwrap();
    let (address, health) = (running.address().to_string(), running.health());
    let client = OrdersClient::connect(&address).unwrap();

    let began = Instant::now();
    let stopped = tokio::spawn(running.stop());
    eventually("deregistered", || diary.lines.lock().unwrap().len() == 2).await;
    assert_eq!(
        code(soon(client.get_order(get("1"))).await),
        Code::Ok,
        "it serves on for those who do not know"
    );
    soon(stopped).await.unwrap().unwrap();
    assert!(began.elapsed() >= Duration::from_millis(150), "it waited");
    assert_eq!(
        *diary.lines.lock().unwrap(),
        ["register while Some(Serving)", "deregister, a call gives Ok, while Some(NotServing)"],
        "and a registry that fails does not keep it from stopping"
    );
    assert_eq!(health.get("shop.orders.v1.Orders"), Some(ServingStatus::NotServing));
    assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens");
}

#[tokio::test]
async fn a_registry_that_refuses_is_an_error_and_leaves_nothing_behind() {
    let diary = Diary { refuses: true, ..Diary::default() };
    let app = app().with_registry(Arc::new(diary.clone())).serve(orders());
    let error = soon(app.start()).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot register the app `shop.order.orders`");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no more room");
    let address: SocketAddr = diary.address.lock().unwrap().parse().unwrap();
    eventually("the port is free", || TcpListener::bind(address).is_ok()).await;
}

/// A store that never answers those who leave.
#[derive(Debug)]
struct Silent;

impl Registry for Silent {
    fn register(&self, _: Instance) -> BoxFuture<'_, Result<Registration, RegistryError>> {
        Box::pin(async { Ok(Registration::new(Silent)) })
    }

    fn watch(&self, _: &Wanted) -> watch::Receiver<Instances> {
        watch::channel(Instances::default()).1
    }
}

impl Lease for Silent {
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), RegistryError>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_registry_that_does_not_answer_is_not_waited_for_long() {
    let running = app().with_registry(Arc::new(Silent)).serve(orders()).start().await.unwrap();
    soon(running.stop()).await.unwrap();
}

#[tokio::test]
async fn a_call_that_runs_is_finished() {
    let shop = Shop::default();
    let begun = Arc::clone(&shop.traces.begun);
    let running = app().serve(OrdersServer::new(shop)).start().await.unwrap();
    let client = OrdersClient::connect(running.address().to_string()).unwrap();
    let call = tokio::spawn(async move { client.get_order(get("nap")).await });
    eventually("the handler runs", || begun.load(SeqCst) == 1).await;
    let stats = running.stats();
    soon(running.stop()).await.unwrap();
    assert_eq!(soon(call).await.unwrap().unwrap().id, "nap");
    assert_eq!((stats.in_flight(), stats.finished(Code::Ok)), (0, 1));
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_cut_off() {
    let mut config = config();
    config.server.drain_timeout_ms = 50;
    let shop = Shop::default();
    let traces = shop.traces.clone();
    let app = App::new(config).with_registry(Arc::new(MemoryRegistry::new())).serve(OrdersServer::new(shop));
    let running = app.start().await.unwrap();
    let client = OrdersClient::connect(running.address().to_string()).unwrap();
    let call = tokio::spawn(async move {
        client.with(CallOptions::new().timeout(Duration::from_secs(20))).get_order(get("slow")).await
    });
    eventually("the handler runs", || traces.begun.load(SeqCst) == 1).await;
    soon(running.stop()).await.unwrap();
    eventually("the handler is dropped", || traces.dropped.load(SeqCst) == 1).await;
    assert_ne!(code(soon(call).await.unwrap()), Code::Ok);
}

#[tokio::test]
async fn limits_are_those_of_the_configuration() {
    let mut config = config();
    config.server.max_message_bytes = 64;
    config.server.max_deadline_ms = 40;
    let app = App::new(config).with_registry(Arc::new(MemoryRegistry::new())).serve(orders());
    let running = app.start().await.unwrap();
    let client = OrdersClient::connect(running.address().to_string()).unwrap();
    assert_ne!(code(soon(client.get_order(get(&"x".repeat(100)))).await), Code::Ok);
    assert_eq!(code(soon(client.get_order(get("slow"))).await), Code::DeadlineExceeded);
    soon(running.stop()).await.unwrap();
}

#[derive(Clone, Default)]
struct Counting(Arc<AtomicUsize>);

impl Interceptor for Counting {
    async fn around(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Status> {
        self.0.fetch_add(1, SeqCst);
        next.run(call).await
    }
}

#[tokio::test]
async fn interceptors_and_counters_are_around_all_services() {
    let counting = Counting::default();
    let app = app().intercept(counting.clone()).serve(orders());
    let stats = app.stats();
    let running = app.start().await.unwrap();
    let client = OrdersClient::connect(running.address().to_string()).unwrap();
    soon(client.get_order(get("1"))).await.unwrap();
    soon(client.get_order(get("missing"))).await.unwrap_err();
    assert_eq!(counting.0.load(SeqCst), 2);
    soon(running.stop()).await.unwrap();
    assert_eq!((stats.finished(Code::Ok), stats.finished(Code::NotFound)), (1, 1));
}

async fn refused(app: App) -> String {
    soon(app.start()).await.map(|_| ()).unwrap_err().to_string()
}

#[tokio::test]
async fn what_cannot_be_served_is_said() {
    assert_eq!(refused(app()).await, "the app serves nothing: add a service with `App::serve`");
    assert_eq!(
        refused(app().serve(orders()).serve(orders())).await,
        "the service `shop.orders.v1.Orders` is served twice"
    );
    assert_eq!(
        refused(app().serve(orders()).serve(Health::new().service())).await,
        "the service `grpc.health.v1.Health` is served twice: every app serves it by itself"
    );
    static ALIAS: Service = Service::new("shop.orders.v1.Alias", support::generated::shop::ORDERS.methods);
    let alias = BoundService::new::<(), NoDomainError>(
        &ALIAS,
        (),
        const {
            &[
                |_, _, _| unreachable!(),
                |_, _, _| unreachable!(),
                |_, _, _| unreachable!(),
                |_, _, _| unreachable!(),
            ]
        },
    );
    assert_eq!(
        refused(app().serve(orders()).serve(alias)).await,
        "the path `/shop.orders.v1.Orders/GetOrder` belongs to two methods"
    );
}

#[tokio::test]
async fn an_address_that_does_not_work_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut config = config();
    config.server.address.clone_from(&address);
    let error = refused(App::new(config.clone()).serve(orders())).await;
    assert_eq!(error, format!("cannot listen at `{address}`, the `address` of [server]"));

    config.server.address = "127.0.0.1:0".to_owned();
    config.registry.advertise = Some("http://orders".to_owned());
    let error = refused(App::new(config).serve(orders())).await;
    assert_eq!(error, "`http://orders`, the `advertise` of [registry], is no `host` and no `host:port`");
}

#[test]
fn discovering_outside_of_a_runtime_is_an_error() {
    assert!(matches!(OrdersClient::discover(&app()), Err(ConnectError::NoRuntime)));
}

#[test]
fn an_app_is_called_by_its_configuration_or_by_its_first_service() {
    assert_eq!(app().name(), "");
    assert_eq!(app().serve(orders()).name(), "shop.order.orders");
    let mut config = config();
    config.app.name = "orders".to_owned();
    assert_eq!(App::new(config).serve(orders()).name(), "orders");
}

#[tokio::test]
async fn a_level_that_is_none_is_an_error_of_run() {
    let mut config = config();
    config.log.level = "orders=loud".to_owned();
    let error = soon(App::new(config).serve(orders()).run()).await.unwrap_err();
    assert!(matches!(&error, AppError::LogLevel { level, .. } if level == "orders=loud"), "{error}");
}

/// The trait is what it says: anything that is `Send` and `Sync`.
fn _a_service_is_served_as_it_is<S: Orders>(service: S) -> App {
    app().serve(OrdersServer::new(service))
}
