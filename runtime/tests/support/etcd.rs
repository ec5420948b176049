//! A real etcd: one process, or several that are one store, on free ports of loopback.
//!
//! Where there is none, tests that need it say `skipped:` and pass, unless `JOVIAN_REQUIRE_ETCD=1`, as CI has it.

#![allow(dead_code, reason = "every test file uses its own part of it")]

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a member may take to listen; the seconds are for slow machines.
const PATIENCE: Duration = Duration::from_secs(30);

/// One store.
pub(crate) struct Etcd {
    members: Vec<Member>,
    /// How clients speak to it.
    scheme: &'static str,
    more: Vec<String>,
}

struct Member {
    name: String,
    client: u16,
    peer: u16,
    /// Where it says, in the open, how it is.
    health: u16,
    data: PathBuf,
    child: Option<Child>,
}

/// Whether there is an etcd to test with.
#[expect(clippy::print_stderr, reason = "whoever runs the tests is to know")]
pub(crate) fn is_here() -> bool {
    let runs = |program| {
        let asked =
            Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        asked.is_ok()
    };
    let is_here = runs("etcd") && runs("etcdctl");
    let is_required = std::env::var("JOVIAN_REQUIRE_ETCD").is_ok_and(|value| value == "1");
    assert!(is_here || !is_required, "there is no `etcd` or no `etcdctl`, and JOVIAN_REQUIRE_ETCD=1");
    if !is_here {
        eprintln!(
            "skipped: there is no `etcd` or no `etcdctl` on this machine (Debian: apt-get install etcd-server etcd-client)"
        );
    }
    is_here
}

impl Etcd {
    /// A store of one member; nothing if there is no etcd here.
    pub(crate) fn start(test: &str) -> Option<Self> {
        Self::of(test, 1, &[])
    }

    /// A store of one member that speaks TLS with those whose certificate it knows, with the flags that say so.
    pub(crate) fn secret(test: &str, files: &[&str]) -> Option<Self> {
        Self::with(test, 1, &[files, &["--client-cert-auth"]].concat(), "https")
    }

    /// A store of so many members, started with some more flags.
    pub(crate) fn of(test: &str, members: usize, more: &[&str]) -> Option<Self> {
        Self::with(test, members, more, "http")
    }

    fn with(test: &str, members: usize, more: &[&str], scheme: &'static str) -> Option<Self> {
        if !is_here() {
            return None;
        }
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("etcd").join(test);
        let _nothing_there = fs::remove_dir_all(&folder);
        // All ports are held until all are known.
        let held: Vec<[TcpListener; 3]> =
            (0..members).map(|_| [0; 3].map(|_: i32| TcpListener::bind("127.0.0.1:0").unwrap())).collect();
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
        let member = |(number, [client, peer, health]): (usize, &[TcpListener; 3])| {
            let (name, data) = (format!("member-{number}"), folder.join(format!("member-{number}")));
            let [client, peer, health] = [client, peer, health].map(port);
            Member { name, client, peer, health, data, child: None }
        };
        let members = held.iter().enumerate().map(member).collect();
        drop(held);
        let more = more.iter().map(|&flag| flag.to_owned()).collect();
        let mut store = Self { members, scheme, more };
        store.resume();
        Some(store)
    }

    /// Where its members are.
    pub(crate) fn endpoints(&self) -> Vec<String> {
        self.members.iter().map(|member| format!("127.0.0.1:{}", member.client)).collect()
    }

    /// Starts the members that do not run, with what they had stored.
    pub(crate) fn resume(&mut self) {
        let cluster: Vec<String> = self
            .members
            .iter()
            .map(|member| format!("{}=http://127.0.0.1:{}", member.name, member.peer))
            .collect();
        let cluster = cluster.join(",");
        for member in self.members.iter_mut().filter(|member| member.child.is_none()) {
            let (client, peer) = (
                format!("{}://127.0.0.1:{}", self.scheme, member.client),
                format!("http://127.0.0.1:{}", member.peer),
            );
            let health = format!("http://127.0.0.1:{}", member.health);
            fs::create_dir_all(&member.data).unwrap();
            let log = fs::File::create(member.data.with_extension("log")).unwrap();
            let child = Command::new("etcd")
                .args(["--name", &member.name, "--data-dir", member.data.to_str().unwrap()])
                .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
                .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
                .args(["--initial-cluster", &cluster, "--listen-metrics-urls", &health])
                .args(&self.more)
                .stdout(Stdio::null())
                .stderr(log)
                .spawn()
                .unwrap();
            member.child = Some(child);
        }
        let until = Instant::now() + PATIENCE;
        for member in &self.members {
            // One that is killed before it has a leader may never have one again.
            while !member.is_well() {
                assert!(Instant::now() < until, "{} was never well", member.name);
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    /// Kills one member.
    pub(crate) fn kill(&mut self, number: usize) {
        if let Some(mut child) = self.members[number].child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Forgets what one member had stored; it does not run.
    pub(crate) fn wipe(&self, number: usize) {
        fs::remove_dir_all(&self.members[number].data).unwrap();
    }
}

impl Member {
    /// Whether it answers, and has a leader.
    fn is_well(&self) -> bool {
        let asked = || -> io::Result<String> {
            let mut connection = TcpStream::connect(("127.0.0.1", self.health))?;
            connection.set_read_timeout(Some(PATIENCE))?;
            connection.write_all(b"GET /health HTTP/1.0\r\n\r\n")?;
            let mut answer = String::new();
            connection.read_to_string(&mut answer).map(|_| answer)
        };
        asked().is_ok_and(|answer| answer.contains(r#""health":"true""#))
    }
}

/// A member that a test leaves behind would outlive it.
impl Drop for Etcd {
    fn drop(&mut self) {
        for number in 0..self.members.len() {
            self.kill(number);
            // A log of etcd takes 64 MB before anything is in it.
            let _ = fs::remove_dir_all(&self.members[number].data);
        }
    }
}
