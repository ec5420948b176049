//! What tests of registries in stores have in common, whichever store it is.
#![allow(dead_code, reason = "every test file uses its own part of it")]

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use jovian_runtime::registry::{Instance, Instances};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

pub(crate) const APP: &str = "shop.order.orders";
/// How long a change may take; the seconds are for slow machines.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn instance(address: &str) -> Instance {
    Instance::new(APP, address)
}

pub(crate) fn ids(instances: &[Instance]) -> Vec<&str> {
    instances.iter().map(|instance| instance.id.as_str()).collect()
}

/// Waits until the list is this one.
pub(crate) async fn becomes(watched: &mut watch::Receiver<Instances>, expected: &[&str]) {
    let waiting = watched.wait_for(|list| ids(list) == expected);
    let found = timeout(PATIENCE, waiting).await.map(|list| list.map(drop));
    assert!(found.is_ok(), "{:?} never became {expected:?}", ids(&watched.borrow()));
}

/// Waits until the list is like this.
pub(crate) async fn turns(watched: &mut watch::Receiver<Instances>, so: impl Fn(&[Instance]) -> bool) {
    let found = timeout(PATIENCE, watched.wait_for(|list| so(list))).await.map(|list| list.map(drop));
    assert!(found.is_ok(), "{:?} never turned", watched.borrow());
}

/// Goes between a client and a store, and can be cut.
pub(crate) struct Cable {
    pub(crate) address: String,
    whole: Arc<AtomicBool>,
}

impl Cable {
    pub(crate) async fn to(endpoint: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let whole = Arc::new(AtomicBool::new(true));
        let is_whole = Arc::clone(&whole);
        tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let (endpoint, is_whole) = (endpoint.clone(), Arc::clone(&is_whole));
                tokio::spawn(async move {
                    let cut = async {
                        while is_whole.load(SeqCst) {
                            sleep(Duration::from_millis(5)).await;
                        }
                    };
                    let piping = async {
                        let mut far = TcpStream::connect(endpoint).await.unwrap();
                        let _ = copy_bidirectional(&mut near, &mut far).await;
                    };
                    tokio::select! { () = cut => {}, () = piping => {} }
                });
            }
        });
        Self { address, whole }
    }

    pub(crate) fn set(&self, whole: bool) {
        self.whole.store(whole, SeqCst);
    }
}

/// A test of this binary in a process of its own, which is told where the store is.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(test: &str, variable: &str, endpoint: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test]).env(variable, endpoint);
        Self(command.stdout(Stdio::null()).spawn().unwrap())
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }
}

/// A process that a test leaves behind would outlive it.
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
