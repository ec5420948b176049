//! Where the calls of a client go: by weight, by key, by zone, by colour, and while instances warm up.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jovian_runtime::registry::{Instance, MemoryRegistry, Registration, Registry as _};
use jovian_runtime::{
    App, AppConfig, Balancer, BalancingSection, CallOptions, Code, EndpointState, Nearness, Policies, Policy,
    Retry, Server, Target, endpoints,
};
use support::{OrdersClient, OrdersServer, Running, Shop, get, soon};
use tokio::net::TcpListener;
use tokio::time::sleep;

const APP: &str = "shop.order.orders";

/// Servers, and how they are registered.
struct Fleet {
    registry: MemoryRegistry,
    servers: Vec<Running>,
    registrations: Vec<Option<Registration>>,
}

impl Fleet {
    /// So many servers, each with its record as `describe` changes it.
    async fn of(count: usize, describe: impl Fn(usize, &mut Instance)) -> Self {
        let mut fleet =
            Self { registry: MemoryRegistry::new(), servers: Vec::new(), registrations: Vec::new() };
        for index in 0..count {
            fleet.servers.push(Running::start(Server::new().add(OrdersServer::new(Shop::default()))).await);
            fleet.registrations.push(None);
            fleet.register(index, |instance| describe(index, instance)).await;
        }
        fleet
    }

    /// Registers a server, or changes its record.
    async fn register(&mut self, index: usize, describe: impl Fn(&mut Instance)) {
        let mut instance = Instance::new(APP, self.servers[index].address.to_string());
        describe(&mut instance);
        let registration = self.registry.register(instance).await.unwrap();
        // The new record stands before the old one is given up.
        drop(self.registrations[index].replace(registration));
    }

    fn client(&self, balancing: &BalancingSection) -> OrdersClient {
        OrdersClient::find_balanced(&self.registry, balancing).unwrap()
    }

    /// How many of these calls each server got.
    async fn spread(&self, calls: usize, client: impl Fn(usize) -> OrdersClient) -> Vec<usize> {
        let served = || self.servers.iter().map(|server| server.stats.total()).collect::<Vec<_>>();
        let before = served();
        for call in 0..calls {
            soon(client(call).get_order(get("1"))).await.unwrap();
        }
        served().iter().zip(before).map(|(after, before)| usize::try_from(after - before).unwrap()).collect()
    }

    fn state(&self, index: usize) -> EndpointState {
        let address = format!("http://{}", self.servers[index].address);
        endpoints().into_iter().find(|state| state.address == address).unwrap()
    }

    /// Nobody listens where this server was.
    async fn stop(&mut self, index: usize) {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        drop(socket);
        let stopped = std::mem::replace(&mut self.servers[index], Running::start(Server::new()).await);
        self.servers[index].address = address;
        soon(stopped.stop()).await.unwrap();
    }
}

fn by(balancer: Balancer) -> BalancingSection {
    BalancingSection { balancer: Some(balancer), ..BalancingSection::default() }
}

fn is_about(count: usize, expected: usize, part: f64) -> bool {
    (count as f64 - expected as f64).abs() <= part * expected as f64
}

#[tokio::test]
async fn turns_are_taken_by_weight_and_a_new_weight_needs_no_new_connection() {
    let mut fleet = Fleet::of(3, |index, instance| instance.weight = [100, 200, 300][index]).await;
    let client = fleet.client(&by(Balancer::RoundRobin));
    let got = fleet.spread(600, |_| client.clone()).await;
    assert!(
        is_about(got[0], 100, 0.03) && is_about(got[1], 200, 0.02) && is_about(got[2], 300, 0.02),
        "{got:?}"
    );
    let connected = |fleet: &Fleet| (0..3).all(|index| fleet.state(index).connected);
    assert!(connected(&fleet));

    fleet.register(0, |instance| instance.weight = 500).await;
    let got = fleet.spread(500, |_| client.clone()).await;
    assert!(is_about(got[0], 250, 0.03), "{got:?}");
    assert!(connected(&fleet) && fleet.state(0).weight == 500, "{:?}", fleet.state(0));

    // Taken out of use by its weight, or by an operator.
    fleet.register(0, |instance| instance.weight = 0).await;
    fleet.register(1, |instance| instance.enabled = false).await;
    assert_eq!(fleet.spread(20, |_| client.clone()).await, [0, 0, 20]);
    fleet.register(0, |_| {}).await;
    fleet.register(1, |_| {}).await;
    let got = fleet.spread(500, |_| client.clone()).await;
    assert!(is_about(got[0], 100, 0.05) && is_about(got[1], 100, 0.05), "{got:?}");
}

#[tokio::test]
async fn one_with_fewer_calls_is_taken() {
    let fleet = Fleet::of(2, |_, _| {}).await;
    let client = fleet.client(&by(Balancer::LeastRequest));
    // Streams stay where they are.
    let mut streams = Vec::new();
    for _ in 0..10 {
        streams.push(soon(client.watch(support::watch("open", 1))).await.unwrap());
    }
    assert_eq!([0, 1].map(|index| fleet.state(index).in_flight), [5, 5], "the one with fewer, each time");
}

#[tokio::test]
async fn a_key_stays_where_it_is() {
    let mut fleet = Fleet::of(4, |_, _| {}).await;
    let section = BalancingSection { hash_header: Some("x-user".to_owned()), ..by(Balancer::ConsistentHash) };
    let client = fleet.client(&section);
    let owner = async |fleet: &Fleet, options: CallOptions| {
        let got = fleet.spread(3, |_| client.with(options.clone())).await;
        got.iter().position(|count| *count == 3).unwrap_or_else(|| panic!("one of them: {got:?}"))
    };
    let of_user = client.with(CallOptions::new().hash_key("user-42"));
    assert_eq!(fleet.spread(8, |_| of_user.clone()).await.iter().filter(|count| **count == 8).count(), 1);
    let mut owners = Vec::new();
    for key in 0..40 {
        let said = owner(&fleet, CallOptions::new().hash_key(format!("user-{key}"))).await;
        let header = owner(&fleet, CallOptions::new().metadata("x-user", &format!("user-{key}"))).await;
        assert_eq!(said, header, "however the key is given");
        owners.push(said);
    }
    let shares: BTreeMap<usize, usize> = owners.iter().fold(BTreeMap::new(), |mut shares, owner| {
        *shares.entry(*owner).or_default() += 1;
        shares
    });
    assert_eq!(shares.len(), 4, "{shares:?}");

    // One leaves: its keys move, and no others.
    fleet.registrations[2].take().unwrap().deregister().await.unwrap();
    for (key, before) in owners.iter().enumerate() {
        let now = owner(&fleet, CallOptions::new().hash_key(format!("user-{key}"))).await;
        assert!(now == *before || *before == 2, "user-{key} moved from {before} to {now}");
    }
    // Calls without a key go anywhere; a machine that is busy may keep them from an endpoint for a while.
    let (begin, mut reached) = (Instant::now(), BTreeSet::new());
    while reached.len() < 3 {
        assert!(begin.elapsed() < Duration::from_secs(20), "{reached:?}");
        let got = fleet.spread(60, |_| client.clone()).await;
        reached.extend((0..got.len()).filter(|server| got[*server] > 0));
    }
    assert_eq!(reached, BTreeSet::from([0, 1, 3]));
}

#[tokio::test]
async fn a_retry_goes_elsewhere() {
    let fleet = Fleet::of(1, |_, _| {}).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let unwell = Instance::new(APP, listener.local_addr().unwrap().to_string());
    tokio::spawn(support::raw_server::answering(listener, "14"));
    let _unwell = fleet.registry.register(unwell).await.unwrap();
    let once_more = Policies::new().all(Policy::new().retry(Retry::new().attempts(2)));
    for balancer in [Balancer::P2c, Balancer::RoundRobin, Balancer::LeastRequest, Balancer::ConsistentHash] {
        let client = fleet.client(&by(balancer)).policies(once_more.clone()).unwrap();
        // The key of some of them belongs to the one that is unwell.
        let keyed = |call| client.with(CallOptions::new().hash_key(format!("user-{call}")));
        assert_eq!(fleet.spread(12, keyed).await, [12], "{balancer:?}");
    }
}

#[tokio::test]
async fn the_own_zone_is_left_when_it_is_gone() {
    let mut fleet = Fleet::of(4, |index, instance| {
        instance.zone = ["near", "near", "far", "far"][index].to_owned();
    })
    .await;
    let section = BalancingSection {
        prefer: Some(vec![Nearness::Zone]),
        zone: Some("near".to_owned()),
        ..BalancingSection::default()
    };
    let client = fleet.client(&section);
    let got = fleet.spread(40, |_| client.clone()).await;
    assert!(got[0] + got[1] == 40 && got[0] > 0 && got[1] > 0, "{got:?}");

    // Nobody is there any more, and no call fails for it.
    fleet.stop(0).await;
    fleet.stop(1).await;
    let got = fleet.spread(40, |_| client.clone()).await;
    assert_eq!(got[2] + got[3], 40, "{got:?}");
}

#[tokio::test]
async fn colours_are_kept_apart() {
    let mut fleet = Fleet::of(3, |index, instance| {
        instance.colour = ["", "", "gray"][index].to_owned();
    })
    .await;
    let client = fleet.client(&BalancingSection::default());
    let gray = client.with(CallOptions::new().global("color", "gray"));
    let tagged =
        client.with(CallOptions::new().metadata("dubbo.tag", "gray").metadata("dubbo.force.tag", "true"));
    assert_eq!(fleet.spread(30, |_| client.clone()).await[2], 0);
    assert_eq!(fleet.spread(10, |_| gray.clone()).await, [0, 0, 10]);
    assert_eq!(fleet.spread(10, |_| tagged.clone()).await, [0, 0, 10]);
    let red = client.with(CallOptions::new().global("color", "red"));
    assert_eq!(fleet.spread(10, |_| red.clone()).await[2], 0, "nobody is red");

    // The colour is gone: those who insist are told so, the others go where there is none.
    fleet.registrations[2].take().unwrap().deregister().await.unwrap();
    assert_eq!(fleet.spread(10, |_| gray.clone()).await[2], 0);
    let refused = tagged.with(CallOptions::new().timeout(Duration::from_millis(100)));
    let error = soon(refused.get_order(get("1"))).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(
        error.to_string().contains("no instance of `shop.order.orders` for calls of the colour `gray`"),
        "{error}"
    );

    // Only coloured ones are left: a call without a colour waits for one of its own.
    fleet.registrations[0].take();
    fleet.register(1, |instance| instance.colour = "gray".to_owned()).await;
    let hasty = client.with(CallOptions::new().timeout(Duration::from_millis(100)));
    let error = soon(hasty.get_order(get("1"))).await.unwrap_err();
    assert!(error.to_string().contains("for calls without a colour"), "{error}");
    let waiting = tokio::spawn(async move { client.get_order(get("1")).await });
    sleep(Duration::from_millis(50)).await;
    fleet.register(0, |_| {}).await;
    soon(waiting).await.unwrap().unwrap();
}

#[tokio::test]
async fn who_began_lately_gets_less() {
    let describe = |age: u64, warmup: &'static str| {
        move |instance: &mut Instance| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            instance.started = u64::try_from(now.as_millis()).unwrap() - age;
            instance.metadata.insert("warmup".to_owned(), warmup.to_owned());
        }
    };
    let mut fleet = Fleet::of(2, |_, instance| describe(3_600_000, "600000")(instance)).await;
    fleet.register(1, describe(60_000, "600000")).await;
    let client = fleet.client(&by(Balancer::RoundRobin));
    // A tenth of its weight, of the time that its record says.
    let got = fleet.spread(330, |_| client.clone()).await;
    assert!(is_about(got[1], 30, 0.2), "{got:?}");
    let share = fleet.state(1).share;
    assert!(share > 9.0 && share < 13.0 && fleet.state(0).share == 100.0, "{share}");

    // Its clock moves on.
    fleet.register(1, describe(300_000, "600000")).await;
    let got = fleet.spread(300, |_| client.clone()).await;
    assert!(is_about(got[1], 100, 0.1), "{got:?}");
    fleet.register(1, describe(600_000, "600000")).await;
    let got = fleet.spread(200, |_| client.clone()).await;
    assert!(is_about(got[1], 100, 0.05), "{got:?}");
    // It gets warm without a word of the registry.
    fleet.register(1, describe(0, "2000")).await;
    assert!(fleet.state(1).share < 100.0);
    sleep(Duration::from_millis(2500)).await;
    assert_eq!(fleet.state(1).share, 100.0);
}

#[tokio::test]
async fn a_subset_is_all_that_is_connected_to() {
    let fleet = Fleet::of(6, |_, _| {}).await;
    let mut used = vec![0; 6];
    for id in 0..3 {
        let section =
            BalancingSection { subset_size: Some(2), subset_id: Some(id), ..by(Balancer::RoundRobin) };
        let client = fleet.client(&section);
        let got = fleet.spread(10, |_| client.clone()).await;
        assert_eq!(got.iter().filter(|count| **count == 5).count(), 2, "{got:?}");
        got.iter().zip(&mut used).for_each(|(got, used)| *used += got);
        let known: Vec<_> = endpoints().into_iter().filter(|state| state.target == APP).collect();
        let of_fleet = |state: &&EndpointState| {
            fleet.servers.iter().any(|server| state.address.ends_with(&server.address.to_string()))
        };
        assert_eq!(known.iter().filter(of_fleet).count(), 2, "gauges tell of those alone");
    }
    assert_eq!(used, [5; 6], "three clients of a round share all of them");
}

#[tokio::test]
async fn addresses_are_chosen_among_in_the_same_way() {
    let servers = Fleet::of(3, |_, _| {}).await;
    let list: Vec<String> = servers.servers.iter().map(|server| server.address.to_string()).collect();
    let target = Target::new(format!("static://{}", list.join(","))).balancing(by(Balancer::RoundRobin));
    let client = OrdersClient::connect(target).unwrap();
    assert_eq!(servers.spread(30, |_| client.clone()).await, [10, 10, 10]);
    let wrong = BalancingSection { hash_header: Some("no name".to_owned()), ..by(Balancer::ConsistentHash) };
    let error = OrdersClient::connect(Target::new("127.0.0.1:1").balancing(wrong)).unwrap_err().to_string();
    assert!(error.starts_with("cannot connect to `127.0.0.1:1`: "), "{error}");
}

#[tokio::test]
async fn a_program_says_how_calls_choose_where_no_configuration_says_it_of_the_service() {
    let fleet = Fleet::of(3, |_, _| {}).await;
    let configured = |of_service: &str| {
        let config = format!(
            r#"
            [client.balancing]
            balancer = "consistent-hash"
            hash_header = "x-user"
            [client.services."shop.orders.v1.Orders".balancing]
            {of_service}
            "#
        );
        let config = AppConfig::parse("config/app.toml", &config, []).unwrap();
        App::new(config).with_registry(std::sync::Arc::new(fleet.registry.clone()))
    };
    let of_user = |client: &OrdersClient| client.with(CallOptions::new().metadata("x-user", "42"));
    let spread = async |client: OrdersClient| {
        let mut got = fleet.spread(30, |_| of_user(&client)).await;
        got.sort_unstable();
        got
    };
    let (even, one) = ([10, 10, 10], [0, 0, 30]);
    let app = configured("");
    assert_eq!(spread(OrdersClient::discover(&app).unwrap()).await, one);
    let in_turns = OrdersClient::discover(&app).unwrap().balancing(by(Balancer::RoundRobin)).unwrap();
    assert_eq!(spread(in_turns.clone()).await, even, "over what is said of all");
    // The header is still that of the configuration: each key counts for itself, and what was said last.
    assert_eq!(spread(in_turns.balancing(by(Balancer::ConsistentHash)).unwrap()).await, one);
    let client = OrdersClient::discover(&configured("balancer = 'round-robin'")).unwrap();
    let client = client.balancing(by(Balancer::ConsistentHash)).unwrap();
    assert_eq!(spread(client).await, even, "what is configured of the service counts");

    let list: Vec<String> = fleet.servers.iter().map(|server| server.address.to_string()).collect();
    let client = OrdersClient::connect(format!("static://{}", list.join(","))).unwrap();
    assert_eq!(spread(client.clone().balancing(by(Balancer::RoundRobin)).unwrap()).await, even);
    let wrong = BalancingSection { hash_header: Some("no name".to_owned()), ..by(Balancer::ConsistentHash) };
    assert!(client.balancing(wrong).is_err());
    let local = OrdersClient::local(Shop::default()).balancing(by(Balancer::RoundRobin)).unwrap();
    assert!(soon(local.get_order(get("1"))).await.is_ok(), "there is one, and it takes all");
}

#[tokio::test]
async fn an_app_says_where_it_is_and_how_it_chooses() {
    let mut fleet = Fleet::of(3, |index, instance| {
        instance.zone = "1".to_owned();
        instance.metadata.insert("cluster".to_owned(), ["blue", "green", "blue"][index].to_owned());
    })
    .await;
    let config = r#"
        [app]
        zone = "1"
        cluster = "green"
        [client.balancing]
        balancer = "round-robin"
        prefer = ["cluster", "zone"]
        [client.services."shop.orders.v1.Orders".balancing]
        cluster = "blue"
        [client.services."shop.stock.v1.Stock".balancing]
        balancer = "least-request"
    "#;
    let config = AppConfig::parse("config/app.toml", config, []).unwrap();
    let app = App::new(config).with_registry(std::sync::Arc::new(fleet.registry.clone()));
    let client = OrdersClient::discover(&app).unwrap();
    // What is said of the service counts before what is said of all, and what is said of all before the app.
    assert_eq!(fleet.spread(20, |_| client.clone()).await, [10, 0, 10]);
    fleet.stop(0).await;
    fleet.stop(2).await;
    assert_eq!(fleet.spread(5, |_| client.clone()).await, [0, 5, 0]);
}
