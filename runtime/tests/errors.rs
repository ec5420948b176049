//! Errors: from a handler, over the wire, to a caller, and through a service in between.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jovian_runtime::{
    Call, CallError, CallOptions, Code, DomainError as _, Failure, Incoming, IntoFailure, Replies, Server,
    Status, UnknownError,
};
use support::{
    Front, FrontClient, FrontServer, GetOrderRequest, Order, Orders, OrdersClient, OrdersError, OrdersServer,
    Running, Shop, Summary, WatchRequest, get, order, shop, soon,
};
use tonic_types::StatusExt as _;

#[tokio::test]
async fn a_domain_error_is_the_typed_variant_with_its_fields() {
    let (_running, client, _) = shop().await;
    let error = soon(client.get_order(get("missing"))).await.unwrap_err();
    assert_eq!(error.to_string(), "ORDER_NOT_FOUND (10001): no order missing");
    let CallError::Domain(error) = error else { panic!("{error:?}") };
    assert_eq!(error, OrdersError::OrderNotFound { id: "missing".into() });
    assert_eq!(error.info().unwrap().http, 404);

    let error = soon(client.get_order(get("sold"))).await.unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        (Code::FailedPrecondition, "OUT_OF_STOCK (10002)")
    );
    let known = error.domain().unwrap().info().unwrap();
    assert!(known.retryable && known.http == 422 && known.reason == "OUT_OF_STOCK");
}

#[tokio::test]
async fn the_wire_is_what_others_read() {
    let status = CallError::Domain(OrdersError::OrderNotFound { id: "4 2%".into() }).into_status();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "no order 4 2%"));
    let info = status.get_details_error_info().unwrap();
    assert_eq!((info.reason.as_str(), info.domain.as_str()), ("ORDER_NOT_FOUND", "shop.order"));
    assert_eq!(info.metadata.into_iter().collect::<Vec<_>>(), [("id".to_owned(), "4 2%".to_owned())]);
    // Without a template the reason is the text.
    assert_eq!(CallError::Domain(OrdersError::OutOfStock).into_status().message(), "OUT_OF_STOCK");
}

/// A status as another implementation would send it.
fn foreign(reason: &str, domain: &str) -> Status {
    let details =
        tonic_types::ErrorDetails::with_error_info(reason, domain, [("id".to_owned(), "9".to_owned())]);
    Status::with_error_details(Code::Aborted, "text", details)
}

#[test]
fn a_client_reads_reasons_by_domain() {
    let read = |reason, domain| CallError::<OrdersError>::from_status(foreign(reason, domain));
    let nine = || OrdersError::OrderNotFound { id: "9".into() };
    assert!(matches!(read("ORDER_NOT_FOUND", "shop.order"), CallError::Domain(error) if error == nine()));
    // Kratos sends no domain.
    assert!(matches!(read("ORDER_NOT_FOUND", ""), CallError::Domain(error) if error == nine()));
    assert!(matches!(read("ELSEWHERE", ""), CallError::Status(_)));
    assert!(matches!(read("ORDER_NOT_FOUND", "shop.stock"), CallError::Status(_)));

    let CallError::Domain(OrdersError::Unknown(unknown)) = read("OF_THE_FUTURE", "shop.order") else {
        panic!()
    };
    let UnknownError { reason, message, metadata, code, .. } = unknown.clone();
    assert_eq!((reason.as_str(), message.as_str(), code), ("OF_THE_FUTURE", "text", Code::Aborted));
    assert_eq!(metadata, BTreeMap::from([("id".to_owned(), "9".to_owned())]));
    // And it goes on as it came.
    let again = CallError::Domain(OrdersError::Unknown(unknown)).into_status();
    assert_eq!((again.code(), again.message()), (Code::Aborted, "text"));
    assert_eq!(again.get_details_error_info().unwrap().reason, "OF_THE_FUTURE");
}

#[test]
fn details_that_make_no_sense_are_no_domain_error() {
    let status = Status::with_details(Code::NotFound, "text", vec![0xff; 7].into());
    assert!(matches!(CallError::<OrdersError>::from_status(status), CallError::Status(_)));
}

/// A shop whose handlers use the open error.
struct Open;

#[derive(Debug)]
struct Wrapped(OrdersError);

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a layer of our own")
    }
}

impl std::error::Error for Wrapped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl Orders for Open {
    type Error = Failure;

    async fn get_order(&self, call: &Call, request: GetOrderRequest) -> Result<Order, Failure> {
        match request.id.as_str() {
            "domain" => Err(OrdersError::OrderNotFound { id: request.id })?,
            "wrapped" => Err(Wrapped(OrdersError::OutOfStock))?,
            "io" => Err(std::io::Error::other("the password is hunter2"))?,
            "status" => Err(Status::resource_exhausted("slow down"))?,
            "made" => Err(Failure::status(Code::DataLoss, "lost"))?,
            "boxed" => Err(Failure::boxed(Box::new(Status::aborted("boxed"))))?,
            "parse" => Ok(order("", "x".parse()?)),
            _ => Err(Failure::unimplemented(call.method().name())),
        }
    }

    async fn watch(&self, _: &Call, _: WatchRequest, _: &mut Replies<Order>) -> Result<(), Failure> {
        Err(OrdersError::OutOfStock)?
    }

    async fn import(&self, _: &Call, _: &mut Incoming<Order>) -> Result<Summary, Failure> {
        Err(OrdersError::OutOfStock.into_failure())
    }

    async fn chat(&self, _: &Call, _: &mut Incoming<Order>, _: &mut Replies<Order>) -> Result<(), Failure> {
        Ok(())
    }
}

#[tokio::test]
async fn the_open_error_recognises_what_is_inside() {
    let running = Running::start(Server::new().add(OrdersServer::new(Open))).await;
    let client = OrdersClient::connect(running.url()).unwrap();
    let error = async |id: &str| soon(client.get_order(get(id))).await.unwrap_err();
    assert!(
        matches!(error("domain").await, CallError::Domain(OrdersError::OrderNotFound { id }) if id == "domain")
    );
    assert!(matches!(error("wrapped").await, CallError::Domain(OrdersError::OutOfStock)));
    for (id, code, text) in [
        ("io", Code::Internal, "internal error"),
        ("parse", Code::Internal, "internal error"),
        ("status", Code::ResourceExhausted, "slow down"),
        ("made", Code::DataLoss, "lost"),
        ("boxed", Code::Aborted, "boxed"),
        ("", Code::Unimplemented, "`GetOrder` is not implemented"),
    ] {
        let status = error(id).await.into_status();
        assert_eq!((status.code(), status.message()), (code, text), "{id}");
    }
    let stream = soon(client.watch(WatchRequest::default())).await.unwrap_err();
    assert!(matches!(stream, CallError::Domain(OrdersError::OutOfStock)));
    assert_eq!(running.stats.upstream(), 0);
}

/// Calls a shop, and passes its errors on with `?`.
struct Gate {
    orders: OrdersClient,
    verbatim: bool,
}

impl Front for Gate {
    type Error = Failure;

    async fn show(&self, _: &Call, request: GetOrderRequest) -> Result<Order, Failure> {
        let reply = self.orders.get_order(request).await;
        Ok(if self.verbatim { reply.map_err(CallError::into_status)? } else { reply? })
    }
}

/// Answers with the status that the request names.
struct Statuses;

impl Orders for Statuses {
    type Error = Status;

    async fn get_order(&self, _: &Call, request: GetOrderRequest) -> Result<Order, Status> {
        let mut status = match request.id.as_str() {
            "foreign" => foreign("NO_STOCK", "shop.stock"),
            "other" => foreign("OF_THE_FUTURE", "shop.order"),
            code => Status::new(Code::from_i32(code.parse().unwrap()), "inner text"),
        };
        status.metadata_mut().insert("x-inner", "secret".parse().unwrap());
        Err(status)
    }

    async fn watch(&self, _: &Call, _: WatchRequest, _: &mut Replies<Order>) -> Result<(), Status> {
        Ok(())
    }

    async fn import(&self, _: &Call, _: &mut Incoming<Order>) -> Result<Summary, Status> {
        Ok(Summary::default())
    }

    async fn chat(&self, _: &Call, _: &mut Incoming<Order>, _: &mut Replies<Order>) -> Result<(), Status> {
        Ok(())
    }
}

async fn gate(orders: OrdersClient, verbatim: bool) -> (Running, FrontClient) {
    let running = Running::start(Server::new().add(FrontServer::new(Gate { orders, verbatim }))).await;
    let client = FrontClient::connect(running.url()).unwrap();
    (running, client)
}

#[tokio::test]
async fn a_domain_error_passes_through_a_service_in_between() {
    let shop = OrdersClient::local(Shop::default());
    for (orders, id) in [(shop, "missing"), (OrdersClient::local(Open), "domain")] {
        let (running, front) = gate(orders, false).await;
        let status = soon(front.show(get(id))).await.unwrap_err().into_status();
        let info = status.get_details_error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("ORDER_NOT_FOUND", "shop.order"));
        assert_eq!((info.metadata["id"].as_str(), status.code()), (id, Code::NotFound));
        assert_eq!(status.message(), format!("no order {id}"));
        assert_eq!(running.stats.upstream(), 1, "counted as the error of another service");
    }
}

#[tokio::test]
async fn what_is_not_ours_to_tell_is_not_told() {
    let (_running, front) = gate(OrdersClient::local(Statuses), false).await;
    let show = async |id: &str| match soon(front.show(get(id))).await {
        Err(CallError::Status(status)) => *status,
        other => panic!("{other:?}"),
    };
    for (code, outer, text) in [
        (Code::Internal, Code::Internal, "a service that this one calls failed"),
        (Code::Unknown, Code::Unknown, "a service that this one calls failed"),
        (Code::DeadlineExceeded, Code::Unavailable, "a service that this one calls did not answer in time"),
        (Code::Cancelled, Code::Unavailable, "a service that this one calls gave up"),
        (Code::PermissionDenied, Code::PermissionDenied, "inner text"),
        (Code::Unavailable, Code::Unavailable, "inner text"),
    ] {
        let status = show(&(code as i32).to_string()).await;
        assert_eq!((status.code(), status.message()), (outer, text));
        assert!(status.metadata().get("x-inner").is_none(), "metadata of others stays there");
    }
    // The domain error of a service further down, which the service in between does not know, and one of the future.
    for (id, domain, reason) in
        [("foreign", "shop.stock", "NO_STOCK"), ("other", "shop.order", "OF_THE_FUTURE")]
    {
        let status = show(id).await;
        let info = status.get_details_error_info().unwrap();
        assert_eq!(
            (info.domain.as_str(), info.reason.as_str(), status.code()),
            (domain, reason, Code::Aborted)
        );
    }
}

#[tokio::test]
async fn a_gateway_may_forward_everything() {
    let (_running, front) = gate(OrdersClient::local(Statuses), true).await;
    let error = soon(front.show(get("13"))).await.unwrap_err().into_status();
    assert_eq!((error.code(), error.message()), (Code::Internal, "inner text"));
    assert_eq!(error.metadata().get("x-inner").unwrap(), "secret");
    let types = error.metadata().get_all("content-type").iter().count();
    assert_eq!(types, 1, "the headers of the inner response are not sent again");
}

#[tokio::test]
async fn a_deadline_that_is_everybodys_stays_a_deadline() {
    let (_running, front) = gate(OrdersClient::local(Shop::default()), false).await;
    let front = front.with(CallOptions::new().timeout(Duration::from_millis(80)));
    assert_eq!(soon(front.show(get("slow"))).await.unwrap_err().code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_panic_is_internal_and_nobody_elses_problem() {
    let (running, client, traces) = shop().await;
    for _ in 0..3 {
        let (panicked, fine) = tokio::join!(client.get_order(get("panic")), client.get_order(get("1")));
        let status = panicked.unwrap_err().into_status();
        assert_eq!((status.code(), status.message()), (Code::Internal, "the handler panicked"));
        assert_eq!(fine.unwrap().id, "1");
    }
    // After the headers, too: what was sent before arrives.
    let mut replies = soon(client.watch(support::watch("panic", 0))).await.unwrap();
    for amount in 0..2 {
        assert_eq!(soon(replies.next()).await.unwrap().unwrap().amount, amount);
    }
    assert_eq!(soon(replies.next()).await.unwrap().unwrap_err().code(), Code::Internal);
    assert_eq!(traces.dropped.load(std::sync::atomic::Ordering::SeqCst), 7);
    assert_eq!((running.stats.finished(Code::Internal), running.stats.in_flight()), (4, 0));
}
