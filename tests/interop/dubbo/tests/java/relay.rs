//! A relay of calls that leaves them less time than they have, so that whoever is called finds the deadline passed first.

use bytes::Bytes;
use h2::client::SendRequest;
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::{HeaderValue, Request};

use tokio::net::{TcpListener, TcpStream};

/// Relays to a server that has this long for each call; where.
pub(crate) async fn hurrying(server: String, timeout: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let server = TcpStream::connect(&server).await.unwrap();
            tokio::spawn(connection(stream, server, timeout));
        }
    });
    address
}

async fn connection(caller: TcpStream, server: TcpStream, timeout: &'static str) {
    let (calls, driver) = h2::client::handshake(server).await.unwrap();
    tokio::spawn(driver);
    let mut caller = h2::server::handshake(caller).await.unwrap();
    while let Some(Ok((mut request, respond))) = caller.accept().await {
        request.headers_mut().insert("grpc-timeout", HeaderValue::from_static(timeout));
        tokio::spawn(relay(request, respond, calls.clone()));
    }
}

async fn relay(request: Request<RecvStream>, mut respond: SendResponse<Bytes>, calls: SendRequest<Bytes>) {
    let (head, body) = request.into_parts();
    let mut calls = calls.ready().await.unwrap();
    let (response, sender) = calls.send_request(Request::from_parts(head, ()), false).unwrap();
    tokio::spawn(copy(body, sender));
    let (head, body) = response.await.unwrap().into_parts();
    let is_all = body.is_end_stream();
    let sender = respond.send_response(http::Response::from_parts(head, ()), is_all).unwrap();
    if !is_all {
        copy(body, sender).await;
    }
}

/// Small messages alone: nobody waits for room.
async fn copy(mut from: RecvStream, mut to: SendStream<Bytes>) {
    while let Some(data) = from.data().await {
        to.send_data(data.unwrap(), false).unwrap();
    }
    match from.trailers().await.unwrap() {
        Some(trailers) => to.send_trailers(trailers).unwrap(),
        None => to.send_data(Bytes::new(), true).unwrap(),
    }
}
