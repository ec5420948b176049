//! `jovian registry`, run by tests, and an instance to look for.
#![allow(dead_code, reason = "each test file uses its own part of it")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use jovian_runtime::registry::{Instance, Provided};

/// Whatever takes longer hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const APP: &str = "shop.order.orders";

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jovian"));
    command.arg("registry").args(arguments).stdin(Stdio::null());
    command.env_remove("JOVIAN_REGISTRY_USER").env_remove("JOVIAN_REGISTRY_PASSWORD");
    command
}

pub(crate) fn registry(arguments: &[&str]) -> Output {
    command(arguments).output().expect("jovian runs")
}

pub(crate) fn stderr(run: &Output) -> String {
    String::from_utf8_lossy(&run.stderr).into_owned()
}

pub(crate) fn stdout(run: &Output) -> String {
    assert_eq!(run.status.code(), Some(0), "{}", stderr(run));
    String::from_utf8_lossy(&run.stdout).into_owned()
}

pub(crate) fn instance() -> Instance {
    let mut service = Provided::declared("shop.orders.v1.Orders", "com.example.shop.Orders", ["GetOrder"]);
    "blue".clone_into(&mut service.group);
    "1.0.0".clone_into(&mut service.version);
    Instance {
        zone: "eu-west-1a".to_owned(),
        version: "1.4.2".to_owned(),
        started: 1_767_225_600_000,
        services: vec![service],
        ..Instance::new(APP, "10.0.0.7:9000")
    }
}

/// A run of `watch`, and its lines.
pub(crate) struct Watch {
    pub(crate) child: Child,
    pub(crate) lines: mpsc::Receiver<String>,
}

impl Watch {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments).stdout(Stdio::piped()).spawn().expect("jovian runs");
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = mpsc::channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)).ok());
        Self { child, lines }
    }

    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line")
    }

    pub(crate) fn interrupt(&mut self) -> Option<i32> {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}
