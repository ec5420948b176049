//! A real node of bilibili's discovery, on a free port of loopback.
//!
//! Where there is none, tests that need it say `skipped:` and pass, unless `JOVIAN_REQUIRE_DISCOVERY=1`, as CI has it.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a node may take to listen; the seconds are for slow machines.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where `tests/interop/discovery/install` has put it, if it has.
#[expect(clippy::print_stderr, reason = "whoever runs the tests is to know")]
fn installed() -> Option<PathBuf> {
    let usual = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../discovery/discovery");
    let program = std::env::var_os("JOVIAN_DISCOVERY").map_or(usual, PathBuf::from);
    let is_required = std::env::var("JOVIAN_REQUIRE_DISCOVERY").is_ok_and(|value| value == "1");
    let there_is_none = format!("there is no {}", program.display());
    assert!(program.exists() || !is_required, "{there_is_none}, and JOVIAN_REQUIRE_DISCOVERY=1");
    if !program.exists() {
        eprintln!("skipped: {there_is_none} (tests/interop/discovery/install target/discovery)");
        return None;
    }
    Some(program)
}

/// One node, which keeps what it knows in memory alone.
pub(crate) struct Node {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    child: Option<Child>,
}

impl Node {
    /// A node of the zone `sh001` and the environment `dev`; nothing if there is no discovery here.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let program = installed()?;
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("discovery").join(test);
        fs::create_dir_all(&folder).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut node = Self { program, folder, port, child: None };
        let address = node.address();
        let config = format!(
            "nodes = [\"{address}\"]\nenableprotect = false\n\
             [env]\nregion = \"sh\"\nzone = \"sh001\"\nhost = \"node\"\ndeployEnv = \"dev\"\n\
             [httpServer]\naddr = \"{address}\"\ntimeout = \"40s\"\n\
             [httpClient]\ndial = \"1s\"\nkeepAlive = \"120s\"\ntimeout = \"40s\"\n"
        );
        fs::write(node.folder.join("discovery.toml"), config).unwrap();
        node.resume();
        Some(node)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Starts it; it knows nothing.
    pub(crate) fn resume(&mut self) {
        let log = fs::File::create(self.folder.join("log")).unwrap();
        let child = Command::new(&self.program)
            .arg("-conf")
            .arg(self.folder.join("discovery.toml"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(self.address()).is_err() {
            assert!(Instant::now() < until, "it never listened: {}", self.folder.display());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

/// A node that a test leaves behind would outlive it.
impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
