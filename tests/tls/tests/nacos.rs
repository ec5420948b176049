//! The registry in a Nacos that speaks TLS and asks who calls.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![cfg(unix)]

#[path = "../../../runtime/tests/support/nacos.rs"]
mod server;

use std::time::Duration;

use jovian_runtime::ClientTlsSection;
use jovian_runtime::registry::layout::{Nacos as Layout, Options};
use jovian_runtime::registry::{Instance, NacosOptions, NacosRegistry, Registry as _, Wanted, stores};
use jovian_tests_tls::{Authority, LOCALHOST, Names, Secret, connector, encrypted, secret};
use server::Nacos;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

fn options(endpoint: &str) -> NacosOptions {
    NacosOptions::at([endpoint], [Layout::by_name("kratos", &Options::default()).unwrap()])
}

/// Why an instance of this app is not registered; empty if it is, and is found.
async fn trouble(app: &str, options: NacosOptions) -> String {
    let registry = NacosRegistry::new(options);
    let registered = match registry.register(Instance::new(app, "10.0.0.7:9000")).await {
        Ok(registered) => registered,
        Err(refused) => return refused.to_string(),
    };
    if !registered.is_held() {
        return stores().into_iter().find(|state| state.name == app).unwrap().trouble;
    }
    let mut watched = registry.watch(&Wanted::app(app));
    let found = timeout(Duration::from_secs(5), watched.wait_for(|list| list.len() == 1)).await;
    assert!(found.is_ok(), "it is registered and not found");
    String::new()
}

fn tls(secret: &Secret) -> ClientTlsSection {
    ClientTlsSection {
        ca: Some(secret.path("ca.pem")),
        cert: Some(secret.path("cert.pem")),
        key: Some(secret.path("key.pem")),
        ..ClientTlsSection::default()
    }
}

/// The properties of a server whose connections are encrypted, with the files of its secret.
fn properties(secret: &Secret) -> Vec<String> {
    let file = |name| format!("file:{}", secret.path(name).display());
    let properties = [
        ("enableTls", "true".to_owned()),
        // Others are refused.
        ("compatibility", "false".to_owned()),
        ("certChainFile", file("cert.pem")),
        ("certPrivateKey", file("key.pem")),
    ];
    let mut properties: Vec<String> =
        properties.map(|(name, value)| format!("-Dnacos.remote.server.rpc.tls.{name}={value}")).into();
    properties.push("-Dnacos.core.auth.enabled=true".to_owned());
    properties
}

fn start(test: &str, properties: &[String]) -> Option<Nacos> {
    let properties: Vec<&str> = properties.iter().map(String::as_str).collect();
    Nacos::start(test, &properties)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nacos_behind_tls_is_one_for_those_it_knows() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let orders = authority.issue(Names { common: "orders", ..Names::default() });
    let (theirs, ours) = (secret(&authority, &authority.issue(LOCALHOST)), secret(&authority, &orders));
    let file = |name| format!("file:{}", theirs.path(name).display());
    let mut properties = properties(&theirs);
    for (name, value) in [
        ("nacos.remote.server.rpc.tls.mutualAuthEnable", "true".to_owned()),
        ("nacos.remote.server.rpc.tls.trustAll", "false".to_owned()),
        ("nacos.remote.server.rpc.tls.trustCollectionCertFile", file("ca.pem")),
        // What is spoken over HTTP is a matter of Spring.
        ("server.ssl.certificate", file("cert.pem")),
        ("server.ssl.certificate-private-key", file("key.pem")),
    ] {
        properties.push(format!("-D{name}={value}"));
    }
    let Some(store) = start("tls", &properties) else { return };
    let mut http = encrypted(store.address(), &connector(&authority, None)).await.unwrap();
    let admin = "POST /nacos/v1/auth/users/admin?password=a-word HTTP/1.0\r\ncontent-length: 0\r\n\r\n";
    http.write_all(admin.as_bytes()).await.unwrap();
    let mut answer = String::new();
    http.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains(" 200 "), "{answer}");

    let endpoint = store.endpoint().replace("127.0.0.1", "localhost");
    let by = |endpoint: &str| options(endpoint).user("nacos", "a-word");
    assert_eq!(trouble("tls.right", by(&endpoint).tls(tls(&ours))).await, "");
    assert_eq!(trouble("tls.https", by(&format!("https://{endpoint}")).tls(tls(&ours))).await, "");

    let (doubtful, nobody) =
        (secret(&stranger, &orders), secret(&authority, &stranger.issue(Names::default())));
    for (app, options, why) in [
        ("tls.token", by(&endpoint).tls(tls(&doubtful)), "invalid peer certificate"),
        ("tls.authority", options(&endpoint).tls(tls(&doubtful)), "invalid peer certificate"),
        ("tls.name", by(&store.endpoint()).tls(tls(&ours)), "not valid for name \"127.0.0.1\""),
        ("tls.nobody", by(&endpoint).tls(tls(&nobody)), "received fatal alert"),
        ("tls.password", options(&endpoint).tls(tls(&ours)).user("nacos", "other"), "is not taken: 403"),
        ("tls.open", options(&endpoint), "the connection was closed before the server said anything"),
    ] {
        let trouble = trouble(app, options).await;
        assert!(trouble.contains(why), "{app}: {trouble}");
    }
}

/// What Nacos itself means by TLS: connections alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nacos_that_encrypts_its_connections_alone_is_one() {
    let authority = Authority::new();
    let theirs = secret(&authority, &authority.issue(LOCALHOST));
    let Some(store) = start("tls-connections", &properties(&theirs)) else { return };
    store.over_http("POST", "/auth/users/admin", &[("password", "a-word")]);
    let endpoint = store.endpoint().replace("127.0.0.1", "localhost");
    let trusting = ClientTlsSection { ca: Some(theirs.path("ca.pem")), ..ClientTlsSection::default() };
    let by = |endpoint: &str| options(endpoint).user("nacos", "a-word").tls(trusting.clone());
    assert_eq!(trouble("connections.right", by(&format!("http://{endpoint}"))).await, "");
    // A password goes out in the open only where that is said.
    let refused = trouble("connections.token", by(&endpoint)).await;
    let why = format!("a token was asked for at https://{endpoint}: the server does not speak TLS");
    assert!(refused.contains(&why), "{refused}");
}
