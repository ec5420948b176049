//! The Java programs of `tests/interop/java`: built once by Maven, run as providers and consumers.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long a program may take to do what it has to do; the seconds are for slow machines.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// What a program says.
pub(crate) type Output = Lines<BufReader<ChildStdout>>;

/// A program on one release of Dubbo.
#[derive(Clone)]
pub(crate) struct Java {
    name: &'static str,
    jar: PathBuf,
}

/// A provider that runs, until this is dropped.
pub(crate) struct Provider {
    _process: Child,
    /// Where it serves.
    pub(crate) address: String,
    // A program whose standard output is closed fails at its next word.
    _output: Output,
}

/// A consumer that runs.
pub(crate) struct Consumer {
    process: Child,
    output: Output,
    log: PathBuf,
    failed: Vec<String>,
    checks: BTreeMap<String, Value>,
}

/// What the checks of a consumer found, by their names. All of them hold.
#[derive(Debug)]
pub(crate) struct Report(BTreeMap<String, Value>);

impl Java {
    /// Dubbo 3.3.6 with its protocol Triple.
    pub(crate) fn triple() -> Option<Self> {
        Self::of("triple")
    }

    /// Dubbo 2.7.23 with the protocol `grpc`.
    pub(crate) fn grpc27() -> Option<Self> {
        Self::of("grpc27")
    }

    /// Nothing where it cannot be built, unless `JOVIAN_REQUIRE_DUBBO=1`, as CI has it.
    #[expect(clippy::print_stderr, reason = "whoever runs the tests is to know")]
    fn of(name: &'static str) -> Option<Self> {
        match built() {
            Ok(folder) => Some(Self { name, jar: folder.join(name).join(format!("{name}-1.jar")) }),
            Err(why) => {
                assert!(!is_required(), "{why}, and JOVIAN_REQUIRE_DUBBO=1");
                eprintln!("skipped: {why}");
                None
            }
        }
    }

    /// Starts a provider and waits until it serves and is registered.
    pub(crate) async fn provide(&self, arguments: &[&str]) -> Provider {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let port = port.to_string();
        let (process, mut output, log) = self.run("provider", &[&["--port", &port], arguments].concat());
        let line = timeout(PATIENCE, output.next_line()).await.expect("it says something").unwrap();
        let ready = line.as_ref().is_some_and(|line| line.contains(r#""ready":"#));
        assert!(ready, "{}: {line:?}, see {}", self.name, log.display());
        Provider { _process: process, address: format!("127.0.0.1:{port}"), _output: output }
    }

    /// Starts a consumer and waits until it has its reference to the service.
    pub(crate) async fn refer(&self, arguments: &[&str]) -> Consumer {
        let (process, output, log) = self.run("consumer", arguments);
        let mut consumer = Consumer { process, output, log, failed: Vec::new(), checks: BTreeMap::new() };
        consumer.check().await;
        consumer
    }

    /// Runs a consumer to its end.
    pub(crate) async fn consume(&self, arguments: &[&str]) -> Report {
        self.refer(arguments).await.report().await
    }

    /// Starts the program; where it logs is said behind what it says.
    pub(crate) fn run(&self, role: &str, arguments: &[&str]) -> (Child, Output, PathBuf) {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}-{role}-{}.log", self.name, COUNT.fetch_add(1, Relaxed));
        let log = folder().join(name);
        // Programs that live for seconds are compiled no better than they have to be.
        let mut process = Command::new("java")
            .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-jar"])
            .arg(&self.jar)
            .arg(role)
            .args(arguments)
            .current_dir(folder())
            // Dubbo keeps what it found in files below it.
            .env("JAVA_TOOL_OPTIONS", format!("-Duser.home={}", folder().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        (process, output, log)
    }
}

impl Consumer {
    /// Reads what the next check found; whether there was one.
    async fn check(&mut self) -> bool {
        let line = timeout(PATIENCE, self.output.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("nothing is said, see {}", self.log.display()));
        let Some(line) = line.unwrap() else { return false };
        let check: Value = serde_json::from_str(&line).unwrap();
        if check["ok"] == true {
            self.checks.insert(check["check"].as_str().unwrap().to_owned(), check["seen"].clone());
        } else {
            self.failed.push(line);
        }
        true
    }

    /// Waits for its end. All of its checks hold, or this panics with what it said.
    pub(crate) async fn report(self) -> Report {
        let log = self.log.display().to_string();
        let (failed, checks) = self.ended().await;
        assert!(failed.is_empty(), "see {log}\n{}", failed.join("\n"));
        Report(checks)
    }

    /// Waits for its end; what it said of the checks that failed, and what the others found.
    pub(crate) async fn ended(mut self) -> (Vec<String>, BTreeMap<String, Value>) {
        while self.check().await {}
        let ended = timeout(PATIENCE, self.process.wait()).await.expect("it ends").unwrap();
        assert_eq!(ended.success(), self.failed.is_empty(), "{ended}, see {}", self.log.display());
        (self.failed, self.checks)
    }
}

impl Report {
    /// What a check found, besides that it holds.
    pub(crate) fn seen(&self, check: &str) -> &Value {
        self.0.get(check).unwrap_or_else(|| panic!("nobody checked {check}: {:?}", self.0.keys()))
    }

    /// That all of these were checked, and hence hold.
    pub(crate) fn has(&self, checks: &[&str]) {
        for check in checks {
            self.seen(check);
        }
    }
}

/// Whether it is an error that something is missing.
pub(crate) fn is_required() -> bool {
    std::env::var("JOVIAN_REQUIRE_DUBBO").is_ok_and(|value| value == "1")
}

/// Where the programs are built, and write what they write on the side.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("java")
}

/// Builds the programs, or says why they cannot be.
fn built() -> Result<&'static Path, String> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let build = || {
        let folder = folder();
        let maven = std::process::Command::new("mvn")
            .args(["-q", "-B", "-ntp", "package"])
            .arg(format!("-Dout.dir={}", folder.display()))
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../java"))
            .stdin(Stdio::null())
            .output()
            .map_err(|error| {
                format!("there is no Maven on this machine (Debian: apt-get install maven): {error}")
            })?;
        let said = String::from_utf8_lossy(&maven.stdout);
        if maven.status.success() {
            Ok(folder)
        } else {
            Err(format!("Maven cannot build the programs: {said}"))
        }
    };
    BUILT.get_or_init(build).as_deref().map_err(Clone::clone)
}
