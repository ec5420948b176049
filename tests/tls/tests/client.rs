//! A client that speaks TLS: to an address, and to instances of a registry.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

#[path = "../../../runtime/tests/support/mod.rs"]
mod support;

use std::sync::{Arc, Mutex};

use jovian_runtime::codegen::v1::Client;
use jovian_runtime::registry::{Instance, MemoryRegistry, Registry as _};
use jovian_runtime::{
    BalancingSection, Call, CallError, ClientConnectionSection, ClientTlsSection, Code, Interceptor, Next,
    Reply, Server, Status, Target, TlsSection, endpoints,
};
use jovian_tests_tls::{Authority, LOCALHOST, Names, Secret, secret};
use support::generated::shop::ORDERS;
use support::{Order, OrdersError, OrdersServer, Running, Shop, get, soon};

/// Remembers whom certificates named.
#[derive(Clone, Default)]
struct Callers(Arc<Mutex<Vec<Option<String>>>>);

impl Interceptor for Callers {
    async fn around(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Status> {
        self.0.lock().unwrap().push(call.peer_certificate().map(str::to_owned));
        next.run(call).await
    }
}

async fn serve(tls: TlsSection) -> (Running, Callers) {
    let callers = Callers::default();
    let server = Server::new().add(OrdersServer::new(Shop::default())).intercept(callers.clone()).tls(tls);
    (Running::start(server).await, callers)
}

fn trusting(secret: &Secret) -> ClientTlsSection {
    ClientTlsSection { ca: Some(secret.path("ca.pem")), ..ClientTlsSection::default() }
}

fn connect(target: &str, tls: &ClientTlsSection) -> Client {
    Client::connect::<OrdersError>(&ORDERS, Target::new(target).tls(tls.clone())).unwrap()
}

async fn order(client: &Client) -> Result<Order, CallError<OrdersError>> {
    soon(client.unary(&ORDERS.methods[0], get("1"))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_of_https_is_called_by_its_name() {
    let authority = Authority::new();
    let secret = secret(&authority, &authority.issue(LOCALHOST));
    let (running, callers) = serve(TlsSection::new(secret.path("cert.pem"), secret.path("key.pem"))).await;
    let port = running.address.port();
    let client = connect(&format!("https://localhost:{port}"), &trusting(&secret));
    assert_eq!(order(&client).await.unwrap().id, "1");
    assert_eq!(*callers.0.lock().unwrap(), [None]);

    // The name is asked for: an IP address is another one, unless the settings say what is meant.
    let address = format!("127.0.0.1:{port}");
    let error = order(&connect(&address, &trusting(&secret))).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.to_string().contains("certificate"), "{error}");
    let named = ClientTlsSection { server_name: Some("localhost".to_owned()), ..trusting(&secret) };
    assert_eq!(order(&connect(&address, &named)).await.unwrap().id, "1");

    // Nobody vouches for it whom the system trusts, and without TLS it is no server.
    for target in [format!("https://localhost:{port}"), format!("http://localhost:{port}")] {
        let connection =
            ClientConnectionSection { connect_timeout_ms: 500.try_into().unwrap(), ..Default::default() };
        let Ok(client) = Client::connect::<OrdersError>(&ORDERS, Target::new(target).connection(connection))
        else {
            // A machine without certificates of its own.
            continue;
        };
        let error = order(&client).await.unwrap_err();
        assert_eq!(error.code(), Code::Unavailable, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_are_called_with_a_certificate() {
    let authority = Authority::new();
    let secret_of_server = secret(&authority, &authority.issue(LOCALHOST));
    let tls = TlsSection {
        client_ca: Some(secret_of_server.path("ca.pem")),
        ..TlsSection::new(secret_of_server.path("cert.pem"), secret_of_server.path("key.pem"))
    };
    let (running, callers) = serve(tls).await;
    let registry = MemoryRegistry::new();
    let address = format!("localhost:{}", running.address.port());
    let _registered = registry.register(Instance::new(ORDERS.app, address.clone())).await.unwrap();

    let names = Names { uri: "spiffe://shop/front", dns: "", common: "" };
    let secret_of_client = secret(&authority, &authority.issue(names));
    let tls = ClientTlsSection {
        cert: Some(secret_of_client.path("cert.pem")),
        key: Some(secret_of_client.path("key.pem")),
        ..trusting(&secret_of_client)
    };
    let connection = ClientConnectionSection::default();
    let balancing = BalancingSection::default();
    let client =
        Client::find_with::<OrdersError>(&ORDERS, &registry, &connection, Some(&tls), &balancing).unwrap();
    assert_eq!(order(&client).await.unwrap().id, "1");
    assert_eq!(*callers.0.lock().unwrap(), [Some("spiffe://shop/front".to_owned())]);
    let address = format!("https://{address}");
    assert!(endpoints().iter().any(|state| state.address == address && state.connected));
}
