//! The public health protocol, as load balancers and orchestrators speak it.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::sync::Arc;

use jovian_runtime::codegen::v1::prost::Message;
use jovian_runtime::generated::grpc::health::v1::{HealthCheckRequest, HealthCheckResponse, HealthClient};
use jovian_runtime::health::{Health, ServingStatus};
use jovian_runtime::registry::MemoryRegistry;
use jovian_runtime::{App, AppConfig, CallError, Code, NoDomainError, ReplyStream, Running};
use support::{OrdersServer, Shop, soon};

const ORDERS: &str = "shop.orders.v1.Orders";

fn app() -> App {
    let mut config = AppConfig::default();
    config.server.address = "127.0.0.1:0".to_owned();
    config.server.stop_wait_ms = 0;
    App::new(config).with_registry(Arc::new(MemoryRegistry::new())).serve(OrdersServer::new(Shop::default()))
}

fn client(running: &Running) -> HealthClient {
    HealthClient::connect(format!("http://{}", running.address())).unwrap()
}

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

async fn check(client: &HealthClient, service: &str) -> Result<ServingStatus, Code> {
    match soon(client.check(of(service))).await {
        Ok(response) => Ok(response.status()),
        Err(CallError::Status(status)) => Err(status.code()),
        Err(CallError::Domain(error)) => match error {},
    }
}

async fn next(watched: &mut ReplyStream<HealthCheckResponse, NoDomainError>) -> ServingStatus {
    soon(watched.next()).await.unwrap().unwrap().status()
}

#[tokio::test]
async fn check_knows_the_server_and_its_services() {
    let running = app().start().await.unwrap();
    let client = client(&running);
    assert_eq!(check(&client, "").await, Ok(ServingStatus::Serving));
    assert_eq!(check(&client, ORDERS).await, Ok(ServingStatus::Serving));
    assert_eq!(check(&client, "shop.orders.v1.Nobody").await, Err(Code::NotFound));

    running.health().set(ORDERS, ServingStatus::NotServing);
    assert_eq!(check(&client, ORDERS).await, Ok(ServingStatus::NotServing));
    assert_eq!(check(&client, "").await, Ok(ServingStatus::Serving), "the server is another matter");
    soon(running.stop()).await.unwrap();
}

#[tokio::test]
async fn what_was_said_before_the_start_stays() {
    let app = app();
    app.health().set(ORDERS, ServingStatus::NotServing);
    let running = app.start().await.unwrap();
    assert_eq!(check(&client(&running), ORDERS).await, Ok(ServingStatus::NotServing));
    assert_eq!(check(&client(&running), "").await, Ok(ServingStatus::Serving));
    soon(running.stop()).await.unwrap();
}

#[tokio::test]
async fn watch_tells_now_and_every_change() {
    let running = app().start().await.unwrap();
    let health = running.health();
    let client = client(&running);
    let mut orders = soon(client.watch(of(ORDERS))).await.unwrap();
    let mut later = soon(client.watch(of("later"))).await.unwrap();
    assert_eq!(next(&mut orders).await, ServingStatus::Serving);
    assert_eq!(next(&mut later).await, ServingStatus::ServiceUnknown);

    health.set("later", ServingStatus::Serving);
    assert_eq!(next(&mut later).await, ServingStatus::Serving);
    // Not a change, and nothing is sent for it; nor did the change of another service reach this watcher.
    health.set(ORDERS, ServingStatus::Serving);
    health.set(ORDERS, ServingStatus::NotServing);
    assert_eq!(next(&mut orders).await, ServingStatus::NotServing);
    soon(running.stop()).await.unwrap();
}

#[tokio::test]
async fn a_watcher_sees_the_stop_and_does_not_hold_it_up() {
    let running = app().start().await.unwrap();
    let health = running.health();
    let mut watched = soon(client(&running).watch(of(""))).await.unwrap();
    assert_eq!(next(&mut watched).await, ServingStatus::Serving);

    // The drain may take 10 s: `soon` would notice that it waited for the watcher.
    let stopped = tokio::spawn(running.stop());
    assert_eq!(next(&mut watched).await, ServingStatus::NotServing);
    match soon(watched.next()).await {
        Some(Err(CallError::Status(status))) => assert_eq!(status.code(), Code::Unavailable),
        other => panic!("{other:?}"),
    }
    soon(stopped).await.unwrap().unwrap();
    health.set("", ServingStatus::Serving);
    assert_eq!(health.get(""), Some(ServingStatus::NotServing), "nothing becomes well that has stopped");
}

#[tokio::test]
async fn the_service_works_without_an_app() {
    let health = Health::new();
    health.set("jobs", ServingStatus::Serving);
    let server = jovian_runtime::Server::new().add(health.service());
    let running = support::Running::start(server).await;
    let client = HealthClient::connect(running.url()).unwrap();
    assert_eq!(check(&client, "jobs").await, Ok(ServingStatus::Serving));
    assert_eq!(check(&client, "").await, Err(Code::NotFound), "nobody spoke for the server");
}

#[test]
fn the_bytes_are_those_of_the_public_protocol() {
    assert_eq!(of("x").encode_to_vec(), b"\x0a\x01x");
    let response = HealthCheckResponse { status: ServingStatus::ServiceUnknown.into() };
    assert_eq!(response.encode_to_vec(), b"\x08\x03");
}
