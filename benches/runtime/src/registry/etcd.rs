//! An etcd of one member, on free ports, whose data end with it.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::programs;

const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Etcd {
    child: Child,
    data: PathBuf,
    /// `127.0.0.1:2379`
    pub(super) endpoint: String,
}

impl Etcd {
    pub(super) fn is_here() -> bool {
        Command::new("etcd").arg("--version").stdout(Stdio::null()).status().is_ok()
    }

    pub(super) fn start() -> anyhow::Result<Self> {
        let held = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
        let [client, peer] = [held[0].local_addr()?, held[1].local_addr()?];
        let data = programs::target()?.join("bench").join(format!("etcd-{}", client.port()));
        std::fs::create_dir_all(&data)?;
        drop(held);
        let (at, to) = (format!("http://{client}"), format!("http://{peer}"));
        let child = Command::new("etcd")
            .arg("--data-dir")
            .arg(&data)
            .args(["--listen-client-urls", &at, "--advertise-client-urls", &at])
            .args(["--listen-peer-urls", &to, "--initial-advertise-peer-urls", &to])
            .args(["--initial-cluster", &format!("default={to}"), "--unsafe-no-fsync"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("etcd cannot be started")?;
        let etcd = Self { child, data, endpoint: client.to_string() };
        let start = Instant::now();
        while TcpStream::connect(&etcd.endpoint).is_err() {
            ensure!(start.elapsed() < PATIENCE, "etcd does not listen at {}", etcd.endpoint);
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(etcd)
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.data);
    }
}
