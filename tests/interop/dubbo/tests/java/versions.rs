//! Groups and versions of a service, as Dubbo 3.3.6 and Rust ask each other for them.

use jovian_runtime::codegen::v1::BoundService;
use jovian_runtime::{App, ClientServiceSection};
use jovian_tests_interop_dubbo::{plain, split};

use crate::calls::{self, Greeter, Peer, hello};
use crate::direct::WIRE;
use crate::finder::Finder;
use crate::fleet::{config, greeting, in_zookeeper};
use crate::programs::Java;
use crate::zookeeper::{BOTH, Fleet};

#[tokio::test(flavor = "multi_thread")]
async fn java_asks_for_a_group_and_a_version() {
    let Some(fleet) = Fleet::start("java_versions", Java::triple) else { return };
    let signed = |version: &str| greeting(&format!("rust@{version}"));
    let in_group = |server: BoundService, version| server.group("blue").version(version);
    let mut running = Vec::new();
    for version in ["1.0.0", "2.0.0"] {
        let (plain, split) =
            (plain::GreeterServer::new(signed(version)), split::GreeterServer::new(signed(version)));
        running.push(fleet.serve(&["dubbo-tri"], in_group(plain.into(), version)).await);
        running.push(fleet.serve(&["dubbo-tri"], in_group(split.into(), version)).await);
    }
    let mut finder = Finder::start(fleet.java());
    let registry = format!("zookeeper://{}", fleet.endpoint());
    for service in ["plain", "split"] {
        let asked = ["--service", service, "--group", "blue", "--version", "1.0.0"];
        let report = fleet.consume(&asked).await;
        report.has(&WIRE);
        assert_eq!(report.seen("unary")["server"], "rust@1.0.0", "{report:?}");
        let asked = ["--registry", &registry, "--service", service, "--check", "false"];
        let others = [("blue", "1.0.0"), ("blue", "2.0.0"), ("green", "1.0.0")];
        for (group, version) in others {
            let asked = [&asked[..], &["--group", group, "--version", version]].concat();
            let signed = format!("rust@{version}");
            let found = if group == "blue" { vec![&*signed] } else { Vec::new() };
            finder.find(&asked).await.is_all(&found);
        }
    }
    for running in running {
        running.stop().await.unwrap();
    }
}

/// Java looks at versions only under the name of its interface, where that is another one.
#[tokio::test(flavor = "multi_thread")]
async fn rust_asks_for_a_group_and_a_version() {
    let Some(fleet) = Fleet::start("rust_versions", Java::triple) else { return };
    // What it keeps to itself nobody can be asked for.
    let served = ["--service", "both", "--group", "blue", "--version", "1.0.0,2.0.0"];
    let _java = fleet.provide(&[&served[..], &["--metadata-type", "remote"]].concat()).await;
    let registry = |layouts: &[&str]| in_zookeeper(&fleet.endpoint(), layouts, "java-provider");
    for layouts in [&["dubbo-tri"][..], &["dubbo-app"], &BOTH] {
        for version in ["1.0.0", "2.0.0"] {
            let app = asking("blue", version).with_registry(registry(layouts));
            let signed = format!("java-provider@{version}");
            always(&plain::GreeterClient::discover(&app).unwrap(), &signed).await;
            always(&split::GreeterClient::discover(&app).unwrap(), &signed).await;
        }
    }
    let app = asking("blue", "1.0.0").with_registry(registry(&BOTH));
    calls::all(&plain::GreeterClient::discover(&app).unwrap(), Peer::Triple).await;
    calls::all(&split::GreeterClient::discover(&app).unwrap(), Peer::Triple).await;
    let nobody = asking("green", "1.0.0").with_registry(registry(&BOTH));
    let nobody = plain::GreeterClient::discover(&nobody).unwrap();
    assert!(nobody.say_hello(hello("nobody")).await.is_err());
}

/// An app that asks for a group and a version.
pub(crate) fn asking(group: &str, version: &str) -> App {
    let mut config = config();
    for service in [plain::GREETER.name, split::GREETER.name] {
        let mut section = ClientServiceSection::default();
        (section.group, section.version) = (Some(group.to_owned()), Some(version.to_owned()));
        config.client.services.insert(service.to_owned(), section);
    }
    App::new(config)
}

async fn always(client: &impl Greeter, server: &str) {
    assert_eq!(calls::found(client).await, server);
    for _ in 0..5 {
        assert_eq!(client.say_hello(hello("again")).await.unwrap().server, server);
    }
}
