//! One store with a program of one framework, and Rust beside it.

use std::net::TcpListener;
use std::sync::Arc;

use jovian_runtime::codegen::v1::BoundService;
use jovian_runtime::registry::Registry;
use jovian_runtime::{App, AppConfig, ClientServiceSection, Running};
use jovian_tests_fleet::probe::{PROBE_SERVICE, ProbeServiceClient, ProbeServiceServer};

use crate::probe::{Calls, Probe};
use crate::programs::{Program, Provider, Report};
use crate::store::Store;

/// What everybody calls the app.
pub(crate) const NAME: &str = "probe";

/// A store, and a program that uses it.
pub(crate) struct Fleet {
    pub(crate) program: Program,
    pub(crate) store: Store,
}

/// Generated Rust that serves.
pub(crate) struct Rust {
    pub(crate) running: Running,
    /// Who called what.
    pub(crate) calls: Calls,
}

impl Fleet {
    /// An empty etcd for the program of a framework; nothing where something is missing.
    pub(crate) fn start(test: &str, framework: &'static str) -> Option<Self> {
        Self::of(Store::etcd, test, framework)
    }

    /// The same with an empty ZooKeeper.
    pub(crate) fn start_in_zookeeper(test: &str, framework: &'static str) -> Option<Self> {
        Self::of(Store::zookeeper, test, framework)
    }

    /// The same with a Nacos.
    pub(crate) fn start_in_nacos(test: &str, framework: &'static str) -> Option<Self> {
        Self::of(Store::nacos, test, framework)
    }

    fn of(store: fn(&str) -> Option<Store>, test: &str, framework: &'static str) -> Option<Self> {
        Some(Self { program: Program::of(framework)?, store: store(test)? })
    }

    /// Where the store is.
    pub(crate) fn endpoint(&self) -> String {
        self.store.endpoint()
    }

    /// What the program is told: where the store is, and more.
    pub(crate) fn arguments(&self, more: &[&str]) -> Vec<String> {
        let more = more.iter().map(|&argument| argument.to_owned());
        self.store.arguments().into_iter().chain(more).collect()
    }

    /// Starts the program as a provider.
    pub(crate) async fn provide(&self, more: &[&str]) -> Provider {
        let port = free_port().to_string();
        self.program.provide(&self.arguments(&[&["-name", NAME, "-port", &port], more].concat())).await
    }

    /// Runs the program as a consumer; all that it checks holds.
    pub(crate) async fn consume(&self, more: &[&str]) -> Report {
        self.program.consume(&self.arguments(&[&["-name", NAME], more].concat())).await
    }

    /// Serves in Rust, written in these layouts. What it is sent it sends on if there is a `next`.
    pub(crate) async fn serve(&self, layouts: &[&str], next: Option<ProbeServiceClient>) -> Rust {
        self.serve_as(layouts, NAME, next).await
    }

    /// The same under another name, which apps have everywhere but in Dubbo by interface.
    pub(crate) async fn serve_as(
        &self,
        layouts: &[&str],
        name: &str,
        next: Option<ProbeServiceClient>,
    ) -> Rust {
        let server = ProbeServiceServer::new(Probe::new(next));
        start(self.app(layouts, name).serve(server)).await
    }

    /// The same in a group, or as a version.
    pub(crate) async fn serve_bound(&self, layouts: &[&str], server: BoundService) -> Rust {
        start(self.app(layouts, NAME).serve(server)).await
    }

    /// Serves in Rust, and is registered by hand: an app that is not well takes itself off its registry.
    pub(crate) async fn serve_by_hand(&self, record: impl Fn(&str) -> (String, String)) -> Rust {
        let rust = start(App::new(config()).serve(ProbeServiceServer::new(Probe::new(None)))).await;
        let (key, value) = record(&rust.running.address().to_string());
        self.store.put(&key, &value).await;
        rust
    }

    /// A client that looks for the app in these layouts, and what it lives by.
    pub(crate) fn client(&self, layouts: &[&str]) -> (App, ProbeServiceClient) {
        let app = self.app(layouts, NAME);
        let client = ProbeServiceClient::discover(&app).unwrap();
        (app, client)
    }

    /// A client that looks for a group and a version.
    pub(crate) fn client_of(
        &self,
        layouts: &[&str],
        group: &str,
        version: &str,
    ) -> (App, ProbeServiceClient) {
        let mut config = config();
        let section = ClientServiceSection {
            group: Some(group.to_owned()),
            version: Some(version.to_owned()),
            ..ClientServiceSection::default()
        };
        config.client.services.insert(PROBE_SERVICE.name.to_owned(), section);
        let app = App::new(config).with_registry(self.registry(layouts, NAME));
        let client = ProbeServiceClient::discover(&app).unwrap();
        (app, client)
    }

    /// An app in these layouts, in which the service has this name.
    fn app(&self, layouts: &[&str], name: &str) -> App {
        App::new(config()).with_registry(self.registry(layouts, name))
    }

    /// The store in these layouts, in which the service has this name.
    pub(crate) fn registry(&self, layouts: &[&str], name: &str) -> Arc<dyn Registry> {
        self.store.registry(layouts, (PROBE_SERVICE.app.to_owned(), name.to_owned()))
    }
}

async fn start(app: App) -> Rust {
    let calls = Calls::default();
    let running = app.intercept(calls.clone()).start().await.unwrap();
    Rust { running, calls }
}

/// That of every app here.
pub(crate) fn config() -> AppConfig {
    let mut config = AppConfig::default();
    config.app.name = "probe.caller".to_owned();
    // Whatever somebody may say of an instance, some of which means something elsewhere.
    config.app.version = "1.4.2".to_owned();
    config.app.zone = "eu-west-1a".to_owned();
    let metadata = [("team", "größe & co; 100%"), ("weight", "7"), ("timestamp", "now")];
    config.app.metadata = metadata.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    config.server.address = "127.0.0.1:0".to_owned();
    config.server.stop_wait_ms = 0;
    config
}

/// A port that nobody has; whoever is told it takes it at once.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
