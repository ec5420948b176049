//! What comes to a listening port that is no good client: noise, broken frames, peers that are slow or never done.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jovian_runtime::{ConnectionSection, Server};
use support::raw::{Raw, framed};
use support::{OrdersServer, Running, Shop, Traces, eventually, get, soon, watch};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

const GET: &str = "/shop.orders.v1.Orders/GetOrder";
const WATCH: &str = "/shop.orders.v1.Orders/Watch";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const MIB: usize = 1 << 20;

// Types and flags of RFC 9113, section 6.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The headers of a call: literals without an index (RFC 7541, section 6.2.2), so that each is plain to see.
fn headers(path: &str) -> Vec<u8> {
    let literal = |name: &str, value: &str| {
        let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        [vec![0], text(name), text(value)].concat()
    };
    [
        literal(":method", "POST"),
        literal(":scheme", "http"),
        literal(":path", path),
        literal(":authority", "shop"),
        literal("content-type", "application/grpc"),
        literal("te", "trailers"),
    ]
    .concat()
}

/// All that a client says for one call.
fn whole_call(stream: u32, path: &str, body: &[u8]) -> Vec<u8> {
    [frame(HEADERS, END_HEADERS, stream, &headers(path)), frame(DATA, END_STREAM, stream, body)].concat()
}

/// Numbers that look random and are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.byte()).collect()
    }

    /// A frame of any type on a stream that there may be, with a payload that means nothing, or headers.
    fn frame(&mut self) -> Vec<u8> {
        let payload = if self.below(3) == 0 { headers(WATCH) } else { self.bytes(300) };
        let stream = u32::try_from(self.below(12)).unwrap();
        let kind = u8::try_from(self.below(12)).unwrap();
        frame(kind, self.byte(), stream, &payload)
    }

    /// Something that begins like a good client, and is none.
    fn noise(&mut self) -> Vec<u8> {
        let good = [
            PREFACE.to_vec(),
            frame(SETTINGS, 0, 0, &[]),
            whole_call(1, GET, &framed(&get("1"))),
            frame(PING, 0, 0, &[7; 8]),
            whole_call(3, WATCH, &framed(&watch("", 3))),
            frame(WINDOW_UPDATE, 0, 0, &[0, 1, 0, 0]),
            frame(HEADERS, 0, 5, &headers(GET)),
            frame(CONTINUATION, END_HEADERS, 5, &[]),
            frame(RST_STREAM, 0, 5, &[0, 0, 0, 8]),
        ];
        let mut noise: Vec<u8> = match self.below(4) {
            0 => return [PREFACE, &self.bytes(2000)].concat(),
            1 => {
                let mut noise = [PREFACE.to_vec(), frame(SETTINGS, 0, 0, &[])].concat();
                (0..20).for_each(|_| noise.extend(self.frame()));
                return noise;
            }
            _ => good.concat(),
        };
        for _ in 0..=self.below(8) {
            // The preface stays: without it nobody listens to the rest.
            let at = PREFACE.len() + self.below(noise.len() - PREFACE.len());
            match self.below(3) {
                0 => noise[at] = self.byte(),
                1 => drop(noise.remove(at)),
                _ => noise.insert(at, self.byte()),
            }
        }
        noise
    }
}

/// The memory of this process, in bytes.
#[cfg(target_os = "linux")]
fn memory() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[cfg(not(target_os = "linux"))]
fn memory() -> usize {
    0
}

/// Tests that measure the memory of their process run one after the other.
static ALONE: Mutex<()> = Mutex::const_new(());

async fn shop_with(settings: ConnectionSection) -> (Running, Traces) {
    let shop = Shop::default();
    let traces = shop.traces.clone();
    let server = Server::new().add(OrdersServer::new(shop)).connections(settings);
    (Running::start(server).await, traces)
}

async fn greeting(running: &Running) -> TcpStream {
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.unwrap();
    stream
}

/// Reads until the server closes; says how much it said.
async fn closed(stream: &mut TcpStream) -> usize {
    let mut said = Vec::new();
    // A reset is an end, too.
    let _ = soon(stream.read_to_end(&mut said)).await;
    said.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn noise_disturbs_nobody_and_leaves_nothing_behind() {
    let _alone = ALONE.lock().await;
    let (running, _) = shop_with(ConnectionSection::default()).await;
    let mut good = Raw::connect(&running).await;
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut before = 0;
    let until = Instant::now() + Duration::from_secs(5);
    let mut rounds = 0;
    while Instant::now() < until {
        let noises: Vec<_> = (0..16).map(|_| numbers.noise()).collect();
        join_all(noises.iter().map(|noise| async {
            let mut stream = TcpStream::connect(running.address).await.unwrap();
            // The server may close before it has heard all.
            let _ = stream.write_all(noise).await;
            let mut said = [0; 4096];
            let _ = timeout(Duration::from_millis(20), stream.read(&mut said)).await;
        }))
        .await;
        soon(good.unary(GET, get("1"), &[])).await.unwrap();
        rounds += 1;
        if rounds == 10 {
            before = memory();
        }
    }
    assert!(rounds > 10, "{rounds} rounds");
    let after = memory();
    assert!(after < before + 64 * MIB, "from {} to {} MiB", before / MIB, after / MIB);
    eventually("no call is left", || running.stats.in_flight() == 0).await;
    drop(good);
    assert_eq!(soon(running.stop()).await.unwrap(), 0, "no connection is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_streams_are_carried_and_let_go() {
    let _alone = ALONE.lock().await;
    let (running, traces) = shop_with(ConnectionSection::default()).await;
    let before = memory();
    let mut streams = Vec::new();
    let mut connections = Vec::new();
    for _ in 0..10 {
        let raw = Raw::connect(&running).await;
        let opened =
            (0..1000).map(|_| {
                let mut send = raw.send.clone();
                async move {
                    send.send_request(Raw::request(WATCH, framed(&watch("open", 1)), &[])).await.unwrap()
                }
            });
        streams.extend(timeout(Duration::from_secs(20), join_all(opened)).await.unwrap());
        connections.push(raw);
    }
    assert_eq!((streams.len(), running.stats.in_flight()), (10_000, 10_000));
    let each = memory().saturating_sub(before) / 10_000;
    assert!(each < 32 << 10, "{each} bytes for a stream and its caller");
    let mut raw = Raw::connect(&running).await;
    soon(raw.unary(GET, get("1"), &[])).await.unwrap();
    drop((streams, connections));
    eventually("all handlers are dropped", || traces.dropped.load(SeqCst) == 10_001).await;
    assert_eq!(running.stats.in_flight(), 0);
    soon(raw.unary(GET, get("2"), &[])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_byte_by_byte_is_answered_and_holds_nobody_up() {
    let _alone = ALONE.lock().await;
    let (running, traces) = shop_with(ConnectionSection::default()).await;
    let mut good = Raw::connect(&running).await;
    let slow = async {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let all = [PREFACE.to_vec(), frame(SETTINGS, 0, 0, &[]), whole_call(1, GET, &framed(&get("slowly")))];
        for byte in all.concat() {
            stream.write_all(&[byte]).await.unwrap();
            sleep(Duration::from_millis(2)).await;
        }
        let mut said: Vec<u8> = Vec::new();
        while !said.windows(6).any(|window| window == b"slowly") {
            let mut more = [0; 512];
            let length = soon(stream.read(&mut more)).await.unwrap();
            assert_ne!(length, 0, "the server went away: {said:?}");
            said.extend(&more[..length]);
        }
    };
    let others = async {
        for _ in 0..50 {
            soon(good.unary(GET, get("1"), &[])).await.unwrap();
        }
    };
    soon(async { tokio::join!(slow, others) }).await;
    assert_eq!(traces.completed.load(SeqCst), 51);
}

#[tokio::test]
async fn who_never_ends_a_frame_is_closed() {
    let _alone = ALONE.lock().await;
    let settings = ConnectionSection {
        keepalive_interval_ms: 200,
        keepalive_timeout_ms: 200,
        ..ConnectionSection::default()
    };
    let (running, _) = shop_with(settings).await;
    let mut stream = greeting(&running).await;
    // Always something, never all of it.
    let endless = frame(HEADERS, END_HEADERS, 1, &[b'x'; 10_000]);
    let begun = Instant::now();
    for byte in endless {
        if stream.write_all(&[byte]).await.is_err() {
            break;
        }
        sleep(Duration::from_millis(20)).await;
        assert!(begun.elapsed() < Duration::from_secs(5), "it is still there");
    }
    assert!(begun.elapsed() >= Duration::from_millis(350), "it had its time");
}

/// Not a window that is full, but a socket: whoever opens all windows and reads nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_reads_costs_little_and_is_closed() {
    let _alone = ALONE.lock().await;
    let settings = ConnectionSection {
        keepalive_interval_ms: 500,
        keepalive_timeout_ms: 500,
        send_buffer_bytes: 64 << 10,
        ..ConnectionSection::default()
    };
    let (running, traces) = shop_with(settings).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let mut said = PREFACE.to_vec();
    // As much as HTTP/2 can say: SETTINGS_INITIAL_WINDOW_SIZE, and the window of the connection.
    said.extend(frame(SETTINGS, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff]));
    said.extend(frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0, 0, 0]));
    let request = framed(&watch(&"x".repeat(100), 100_000_000));
    for stream_id in (1..100).step_by(2) {
        said.extend(whole_call(stream_id, WATCH, &request));
    }
    stream.write_all(&said).await.unwrap();
    eventually("handlers begin", || traces.begun.load(SeqCst) > 0).await;
    let begun = Instant::now();
    while running.stats.in_flight() > 0 {
        sleep(Duration::from_millis(20)).await;
        assert!(begun.elapsed() < Duration::from_secs(10), "it is still there");
    }
    assert_eq!(traces.completed.load(SeqCst), 0, "nobody took what they had to say");
    // A message is 100 bytes and some.
    let each = traces.messages.load(SeqCst) as usize * 110 / traces.begun.load(SeqCst);
    // The socket holds some, too.
    assert!(each < 256 << 10, "{each} bytes were written for a stream that nobody reads");
    drop(stream);
}

/// The attack that is called rapid reset: streams that are given up as soon as they are opened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_are_reset_at_once_do_not_pile_up() {
    let _alone = ALONE.lock().await;
    let (running, traces) = shop_with(ConnectionSection::default()).await;
    let mut good = Raw::connect(&running).await;
    let mut stream = greeting(&running).await;
    let mut attack = Vec::new();
    for stream_id in (1..20_000).step_by(2) {
        attack.extend(frame(HEADERS, END_HEADERS, stream_id, &headers(WATCH)));
        attack.extend(frame(RST_STREAM, 0, stream_id, &[0, 0, 0, 8]));
    }
    let refused = stream.write_all(&attack).await.is_err();
    let said = closed(&mut stream).await;
    assert!(refused || said > 0, "it was told to stop");
    soon(good.unary(GET, get("1"), &[])).await.unwrap();
    assert!(traces.begun.load(SeqCst) < 10_000, "it was stopped before it was done");
    eventually("nothing of it is left", || running.stats.in_flight() == 0).await;
}
