//! A real ZooKeeper: one server, or several that are one store, on free ports of loopback; and ZooKeeper's own command line, which
//! shares no code with ours.
//!
//! Where there is none, tests that need it say `skipped:` and pass, unless `JOVIAN_REQUIRE_ZOOKEEPER=1`, as CI has it.

use std::fs;
use std::io::{self, BufRead as _, BufReader, PipeReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to serve; the seconds are for slow machines.
const PATIENCE: Duration = Duration::from_secs(60);
/// Debian's, which names all that it needs. `JOVIAN_ZOOKEEPER_JAR` names another one for servers, as a class path.
const JAR: &str = "/usr/share/java/zookeeper.jar";

/// One store.
pub(crate) struct ZooKeeper {
    servers: Vec<Server>,
    more: String,
}

struct Server {
    client: u16,
    /// Where the others reach it, and where they elect.
    peers: [u16; 2],
    folder: PathBuf,
    child: Option<Child>,
}

/// Whether there is a ZooKeeper to test with.
#[expect(clippy::print_stderr, reason = "whoever runs the tests is to know")]
pub(crate) fn is_here() -> bool {
    let asked = Command::new("java").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let is_here = asked.is_ok() && Path::new(JAR).exists();
    let is_required = std::env::var("JOVIAN_REQUIRE_ZOOKEEPER").is_ok_and(|value| value == "1");
    assert!(is_here || !is_required, "there is no `java` or no {JAR}, and JOVIAN_REQUIRE_ZOOKEEPER=1");
    if !is_here {
        eprintln!(
            "skipped: there is no `java` or no {JAR} on this machine (Debian: apt-get install default-jre-headless libzookeeper-java)"
        );
    }
    is_here
}

fn java(jar: &str) -> Command {
    let mut java = Command::new("java");
    java.args(["-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", jar]);
    java
}

impl ZooKeeper {
    /// A store of one server; nothing if there is no ZooKeeper here.
    pub(crate) fn start(test: &str) -> Option<Self> {
        Self::of(test, 1, "")
    }

    /// A store of so many servers, with some more lines of configuration.
    pub(crate) fn of(test: &str, servers: usize, more: &str) -> Option<Self> {
        if !is_here() {
            return None;
        }
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("zookeeper").join(test);
        let _nothing_there = fs::remove_dir_all(&folder);
        // All ports are held until all are known.
        let held: Vec<[TcpListener; 3]> =
            (0..servers).map(|_| [0; 3].map(|_: i32| TcpListener::bind("127.0.0.1:0").unwrap())).collect();
        let server = |(number, held): (usize, &[TcpListener; 3])| {
            let [client, one, other] = held.each_ref().map(|listener| listener.local_addr().unwrap().port());
            Server { client, peers: [one, other], folder: folder.join(number.to_string()), child: None }
        };
        let servers = held.iter().enumerate().map(server).collect();
        drop(held);
        let mut store = Self { servers, more: more.to_owned() };
        store.resume();
        Some(store)
    }

    /// Where its servers are.
    pub(crate) fn endpoints(&self) -> Vec<String> {
        self.servers.iter().map(|server| format!("127.0.0.1:{}", server.client)).collect()
    }

    /// Starts the servers that do not run, with what they had stored.
    pub(crate) fn resume(&mut self) {
        let numbered = |(number, server): (usize, &Server)| {
            let [one, other] = server.peers;
            format!("server.{number}=127.0.0.1:{one}:{other}\n")
        };
        // One server is one that has no others.
        let all: String = match self.servers.len() {
            1 => String::new(),
            _ => self.servers.iter().enumerate().map(numbered).collect(),
        };
        for (number, server) in
            self.servers.iter_mut().enumerate().filter(|(_, server)| server.child.is_none())
        {
            let data = server.folder.join("data");
            fs::create_dir_all(&data).unwrap();
            fs::write(data.join("myid"), number.to_string()).unwrap();
            let config = server.folder.join("zoo.cfg");
            let (data, client, more) = (data.display(), server.client, &self.more);
            // Sessions of 1 to 60 s: a short one lets a test see a node go without a long wait.
            let text = format!(
                "tickTime=500\ninitLimit=20\nsyncLimit=10\ndataDir={data}\nclientPortAddress=127.0.0.1\nclientPort={client}\n\
                 admin.enableServer=false\n4lw.commands.whitelist=*\nmaxClientCnxns=0\n\
                 minSessionTimeout=1000\nmaxSessionTimeout=60000\n{more}\n{all}"
            );
            fs::write(&config, text).unwrap();
            let log = fs::File::create(server.folder.join("log")).unwrap();
            let jar = std::env::var("JOVIAN_ZOOKEEPER_JAR").unwrap_or_else(|_| JAR.to_owned());
            let mut command = java(&jar);
            command.arg("org.apache.zookeeper.server.quorum.QuorumPeerMain").arg(config);
            let child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn();
            server.child = Some(child.unwrap());
        }
        let until = Instant::now() + PATIENCE;
        for server in &self.servers {
            while !server.ask("srvr").is_ok_and(|answer| answer.contains("Mode:")) {
                assert!(Instant::now() < until, "the server in {:?} never served", server.folder);
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }

    /// Kills one server.
    pub(crate) fn kill(&mut self, number: usize) {
        if let Some(mut child) = self.servers[number].child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Forgets what one server had stored; it does not run.
    pub(crate) fn wipe(&self, number: usize) {
        fs::remove_dir_all(&self.servers[number].folder).unwrap();
    }

    /// Sends a signal to one server: `STOP`, `CONT`.
    pub(crate) fn signal(&self, number: usize, name: &str) {
        let id = self.servers[number].child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }
}

impl Server {
    fn ask(&self, command: &str) -> io::Result<String> {
        let mut connection = TcpStream::connect(("127.0.0.1", self.client))?;
        connection.set_read_timeout(Some(Duration::from_secs(5)))?;
        connection.write_all(command.as_bytes())?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).map(|_| answer)
    }
}

/// A server that a test leaves behind would outlive it.
impl Drop for ZooKeeper {
    fn drop(&mut self) {
        for number in 0..self.servers.len() {
            self.kill(number);
        }
    }
}

/// ZooKeeper's own command line, in a session of its own.
pub(crate) struct Shell {
    child: Child,
    commands: ChildStdin,
    said: BufReader<PipeReader>,
    count: u32,
}

/// A node, as the command line tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) value: String,
    /// The session that it goes with; 0 if it stays.
    pub(crate) owner: i64,
    /// The transaction that changed it last.
    pub(crate) modified: i64,
}

impl Shell {
    /// At a server (`host:port`).
    pub(crate) fn at(endpoint: &str) -> Self {
        let (said, say) = io::pipe().unwrap();
        let mut command = java(JAR);
        command.args(["org.apache.zookeeper.ZooKeeperMain", "-waitforconnection", "-server", endpoint]);
        command.stdin(Stdio::piped()).stdout(say.try_clone().unwrap()).stderr(say);
        let mut child = command.spawn().unwrap();
        let commands = child.stdin.take().unwrap();
        Self { child, commands, said: BufReader::new(said), count: 0 }
    }

    /// Runs a command; the lines that it says.
    pub(crate) fn run(&mut self, command: &str) -> Vec<String> {
        self.count += 1;
        // Nothing is said at the end of a command, so something else is asked for that cannot be.
        let end = format!("/end-{}", self.count);
        writeln!(self.commands, "{command}\nget {end}").unwrap();
        let mut lines = Vec::new();
        for line in (&mut self.said).lines() {
            let line = line.unwrap();
            if line.contains(&end) {
                return lines;
            }
            lines.push(line);
        }
        panic!("the command line ended: {lines:#?}");
    }

    /// A node, if it is there.
    pub(crate) fn get(&mut self, path: &str) -> Option<Node> {
        let lines = self.run(&format!("get -s {path}"));
        let first = lines.iter().position(|line| line.starts_with("cZxid = "))?;
        let number = |name: &str| {
            let value = lines[first..].iter().find_map(|line| line.strip_prefix(name)).unwrap();
            u64::from_str_radix(value.trim_start_matches("0x"), 16).unwrap().cast_signed()
        };
        let (owner, modified) = (number("ephemeralOwner = "), number("mZxid = "));
        Some(Node { value: lines[first - 1].clone(), owner, modified })
    }

    /// Creates a node that stays, with its parents.
    pub(crate) fn create(&mut self, path: &str, value: &str) {
        for (end, _) in path.match_indices('/').skip(1) {
            self.run(&format!("create {}", &path[..end]));
        }
        self.run(&format!("create {path} '{value}'"));
        assert_eq!(self.get(path).unwrap().value, value);
    }

    /// Sets the value of a node.
    pub(crate) fn set(&mut self, path: &str, value: &str) {
        self.run(&format!("set {path} '{value}'"));
        assert_eq!(self.get(path).unwrap().value, value);
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
