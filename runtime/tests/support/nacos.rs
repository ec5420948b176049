//! A real Nacos: its server, or three of them, on free ports of loopback, and its client in Java.
//!
//! Where they are not, tests that need them say `skipped:` and pass, unless `JOVIAN_REQUIRE_NACOS=1`, as CI has it.

#![allow(dead_code, reason = "every test file uses its own part of it")]

use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a server may take to begin; the seconds are for slow machines.
const PATIENCE: Duration = Duration::from_secs(240);
/// One server begins at a time: it takes all of a machine then.
static BEGINS: Mutex<()> = Mutex::new(());

/// Where `tests/interop/nacos/install` has put them, if it has.
#[expect(clippy::print_stderr, reason = "whoever runs the tests is to know")]
fn installed() -> Option<PathBuf> {
    let usual = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../nacos");
    let folder = std::env::var_os("JOVIAN_NACOS").map_or(usual, PathBuf::from);
    let is_here = ["server", "client"].iter().all(|part| folder.join(part).join("stamp").exists());
    let is_required = std::env::var("JOVIAN_REQUIRE_NACOS").is_ok_and(|value| value == "1");
    assert!(is_here || !is_required, "there is no Nacos in {}, and JOVIAN_REQUIRE_NACOS=1", folder.display());
    if !is_here {
        eprintln!(
            "skipped: there is no Nacos in {} (tests/interop/nacos/install target/nacos)",
            folder.display()
        );
    }
    is_here.then_some(folder)
}

fn java(folder: &Path, part: &str) -> Command {
    let mut command = Command::new("java");
    command.arg("-cp").arg(folder.join(part).join(format!("nacos-{part}-1.jar")));
    command.args([
        "-Xmx384m",
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-Djava.net.preferIPv4Stack=true",
    ]);
    command
}

/// One server.
pub(crate) struct Nacos {
    folder: PathBuf,
    home: PathBuf,
    port: u16,
    more: Vec<String>,
    child: Option<Child>,
}

impl Nacos {
    /// A server, started with some more system properties; nothing if there is no Nacos here.
    pub(crate) fn start(test: &str, more: &[&str]) -> Option<Self> {
        let mut server = Self::new(installed()?, test, more, free(1)[0]);
        server.resume();
        Some(server)
    }

    /// Three servers that are one Nacos, started with some more system properties; nothing if there is no Nacos here.
    pub(crate) fn three(test: &str, more: &[&str]) -> Option<[Self; 3]> {
        let folder = installed()?;
        let ports: [u16; 3] = free(3).try_into().unwrap();
        let members = ports.map(|port| format!("127.0.0.1:{port}")).join(",");
        let members = format!("-Dnacos.member.list={members}");
        let more = [&["-Dnacos.standalone=false", "-DembeddedStorage=true", &members], more].concat();
        let mut servers = [0, 1, 2]
            .map(|number| Self::new(folder.clone(), &format!("{test}-{number}"), &more, ports[number]));
        let _alone = BEGINS.lock().unwrap_or_else(PoisonError::into_inner);
        for server in &mut servers {
            server.begin();
        }
        // None is ready before most of them are there.
        for server in &servers {
            server.is_ready();
        }
        Some(servers)
    }

    fn new(folder: PathBuf, test: &str, more: &[&str], port: u16) -> Self {
        let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("nacos").join(test);
        let _nothing_there = fs::remove_dir_all(&home);
        let more = more.iter().map(|&property| property.to_owned()).collect();
        Self { folder, home, port, more, child: None }
    }

    /// Where it is.
    pub(crate) fn endpoint(&self) -> String {
        self.address().to_string()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Asks it as people do: over HTTP. All is well with the answer.
    pub(crate) fn over_http(&self, verb: &str, path: &str, query: &[(&str, &str)]) -> String {
        let answer = self.answer(verb, path, query);
        assert!(answer.contains(" 200 "), "{verb} {path} {query:?}\n{answer}");
        answer
    }

    /// Whatever it answers, in a version of HTTP that has no chunks.
    pub(crate) fn answer(&self, verb: &str, path: &str, query: &[(&str, &str)]) -> String {
        let escaped = |text: &str| -> String {
            let byte = |byte: u8| match byte.is_ascii_alphanumeric() {
                true => char::from(byte).to_string(),
                false => format!("%{byte:02X}"),
            };
            text.bytes().map(byte).collect()
        };
        let query: Vec<String> =
            query.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let version = if path.starts_with("/v2/") { "" } else { "/v1" };
        let request = format!(
            "{verb} /nacos{version}{path}?{} HTTP/1.0\r\nhost: nacos\r\ncontent-length: 0\r\n\r\n",
            query.join("&")
        );
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Writes a record as somebody else would, and waits until it is told to others: `instances/{service}/{address}`, or
    /// `texts/{group}/{name}`. Nobody gives signs of life for these instances.
    pub(crate) fn put(&self, namespace: &str, key: &str, value: &str) {
        let parts: Vec<&str> = key.split('/').collect();
        if let ["texts", group, name] = parts[..] {
            let text = [("tenant", namespace), ("group", group), ("dataId", name), ("content", value)];
            self.over_http("POST", "/cs/configs", &text);
            return self.tells("/cs/configs", &text[..3], value);
        }
        let value: serde_json::Value = serde_json::from_str(value).unwrap();
        let fields = ["ip", "port", "enabled", "metadata", "clusterName"];
        let of = |name: &str| value[name].as_str().map_or_else(|| value[name].to_string(), str::to_owned);
        let fields: Vec<_> = fields.iter().map(|name| (*name, of(name))).collect();
        let mut instance = vec![("namespaceId", namespace), ("serviceName", parts[1])];
        let service = instance.clone();
        instance.extend(fields.iter().map(|(name, value)| (*name, &**value)));
        self.over_http("POST", "/ns/instance", &instance);
        // Those that are disabled are told to nobody.
        if value["enabled"] != false {
            self.tells("/ns/instance/list", &service, &format!("\"port\":{}", value["port"]));
        }
    }

    /// Waits until this is part of an answer.
    fn tells(&self, path: &str, query: &[(&str, &str)], part: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.answer("GET", path, query).contains(part) {
            assert!(Instant::now() < until, "{path} {query:?} never said {part}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Starts it where it does not run, with what it had stored.
    pub(crate) fn resume(&mut self) {
        let _alone = BEGINS.lock().unwrap_or_else(PoisonError::into_inner);
        self.begin();
        self.is_ready();
    }

    fn begin(&mut self) {
        fs::create_dir_all(&self.home).unwrap();
        let home = self.home.display();
        let child = java(&self.folder, "server")
            .args(["-Dnacos.standalone=true", "-Dnacos.server.ip=127.0.0.1", "-Dserver.address=127.0.0.1"])
            .args([format!("-Dnacos.home={home}"), format!("-Dserver.port={}", self.port)])
            .args([
                format!("-Dserver.tomcat.basedir={home}"),
                format!("-Duser.home={home}"),
                format!("-Djava.io.tmpdir={home}"),
            ])
            // The last word on a property counts.
            .args(&self.more)
            // Its database logs where it is started.
            .current_dir(&self.home)
            .arg("jovian.tests.Server")
            // It ends when this does, however this process ends.
            .stdin(Stdio::piped())
            .stdout(fs::File::create(self.log()).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    fn log(&self) -> PathBuf {
        self.home.with_extension("log")
    }

    fn is_ready(&self) {
        let (log, until) = (self.log(), Instant::now() + PATIENCE);
        while !fs::read_to_string(&log).unwrap().lines().any(|line| line == "ready") {
            assert!(Instant::now() < until, "it was never ready: {}", log.display());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Forgets what it had stored; it does not run.
    pub(crate) fn wipe(&self) {
        fs::remove_dir_all(&self.home).unwrap();
    }

    /// The client in Java: with `register SERVICE IP PORT NAME=VALUE..`, or with `subscribe SERVICE`.
    pub(crate) fn client(&self, arguments: &[&str]) -> Client {
        let home = self.home.join("client");
        let mut child = java(&self.folder, "client")
            .args([format!("-Duser.home={}", home.display()), format!("-DJM.LOG.PATH={}", home.display())])
            .args(["jovian.tests.Client", &self.endpoint()])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Client { input: child.stdin.take(), lines, child }
    }
}

/// A server that a test leaves behind would outlive it.
impl Drop for Nacos {
    fn drop(&mut self) {
        self.kill();
        // It has stored more than anybody wants to keep; what it said is beside it.
        let _nothing_there = fs::remove_dir_all(&self.home);
    }
}

/// A client in Java.
pub(crate) struct Client {
    input: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    child: Child,
}

impl Client {
    /// Waits for a line that it prints.
    pub(crate) fn says(&mut self, expected: &str) {
        let mut said = Vec::new();
        for line in self.lines.by_ref().map_while(Result::ok) {
            if line == expected {
                return;
            }
            said.push(line);
        }
        panic!("it never said {expected}: {said:#?}");
    }

    /// Lets it leave, and waits until it has.
    pub(crate) fn leave(mut self) {
        self.input = None;
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ports that are free, each with all others that a server takes: of its Raft below, of gRPC above.
fn free(count: usize) -> Vec<u16> {
    let (mut held, mut ports) = (Vec::new(), Vec::new());
    while ports.len() < count {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let others = [port - 1000, port.saturating_add(1000), port.saturating_add(1001)];
        let others = others.map(|other| TcpListener::bind(("0.0.0.0", other)));
        if others.iter().all(Result::is_ok) {
            ports.push(port);
        }
        // So that the next one is another.
        held.push(listener);
        held.extend(others.into_iter().flatten());
    }
    ports
}
