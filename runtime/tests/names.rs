//! Names that stand for several addresses, told by a real DNS server.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![cfg(target_os = "linux")]

#[path = "support/dns.rs"]
mod dns;
mod support;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use dns::{Dns, in_a_network};
use jovian_runtime::{Balancer, BalancingSection, Code, Server, Target, endpoints};
use support::{OrdersClient, OrdersServer, Running, Shop, get, soon};
use tokio::net::TcpListener;
use tokio::task::yield_now;
use tokio::time::sleep;

const NAME: &str = "orders.test";

async fn serve(host: u8) -> Running {
    let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, host), 9000)).await.unwrap();
    let server = Server::new().add(OrdersServer::new(Shop::default()));
    Running::listening(server, listener, Duration::from_secs(5))
}

fn client(target: &str) -> OrdersClient {
    let balancing = BalancingSection { balancer: Some(Balancer::RoundRobin), ..BalancingSection::default() };
    OrdersClient::connect(Target::new(target).balancing(balancing)).unwrap()
}

/// How many of these calls each server got; none may fail.
async fn spread(client: &OrdersClient, servers: &[&Running], calls: u64) -> Vec<u64> {
    let served = || servers.iter().map(|server| server.stats.total()).collect::<Vec<_>>();
    let before = served();
    for _ in 0..calls {
        soon(client.get_order(get("1"))).await.unwrap();
    }
    served().into_iter().zip(before).map(|(after, before)| after - before).collect()
}

/// Calls until all these servers get as many as each other, and nobody else any; no call may fail meanwhile.
async fn shared_by(client: &OrdersClient, servers: &[&Running]) {
    let begin = Instant::now();
    let calls = 10 * servers.len() as u64;
    while spread(client, servers, calls).await.iter().any(|got| *got != 10) {
        assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", addresses());
        sleep(Duration::from_millis(50)).await;
    }
}

/// Some minutes pass for clocks, and for nobody else.
async fn minutes() {
    tokio::time::pause();
    // Who wakes up may begin to wait for something else.
    for _ in 0..4 {
        tokio::time::advance(Duration::from_secs(60)).await;
        yield_now().await;
    }
    tokio::time::resume();
    // A lookup is done by another thread.
    sleep(Duration::from_millis(300)).await;
}

/// How an address of the name is shown.
fn at(host: u8) -> String {
    format!("http://orders.test:9000 (127.0.0.{host}:9000)")
}

fn addresses() -> Vec<String> {
    let mut addresses: Vec<_> = endpoints().into_iter().map(|state| state.address).collect();
    addresses.sort();
    addresses
}

#[test]
fn a_name_is_all_its_addresses_and_is_looked_up_again_when_one_is_lost() {
    const TEST: &str = "a_name_is_all_its_addresses_and_is_looked_up_again_when_one_is_lost";
    in_a_network(TEST, async {
        let mut dns = Dns::start(TEST, NAME, &["127.0.0.2", "127.0.0.3", "127.0.0.4"]).await;
        let (two, three, four) = (serve(2).await, serve(3).await, serve(4).await);
        for target in
            ["orders.test:9000", "http://orders.test:9000", "dns:///orders.test:9000", "dns:orders.test:9000"]
        {
            shared_by(&client(target), &[&two, &three, &four]).await;
        }
        let five = serve(5).await;
        let client = client("static://orders.test:9000,127.0.0.5:9000,orders.test:9000");
        assert!(addresses().is_empty(), "nothing is looked up before the first call");
        shared_by(&client, &[&two, &three, &four, &five]).await;
        assert_eq!(addresses(), ["http://127.0.0.5:9000".to_owned(), at(2), at(3), at(4)]);

        // One moves. Its connection is lost, and that is the reason to look.
        dns.change(NAME, &["127.0.0.2", "127.0.0.3", "127.0.0.6"]).await;
        let six = serve(6).await;
        let got = spread(&client, &[&four, &six], 40).await;
        assert!(got[0] > 0 && got[1] == 0, "there was no reason yet: {got:?}");
        soon(four.stop()).await.unwrap();
        shared_by(&client, &[&two, &three, &five, &six]).await;
    });
}

#[test]
fn a_name_is_looked_up_now_and_then_and_a_lookup_that_fails_changes_nothing() {
    const TEST: &str = "a_name_is_looked_up_now_and_then_and_a_lookup_that_fails_changes_nothing";
    in_a_network(TEST, async {
        let mut dns = Dns::start(TEST, NAME, &["127.0.0.2"]).await;
        let (two, three) = (serve(2).await, serve(3).await);
        let client = client("orders.test:9000");
        assert_eq!(spread(&client, &[&two, &three], 10).await, [10, 0]);
        dns.change(NAME, &["127.0.0.2", "127.0.0.3"]).await;
        assert_eq!(spread(&client, &[&two, &three], 10).await, [10, 0]);
        minutes().await;
        shared_by(&client, &[&two, &three]).await;

        dns.stop();
        minutes().await;
        // Nobody answers.
        shared_by(&client, &[&two, &three]).await;
        dns.resume(NAME, &[]).await;
        minutes().await;
        // There is no such name.
        shared_by(&client, &[&two, &three]).await;
    });
}

#[test]
fn a_name_that_is_not_there_yet_is_said_and_found_later() {
    const TEST: &str = "a_name_that_is_not_there_yet_is_said_and_found_later";
    in_a_network(TEST, async {
        let mut dns = Dns::start(TEST, NAME, &[]).await;
        let client = client("orders.test:9000");
        let begin = Instant::now();
        let error = soon(client.get_order(get("1"))).await.unwrap_err();
        assert_eq!(error.code(), Code::Unavailable);
        assert!(error.to_string().contains("cannot connect to http://orders.test:9000: "), "{error}");
        assert!(begin.elapsed() < Duration::from_secs(2), "it is known at once");
        dns.change(NAME, &["127.0.0.2", "127.0.0.3"]).await;
        let (two, three) = (serve(2).await, serve(3).await);
        let begin = Instant::now();
        while soon(client.get_order(get("1"))).await.is_err() {
            assert!(begin.elapsed() < Duration::from_secs(10), "it is looked up while calls fail");
            sleep(Duration::from_millis(50)).await;
        }
        shared_by(&client, &[&two, &three]).await;
        assert_eq!(addresses(), [at(2), at(3)]);
    });
}
