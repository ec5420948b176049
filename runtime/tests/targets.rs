//! Targets that name a registry, and what a client does with what a record says.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::sync::Arc;

use jovian_runtime::codegen::v1::{BoundService, Handler, boxed};
use jovian_runtime::registry::{Instance, MemoryRegistry, Provided, Registry, Wanted, open, shared};
use jovian_runtime::{
    App, AppConfig, CallOptions, Code, ConnectError, Kind, Method, RegistrySection, Server, Service, Target,
};
use support::{GetOrderRequest, Order, OrdersClient, OrdersError, OrdersServer, Running, Shop, get, soon};

const APP: &str = "shop.order.orders";
const ORDERS: &str = "shop.orders.v1.Orders";

/// The same service as another program has it: in a package of its own.
static OTHER: Service = Service::new(
    "com.example.shop.Orders",
    &[Method::new("/com.example.shop.Orders/GetOrder", 0, Kind::Unary)],
);

/// Says what it was asked with.
fn other() -> BoundService {
    const ROW: Handler<()> = |(), call, mut io| {
        boxed(async move {
            let request: GetOrderRequest = io.request().await?;
            let said =
                |name: &str| call.metadata().get(name).and_then(|value| value.to_str().ok()).unwrap_or("-");
            let headers = [said("tri-service-group"), said("tri-service-version"), said("token")].join(" ");
            let id = format!("{} {} {headers}", request.id, call.method().path);
            io.reply(Ok::<_, OrdersError>(Order { id, amount: 0 }))
        })
    };
    BoundService::new::<_, OrdersError>(&OTHER, (), &[ROW])
}

fn bound() -> BoundService {
    OrdersServer::new(Shop::default()).into()
}

fn at(running: &Running) -> Instance {
    Instance::new(APP, running.address.to_string())
}

async fn ask(client: &OrdersClient) -> String {
    soon(client.get_order(get("1"))).await.unwrap().id
}

#[tokio::test]
async fn instances_are_called_as_their_records_say() {
    let registry = MemoryRegistry::new();
    let other = Running::start(Server::new().add(other())).await;
    let provided = Provided::named(ORDERS);
    let mut instance = at(&other);
    instance.services = vec![provided];
    instance.services[0].path = "com.example.shop.Orders".to_owned();
    let plain = registry.register(instance.clone()).await.unwrap();
    let client = OrdersClient::find(&registry).unwrap();
    assert_eq!(ask(&client).await, "1 /com.example.shop.Orders/GetOrder - - -");

    // A record that changes counts from the next call on.
    instance.services[0].group = "blue".to_owned();
    instance.services[0].version = "1.0.0".to_owned();
    instance.metadata.insert("token".to_owned(), "a-word".to_owned());
    let _detailed = registry.register(instance).await.unwrap();
    drop(plain);
    assert_eq!(ask(&client).await, "1 /com.example.shop.Orders/GetOrder blue 1.0.0 a-word");
}

#[tokio::test]
async fn two_servers_under_two_names_are_one_app() {
    let registry = MemoryRegistry::new();
    let (other, own) = (
        Running::start(Server::new().add(other())).await,
        Running::start(Server::new().add(OrdersServer::new(Shop::default()))).await,
    );
    let mut first = at(&other);
    first.services = vec![Provided::named(ORDERS)];
    first.services[0].path = "com.example.shop.Orders".to_owned();
    let _first = registry.register(first).await.unwrap();
    let _second = registry.register(at(&own)).await.unwrap();
    let client = OrdersClient::find(&registry).unwrap();
    for _ in 0..40 {
        assert!(ask(&client).await.starts_with('1'));
    }
    let (there, here) = (other.stats.total(), own.stats.total());
    assert!(there + here == 40 && there > 0 && here > 0, "{there} and {here}");
}

#[tokio::test]
async fn a_client_asks_for_the_group_and_the_version_that_it_wants() {
    let running = Running::start(Server::new().add(OrdersServer::new(Shop::default()))).await;
    let blue = Running::start(Server::new().add(bound().group("blue").version("1.0.0"))).await;
    let ask = async |target: Target| {
        let client = OrdersClient::connect(target).unwrap();
        soon(client.get_order(get("1"))).await.map(drop).map_err(|error| error.code())
    };
    let (any, own) = (running.url(), blue.url());
    assert_eq!(ask(Target::new(any).group("blue")).await, Ok(()), "who serves all serves this");
    assert_eq!(ask(Target::new(&own).group("blue").version("1.0.0")).await, Ok(()));
    assert_eq!(ask(Target::new(&own).group("red")).await, Err(Code::Unimplemented));
    assert_eq!(ask(Target::new(&own).version("2.0.0")).await, Err(Code::Unimplemented));
    assert_eq!(ask(Target::new(&own).group("*")).await, Ok(()), "any is asked of records alone");
    let client = OrdersClient::connect(Target::new(&own).group("red")).unwrap();
    let client = client.with(CallOptions::new().metadata("tri-service-group", "blue"));
    assert!(soon(client.get_order(get("1"))).await.is_ok(), "what a call says counts");
}

#[tokio::test]
async fn a_target_and_an_app_lead_to_the_same_instances() {
    let running = Running::start(Server::new().add(OrdersServer::new(Shop::default()))).await;
    let memory = shared(&RegistrySection::default()).unwrap();
    let _here =
        memory.register(Instance::new("targets.test.orders", running.address.to_string())).await.unwrap();
    assert_eq!(ask(&OrdersClient::connect("memory:///targets.test.orders").unwrap()).await, "1");

    let configured = |text: &str| App::new(AppConfig::parse("app.toml", text, []).unwrap());
    for name in [ORDERS, APP] {
        let app = configured(&format!(
            "[client.services.\"{name}\"]\ntarget = \"memory:///targets.test.orders\"\n"
        ));
        assert_eq!(ask(&OrdersClient::discover(&app).unwrap()).await, "1");
    }
    let address = running.address.to_string();
    let app = configured(&format!(
        "[registry]\nkind = \"none\"\n[client.services.\"{APP}\"]\ntarget = \"{address}\"\n"
    ));
    assert_eq!(ask(&OrdersClient::discover(&app).unwrap()).await, "1");
}

#[cfg(unix)]
#[tokio::test]
async fn a_target_names_a_folder() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("targets");
    let _nothing_there = std::fs::remove_dir_all(&folder);
    let running = Running::start(Server::new().add(OrdersServer::new(Shop::default()))).await;
    let files = jovian_runtime::registry::FileRegistry::at(&folder);
    let _there = files.register(at(&running)).await.unwrap();
    let folder = folder.display();
    assert_eq!(ask(&OrdersClient::connect(format!("file://{folder}")).unwrap()).await, "1");
    assert_eq!(ask(&OrdersClient::connect(format!("file://{folder}?app={APP}")).unwrap()).await, "1");
}

#[tokio::test]
async fn one_registry_is_open_once_for_all_who_want_it() {
    let section = RegistrySection::default();
    let one = shared(&section).unwrap();
    let mine = RegistrySection { weight: 7, advertise: Some("a".to_owned()), ..section.clone() };
    assert!(Arc::ptr_eq(&one, &shared(&mine).unwrap()), "what is said of oneself makes no difference");
    assert!(!Arc::ptr_eq(&one, &open(&section).unwrap()));
    let other = RegistrySection { empty_protection: true, ..section };
    assert!(!Arc::ptr_eq(&one, &shared(&other).unwrap()));
    assert!(one.watch(&Wanted::app("nobody")).borrow().is_empty());
}

#[tokio::test]
async fn what_is_no_target_is_said() {
    let wrong = |text: &str| match OrdersClient::connect(text) {
        Err(error @ ConnectError::Target { .. }) => error.to_string(),
        other => panic!("{text}: {other:?}"),
    };
    let expected =
        "cannot connect to `memory:///a?gruop=b`: `gruop` is no parameter; there are `layout`, `group`";
    assert!(wrong("memory:///a?gruop=b").starts_with(expected));
    let unknown = wrong("etdc:///a");
    assert!(
        unknown.contains("`http`, `https`, `dns`, `unix`, `static` and registries")
            && unknown.contains("`etcd`"),
        "{unknown}"
    );
    let secret = wrong("kratos+memory://me:word@here/a");
    assert!(secret.contains("me:(hidden)@here") && !secret.contains("word"), "{secret}");
    assert!(!format!("{:?}", Target::new("etcd://me:word@here:1/a")).contains("word"));

    let text = "[client.services.\"a.B\"]\ntarget = \"memory:///a/b\"\n";
    let error = AppConfig::parse("app.toml", text, []).unwrap_err().to_string();
    assert_eq!(
        error,
        "app.toml:2:10: `client.services.a.B.target`: `a/b` names no app and no interface, as `shop.order.orders` does"
    );
}
