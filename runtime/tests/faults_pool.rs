//! Servers that stop, die, hang and refuse while calls run: how many of them fail is counted.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jovian_runtime::registry::{Instance, MemoryRegistry, Registration, Registry as _};
use jovian_runtime::{CallOptions, Code, EndpointState, Server, endpoints};
use support::load::{Load, What, count};
use support::{OrdersClient, OrdersServer, Running, Shop, eventually, get, soon};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::sleep;

const APP: &str = "shop.order.orders";

fn server() -> Server {
    Server::new().add(OrdersServer::new(Shop::default()))
}

fn state(address: &str) -> EndpointState {
    let address = format!("http://{address}");
    endpoints()
        .into_iter()
        .find(|state| state.target == APP && state.address == address)
        .expect("it is known")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_again_and_again_loses_no_call() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let client = OrdersClient::connect(socket.local_addr().unwrap().to_string()).unwrap();
    let serve = || {
        let listener = TcpListener::from_std(socket.try_clone().unwrap()).unwrap();
        let server = server();
        let stats = server.stats();
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async { drop(stopped.await) };
        let served = tokio::spawn(server.serve(listener, stopped, Duration::from_secs(10)));
        (stats, stop, served)
    };
    let mut current = serve();
    let load = Load::start(&client, What::Import, 16);
    let mut generations = Vec::new();
    for _ in 0..30 {
        load.more(50).await;
        let next = serve();
        let (stats, stop, served) = std::mem::replace(&mut current, next);
        drop(stop);
        generations.push((stats, served));
    }
    load.more(50).await;
    let failures = load.failures().await;
    assert_eq!(count(&failures), 0, "{failures:?}");
    for (stats, served) in generations {
        assert_eq!(soon(served).await.unwrap().unwrap(), 0, "no connection had to be cut");
        assert!(stats.total() > 0, "every server had calls");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_that_come_and_go_cost_no_call() {
    let registry = MemoryRegistry::new();
    let start = async || -> (Running, Registration) {
        let running = Running::start(server()).await;
        let registration = registry.register(Instance::new(APP, running.address.to_string())).await.unwrap();
        (running, registration)
    };
    let mut alive = vec![start().await, start().await, start().await];
    let client = OrdersClient::find(&registry).unwrap();
    let load = Load::start(&client, What::Import, 16);
    for turn in 0..20 {
        load.more(50).await;
        alive.push(start().await);
        let (running, registration) = alive.remove(0);
        if turn % 2 == 0 {
            // In good order, and the other way round.
            registration.deregister().await.unwrap();
            running.stop();
        } else {
            running.stop();
            sleep(Duration::from_millis(20)).await;
            registration.deregister().await.unwrap();
        }
    }
    load.more(50).await;
    let failures = load.failures().await;
    assert_eq!(count(&failures), 0, "{failures:?}");
}

/// Set in processes that serve until they are killed.
const CHILD: &str = "FAULTS_POOL_CHILD";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the parent reads it")]
async fn child_serves() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let running = Running::start(server()).await;
    println!("serves {} end", running.address);
    std::future::pending::<()>().await;
}

/// A server in a process of its own.
struct Process {
    child: Child,
    address: String,
}

impl Process {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_serves", "--nocapture"])
            .env(CHILD, "yes")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let address = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap)
            .find_map(|line| Some(line.split_once("serves ")?.1.strip_suffix(" end")?.to_owned()))
            .expect("the child serves");
        Self { child, address }
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn three(registry: &MemoryRegistry) -> (Vec<Process>, Vec<Registration>) {
    let processes = vec![Process::start(), Process::start(), Process::start()];
    let mut registrations = Vec::new();
    for process in &processes {
        registrations.push(registry.register(Instance::new(APP, process.address.clone())).await.unwrap());
    }
    (processes, registrations)
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_backend_costs_at_most_the_calls_in_flight_on_it() {
    const CALLERS: usize = 24;
    let registry = MemoryRegistry::new();
    let (mut processes, _registrations) = three(&registry).await;
    let client = OrdersClient::find(&registry).unwrap();
    let load = Load::start(&client, What::Import, CALLERS);
    let idempotent = Load::start(&client, What::Get, 4);
    load.more(500).await;
    let killed = processes.remove(0);
    let in_flight = state(&killed.address).in_flight;
    killed.signal("KILL");
    load.more(1000).await;
    let failures = load.failures().await;
    // The count is a moment old when the signal arrives; more than all callers can never be in flight.
    assert!(count(&failures) <= CALLERS, "{in_flight} were in flight: {failures:?}");
    assert!(failures.keys().all(|text| text.contains("the connection was lost")), "{failures:?}");
    assert!(idempotent.good() > 0);
    let failures = idempotent.failures().await;
    assert_eq!(count(&failures), 0, "what may be tried again is: {failures:?}");
    let is_known = || {
        let state = state(&killed.address);
        // Whoever failed often enough before it could not be reached gets no calls, so that nobody tries.
        state.down || state.ejected
    };
    eventually("it is known to be down", is_known).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backend_that_hangs_is_ejected_and_comes_back() {
    let registry = MemoryRegistry::new();
    let (processes, _registrations) = three(&registry).await;
    let client =
        OrdersClient::find(&registry).unwrap().with(CallOptions::new().timeout(Duration::from_millis(150)));
    let load = Load::start(&client, What::Get, 12);
    load.more(300).await;
    let hanging = &processes[0];
    hanging.signal("STOP");
    eventually("it is ejected", || state(&hanging.address).ejected).await;
    let before = load.good();
    sleep(Duration::from_secs(1)).await;
    assert!(load.good() > before + 100, "calls go on");
    let others = || processes[1..].iter().all(|process| !state(&process.address).ejected);
    assert!(others(), "nobody else is");

    hanging.signal("CONT");
    eventually("a probe brings it back", || !state(&hanging.address).ejected).await;
    load.more(300).await;
    let failures = load.failures().await;
    assert!(failures.keys().all(|text| text.contains("deadline")), "{failures:?}");
    // Twelve callers wait at most once each before the fifth failure counts, and then there are probes.
    assert!((5..=12 + 6).contains(&count(&failures)), "{failures:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backend_that_accepts_and_says_nothing_costs_no_call() {
    let registry = MemoryRegistry::new();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let good = Running::start(server()).await;
    let _silent = registry.register(Instance::new(APP, address.clone())).await.unwrap();
    let _good = registry.register(Instance::new(APP, good.address.to_string())).await.unwrap();
    let client = OrdersClient::find(&registry).unwrap();
    let load = Load::start(&client, What::Import, 8);
    eventually("others are served meanwhile", || good.stats.total() > 100).await;
    eventually("it is known to be down", || state(&address).down).await;
    load.more(300).await;
    let failures = load.failures().await;
    assert_eq!(count(&failures), 0, "{failures:?}");
}

#[tokio::test]
async fn when_all_fail_all_stay_in_use() {
    let registry = MemoryRegistry::new();
    // Nothing is served there: each call is UNAVAILABLE, or UNIMPLEMENTED, which is an answer.
    let unavailable = async || {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(support::raw_server::answering(listener, "14"));
        let registration = registry.register(Instance::new(APP, address.clone())).await.unwrap();
        (address, registration)
    };
    let all = [unavailable().await, unavailable().await, unavailable().await, unavailable().await];
    let client = OrdersClient::find(&registry).unwrap();
    for _ in 0..200 {
        assert_eq!(soon(client.get_order(get("1"))).await.unwrap_err().code(), Code::Unavailable);
    }
    let ejected = all.iter().filter(|(address, _)| state(address).ejected).count();
    assert_eq!(ejected, 2, "half of them, and no more");
}
