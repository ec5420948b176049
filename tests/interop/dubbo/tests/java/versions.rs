//! Groups and versions of a service, as Dubbo 3.3.6 and Rust ask each other for them.

use jovian_runtime::codegen::v1::BoundService;
use jovian_runtime::{App, ClientServiceSection};
use jovian_tests_interop_dubbo::{plain, split};

use crate::calls::{self, Greeter, hello};
use crate::fleet::{config, greeting, in_zookeeper};
use crate::programs::Java;
use crate::zookeeper::{BOTH, Fleet};

#[tokio::test(flavor = "multi_thread")]
async fn java_asks_for_a_group_and_a_version() {
    let Some(fleet) = Fleet::start("java_versions", Java::triple) else { return };
    let version = |version: &str| {
        let server = plain::GreeterServer::new(greeting(&format!("rust@{version}")));
        BoundService::from(server).group("blue").version(version)
    };
    let first = fleet.serve(&["dubbo-tri"], version("1.0.0")).await;
    let second = fleet.serve(&["dubbo-tri"], version("2.0.0")).await;
    for version in ["1.0.0", "2.0.0"] {
        let asked = ["--group", "blue", "--version", version, "--checks", "unary,spread,bidi"];
        let report = fleet.consume(&asked).await;
        assert_eq!(report.seen("spread")[format!("rust@{version}")], 60, "{report:?}");
    }
    let others = ["--group", "green", "--version", "1.0.0", "--check", "false", "--checks", "unary"];
    let (failed, _) = fleet.refer(&others).await.ended().await;
    assert!(failed.len() == 1 && failed[0].contains("No provider available"), "{failed:?}");
    first.stop().await.unwrap();
    second.stop().await.unwrap();
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
