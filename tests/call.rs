//! `jovian call` and `jovian ls` against the shop of `examples/orders`, and against those who are no gRPC server.
//! `tests/interop/tests/tools.rs` has the same against Python.

#![allow(clippy::expect_used, reason = "a test says what it expects")]
#![cfg(unix)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use jovian_runtime::registry::FileRegistry;
use jovian_runtime::{App, AppConfig, Server};
use orders::StockService;
use orders::stock_api::StockServer;
use tokio::sync::oneshot;

mod support;
use support::{expect_text, root};

/// Whatever takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(30);

fn command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jovian"));
    command.args(arguments).current_dir(dir).env_remove("JOVIAN_SERVER__ADDRESS");
    command
}

fn jovian(dir: &Path, arguments: &[&str]) -> Output {
    command(dir, arguments).stdin(Stdio::null()).output().expect("jovian runs")
}

fn stdout(run: &Output) -> String {
    String::from_utf8_lossy(&run.stdout).into_owned()
}

fn stderr(run: &Output) -> String {
    String::from_utf8_lossy(&run.stderr).into_owned()
}

/// A shop that serves from a thread of its own, until this is dropped.
struct Shop {
    target: String,
    dir: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Shop {
    fn start() -> Self {
        Self::at("127.0.0.1:0")
    }

    /// At an address, in which `DIR` stands for its folder.
    fn at(address: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut config = AppConfig::default();
        config.server.address = address.replace("DIR", &dir.path().display().to_string());
        config.server.stop_wait_ms = 0;
        let registry = Arc::new(FileRegistry::at(dir.path().join("fleet")));
        let (stop, stopped) = oneshot::channel();
        let (say, listens) = mpsc::channel();
        let serve = async move {
            let app = App::new(config).with_registry(registry);
            let shop = orders::serve_stock(orders::serve_orders(app).expect("a registry"));
            let running = shop.start().await.expect("it starts");
            say.send(running.address().to_string()).expect("the test waits");
            let _dropped = stopped.await;
        };
        let thread = thread::spawn(move || {
            tokio::runtime::Runtime::new().expect("a runtime").block_on(serve);
        });
        let target = listens.recv_timeout(PATIENCE).expect("the shop listens");
        Self { target, dir, stop: Some(stop), thread: Some(thread) }
    }

    /// `jovian call TARGET ..`
    fn call(&self, arguments: &[&str]) -> Output {
        self.run("call", arguments)
    }

    fn run(&self, command: &str, arguments: &[&str]) -> Output {
        jovian(self.dir.path(), &[&[command, &self.target], arguments].concat())
    }

    /// What is written after a call that works.
    fn reply(&self, arguments: &[&str]) -> String {
        let run = self.call(arguments);
        assert_eq!((run.status.code(), stderr(&run).as_str()), (Some(0), ""), "{arguments:?}");
        stdout(&run)
    }

    /// The exit code and the complaint of a call that fails.
    fn failure(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let run = self.call(arguments);
        assert_eq!(stdout(&run), "", "{arguments:?}");
        (run.status.code(), stderr(&run))
    }

    fn place(&self) {
        self.reply(&["Orders/PlaceOrder", "-d", "{\"article\": \"lamp\", \"pieces\": 1}"]);
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _panicked = self.thread.take().map(JoinHandle::join);
    }
}

/// Compares what is printed with its golden file, without the port.
fn expect(file: &str, target: &str, text: &str) {
    let mut failures = Vec::new();
    let text = text.replace(target, "127.0.0.1:9000");
    expect_text(&root().join("tests/call").join(file), &text, &mut failures);
    assert!(failures.is_empty(), "{}\n(BLESS=1 renews)", failures.join("\n"));
}

#[test]
fn an_app_in_a_registry_is_called() {
    let shop = Shop::start();
    let fleet = shop.dir.path().join("fleet").display().to_string();
    let target = format!("file://{fleet}?app=shop.order.orders");
    let order = ["-d", "{\"article\": \"lamp\", \"pieces\": 1}"];
    let run = jovian(shop.dir.path(), &[&["call", &target, "Orders/PlaceOrder"], &order[..]].concat());
    assert_eq!((run.status.code(), stderr(&run).as_str()), (Some(0), ""));
    assert!(stdout(&run).contains("lamp"), "{}", stdout(&run));
    let nobody = format!("file://{fleet}?app=nobody");
    let run = jovian(shop.dir.path(), &["ls", &nobody]);
    assert_eq!(run.status.code(), Some(78));
    assert!(stderr(&run).contains("no instance of `nobody`"), "{}", stderr(&run));
    assert!(stderr(&run).contains(&format!("jovian registry ls file://{fleet}")), "{}", stderr(&run));
}

#[test]
fn a_server_is_listed() {
    let shop = Shop::start();
    for (arguments, file) in [
        (&[][..], "ls.txt"),
        (&["Orders"], "service.txt"),
        (&["Orders/PlaceOrder"], "method.txt"),
        (&["shop.orders.v1.Order"], "message.txt"),
    ] {
        let run = shop.run("ls", arguments);
        assert_eq!((run.status.code(), stderr(&run).as_str()), (Some(0), ""));
        expect(file, &shop.target, &stdout(&run));
    }
    let run = shop.run("ls", &["--as", "json"]);
    let listing: serde_json::Value = serde_json::from_slice(&run.stdout).expect("JSON");
    assert_eq!((&listing["schema"], &listing["health"]), (&1.into(), &"SERVING".into()));
    let orders = &listing["services"][0];
    assert_eq!((&orders["name"], &orders["health"]), (&"shop.orders.v1.Orders".into(), &"SERVING".into()));
    let track = &orders["methods"][4];
    assert_eq!(track["path"], "/shop.orders.v1.Orders/Track");
    assert_eq!(
        (&track["clientStreaming"], &track["output"]),
        (&true.into(), &"shop.orders.v1.TrackResponse".into())
    );
    let run = shop.run("ls", &["shop.orders.v1.Ordr"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(stderr(&run).contains("error[J0403]: there is no service, message or enum"), "{}", stderr(&run));
}

#[test]
fn every_kind_of_call() {
    let shop = Shop::start();
    let placed = shop.reply(&["Orders/PlaceOrder", "-d", "{\"article\": \"lamp\", \"pieces\": 2}"]);
    expect("reply.json", &shop.target, &placed);
    // The full name, and a file.
    fs::write(shop.dir.path().join("orders.ndjson"), "{\"id\": \"a\"}\n{\"id\": \"b\"}{\"id\": \"c\"}\n")
        .expect("a file");
    assert_eq!(
        shop.reply(&["shop.orders.v1.Orders/Import", "-d", "@orders.ndjson", "--compact"]),
        "{\"taken\":3}\n"
    );
    let watched = shop.reply(&["Orders/Watch", "-d", "{\"once\": true}", "--compact"]);
    assert_eq!(watched.lines().count(), 4, "{watched}");
    let track = ["Orders/Track", "-d", "{\"id\": \"a\"} {\"id\": \"z\"}", "--compact", "--defaults"];
    assert_eq!(shop.reply(&track), "{\"id\":\"a\",\"known\":true}\n{\"id\":\"z\",\"known\":false}\n");
    // No request at all is not the same as an empty one.
    assert_eq!(shop.reply(&["Orders/Import", "-d", "", "--compact", "--defaults"]), "{\"taken\":0}\n");
    assert_eq!(shop.reply(&["Orders/Import", "--compact", "--defaults"]), "{\"taken\":1}\n");
}

/// Each reply comes before the next request is typed.
#[test]
fn a_dialogue_is_one() {
    let shop = Shop::start();
    let mut process =
        command(shop.dir.path(), &["call", &shop.target, "Orders/Track", "-d", "-", "--compact"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("jovian runs");
    let mut typed = process.stdin.take().expect("a pipe");
    let mut replies = BufReader::new(process.stdout.take().expect("a pipe")).lines();
    for id in ["x", "y", "z"] {
        // Not all of it at once.
        write!(typed, "{{\"id\":").expect("it reads");
        typed.flush().expect("it reads");
        thread::sleep(Duration::from_millis(20));
        writeln!(typed, "\"{id}\"}}").expect("it reads");
        assert_eq!(replies.next().expect("a reply").expect("text"), format!("{{\"id\":\"{id}\"}}"));
    }
    drop(typed);
    assert!(replies.next().is_none());
    assert_eq!(process.wait().expect("it ends").code(), Some(0));
}

/// Reason, HTTP status, message, domain and whether to try again, as the IDL of the server has them; the exit code is 64 and the
/// number of the gRPC code.
#[test]
fn errors_of_the_domain_are_told_in_its_words() {
    let shop = Shop::start();
    let (code, text) = shop.failure(&["Orders/GetOrder", "-d", "{\"id\": \"42\"}"]);
    assert_eq!(code, Some(64 + 5));
    expect("not_found.txt", &shop.target, &text);
    // Of another domain, that of a service behind.
    let (code, text) = shop.failure(&["Orders/PlaceOrder", "-d", "{\"article\": \"lamp\", \"pieces\": 9}"]);
    assert_eq!(code, Some(64 + 9));
    expect("out_of_stock.txt", &shop.target, &text);
    let (code, text) = shop.failure(&["Orders/GetOrder", "-d", "{\"id\": \"42\"}", "--format", "json"]);
    assert_eq!(code, Some(64 + 5));
    expect("not_found.json", &shop.target, &text);
    // From IDL, without asking the server.
    let proto = root().join("examples/orders/proto").display().to_string();
    let (code, text) = shop.failure(&["Orders/GetOrder", "-d", "{\"id\": \"42\"}", "--proto", &proto]);
    assert_eq!(code, Some(64 + 5));
    expect("not_found.txt", &shop.target, &text);
}

#[test]
fn mistakes_in_a_request_have_a_place() {
    let shop = Shop::start();
    let (code, text) =
        shop.failure(&["Orders/PlaceOrder", "-d", "{\n  \"article\": \"lamp\",\n  \"piecs\": 2\n}"]);
    assert_eq!(code, Some(2));
    expect("unknown_field.txt", &shop.target, &text);
    fs::write(shop.dir.path().join("order.json"), "{\"pieces\": \"many\"}").expect("a file");
    let (code, text) = shop.failure(&["Orders/PlaceOrder", "-d", "@order.json"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("error[J0404]") && text.contains("--> order.json:1:12"), "{text}");
    let (code, text) = shop.failure(&["Orders/PlaceOrder", "-d", "{\"pieces\": "]);
    assert_eq!(code, Some(2));
    assert!(text.contains("EOF while parsing"), "{text}");
    let (code, text) = shop.failure(&["Orders/PlaceOrder", "-d", "{}{}"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("`PlaceOrder` takes one request, and -d has 2"), "{text}");
    let (code, text) = shop.failure(&["Orders/PlaceOrder", "-d", "@nowhere.json"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("error[J0002]: cannot read `nowhere.json`"), "{text}");

    // Among requests that are typed; those before it were sent, and the call is not whole.
    let mut process = command(shop.dir.path(), &["call", &shop.target, "Orders/Import", "-d", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("jovian runs");
    let mut typed = process.stdin.take().expect("a pipe");
    typed.write_all(b"{\"id\": \"a\"}\n{\"id\": \"b\"}\n{\"idd\": \"c\"}\n").expect("it reads");
    drop(typed);
    let run = process.wait_with_output().expect("it ends");
    assert_eq!(run.status.code(), Some(2));
    assert!(stderr(&run).contains("--> stdin:3:2"), "{}", stderr(&run));
}

#[test]
fn names_may_be_short_and_are_suggested() {
    let shop = Shop::start();
    let (code, text) = shop.failure(&["Orders/GetOder"]);
    assert_eq!(code, Some(2));
    expect("unknown_method.txt", &shop.target, &text);
    let (_, text) = shop.failure(&["Order/GetOrder"]);
    assert!(text.contains("did you mean `shop.orders.v1.Orders`?"), "{text}");
    let (_, text) = shop.failure(&["ServerReflection/ServerReflectionInfo"]);
    assert!(text.contains("may be `grpc.reflection.v1.ServerReflection` or `grpc"), "{text}");
    let (code, text) = shop.failure(&["GetOrder"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("`GetOrder` is no method"), "{text}");
}

#[test]
fn a_template_is_a_request() {
    let shop = Shop::start();
    let template = shop.reply(&["Orders/Import", "--template"]);
    expect("template.json", &shop.target, &template);
    assert_eq!(shop.reply(&["Orders/Import", "-d", &template, "--compact"]), "{\"taken\":1}\n");
    // From IDL there is nobody to ask.
    let run = jovian(&root().join("examples/orders"), &["call", "Orders/Import", "--template", "--idl"]);
    assert_eq!((run.status.code(), stdout(&run)), (Some(0), template));
}

/// Without a target, it is what the configuration of this folder says.
#[test]
fn the_target_of_a_project_is_known() {
    let shop = Shop::start();
    let health = ["call", "grpc.health.v1.Health/Check", "--compact"];
    let run = jovian(shop.dir.path(), &health);
    assert_eq!(run.status.code(), Some(2));
    assert!(
        stderr(&run).contains("no target is given, and there is no `config/app.toml`"),
        "{}",
        stderr(&run)
    );

    fs::create_dir(shop.dir.path().join("config")).expect("a folder");
    let port = shop.target.rsplit(':').next().expect("a port");
    let config = format!("[server]\naddress = \"0.0.0.0:{port}\"\n");
    fs::write(shop.dir.path().join("config/app.toml"), config).expect("a file");
    assert_eq!(stdout(&jovian(shop.dir.path(), &health)), "{\"status\":\"SERVING\"}\n");
    assert!(stdout(&jovian(shop.dir.path(), &["ls", "Orders"])).contains("rpc GetOrder"));

    fs::write(shop.dir.path().join("config/app.toml"), "[server]\naddress = \"127.0.0.1:0\"\n")
        .expect("a file");
    let run = jovian(shop.dir.path(), &health);
    assert!(
        stderr(&run).contains("`address` is `127.0.0.1:0`, which nobody can be called at"),
        "{}",
        stderr(&run)
    );
    fs::write(shop.dir.path().join("config/app.toml"), "[server]\n").expect("a file");
    let run = jovian(shop.dir.path(), &health);
    assert!(stderr(&run).contains("has no `address` in `[server]`"), "{}", stderr(&run));
}

#[test]
fn a_unix_socket_is_a_target() {
    let shop = Shop::at("unix:DIR/shop.sock");
    assert_eq!(shop.reply(&["Orders/Import", "--compact"]), "{\"taken\":1}\n");
    assert!(stdout(&shop.run("ls", &[])).contains("shop.orders.v1.Orders  SERVING"));
    let (code, text) = shop.failure(&["Orders/GetOrder", "-d", "{\"id\": \"7\"}"]);
    assert_eq!(code, Some(69), "{text}");
    let run = jovian(shop.dir.path(), &["ls", "unix:nowhere.sock"]);
    assert_eq!(run.status.code(), Some(78));
    assert!(stderr(&run).contains("nobody listens on `unix:nowhere.sock`"), "{}", stderr(&run));
}

/// A server that says nothing of itself is called by IDL: that of the project, or one that is named.
#[test]
fn without_reflection_there_is_idl() {
    let (say, listens) = mpsc::channel();
    let serve = async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        say.send(listener.local_addr().expect("an address").to_string()).expect("the test waits");
        let server = Server::new().add(StockServer::new(StockService::default()));
        server.serve(listener, std::future::pending(), Duration::ZERO).await.expect("it serves");
    };
    thread::spawn(move || tokio::runtime::Runtime::new().expect("a runtime").block_on(serve));
    let target = listens.recv_timeout(PATIENCE).expect("it listens");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let run = jovian(dir.path(), &["ls", &target]);
    assert_eq!(run.status.code(), Some(2));
    assert!(
        stderr(&run).contains("error[J0402]: the server does not say what it serves"),
        "{}",
        stderr(&run)
    );

    let reserve = ["call", &target, "Stock/Reserve", "-d", "{\"article\": \"lamp\", \"pieces\": 99}"];
    let project = root().join("examples/orders");
    let proto = project.join("proto").display().to_string();
    for run in
        [jovian(&project, &reserve), jovian(dir.path(), &[&reserve[..], &["--proto", &proto]].concat())]
    {
        assert_eq!(run.status.code(), Some(73), "{}", stderr(&run));
        assert!(stderr(&run).starts_with("error[OUT_OF_STOCK] 409 only 3 of lamp left"), "{}", stderr(&run));
    }
    let listed = stdout(&jovian(&project, &["ls", &target]));
    assert!(listed.contains("\nshop.stock.v1.Stock\n  Reserve  unary"), "{listed}");
}

#[test]
fn headers_and_trailers_are_shown_to_those_who_ask() {
    let shop = Shop::start();
    let run =
        shop.call(&["Orders/Import", "-v", "--compact", "-H", "X-Note: a: b", "-H", "x-token-bin: AP/+"]);
    assert_eq!((run.status.code(), stdout(&run).as_str()), (Some(0), "{\"taken\":1}\n"));
    let text = stderr(&run);
    for line in
        ["* /shop.orders.v1.Orders/Import", "> x-note: a: b", "> x-token-bin: AP/+", "< grpc-status: 0"]
    {
        assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
    }
    for (header, problem) in [
        ("x-note", "there is no colon"),
        ("grpc-timeout: 1S", "this key belongs to the protocol"),
        ("x note: a", "this is no key"),
        ("x-token-bin: %", "the value is no base64"),
        ("x-note: \u{1}", "the value is not ASCII"),
    ] {
        let (code, text) = shop.failure(&["Orders/Import", "-H", header]);
        assert!(code == Some(2) && text.contains(problem), "{header}: {text}");
    }
}

/// A stream ends with its deadline; what came before has been printed.
#[test]
fn a_deadline_ends_a_call() {
    let shop = Shop::start();
    shop.place();
    let run = shop.call(&["Orders/Watch", "--timeout", "400ms", "--compact"]);
    assert_eq!((run.status.code(), stdout(&run).lines().count()), (Some(68), 1), "{}", stderr(&run));
    assert!(stderr(&run).starts_with("error[DEADLINE_EXCEEDED] 504"), "{}", stderr(&run));
    assert_eq!(shop.call(&["Orders/Watch", "--timeout", "soon"]).status.code(), Some(2));
}

/// `jovian call .. | head -1` ends when `head` does, whatever still comes.
#[test]
fn nobody_reading_ends_a_call() {
    let shop = Shop::start();
    let mut process = command(shop.dir.path(), &["call", &shop.target, "Orders/Watch", "--compact"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("jovian runs");
    drop(process.stdout.take());
    let began = Instant::now();
    while process.try_wait().expect("a process").is_none() {
        assert!(began.elapsed() < PATIENCE, "it goes on");
        shop.place();
    }
    assert_eq!(process.wait().expect("it has ended").code(), Some(0));
}

#[test]
fn ctrl_c_cancels_a_call() {
    let shop = Shop::start();
    shop.place();
    let mut process = command(shop.dir.path(), &["call", &shop.target, "Orders/Watch", "--compact"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("jovian runs");
    let mut replies = BufReader::new(process.stdout.take().expect("a pipe")).lines();
    assert!(replies.next().expect("a reply").expect("text").contains("lamp"));
    let kill = Command::new("kill").args(["-INT", &process.id().to_string()]).status().expect("kill runs");
    assert!(kill.success());
    let run = process.wait_with_output().expect("it ends");
    assert_eq!(run.status.code(), Some(65));
    assert!(stderr(&run).contains("interrupted"), "{}", stderr(&run));
}

/// Whoever is no gRPC server: nobody, one that never speaks, one that hangs up, one that speaks HTTP/1 or plain text to TLS.
#[test]
fn those_who_are_no_server_are_told_apart() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let call = |target: &str, more: &[&str]| {
        let began = Instant::now();
        let run = jovian(dir.path(), &[&["call", target, "Orders/GetOrder"], more].concat());
        assert!(began.elapsed() < PATIENCE, "{target} {more:?}");
        (run.status.code(), stderr(&run))
    };
    let free =
        TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").to_string();
    let (code, text) = call(&free, &[]);
    assert_eq!(code, Some(78));
    assert!(
        text.contains("error[J0401]: nobody listens on") && text.contains("Connection refused"),
        "{text}"
    );

    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address").to_string();
    let (code, text) = call(&address, &["--timeout", "300ms"]);
    assert_eq!(code, Some(68));
    assert!(text.contains("does not answer within 300ms"), "{text}");
    let (code, text) = call(&address, &["--timeout", "300ms", "--tls", "--insecure-skip-verify"]);
    assert_eq!(code, Some(68));
    assert!(text.contains("cannot be reached within 300ms"), "{text}");
    // The call itself, as its IDL is known.
    let proto = root().join("examples/orders/proto").display().to_string();
    let (code, text) = call(&address, &["--timeout", "300ms", "--proto", &proto]);
    assert_eq!(code, Some(68));
    assert!(text.starts_with("error[DEADLINE_EXCEEDED] 504 no answer in time"), "{text}");

    let answering = |words: &'static [u8]| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let _hello = stream.read(&mut [0; 1024]);
                let _gone = stream.write_all(words);
            }
        });
        address
    };
    for words in [b"".as_slice(), b"HTTP/1.1 400 Bad Request\r\n\r\n"] {
        let (code, text) = call(&answering(words), &[]);
        assert_eq!(code, Some(78), "{text}");
        assert!(text.contains("error[J0401]: the connection broke"), "{text}");
    }
    let (code, text) = call(&answering(b"SSH-2.0-x\r\n"), &["--tls"]);
    assert_eq!(code, Some(78), "{text}");
    assert!(text.contains("error[J0401]: no TLS with"), "{text}");

    for (arguments, problem) in [
        (&["call", "shop", "a/B"][..], "`shop` is no target"),
        (&["call", "[::1:9000", "a/B"], "is no target"),
        (&["call", ":1", "a/B", "--cacert", "nowhere.pem"], "`nowhere.pem`: No such file"),
        (&["call", ":1", "a/B", "--cert", "a.pem"], "--key <FILE>"),
    ] {
        let run = jovian(dir.path(), arguments);
        assert_eq!(run.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&run).contains(problem), "{}", stderr(&run));
    }
}
