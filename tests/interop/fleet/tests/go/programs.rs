//! The Go programs: built once, run as providers and consumers.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long a program may take to do what it has to do; the seconds are for slow machines.
const PATIENCE: Duration = Duration::from_secs(180);

/// A program of one framework.
pub(crate) struct Program {
    name: &'static str,
    path: PathBuf,
}

/// A provider that runs, until this is dropped.
pub(crate) struct Provider {
    /// Where it serves.
    pub(crate) address: String,
    _process: Child,
    // A program whose standard output is closed fails at its next word.
    _output: BufReader<ChildStdout>,
}

/// What the checks of a consumer found, by their names.
pub(crate) struct Report(BTreeMap<String, Value>);

impl Program {
    /// The program of a framework; nothing where it cannot be built, unless `JOVIAN_REQUIRE_FLEET=1`, as CI has it.
    #[expect(clippy::print_stderr, reason = "whoever runs the tests is to know")]
    pub(crate) fn of(name: &'static str) -> Option<Self> {
        match built(name) {
            Ok(path) => Some(Self { name, path }),
            Err(why) => {
                assert!(!is_required(), "{why}, and JOVIAN_REQUIRE_FLEET=1");
                eprintln!("skipped: {why}");
                None
            }
        }
    }

    /// Starts a provider and waits until it serves; it is registered soon after.
    pub(crate) async fn provide(&self, arguments: &[impl AsRef<str>]) -> Provider {
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-provider.log", self.name));
        let mut process = self
            .command("provider", arguments)
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        timeout(PATIENCE, output.read_line(&mut line)).await.expect("it says something").unwrap();
        assert!(line.contains(r#""ready":true"#), "{}: {line}, see {}", self.name, log.display());
        let ready: Value = serde_json::from_str(&line).unwrap();
        let address = ready["address"].as_str().unwrap().to_owned();
        Provider { address, _process: process, _output: output }
    }

    /// Runs a consumer to its end. All of its checks hold, or this panics with what it said.
    pub(crate) async fn consume(&self, arguments: &[impl AsRef<str>]) -> Report {
        let ended = timeout(PATIENCE, self.command("consumer", arguments).output()).await;
        let ended = ended.expect("the consumer ends").unwrap();
        let said = String::from_utf8_lossy(&ended.stdout);
        let failed: Vec<&str> = said.lines().filter(|line| !line.contains(r#""ok":true"#)).collect();
        assert!(
            ended.status.success() && failed.is_empty(),
            "{} {}: {}\n{}\n{}",
            self.name,
            arguments.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(" "),
            ended.status,
            failed.join("\n"),
            String::from_utf8_lossy(&ended.stderr)
        );
        let check = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            (line["check"].as_str().unwrap().to_owned(), line["detail"].clone())
        };
        Report(said.lines().map(check).collect())
    }

    /// The program in a role, as it is run here.
    pub(crate) fn command(&self, role: &str, arguments: &[impl AsRef<str>]) -> Command {
        let mut command = Command::new(&self.path);
        command.arg(role).args(arguments.iter().map(AsRef::as_ref)).stdin(Stdio::null()).kill_on_drop(true);
        // What they write on the side, such as logs.
        command.current_dir(env!("CARGO_TARGET_TMPDIR"));
        command.env("APP_LOG_DIR", env!("CARGO_TARGET_TMPDIR"));
        // Else dubbo-go tells others an address of the machine, at which it does not listen.
        command.env("DUBBO_IP_TO_REGISTRY", "127.0.0.1");
        command
    }
}

impl Report {
    /// What a check found, besides that it holds.
    pub(crate) fn detail(&self, check: &str) -> &Value {
        self.0.get(check).unwrap_or_else(|| panic!("nobody checked {check}: {:?}", self.0.keys()))
    }

    /// That all of these were checked, and hence hold.
    pub(crate) fn has(&self, checks: &[&str]) {
        for check in checks {
            self.detail(check);
        }
    }
}

/// Whether it is an error that something is missing.
pub(crate) fn is_required() -> bool {
    std::env::var("JOVIAN_REQUIRE_FLEET").is_ok_and(|value| value == "1")
}

/// Builds a program, or says why it cannot be. One is built at a time: the compiler uses all processors by itself.
fn built(name: &'static str) -> Result<PathBuf, String> {
    static BUILT: Mutex<BTreeMap<&str, Result<PathBuf, String>>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let build = || {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go").join(name);
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../go").join(name);
        let go = std::process::Command::new("go")
            // Without what go-zero needs for Kubernetes alone, which is most of it.
            .args(["build", "-buildvcs=false", "-tags=no_k8s", "-ldflags=-s -w", "-o"])
            .arg(&path)
            .arg(".")
            .current_dir(sources)
            .output()
            .map_err(|error| {
                format!("there is no Go on this machine (Debian: apt-get install golang-go): {error}")
            })?;
        if go.status.success() {
            Ok(path)
        } else {
            Err(format!("the program on {name} cannot be built: {}", String::from_utf8_lossy(&go.stderr)))
        }
    };
    built.entry(name).or_insert_with(build).clone()
}
