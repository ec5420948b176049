//! The service in the registry of `config/app.toml`: registered, found, called and gone again.
//!
//! `docker compose up --wait` starts a store for it. Without one the test says so and passes, unless
//! `JOVIAN_REQUIRE_REGISTRY=1`, as CI has it.
//!
//! A store of another machine is used only when `JOVIAN_REGISTRY__ENDPOINTS='["host:port"]'` names it: those who read it are
//! told of an instance that they cannot reach.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use jovian_runtime::registry::{Instances, Wanted};
use jovian_runtime::{App, AppConfig};
use tokio::time::timeout;

use orders::{OrdersService, v1};

/// How long the store may take to tell of a change; the seconds are for slow machines.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether the test may use this endpoint, `host:port` with whatever stands around it, and somebody listens there.
fn is_usable(endpoint: &str) -> bool {
    let is_named = std::env::var_os("JOVIAN_REGISTRY__ENDPOINTS").is_some();
    let listens = |address: SocketAddr| TcpStream::connect_timeout(&address, Duration::from_secs(2)).is_ok();
    let (_, place) = endpoint.split_once("://").unwrap_or(("", endpoint));
    let address = place.split('/').next().unwrap_or(place);
    let mut addresses = address.to_socket_addrs().into_iter().flatten();
    addresses.any(|address| (is_named || address.ip().is_loopback()) && listens(address))
}

/// The configuration, if there is a store for the test.
fn config() -> Option<AppConfig> {
    let config = AppConfig::load().expect("the configuration");
    let endpoints = &config.registry.endpoints;
    if endpoints.iter().any(|endpoint| is_usable(endpoint)) {
        return Some(config);
    }
    let missing = format!("there is no store for tests at {}", endpoints.join(", "));
    assert!(std::env::var_os("JOVIAN_REQUIRE_REGISTRY").is_none(), "{missing}");
    // Past the harness, which shows nothing of a test that passes.
    writeln!(std::io::stderr(), "skipped: {missing} (docker compose up --wait)").expect("stderr");
    None
}

#[tokio::test]
async fn it_is_found_in_the_registry_and_called() {
    let Some(mut config) = config() else { return };
    // Any free port of this machine, for as long as the test takes.
    config.server.address = "127.0.0.1:0".to_owned();
    config.server.stop_wait_ms = 0;
    config.registry.advertise = None;
    // Another app, with a connection to the store of its own. Nobody tells it an address.
    let caller = App::new(config.clone());
    let mut instances = caller.registry().watch(&Wanted::of(&v1::ORDERS));

    let service = v1::OrdersServer::new(OrdersService::default());
    let running = App::new(config).serve(service).start().await.expect("it starts");
    let address = running.address().to_string();
    let has_it = |instances: &Instances| instances.iter().any(|instance| instance.address == address);
    let found = timeout(PATIENCE, instances.wait_for(has_it)).await;
    found.expect("it is found").expect("the registry is followed");

    let client = v1::OrdersClient::discover(&caller).expect("a client");
    let request = v1::GetOrderRequest { id: "1".to_owned() };
    let response = client.get_order(request).await.expect("an answer");
    assert_eq!(response.order.expect("it is set").id, "1");

    running.stop().await.expect("it stops");
    let gone = timeout(PATIENCE, instances.wait_for(|instances| !has_it(instances))).await;
    gone.expect("it is gone").expect("the registry is followed");
}
