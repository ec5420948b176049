//! What tests of registries in stores have in common, whichever store it is.
#![allow(dead_code, reason = "every test file uses its own part of it")]

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jovian_runtime::registry::layout::{DubboApp, Layout, Options, StoreKind};
use jovian_runtime::registry::{Instance, Instances, Provided, Registry, Wanted, stores};
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

pub(crate) fn ids(instances: &[Arc<Instance>]) -> Vec<&str> {
    instances.iter().map(|instance| instance.id.as_str()).collect()
}

/// Waits until the list is this one.
pub(crate) async fn becomes(watched: &mut watch::Receiver<Instances>, expected: &[&str]) {
    let waiting = watched.wait_for(|list| ids(list) == expected);
    let found = timeout(PATIENCE, waiting).await.map(|list| list.map(drop));
    assert!(found.is_ok(), "{:?} never became {expected:?}", ids(&watched.borrow()));
}

/// Waits until the list is like this.
pub(crate) async fn turns(watched: &mut watch::Receiver<Instances>, so: impl Fn(&[Arc<Instance>]) -> bool) {
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

const NAME: &str = "shop.orders.v1.Orders";
const JAVA: &str = "com.example.shop.Orders";

/// Dubbo by application, in whichever store: a mapping leads to apps, these to their instances, and these to what is said of
/// them. `set` writes the value of a key.
pub(crate) async fn what_is_mapped_is_found(
    kind: StoreKind,
    registry: impl Fn(Vec<Arc<dyn Layout>>) -> Box<dyn Registry>,
    mut set: impl AsyncFnMut(&str, &str),
) {
    let registry = || registry(vec![Arc::new(DubboApp(Options::of(kind)))]);
    let (own, other) = (registry(), registry());
    let provider = |app: &str, address: &str, group: &str, methods: &[&str]| {
        let mut service = Provided::declared(NAME, JAVA, methods.iter().copied());
        group.clone_into(&mut service.group);
        Instance { services: vec![service], ..Instance::new(app, address) }
    };
    // Which app serves it is not known.
    let mut wanted = Wanted::app("");
    (wanted.name, wanted.java) = (NAME.to_owned(), JAVA.to_owned());
    let mut watched = own.watch(&wanted);
    let lists = Arc::new(Mutex::new(Vec::new()));
    let (mut listed, all_lists) = (watched.clone(), Arc::clone(&lists));
    tokio::spawn(async move {
        while listed.changed().await.is_ok() {
            let list = listed.borrow_and_update().clone();
            all_lists.lock().unwrap().push(list);
        }
    });
    let back = own.register(provider("mapped.back", "10.0.0.1:1", "", &["GetOrder"])).await.unwrap();
    becomes(&mut watched, &["10.0.0.1:1"]).await;
    assert_eq!(
        (&*watched.borrow()[0].app, &*watched.borrow()[0].services[0].methods[0]),
        ("mapped.back", "GetOrder")
    );

    // Only what is said of an app tells that its group is another one: nobody hears of it before that is known.
    let blue = own.register(provider("mapped.blue", "10.0.0.2:1", "blue", &["GetOrder"])).await.unwrap();
    let more = own.register(provider("mapped.more", "10.0.0.3:1", "", &["GetOrder"])).await.unwrap();
    becomes(&mut watched, &["10.0.0.1:1", "10.0.0.3:1"]).await;

    // What an instance stood for counts until it is known what it stands for now.
    let newer =
        other.register(provider("mapped.back", "10.0.0.1:1", "", &["GetOrder", "ListOrders"])).await.unwrap();
    turns(&mut watched, |list| list.len() == 2 && list[0].services[0].methods.len() == 2).await;
    for list in lists.lock().unwrap().iter() {
        let ids = ids(list);
        assert!(ids.contains(&"10.0.0.1:1") && !ids.contains(&"10.0.0.2:1"), "{ids:?}");
    }
    // Nobody leads to the earlier revision any more.
    let said = |app: &str| places(&format!("/dubbo/metadata/{app}/")).len();
    until("one revision is followed", || (said("mapped.back"), said("mapped.blue")) == (1, 1)).await;

    for registration in [newer, back, blue, more] {
        registration.deregister().await.unwrap();
    }
    becomes(&mut watched, &[]).await;
    assert_eq!((places("/services/mapped.").len(), places("/services/mapped.else/").len()), (3, 0));
    for interface in [NAME, JAVA] {
        set(&format!("/dubbo/mapping/{interface}"), "mapped.else").await;
    }
    until("only the app that is mapped is followed", || {
        places("/services/mapped.") == ["/services/mapped.else/"]
    })
    .await;
    assert_eq!((said("mapped.back"), said("mapped.blue")), (0, 0));
}

/// The places that this process follows and that begin so.
fn places(beginning: &str) -> Vec<String> {
    let places =
        stores().into_iter().filter(|state| state.id.is_empty() && state.name.starts_with(beginning));
    places.map(|state| state.name).collect()
}

async fn until(what: &str, so: impl Fn() -> bool) {
    let waiting = async {
        while !so() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(timeout(PATIENCE, waiting).await.is_ok(), "never: {what}");
}
