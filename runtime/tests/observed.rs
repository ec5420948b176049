//! What is written down of calls: the access log, the slow log, messages without their secrets, and spans.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jovian_runtime::{CallOptions, Policies, Policy, Server};
use serde_json::Value;
use support::{OrdersClient, OrdersServer, Running, Shop, amounts, get, soon, watch};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Keeps the lines of a log.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    /// Those of one target, as objects.
    fn of(&self, target: &str) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["target"] == target).collect()
    }
}

/// Everything in one thread, so that one subscriber sees client and server.
fn run<F: Future<Output = ()>>(level: &str, test: impl FnOnce(Lines) -> F) {
    let lines = Lines::default();
    let log = tracing_subscriber::fmt().json().flatten_event(true).with_writer(lines.clone());
    let subscriber = log.with_env_filter(EnvFilter::new(level)).finish();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::with_default(subscriber, || runtime.block_on(test(lines)));
}

async fn serve(policy: Policy) -> (Running, OrdersClient) {
    let server = Server::new().policies(Policies::new().all(policy)).add(OrdersServer::new(Shop::default()));
    let running = Running::start(server).await;
    let client = OrdersClient::connect(running.url()).unwrap();
    (running, client)
}

#[test]
fn the_access_log_has_a_line_for_each_call() {
    run("info", |lines| async move {
        let (_running, client) = serve(Policy::new().access_log(1.0)).await;
        let client = client.with(CallOptions::new().metadata("aid", "shop.web.site"));
        soon(client.get_order(get("1"))).await.unwrap();
        soon(client.get_order(get("missing"))).await.unwrap_err();
        amounts(soon(client.watch(watch("", 3))).await.unwrap()).await.unwrap();
        let found: Vec<_> = lines
            .of("jovian::access")
            .iter()
            .map(|line| {
                let text = |name: &str| line[name].as_str().unwrap().to_owned();
                assert!(line["ms"].as_f64().unwrap() >= 0.0 && line["peer"].is_string(), "{line}");
                let said =
                    [text("side"), text("method"), text("code"), text("caller"), text("message")].join(" ");
                line["error"].as_str().map_or(said.clone(), |error| format!("{said} {error}"))
            })
            .collect();
        let method = "server /shop.orders.v1.Orders";
        assert_eq!(
            found,
            [
                format!("{method}/GetOrder OK shop.web.site call"),
                format!("{method}/GetOrder NOT_FOUND shop.web.site call no order missing"),
                format!("{method}/Watch OK shop.web.site call"),
            ]
        );
    });
}

#[test]
fn the_access_log_takes_its_share_of_calls() {
    run("info", |lines| async move {
        let (_running, client) = serve(Policy::new().access_log(0.3)).await;
        for _ in 0..300 {
            soon(client.get_order(get("1"))).await.unwrap();
        }
        let found = lines.of("jovian::access").len();
        // Chance leaves this range once in many millions of runs.
        assert!((45..=140).contains(&found), "{found} of 300 lines");
    });
}

#[test]
fn slow_calls_are_named_on_both_sides() {
    run("info", |lines| async move {
        let (_running, client) = serve(Policy::new().slow_log(Duration::from_millis(100))).await;
        let slow = Policy::new().slow_log(Duration::from_millis(120));
        let client = client.policies(Policies::new().all(slow)).unwrap();
        soon(client.get_order(get("1"))).await.unwrap();
        assert!(lines.of("jovian::slow").is_empty());
        soon(client.get_order(get("nap"))).await.unwrap();
        let mut sides: Vec<_> =
            lines.of("jovian::slow").iter().map(|line| line["side"].to_string()).collect();
        sides.sort();
        assert_eq!(sides, ["\"client\"", "\"server\""]);
    });
}

#[test]
fn messages_are_shown_to_those_who_ask() {
    run("info,jovian::message=trace", |lines| async move {
        let (_running, client) = serve(Policy::new()).await;
        soon(client.get_order(get("1"))).await.unwrap();
        let shown = lines.of("jovian::message");
        assert_eq!(shown.len(), 2, "{shown:?}");
        assert_eq!(shown[0]["method"], "/shop.orders.v1.Orders/GetOrder");
        assert!(lines_have(&shown[0], "GetOrderRequest { id: \"1\" }"), "{shown:?}");
    });
    run("info", |lines| async move {
        let (_running, client) = serve(Policy::new()).await;
        soon(client.get_order(get("1"))).await.unwrap();
        assert!(lines.of("jovian::message").is_empty());
    });
}

fn lines_have(line: &Value, text: &str) -> bool {
    line.to_string().contains(&text.replace('"', "\\\""))
}
