//! Projects that `jovian new` makes, for tests.
//!
//! Those that are built lie in `skeletons/` of the target folder and share one target folder there, so that what they depend
//! on is compiled once.
#![allow(dead_code, reason = "each test file uses its own part of it")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::{root, tree};

pub(crate) fn jovian(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jovian")).args(arguments).current_dir(dir).output().expect("jovian runs")
}

pub(crate) fn said(run: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr))
}

pub(crate) fn empty() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// The files of a new project that are not a copy of the runtime.
pub(crate) fn new_project(name: &str, more: &[&str]) -> BTreeMap<String, String> {
    let dir = empty();
    let run = jovian(dir.path(), &[&["new", name, "--path", "made"], more].concat());
    assert!(run.status.success(), "{name}: {}", said(&run));
    let mut files = tree(&dir.path().join("made"));
    files.retain(|name, _| !name.starts_with("vendor/"));
    files
}

/// Where projects are built.
pub(crate) fn workshop() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    target.join("skeletons")
}

/// Two builds at once would wait for each other and overwrite each other's programs.
pub(crate) fn one_at_a_time() -> MutexGuard<'static, ()> {
    static BUILDS: Mutex<()> = Mutex::new(());
    BUILDS.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn cargo(project: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).current_dir(project).env("CARGO_TARGET_DIR", workshop().join("target"));
    command
}

pub(crate) fn passes(project: &Path, arguments: &[&str]) -> String {
    let run = cargo(project, arguments).output().expect("cargo runs");
    assert!(run.status.success(), "cargo {}\n{}", arguments.join(" "), said(&run));
    said(&run)
}

/// A running program that ends with the test, however that ends.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Running {
    /// Tells it to end, and gives what it said once it has.
    pub(crate) fn terminate(mut self) -> (Option<i32>, String) {
        let told = Command::new("sh").args(["-c", "kill -s TERM \"$0\"", &self.0.id().to_string()]).status();
        assert!(told.expect("sh runs").success());
        let mut text = String::new();
        self.0.stdout.take().expect("its output").read_to_string(&mut text).expect("text");
        (self.0.wait().expect("it ends").code(), text)
    }
}

pub(crate) fn eventually(what: &str, patience: Duration, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < patience, "never came to be: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// A new service to be built. The place is always the same, so that the target folder does not grow with every run.
pub(crate) fn new_service(name: &str, more: &[&str]) -> PathBuf {
    let dir = workshop().join("projects");
    let project = dir.join(name.rsplit('.').next().unwrap_or_default());
    let _nothing_there = fs::remove_dir_all(&project);
    fs::create_dir_all(&dir).expect("the folder of the projects");
    let made = jovian(&dir, &[&["new", name], more].concat());
    assert!(made.status.success(), "{}", said(&made));
    // The versions that are tested here; without it cargo would ask the registry for newer ones.
    fs::copy(root().join("Cargo.lock"), project.join("Cargo.lock")).expect("the lock");
    project
}

/// A free port of this machine, as `host:port`; the next one, which is the governor's, is free as well.
pub(crate) fn free_address() -> String {
    loop {
        let service = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = service.local_addr().expect("an address");
        if TcpListener::bind((address.ip(), address.port().saturating_add(1))).is_ok() {
            return address.to_string();
        }
    }
}
