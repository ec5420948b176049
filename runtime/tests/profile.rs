//! Profiles at the governor: `cargo test -p jovian-runtime --features profile,profile-heap --test profile`.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![cfg(all(feature = "profile", feature = "profile-heap", unix))]

mod support;

use std::hint::black_box;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use flate2::read::GzDecoder;
use jovian_runtime::registry::MemoryRegistry;
use jovian_runtime::{App, AppConfig, Running};
use prost::Message as _;
use support::http::{get, raw_bytes};
use support::process::CHILD;
use support::{OrdersServer, Shop, soon};

/// The part of pprof's format that says where time went: samples of locations, which have lines of functions.
#[derive(Clone, PartialEq, prost::Message)]
struct Profile {
    #[prost(message, repeated, tag = "2")]
    sample: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
    #[prost(int64, tag = "4")]
    filename: i64,
}

impl Profile {
    fn text(&self, place: i64) -> &str {
        &self.string_table[usize::try_from(place).unwrap()]
    }

    /// The functions of a stack, innermost first.
    fn stack<'p>(&'p self, sample: &'p Sample) -> impl Iterator<Item = &'p Function> {
        let location =
            |id: &u64| self.location.iter().find(|location| location.id == *id).expect("it is there");
        let function =
            |line: &Line| self.function.iter().find(|it| it.id == line.function_id).expect("it is there");
        sample.location_id.iter().map(location).flat_map(|location| &location.line).map(function)
    }

    /// The sum of the last values of those samples in whose stack a function has `part` in its name.
    fn of(&self, part: &str) -> i64 {
        let names =
            |sample: &&Sample| self.stack(sample).any(|function| self.text(function.name).contains(part));
        self.sample.iter().filter(names).filter_map(|sample| sample.value.last()).sum()
    }
}

async fn start() -> (Running, SocketAddr) {
    let mut config = AppConfig::default();
    config.server.address = "127.0.0.1:0".to_owned();
    config.server.stop_wait_ms = 0;
    let app = App::new(config).with_registry(Arc::new(MemoryRegistry::new()));
    let running = app.serve(OrdersServer::new(Shop::default())).start().await.unwrap();
    let governor = running.governor().unwrap();
    (running, governor)
}

/// The body of a page that is no text.
async fn bytes(governor: SocketAddr, path: &str) -> Vec<u8> {
    let answer = bytes_of(governor, path).await;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer[..end]));
    answer[end..].to_vec()
}

async fn bytes_of(governor: SocketAddr, path: &str) -> Vec<u8> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    raw_bytes(governor, request.as_bytes()).await
}

#[inline(never)]
fn burn_until(done: &AtomicBool) -> u64 {
    let mut sum = 0_u64;
    while !done.load(SeqCst) {
        for number in 0..10_000_u64 {
            sum = black_box(sum.wrapping_add(number * number));
        }
    }
    sum
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_of_cpu_time_names_what_burns_it() {
    let (running, governor) = start().await;
    let done = Arc::new(AtomicBool::new(false));
    let burning = std::thread::spawn({
        let done = Arc::clone(&done);
        move || burn_until(&done)
    });
    let first = tokio::spawn(bytes(governor, "/debug/pprof/profile?seconds=2&frequency=200"));
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let second = bytes_of(governor, "/debug/pprof/profile?seconds=1").await;
    assert!(second.starts_with(b"HTTP/1.1 409 "), "one at a time");
    let encoded = first.await.unwrap();
    let profile = Profile::decode(encoded.as_slice()).unwrap();
    done.store(true, SeqCst);
    burning.join().unwrap();

    assert_eq!(profile.string_table[0], "", "the format wants that");
    let samples: i64 = profile.sample.iter().map(|sample| sample.value[0]).sum();
    // At most 200 a second on each of the threads; a busy machine gives less.
    assert!((10..=900).contains(&samples), "{samples}");
    assert!(profile.sample.iter().all(|sample| sample.value[1] == sample.value[0] * 5_000_000));
    let burnt = profile.of("burn_until");
    assert!(burnt * 2 > samples * 5_000_000, "{burnt} of {samples} samples");
    for innermost in profile.sample.iter().filter_map(|sample| profile.stack(sample).next()) {
        let file = profile.text(innermost.filename);
        assert!(
            !file.contains("/backtrace-") && !file.contains("/pprof-"),
            "the profiler looks at itself: {file}"
        );
    }

    for (query, why) in [
        ("seconds=0", "`seconds` is a number from 1 to 60\n"),
        ("seconds=ten", "`seconds` is a number from 1 to 60\n"),
        ("seconds=1&frequency=100000", "`frequency` is a number from 1 to 1000\n"),
    ] {
        let refused = get(governor, &format!("/debug/pprof/profile?{query}")).await;
        assert_eq!((refused.status, refused.body.as_str()), (400, why));
    }
    soon(running.stop()).await.unwrap();
}

#[inline(never)]
fn keep_megabytes(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|_| black_box(vec![1; 1 << 20])).collect()
}

#[tokio::test]
async fn child_takes_a_profile_of_its_heap() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let kept = keep_megabytes(64);
    let (running, governor) = start().await;
    let mut encoded = Vec::new();
    GzDecoder::new(bytes(governor, "/debug/pprof/heap").await.as_slice()).read_to_end(&mut encoded).unwrap();
    let profile = Profile::decode(encoded.as_slice()).unwrap();
    let held = profile.of("keep_megabytes");
    assert!((32 << 20..96 << 20).contains(&held), "64 MiB, and not {held}");
    drop(kept);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_profile_of_the_heap_names_what_holds_it() {
    let (running, governor) = start().await;
    let refused = get(governor, "/debug/pprof/heap").await;
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("_RJEM_MALLOC_CONF=prof:true"), "{}", refused.body);
    soon(running.stop()).await.unwrap();

    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_takes_a_profile_of_its_heap", "--nocapture"])
        .env(CHILD, "yes")
        .env("_RJEM_MALLOC_CONF", "prof:true")
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
}
