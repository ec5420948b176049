//! Three processes in a row, edge, middle and leaf: what a call takes along, what ends it, and what its errors say at the
//! other end.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![cfg(unix)]

mod support;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jovian_runtime::codegen::v1 as generated;
use jovian_runtime::stream::StreamExt as _;
use jovian_runtime::{
    App, Call, CallError, CallOptions, Code, DomainError, ErrorCode, Failure, Incoming, Replies,
    ReplyMetadata, Status, UnknownError,
};
use support::generated::shop::ORDERS;
use support::process::{CHILD, Process};
use support::{
    GetOrderRequest, Order, Orders, OrdersClient, OrdersError, OrdersServer, Summary, WatchRequest, get,
    order, soon, watch,
};
use tokio::task::block_in_place;
use tokio::time::sleep;
use tonic_types::StatusExt as _;

/// What a service in the middle spends before it calls the next one.
const SPENT: Duration = Duration::from_millis(30);

/// What nobody but the leaf may know.
const SECRET: &str = "hunter2";

/// Metadata that a service tells of: what goes all the way in three fleets, what goes one hop, and what nobody knows.
const METADATA: [&str; 9] = [
    "traceparent",
    "tracestate",
    "baggage",
    "x-dy-traceid",
    "x-md-global-tenant",
    "rpc-persist-tenant",
    "x-md-local-ticket",
    "rpc-transit-ticket",
    "x-ticket",
];
/// Of these, how many go all the way.
const GLOBAL: usize = 6;

/// One service of the row. It says who enters and leaves, so that a test can see into its process.
struct Hop {
    name: String,
    next: Option<OrdersClient>,
}

/// Says that a call is over, whatever has ended it.
struct Inside(String);

impl Drop for Inside {
    #[expect(clippy::print_stdout, reason = "the parent reads it")]
    fn drop(&mut self) {
        println!("leaves {} end", self.0);
    }
}

impl Hop {
    #[expect(clippy::print_stdout, reason = "the parent reads it")]
    fn enter(&self, call: &Call, what: &str) -> Inside {
        let left = call.remaining().map_or("-".to_owned(), |left| left.as_millis().to_string());
        let said = |key: &&str| Some(format!("{key}={}", call.metadata().get(*key)?.to_str().ok()?));
        let told: Vec<String> = METADATA.iter().filter_map(said).collect();
        println!("enters {what} {left} {} end", told.join(" "));
        call.reply().add_backward("node", &self.name);
        Inside(what.to_owned())
    }
}

impl Orders for Hop {
    type Error = Failure;

    async fn get_order(&self, call: &Call, request: GetOrderRequest) -> Result<Order, Failure> {
        let _inside = self.enter(call, &request.id);
        if let Some(next) = &self.next {
            sleep(SPENT).await;
            if self.name == "middle" && request.id == "hurry" {
                let hasty = next.with(CallOptions::new().timeout(Duration::from_millis(100)));
                return Ok(hasty.get_order(get("slow")).await?);
            }
            return Ok(next.get_order(request).await?);
        }
        match request.id.as_str() {
            "slow" => sleep(Duration::from_secs(60)).await,
            "missing" => return Err(OrdersError::OrderNotFound { id: "7".to_owned() }.into()),
            "frozen" => return Err(frozen()),
            "no stock" => return Err(no_stock().into()),
            "internal" => return Err(Failure::status(Code::Internal, SECRET)),
            "unknown" => return Err(Failure::status(Code::Unknown, SECRET)),
            "io" => return Err(std::io::Error::other(SECRET).into()),
            "late" => return Err(Failure::status(Code::DeadlineExceeded, SECRET)),
            _ => {}
        }
        Ok(order(&self.name, 0))
    }

    async fn watch(
        &self,
        call: &Call,
        request: WatchRequest,
        out: &mut Replies<Order>,
    ) -> Result<(), Failure> {
        let _inside = self.enter(call, &request.filter);
        if let Some(next) = &self.next {
            let mut replies = next.watch(request).await?;
            while let Some(reply) = replies.next().await {
                out.send(reply?).await;
            }
            return Ok(());
        }
        out.send(order(&self.name, 0)).await;
        match request.filter.as_str() {
            "slow" => sleep(Duration::from_secs(60)).await,
            "frozen" => return Err(frozen()),
            _ => {}
        }
        Ok(())
    }

    async fn import(&self, call: &Call, requests: &mut Incoming<Order>) -> Result<Summary, Failure> {
        let _inside = self.enter(call, "import");
        let mut count = 0;
        while requests.next().await.is_some() {
            count += 1;
        }
        Ok(Summary { count, amount: 0 })
    }

    async fn chat(
        &self,
        call: &Call,
        _: &mut Incoming<Order>,
        _: &mut Replies<Order>,
    ) -> Result<(), Failure> {
        Err(Failure::unimplemented(call.method().name()))
    }
}

/// A later version of the errors of orders, which only the leaf and the caller have.
#[derive(Clone, Debug, PartialEq)]
enum LaterError {
    OrderFrozen { id: String, until: String },
    Unknown(UnknownError),
}

impl DomainError for LaterError {
    const DOMAIN: &'static str = OrdersError::DOMAIN;
    const CODES: &'static [ErrorCode] =
        &[ErrorCode::new(10003, "ORDER_FROZEN", Code::Aborted).message("order {id} is frozen until {until}")];

    fn parts(&self) -> generated::ErrorParts<'_> {
        match self {
            Self::OrderFrozen { id, until } => {
                generated::ErrorParts::known(&Self::CODES[0], [("id", id), ("until", until)])
            }
            Self::Unknown(unknown) => generated::ErrorParts::unknown(unknown),
        }
    }

    fn from_parts(reason: &str, fields: &mut generated::ErrorFields) -> Option<Self> {
        (reason == "ORDER_FROZEN")
            .then(|| Self::OrderFrozen { id: fields.take("id"), until: fields.take("until") })
    }

    fn from_unknown(unknown: UnknownError) -> Self {
        Self::Unknown(unknown)
    }
}

impl fmt::Display for LaterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        generated::display_error(self, f)
    }
}

impl std::error::Error for LaterError {}

fn later() -> LaterError {
    LaterError::OrderFrozen { id: "7".to_owned(), until: "noon".to_owned() }
}

fn frozen() -> Failure {
    generated::domain_failure(later())
}

/// The error of a domain that nobody here knows.
fn no_stock() -> Status {
    let fields = [("article".to_owned(), "lamp".to_owned())];
    let details = tonic_types::ErrorDetails::with_error_info("NO_STOCK", "shop.stock", fields);
    Status::with_error_details(Code::FailedPrecondition, "no lamps", details)
}

const NAME: &str = "HOPS_NAME";
const NEXT: &str = "HOPS_NEXT";
/// Whether somebody listens for spans.
const SPANS: &str = "HOPS_SPANS";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the parent reads it")]
async fn child_is_a_hop() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    if std::env::var_os(SPANS).is_some() {
        tracing_subscriber::fmt().with_env_filter("jovian::call=debug").with_writer(std::io::sink).init();
    }
    let next = std::env::var(NEXT).ok().map(|next| OrdersClient::connect(&next).unwrap());
    let hop = Hop { name: std::env::var(NAME).unwrap(), next };
    let running = App::from_config().unwrap().serve(OrdersServer::new(hop)).start().await.unwrap();
    println!("registers {} end", running.address());
    std::future::pending::<()>().await;
}

/// The three processes, and a client of the first.
struct Row {
    edge: Process,
    middle: Process,
    leaf: Process,
    client: OrdersClient,
}

impl Row {
    fn start() -> Self {
        Self::with(&[])
    }

    fn with(variables: &[(&str, &str)]) -> Self {
        let hop = |name, next: Option<&Process>| {
            let mut environment = [&[(NAME, name)], variables].concat();
            environment.extend(next.map(|next| (NEXT, next.address.as_str())));
            Process::start("child_is_a_hop", &environment)
        };
        let leaf = hop("leaf", None);
        let middle = hop("middle", Some(&leaf));
        let edge = hop("edge", Some(&middle));
        let client = OrdersClient::connect(&edge.address).unwrap();
        Self { edge, middle, leaf, client }
    }

    fn all(&self) -> [&Process; 3] {
        [&self.edge, &self.middle, &self.leaf]
    }

    async fn error(&self, id: &str) -> Status {
        soon(self.client.get_order(get(id))).await.unwrap_err().into_status()
    }
}

/// What a call brought along.
struct Told {
    /// The milliseconds that are left, if it has a deadline.
    left: Option<u64>,
    metadata: BTreeMap<String, String>,
}

/// Waits until a call has entered a process.
fn entered(hop: &Process, what: &str) -> Told {
    let line = block_in_place(|| hop.line_with(&["enters ", what, " end"]));
    let (_, told) = line.split_once("enters ").unwrap();
    let left = told.split(' ').nth(1).unwrap().parse().ok();
    let entries = told.split(' ').filter_map(|word| word.split_once('='));
    Told { left, metadata: entries.map(|(key, value)| (key.to_owned(), value.to_owned())).collect() }
}

/// Waits until a call is over in a process.
fn left(hop: &Process, what: &str) {
    block_in_place(|| hop.line_with(&["leaves ", what, " end"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_shrinks_on_every_hop_and_ends_all_three() {
    let row = Row::start();
    let client = row.client.with(CallOptions::new().timeout(Duration::from_millis(1_500)));
    assert_eq!(soon(client.get_order(get("quick"))).await.unwrap().id, "leaf");
    let budget = row.all().map(|hop| entered(hop, "quick").left.unwrap());
    assert!(budget[0] <= 1_500 && budget[2] > 0, "{budget:?}");
    // The numbers are rounded down, each by itself.
    let spent = u64::try_from(SPENT.as_millis()).unwrap() - 1;
    assert!(budget[0] - budget[1] >= spent && budget[1] - budget[2] >= spent, "{budget:?}");

    let client = row.client.with(CallOptions::new().timeout(Duration::from_millis(600)));
    let error = soon(client.get_order(get("slow"))).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded, "{error}");
    for hop in row.all() {
        left(hop, "slow");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_has_the_deadline_of_the_call_that_it_is_for() {
    let row = Row::start();
    let client = row.client.with(CallOptions::new().timeout(Duration::from_millis(800)));
    let mut replies = soon(client.watch(watch("slow", 0))).await.unwrap();
    assert_eq!(soon(replies.next()).await.unwrap().unwrap().id, "leaf");
    let error = soon(replies.next()).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded, "{error}");
    for hop in row.all() {
        assert!(entered(hop, "slow").left.unwrap() <= 800);
        left(hop, "slow");
    }
    // One that was given none has none, on all hops.
    let replies = soon(row.client.watch(watch("brief", 0))).await.unwrap();
    assert_eq!(replies.count().await, 1);
    for hop in row.all() {
        assert_eq!(entered(hop, "brief").left, None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_goes_away_ends_the_work_two_hops_down() {
    let row = Row::start();
    let call = tokio::spawn({
        let client = row.client.with(CallOptions::new().without_deadline());
        async move { client.get_order(get("slow")).await }
    });
    entered(&row.leaf, "slow");
    call.abort();
    for hop in row.all() {
        left(hop, "slow");
    }
    let mut replies = soon(row.client.watch(watch("slow", 0))).await.unwrap();
    soon(replies.next()).await.unwrap().unwrap();
    drop(replies);
    for hop in row.all() {
        left(hop, "slow");
    }
    // The connections carry on.
    assert_eq!(soon(row.client.get_order(get("quick"))).await.unwrap().id, "leaf");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_is_killed_ends_the_work_of_others() {
    let row = Row::start();
    let call = tokio::spawn({
        let client = row.client.with(CallOptions::new().without_deadline());
        async move { client.get_order(get("slow")).await }
    });
    entered(&row.leaf, "slow");
    row.edge.signal("KILL");
    left(&row.middle, "slow");
    left(&row.leaf, "slow");
    let error = soon(call).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trace_and_global_metadata_go_all_the_way_and_the_rest_goes_one_hop() {
    let row = Row::start();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let values = [
        &format!("00-{trace}-b7ad6b7169203331-01"),
        "vendor=t61rcWkgMzE",
        "user=7",
        &format!("{trace}:b7ad6b7169203331:0:1"),
        "acme",
        "acme.io",
        "one",
        "two",
        "three",
    ];
    let reply = ReplyMetadata::new();
    let said = METADATA.iter().zip(values);
    let options = said.fold(CallOptions::new(), |options, (key, value)| options.metadata(key, value));
    let client = row.client.with(options.capture(&reply));
    soon(client.get_order(get("quick"))).await.unwrap();
    for hop in row.all() {
        let told = entered(hop, "quick").metadata;
        for (place, (key, value)) in METADATA.iter().zip(values).enumerate() {
            let expected = (place < GLOBAL || std::ptr::eq(hop, &row.edge)).then_some(value);
            assert_eq!(told.get(*key).map(String::as_str), expected, "{key}");
        }
    }
    assert_eq!(reply.backward("node").as_deref(), Some("edge"), "what comes back goes one hop, too");
    // A stream inherits the same.
    drop(soon(client.watch(watch("brief", 0))).await.unwrap());
    let told = entered(&row.leaf, "brief").metadata;
    assert!(told["traceparent"].contains(trace) && told["rpc-persist-tenant"] == "acme.io", "{told:?}");
    assert_eq!(told.len(), GLOBAL, "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_spans_are_recorded_every_hop_is_part_of_the_one_before() {
    let row = Row::with(&[(SPANS, "yes")]);
    let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let options = CallOptions::new()
        .metadata("traceparent", &format!("00-{trace}-{span}-01"))
        .metadata("tracestate", "vendor=t61rcWkgMzE");
    soon(row.client.with(options).get_order(get("quick"))).await.unwrap();
    let spans = row.all().map(|hop| {
        let told = entered(hop, "quick").metadata;
        let parent: Vec<&str> = told["traceparent"].split('-').collect();
        assert!(matches!(parent[..], ["00", id, _, "01"] if id == trace), "{parent:?}");
        assert_eq!(told["tracestate"], "vendor=t61rcWkgMzE");
        parent[2].to_owned()
    });
    // The first hop is called by us, and each of the others by a span of the one before.
    assert_eq!(spans[0], span);
    assert!(spans[1] != spans[0] && spans[2] != spans[1] && spans[2] != spans[0], "{spans:?}");
    assert!(spans.iter().all(|span| span.len() == 16), "{spans:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_domain_error_goes_through_services_that_do_not_know_it() {
    let row = Row::start();
    let error = soon(row.client.get_order(get("missing"))).await.unwrap_err();
    assert_eq!(error.domain(), Some(&OrdersError::OrderNotFound { id: "7".to_owned() }));

    // The caller's IDL is as new as the leaf's; the two in between have an older one.
    let client = generated::Client::connect::<LaterError>(&ORDERS, &row.edge.address).unwrap();
    let unary = client.unary::<_, Order, LaterError>(&ORDERS.methods[0], get("frozen"));
    let CallError::Domain(error) = soon(unary).await.unwrap_err() else { panic!() };
    assert_eq!(error, later());
    assert_eq!(error.to_string(), "ORDER_FROZEN (10003): order 7 is frozen until noon");
    // After a message of a stream as well.
    let stream = client.server_stream::<_, Order, LaterError>(&ORDERS.methods[1], watch("frozen", 0));
    let mut replies = soon(stream).await.unwrap();
    assert_eq!(soon(replies.next()).await.unwrap().unwrap().id, "leaf");
    let error = soon(replies.next()).await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.domain()), (Code::Aborted, Some(&later())));

    // A caller with the old IDL is told everything but the variant.
    let error = soon(row.client.get_order(get("frozen"))).await.unwrap_err();
    let Some(OrdersError::Unknown(unknown)) = error.domain() else { panic!("{error:?}") };
    assert_eq!((unknown.reason.as_str(), unknown.code), ("ORDER_FROZEN", Code::Aborted));
    assert_eq!(unknown.message, "order 7 is frozen until noon");
    assert_eq!(unknown.metadata["until"], "noon");

    // And an error of a domain that no service of the row has heard of.
    let status = row.error("no stock").await;
    assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, "no lamps"));
    let info = status.get_details_error_info().unwrap();
    assert_eq!((info.reason.as_str(), info.domain.as_str()), ("NO_STOCK", "shop.stock"));
    assert_eq!(info.metadata["article"], "lamp");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_went_wrong_inside_of_the_leaf_is_not_told() {
    let row = Row::start();
    for (id, code) in [("internal", Code::Internal), ("unknown", Code::Unknown), ("io", Code::Internal)] {
        let status = row.error(id).await;
        assert_eq!(status.code(), code, "{id}: {status}");
        assert!(!format!("{status:?}").contains(SECRET), "{status:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lateness_of_a_leaf_is_no_deadline_of_the_caller() {
    let row = Row::start();
    // The leaf says so itself; and the middle gives up waiting for it.
    for id in ["late", "hurry"] {
        let status = row.error(id).await;
        assert_eq!(status.code(), Code::Unavailable, "{id}: {status}");
        assert!(!status.message().contains(SECRET), "{status}");
    }
    left(&row.leaf, "slow");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leaf_that_is_killed_is_unavailable() {
    let row = Row::start();
    let mut replies = soon(row.client.watch(watch("slow", 0))).await.unwrap();
    soon(replies.next()).await.unwrap().unwrap();
    let call = tokio::spawn({
        let client = row.client.clone();
        async move { client.get_order(get("slow")).await }
    });
    entered(&row.leaf, "slow");
    entered(&row.leaf, "slow");
    row.leaf.signal("KILL");
    let unary = soon(call).await.unwrap().unwrap_err();
    assert_eq!(unary.code(), Code::Unavailable, "{unary}");
    let stream = soon(replies.next()).await.unwrap().unwrap_err();
    assert_eq!(stream.code(), Code::Unavailable, "{stream}");
    // The services in between are well, and say what they know.
    let status = row.error("quick").await;
    assert_eq!(status.code(), Code::Unavailable, "{status}");
}
