//! A server that takes HTTP/2 at its word, as those on tonic do: callers whose `:authority` is none are reset, and do not reach it.
//! That is what `jovian registry why` calls `authority` (`tests/why.rs::providers_that_refuse_the_authority_are_found`).

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use tokio::net::{TcpListener, TcpStream};

use crate::finder::Finder;
use crate::fleet::{Fleet, NAME};

/// An `EchoReply` whose `provider` is `stock`, in its frame.
const REPLY: &[u8] = b"\0\0\0\0\x07\x1a\x05stock";

/// Serves for as long as the test lives; where it listens.
async fn stock() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    address
}

async fn answer(stream: TcpStream) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((_, mut respond))) = connection.accept().await {
        let head = Response::builder().header("content-type", "application/grpc").body(()).unwrap();
        let Ok(mut body) = respond.send_response(head, false) else { continue };
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        let _gone = body.send_data(Bytes::from_static(REPLY), false);
        let _gone = body.send_trailers(trailers);
    }
}

fn only(name: &str) -> BTreeSet<String> {
    BTreeSet::from([name.to_owned()])
}

#[tokio::test]
async fn jupiter_does_not_reach_a_server_that_refuses_its_authority() {
    let Some(fleet) = Fleet::start("refused_jupiter", "jupiter") else { return };
    let address = stock().await;
    fleet.store.put(&format!("grpc:{NAME}:v1:dev/{address}"), r#"{"Op":0}"#).await;
    let mut finder = Finder::start(&fleet, "refused_jupiter", &[]);
    let found = finder.find(NAME, "dev", &BTreeSet::new()).await;
    assert!(found.names.is_empty() && found.errors.contains("PROTOCOL_ERROR"), "{found:?}");

    let rust = fleet.serve(&["jupiter"], None).await;
    let found = finder.find(NAME, "dev", &only("rust")).await;
    assert_eq!(found.names, only("rust"), "{found:?}");
    rust.running.stop().await.unwrap();
}

/// The hosts of its etcd are its authority: one is a name, two are none.
#[tokio::test]
async fn go_zero_with_two_hosts_does_not_reach_it() {
    let Some(fleet) = Fleet::start("refused_go_zero", "gozero") else { return };
    let address = stock().await;
    fleet.store.put(&format!("{NAME}/1"), &address).await;
    let found = Finder::start(&fleet, "refused_go_zero", &[]).find(NAME, "", &only("stock")).await;
    assert_eq!(found.names, only("stock"), "{found:?}");

    let hosts = [fleet.endpoint(), fleet.endpoint()].join(",");
    let mut finder = Finder::start(&fleet, "refused_go_zero", &["-registry", &hosts]);
    let found = finder.find(NAME, "", &BTreeSet::new()).await;
    assert!(found.names.is_empty() && found.errors.contains("PROTOCOL_ERROR"), "{found:?}");
}
