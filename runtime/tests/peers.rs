//! Peers that share no code with ours: tonic's client calls our server, our client calls tonic's server, and servers
//! that say what no server should.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use hyper_util::rt::{TokioExecutor, TokioIo};
use jovian_runtime::stream::{self, StreamExt as _};
use jovian_runtime::{CallError, CallOptions, Code, Status};
use prost::Message;
use support::raw::framed;
use support::{
    GetOrderRequest, Order, OrdersClient, OrdersError, Summary, amounts, get, order, shop, soon, watch,
};
use tokio::net::TcpListener;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::{NamedService, ServerStreamingService, UnaryService};
use tonic::transport::Channel;
use tonic_types::StatusExt as _;

/// What `tonic-prost` does.
struct Prost<T, U>(std::marker::PhantomData<(T, U)>);

impl<T, U> Prost<T, U> {
    fn new() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<T: Message + 'static, U: Message + Default + 'static> Codec for Prost<T, U> {
    type Encode = T;
    type Decode = U;
    type Encoder = Prost<T, U>;
    type Decoder = Prost<T, U>;

    fn encoder(&mut self) -> Self::Encoder {
        Self::new()
    }

    fn decoder(&mut self) -> Self::Decoder {
        Self::new()
    }
}

impl<T: Message, U> Encoder for Prost<T, U> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, item: T, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

impl<T, U: Message + Default> Decoder for Prost<T, U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        U::decode(buffer).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}

async fn tonic_client(url: String) -> tonic::client::Grpc<Channel> {
    tonic::client::Grpc::new(Channel::from_shared(url).unwrap().connect().await.unwrap())
}

async fn ready(grpc: &mut tonic::client::Grpc<Channel>) -> &mut tonic::client::Grpc<Channel> {
    grpc.ready().await.unwrap();
    grpc
}

fn path(method: &'static str) -> http::uri::PathAndQuery {
    http::uri::PathAndQuery::from_static(method)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tonic_calls_our_server() {
    let (running, ..) = shop().await;
    let mut grpc = tonic_client(running.url()).await;
    let get_order = || path("/shop.orders.v1.Orders/GetOrder");

    let mut request = tonic::Request::new(get("meta"));
    request.metadata_mut().insert("x-lane", "blue".parse().unwrap());
    let reply =
        soon(ready(&mut grpc).await.unary(request, get_order(), Prost::<GetOrderRequest, Order>::new()))
            .await
            .unwrap();
    assert_eq!(reply.get_ref().id, "meta");
    assert_eq!(reply.metadata().get("x-seen").unwrap(), "blue");
    assert_eq!(reply.metadata().get("x-after").unwrap(), "tail");

    let request = tonic::Request::new(get("missing"));
    let status =
        soon(ready(&mut grpc).await.unary(request, get_order(), Prost::<GetOrderRequest, Order>::new()))
            .await
            .unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "no order missing"));
    assert_eq!(status.get_details_error_info().unwrap().reason, "ORDER_NOT_FOUND");

    let requests = tonic::Request::new(stream::iter((1..=100).map(|amount| order("", amount))));
    let import = path("/shop.orders.v1.Orders/Import");
    let summary =
        soon(ready(&mut grpc).await.client_streaming(requests, import, Prost::<Order, Summary>::new()))
            .await
            .unwrap();
    assert_eq!(summary.get_ref().amount, 5050);

    let requests = tonic::Request::new(stream::iter([order("", 1), order("", 2)]));
    let chat = path("/shop.orders.v1.Orders/Chat");
    let mut replies = soon(ready(&mut grpc).await.streaming(requests, chat, Prost::<Order, Order>::new()))
        .await
        .unwrap()
        .into_inner();
    let mut amounts = Vec::new();
    while let Some(reply) = soon(replies.message()).await.unwrap() {
        amounts.push(reply.amount);
    }
    assert_eq!(amounts, [2, 4, 0]);

    let mut request = tonic::Request::new(get("slow"));
    request.metadata_mut().insert("grpc-timeout", "40m".parse().unwrap());
    let status =
        soon(ready(&mut grpc).await.unary(request, get_order(), Prost::<GetOrderRequest, Order>::new()))
            .await
            .unwrap_err();
    // Tonic's own timer and our answer race; both ends know it as late.
    assert!(matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled), "{status}");
}

/// A shop on tonic.
#[derive(Clone)]
struct TonicShop;

impl NamedService for TonicShop {
    const NAME: &'static str = "shop.orders.v1.Orders";
}

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl UnaryService<GetOrderRequest> for TonicShop {
    type Response = Order;
    type Future = BoxFuture<Result<tonic::Response<Order>, Status>>;

    fn call(&mut self, request: tonic::Request<GetOrderRequest>) -> Self::Future {
        Box::pin(async move {
            let timeout =
                request.metadata().get("grpc-timeout").map(|value| value.to_str().unwrap().to_owned());
            match request.get_ref().id.as_str() {
                "missing" => {
                    let fields = [("id".to_owned(), "missing".to_owned())];
                    let details =
                        tonic_types::ErrorDetails::with_error_info("ORDER_NOT_FOUND", "shop.order", fields);
                    Err(Status::with_error_details(Code::NotFound, "no such order", details))
                }
                "slow" => {
                    tokio::time::sleep(Duration::from_secs(30)).await;
                    Err(Status::internal("nobody waits for this"))
                }
                _ => Ok(tonic::Response::new(order(&timeout.unwrap_or_default(), 1))),
            }
        })
    }
}

impl ServerStreamingService<support::WatchRequest> for TonicShop {
    type Response = Order;
    type ResponseStream = stream::BoxStream<'static, Result<Order, Status>>;
    type Future = BoxFuture<Result<tonic::Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: tonic::Request<support::WatchRequest>) -> Self::Future {
        let count = request.get_ref().count;
        let orders = stream::iter((0..count).map(|amount| Ok(order("", amount))));
        let end = stream::iter([Err(Status::data_loss("torn"))]);
        Box::pin(async move { Ok(tonic::Response::new(orders.chain(end).boxed())) })
    }
}

impl tower::Service<http::Request<tonic::body::Body>> for TonicShop {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        Box::pin(async move {
            Ok(match request.uri().path() {
                "/shop.orders.v1.Orders/GetOrder" => {
                    tonic::server::Grpc::new(Prost::<Order, GetOrderRequest>::new())
                        .unary(TonicShop, request)
                        .await
                }
                "/shop.orders.v1.Orders/Watch" => {
                    let codec = Prost::<Order, support::WatchRequest>::new();
                    tonic::server::Grpc::new(codec).server_streaming(TonicShop, request).await
                }
                _ => Status::unimplemented("").into_http(),
            })
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_client_calls_tonics_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    let server = tonic::transport::Server::builder().add_service(TonicShop).serve_with_incoming(incoming);
    tokio::spawn(server);
    let client = OrdersClient::connect(address.to_string()).unwrap();

    let patient = client.with(CallOptions::new().timeout(Duration::from_secs(9)));
    let timeout = soon(patient.get_order(get("1"))).await.unwrap().id;
    let micros: u64 = timeout.strip_suffix('u').unwrap().parse().unwrap();
    assert!((5_000_000..=9_000_000).contains(&micros), "{timeout}");

    let error = soon(client.get_order(get("missing"))).await.unwrap_err();
    assert!(matches!(error, CallError::Domain(OrdersError::OrderNotFound { id }) if id == "missing"));

    let mut replies = soon(client.watch(watch("", 3))).await.unwrap();
    for amount in 0..3 {
        assert_eq!(soon(replies.next()).await.unwrap().unwrap().amount, amount);
    }
    let error = soon(replies.next()).await.unwrap().unwrap_err().into_status();
    assert_eq!((error.code(), error.message()), (Code::DataLoss, "torn"));

    let error = soon(client.import(stream::empty())).await.unwrap_err();
    assert_eq!(error.code(), Code::Unimplemented);
    let hasty = client.with(CallOptions::new().timeout(Duration::from_millis(40)));
    for _ in 0..10 {
        let error = soon(hasty.get_order(get("slow"))).await.unwrap_err();
        assert_eq!(error.code(), Code::DeadlineExceeded, "never CANCELLED: {error}");
    }
}

type Part = Result<Frame<Bytes>, std::io::Error>;

/// A server that answers every request with the same head, data and trailers.
async fn odd(status: u16, head: HeaderMap, parts: Vec<fn() -> Part>) -> (SocketAddr, OrdersClient) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (head, parts) = (head.clone(), parts.clone());
            let service = hyper::service::service_fn(move |_| {
                let body = StreamBody::new(stream::iter(parts.clone()).map(|part| part()));
                let mut response = Response::new(body);
                *response.status_mut() = status.try_into().unwrap();
                *response.headers_mut() = head.clone();
                async move { Ok::<_, Infallible>(response) }
            });
            let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
        }
    });
    (address, OrdersClient::connect(address.to_string()).unwrap())
}

fn headers(entries: &[(&'static str, &'static [u8])]) -> HeaderMap {
    entries
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_bytes(value).unwrap()))
        .collect()
}

const GRPC: (&str, &[u8]) = ("content-type", b"application/grpc");

#[tokio::test]
async fn odd_answers_are_statuses_and_never_panics() {
    type Case = (u16, Vec<(&'static str, &'static [u8])>, Vec<fn() -> Part>, Code);
    let message: fn() -> Part = || Ok(Frame::data(framed(&order("1", 1))));
    let fine: fn() -> Part = || Ok(Frame::trailers(headers(&[("grpc-status", b"0")])));
    let broken: fn() -> Part = || Err(std::io::Error::other("broken"));
    let no_base64: fn() -> Part =
        || Ok(Frame::trailers(headers(&[("grpc-status", b"9"), ("grpc-status-details-bin", b"?!")])));
    let no_utf8: fn() -> Part =
        || Ok(Frame::trailers(headers(&[("grpc-status", b"5"), ("grpc-message", b"caf\xe9")])));
    let cases: Vec<Case> = vec![
        (
            503,
            vec![("content-type", b"text/html")],
            vec![|| Ok(Frame::data(Bytes::from("<html>")))],
            Code::Unavailable,
        ),
        (404, vec![], vec![], Code::Unimplemented),
        (200, vec![("content-type", b"application/json")], vec![], Code::Unknown),
        // Dubbo answers with HTTP 500 and a gRPC status.
        (500, vec![GRPC, ("grpc-status", b"16")], vec![], Code::Unauthenticated),
        (200, vec![GRPC, ("grpc-status", b"5"), ("grpc-status-details-bin", b"?!")], vec![], Code::NotFound),
        (200, vec![GRPC, ("grpc-status", b"99")], vec![], Code::Unknown),
        (200, vec![GRPC, ("grpc-encoding", b"snappy")], vec![message, fine], Code::Internal),
        (200, vec![GRPC], vec![fine], Code::Internal),
        (200, vec![GRPC], vec![message, no_base64], Code::FailedPrecondition),
        (200, vec![GRPC], vec![message, no_utf8], Code::NotFound),
        (
            200,
            vec![GRPC],
            vec![|| Ok(Frame::data(Bytes::from_static(b"\0\0\0\0\x02\xff\xff"))), fine],
            Code::Internal,
        ),
        (
            200,
            vec![GRPC],
            vec![|| Ok(Frame::data(Bytes::from_static(b"\0\x7f\xff\xff\xff")))],
            Code::ResourceExhausted,
        ),
        (200, vec![GRPC], vec![message], Code::Unknown),
        (200, vec![GRPC], vec![message, broken], Code::Internal),
    ];
    for (number, (status, head, parts, code)) in cases.into_iter().enumerate() {
        let (_, client) = odd(status, headers(&head), parts).await;
        let error = soon(client.get_order(get("1"))).await.unwrap_err();
        assert_eq!(error.code(), code, "case {number}: {error}");
        let streamed = async { amounts(client.watch(watch("", 1)).await?).await };
        let error = soon(streamed).await.map_or_else(|error| error.code(), |_| Code::Ok);
        // Only a stream may be empty.
        let expected = if number == 7 { Code::Ok } else { code };
        assert_eq!(error, expected, "case {number} as a stream");
    }
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = OrdersClient::connect(format!("http://{address}")).unwrap();
    let error = soon(client.get_order(get("1"))).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.to_string().contains("refused"), "{error}");

    // Other tests of this build may want TLS.
    let without_tls = if cfg!(feature = "tls") { "" } else { "https://127.0.0.1:9000" };
    for wrong in ["", "http://", without_tls, "ftp://127.0.0.1", "http://a b", "etc:///orders"] {
        let error = OrdersClient::connect(wrong).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot connect to `{wrong}`: ")), "{error}");
    }
}

#[test]
fn a_client_outside_of_a_runtime_is_an_error_and_no_panic() {
    let error = OrdersClient::connect("http://127.0.0.1:9000").unwrap_err();
    assert_eq!(error.to_string(), "a client is made inside of a tokio runtime");
}
