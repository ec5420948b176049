//! A real DNS server, and a network of a test's own in which the system asks it.
//!
//! The test runs itself again in namespaces of Linux, where loopback is another one and `/etc/resolv.conf` says something else.
//! Where there is no `dnsmasq`, or no namespaces, tests that need them say `skipped:` and pass, unless `JOVIAN_REQUIRE_DNS=1`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::{sleep, timeout};

/// Set in the process inside of the network.
const CHILD: &str = "JOVIAN_TEST_NETWORK";

/// A name that stands for something whatever the others stand for.
const HERE: &str = "here.test";

const ENTER: &str =
    r#"ip link set lo up && mount --bind "$1/resolv.conf" /etc/resolv.conf && shift && exec "$@""#;

/// Runs what a test does in a network of its own; `test` is the name of the test.
pub(crate) fn in_a_network(test: &str, body: impl Future<Output = ()>) {
    if std::env::var_os(CHILD).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(body);
    }
    let folder = folder(test);
    let _nothing_there = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("resolv.conf"), "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n").unwrap();
    if !is_possible(&folder) {
        return;
    }
    let inside = network(&folder)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "yes")
        .status()
        .unwrap();
    assert!(inside.success(), "{test}, in its network");
}

fn folder(test: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("dns").join(test)
}

/// A command in a network of its own; what it is is still to be added.
fn network(folder: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "--mount", "sh", "-c", ENTER, "sh"]).arg(folder);
    command
}

#[expect(clippy::print_stderr, reason = "whoever runs the tests is to know")]
fn is_possible(folder: &Path) -> bool {
    let succeeds = |mut command: Command| {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let mut version = Command::new("dnsmasq");
    version.arg("--version");
    let mut enter = network(folder);
    enter.arg("true");
    let is_possible = succeeds(version) && succeeds(enter);
    let is_required = std::env::var("JOVIAN_REQUIRE_DNS").is_ok_and(|value| value == "1");
    assert!(is_possible || !is_required, "there is no `dnsmasq` or no namespace, and JOVIAN_REQUIRE_DNS=1");
    if !is_possible {
        eprintln!(
            "skipped: there is no `dnsmasq` on this machine (Debian: apt-get install dnsmasq-base), or no namespaces"
        );
    }
    is_possible
}

/// A DNS server that knows names below `test`, and no others.
pub(crate) struct Dns {
    hosts: PathBuf,
    child: Option<Child>,
}

impl Dns {
    /// Starts it; `name` stands for these addresses.
    pub(crate) async fn start(test: &str, name: &str, addresses: &[&str]) -> Self {
        let mut dns = Self { hosts: folder(test).join("hosts"), child: None };
        dns.resume(name, addresses).await;
        dns
    }

    /// Starts it again.
    pub(crate) async fn resume(&mut self, name: &str, addresses: &[&str]) {
        self.write(name, addresses);
        let child = Command::new("dnsmasq")
            .args(["--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file="])
            .args(["--listen-address=127.0.0.1", "--bind-interfaces", "--local=/test/"])
            .arg(format!("--addn-hosts={}", self.hosts.display()))
            .stderr(Stdio::null())
            .spawn();
        self.child = Some(child.unwrap());
        self.says(HERE, &["127.0.0.1"]).await;
        self.says(name, addresses).await;
    }

    /// The name stands for other addresses from now on.
    pub(crate) async fn change(&mut self, name: &str, addresses: &[&str]) {
        self.write(name, addresses);
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", "HUP", &id]).status().unwrap().success());
        self.says(name, addresses).await;
    }

    /// Nobody answers from now on.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn write(&self, name: &str, addresses: &[&str]) {
        let mut file = fs::File::create(&self.hosts).unwrap();
        writeln!(file, "127.0.0.1 {HERE}").unwrap();
        for address in addresses {
            writeln!(file, "{address} {name}").unwrap();
        }
    }

    /// Waits until it says so.
    async fn says(&self, name: &str, addresses: &[&str]) {
        let mut expected: Vec<String> = addresses.iter().map(|address| (*address).to_owned()).collect();
        expected.sort();
        let waiting = async {
            loop {
                let found = lookup_host((name, 0)).await;
                let found = found.map(|found| found.map(|place| place.ip().to_string()).collect());
                let mut found: Vec<String> = found.unwrap_or_default();
                found.sort();
                if found == expected {
                    return;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(20), waiting).await.expect("the DNS server answers");
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.stop();
    }
}
