//! What callers on Dubbo and its like ask of a server, byte for byte, and what they are answered.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::sync::Arc;

use http::{HeaderName, HeaderValue, StatusCode};
use jovian_runtime::codegen::v1::{BoundService, boxed};
use jovian_runtime::generated::grpc::health::v1::{HEALTH, HealthCheckRequest, HealthClient};
use jovian_runtime::health::ServingStatus;
use jovian_runtime::registry::{Instance, MemoryRegistry, Provided, Registry as _, Wanted};
use jovian_runtime::{
    App, AppConfig, Call, Code, IntoFailure as _, Kind, Method, Policies, Policy, Server, Service,
    ServiceSection, Status, metrics,
};
use prost::Message as _;
use support::raw::{Raw, Whole, framed};
use support::raw_server::telling;
use support::{GetOrderRequest, Order, OrdersError, Running, get, soon};
use tonic_types::StatusExt as _;

/// Its Java interface has another package, and two of its methods differ in the case of a letter.
static GREETER: Service = Service::new(
    "interop.split.v1.Greeter",
    &[
        Method::new("/interop.split.v1.Greeter/SayHello", 0, Kind::Unary),
        Method::new("/interop.split.v1.Greeter/greet", 1, Kind::Unary),
        Method::new("/interop.split.v1.Greeter/Greet", 2, Kind::Unary),
    ],
)
.java("com.example.interop.split.Greeter");
/// Whoever asks for it has its own group.
static METADATA: Service = Service::new(
    "org.apache.dubbo.metadata.MetadataServiceV2",
    &[Method::new("/org.apache.dubbo.metadata.MetadataServiceV2/GetMetadataInfo", 0, Kind::Unary)],
);

const HELLO: &str = "/interop.split.v1.Greeter/SayHello";
const JAVA: (&str, &[u8]) = ("tri-consumer-appname", b"java-consumer");

/// Says what was asked of the call, or fails with what it was asked.
fn answer(call: &Call, request: GetOrderRequest) -> Result<Order, OrdersError> {
    let text = match request.id.as_str() {
        "method" => call.method().path.to_owned(),
        "attachments" => format!("{:?}", call.attachments()),
        "mark" => call.attachment("Upper-Mark").unwrap_or_default().into_owned(),
        id => return Err(OrdersError::OrderNotFound { id: id.to_owned() }),
    };
    Ok(Order { id: text, amount: 0 })
}

fn bound(service: &'static Service) -> BoundService {
    const ROW: jovian_runtime::codegen::v1::Handler<()> = |(), call, mut io| {
        boxed(async move {
            let request = io.request().await?;
            match answer(call, request) {
                Err(error) if call.metadata().contains_key("bare") => {
                    Err(Status::aborted(error.to_string()).into_failure())
                }
                result => io.reply(result),
            }
        })
    };
    let rows: &'static [_] = match service.methods.len() {
        1 => &[ROW],
        _ => &[ROW, ROW, ROW],
    };
    BoundService::new::<_, OrdersError>(service, (), rows)
}

async fn ask(raw: &mut Raw, path: &str, id: &str, headers: &[(&'static str, &[u8])]) -> Whole {
    let mut request = Raw::request(path, framed(&get(id)), &[]);
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(value).unwrap();
        request.headers_mut().insert(HeaderName::from_static(name), value);
    }
    let whole = soon(raw.send(request)).await;
    assert_eq!(whole.http, StatusCode::OK);
    whole
}

/// The text of the reply, or the status.
fn read(whole: &Whole) -> Result<String, Status> {
    let ended = Status::from_header_map(&whole.trailers).or(Status::from_header_map(&whole.headers)).unwrap();
    match ended.code() {
        Code::Ok => Ok(Order::decode(&whole.body[5..]).unwrap().id),
        _ => Err(ended),
    }
}

async fn said(raw: &mut Raw, path: &str, headers: &[(&'static str, &[u8])]) -> Result<String, Code> {
    read(&ask(raw, path, "method", headers).await).map_err(|status| status.code())
}

#[tokio::test]
async fn kitex_gets_errors_of_the_idl_as_its_business_errors() {
    let running = Running::start(Server::new().add(bound(&GREETER))).await;
    let mut raw = Raw::connect(&running).await;
    let kitex = ("user-agent", b"kitex/v0.16.3".as_slice());

    let whole = ask(&mut raw, HELLO, "größe", &[kitex]).await;
    assert_eq!(whole.headers.get("biz-status").unwrap(), "10001");
    assert_eq!(whole.headers.get("biz-extra").unwrap().as_bytes(), r#"{"id":"größe"}"#.as_bytes());
    let status = read(&whole).unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "no order größe"));

    // A status has no number, and nobody else is told one.
    let bare = ask(&mut raw, HELLO, "1", &[kitex, ("bare", b"yes")]).await;
    assert!(!bare.headers.contains_key("biz-status"));
    let other = ask(&mut raw, HELLO, "1", &[("user-agent", b"grpc-go/1.58.2")]).await;
    assert!(!other.headers.contains_key("biz-status"));
}

#[tokio::test]
async fn java_reads_texts_with_percents_and_plusses() {
    let running = Running::start(Server::new().add(bound(&GREETER))).await;
    let mut raw = Raw::connect(&running).await;

    // The text that Java decodes is that of the details; the header is the same in its way.
    let whole = ask(&mut raw, HELLO, "100% 1+1 größe", &[JAVA]).await;
    let encoded = "no%20order%20100%25%201%2B1%20gr%C3%B6%C3%9Fe";
    assert_eq!(whole.headers.get("grpc-message").unwrap(), encoded);
    let status = read(&whole).unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "no order 100% 1+1 größe"));
    let details = tonic_types::pb::Status::decode(status.details()).unwrap();
    assert_eq!((details.code, details.message.as_str()), (5, encoded));
    assert_eq!(status.get_details_error_info().unwrap().metadata["id"], "100% 1+1 größe");

    // Everybody else reads it as it is.
    let status = read(&ask(&mut raw, HELLO, "100% 1+1 größe", &[]).await).unwrap_err();
    let details = tonic_types::pb::Status::decode(status.details()).unwrap();
    assert_eq!(
        (status.message(), details.message.as_str()),
        (details.message.as_str(), "no order 100% 1+1 größe")
    );

    // Without details Java decodes the header, and takes a `+` for a space.
    let whole = ask(&mut raw, HELLO, "1+1", &[JAVA, ("bare", b"1")]).await;
    assert_eq!(
        whole.headers.get("grpc-message").unwrap(),
        "ORDER%5FNOT%5FFOUND%20%2810001%29%3A%20no%20order%201%2B1"
    );
}

#[tokio::test]
async fn both_names_and_both_casings_are_one_method() {
    let policy = Policy::new().callers(&["shop.*"]);
    let server = Server::new()
        .add(bound(&GREETER))
        .policies(Policies::new().method("interop.split.v1.Greeter/SayHello", policy));
    let stats = server.stats();
    let running = Running::start(server).await;
    let mut raw = Raw::connect(&running).await;
    let caller: (&str, &[u8]) = ("aid", b"shop.web.site");
    for service in [GREETER.name, GREETER.java] {
        for method in ["SayHello", "sayHello"] {
            let path = format!("/{service}/{method}");
            assert_eq!(said(&mut raw, &path, &[caller]).await.as_deref(), Ok(HELLO), "{path}");
            assert_eq!(said(&mut raw, &path, &[]).await, Err(Code::Unauthenticated), "{path} has its policy");
        }
        // The IDL's own names are never taken for another spelling of each other.
        for method in ["greet", "Greet"] {
            let own = format!("/interop.split.v1.Greeter/{method}");
            assert_eq!(said(&mut raw, &format!("/{service}/{method}"), &[]).await, Ok(own));
        }
        for wrong in ["SAYHELLO", "say_hello", "", "Nothing"] {
            let path = format!("/{service}/{wrong}");
            assert_eq!(said(&mut raw, &path, &[caller]).await, Err(Code::Unimplemented), "{path}");
        }
    }
    assert_eq!(stats.total(), 12);
    let page = metrics::render();
    assert!(
        page.contains(r#"method="/interop.split.v1.Greeter/SayHello",client="shop.web.site",code="OK"} 4"#),
        "{page}"
    );
    assert!(!page.contains("/interop.split.v1.Greeter/sayHello") && !page.contains(GREETER.java), "{page}");
}

#[tokio::test]
async fn a_service_is_served_in_its_group_and_version() {
    let greeter = bound(&GREETER).group("blue").version("1.0.0");
    let mut config = AppConfig::default();
    config.server.address = "127.0.0.1:0".to_owned();
    config.server.stop_wait_ms = 0;
    config.governor.enabled = false;
    // What the configuration says wins; the rest stays.
    let section = ServiceSection { version: Some("2.0.0".to_owned()), ..ServiceSection::default() };
    config.server.services.insert(GREETER.name.to_owned(), section);
    let registry = MemoryRegistry::new();
    let app = App::new(config).with_registry(Arc::new(registry.clone()));
    let running = app.serve(greeter).serve(bound(&METADATA)).start().await.unwrap();
    // Registries tell of both, or nobody who asks for them would find it.
    let registered = |service: &Service| {
        let instances = registry.watch(&Wanted::app(service.app)).borrow().to_vec();
        let services = instances.iter().flat_map(|instance| &instance.services);
        services.map(|service| (service.group.clone(), service.version.clone())).collect::<Vec<_>>()
    };
    assert_eq!(registered(&GREETER), [("blue".to_owned(), "2.0.0".to_owned())]);
    assert_eq!(registered(&METADATA), [(String::new(), String::new())]);
    let stream = tokio::net::TcpStream::connect(running.address().to_string()).await.unwrap();
    let mut raw = Raw::over(stream).await;

    let group = |value: &'static [u8]| ("tri-service-group", value);
    let version = |value: &'static [u8]| ("tri-service-version", value);
    for path in [HELLO, "/com.example.interop.split.Greeter/sayHello"] {
        let served: [&[_]; 5] = [
            &[],
            &[group(b"blue")],
            &[version(b"2.0.0")],
            &[group(b"blue"), version(b"2.0.0")],
            &[group(b""), version(b"")],
        ];
        for headers in served {
            assert_eq!(said(&mut raw, path, headers).await.as_deref(), Ok(HELLO), "{headers:?}");
        }
        let refused: [&[_]; 4] = [
            &[group(b"green")],
            &[group(b"blue"), version(b"1.0.0")],
            &[group(b"\xe4"), version(b"2.0.0")],
            &[group(b"BLUE")],
        ];
        for headers in refused {
            assert_eq!(said(&mut raw, path, headers).await, Err(Code::Unimplemented), "{headers:?}");
        }
    }
    let refusal = read(&ask(&mut raw, HELLO, "method", &[group(b"green")]).await).unwrap_err();
    let expected = "`interop.split.v1.Greeter` is served in the group `blue`, not in `green`";
    assert_eq!(refusal.message(), expected);

    // Nobody asks these for a group of theirs.
    let elsewhere = [group(b"java-consumer"), version(b"2.0.0")];
    let path = METADATA.methods[0].path;
    assert_eq!(said(&mut raw, path, &elsewhere).await.as_deref(), Ok(path));
    let health = ask(&mut raw, "/grpc.health.v1.Health/Check", "", &elsewhere).await;
    assert_eq!(health.trailers.get("grpc-status").unwrap(), "0");

    // Dubbo's clients watch health by the key of the service.
    let client = HealthClient::connect(format!("http://{}", running.address())).unwrap();
    let of = |service: &str| HealthCheckRequest { service: service.to_owned() };
    let names = [
        "",
        "interop.split.v1.Greeter",
        "com.example.interop.split.Greeter",
        "blue/interop.split.v1.Greeter:2.0.0",
        "blue/com.example.interop.split.Greeter:2.0.0",
    ];
    for name in names {
        assert_eq!(soon(client.check(of(name))).await.unwrap().status(), ServingStatus::Serving, "{name}");
    }
    running.health().set(GREETER.name, ServingStatus::NotServing);
    for name in &names[1..] {
        let mut watched = soon(client.watch(of(name))).await.unwrap();
        let status = soon(watched.next()).await.unwrap().unwrap().status();
        assert_eq!(status, ServingStatus::NotServing, "{name}");
    }
    for other in ["green/interop.split.v1.Greeter:2.0.0", "interop.split.v1.Greeter:2.0.0", "GREETER"] {
        let mut watched = soon(client.watch(of(other))).await.unwrap();
        let status = soon(watched.next()).await.unwrap().unwrap().status();
        assert_eq!(status, ServingStatus::ServiceUnknown, "{other}");
    }
    drop(client);
    soon(running.stop()).await.unwrap();
}

#[tokio::test]
async fn a_section_of_a_service_that_is_not_served_stops_the_start() {
    let mut config = AppConfig::default();
    config.server.address = "127.0.0.1:0".to_owned();
    config.server.services.insert("shop.Nobody".to_owned(), ServiceSection::default());
    let app = App::new(config).with_registry(Arc::new(MemoryRegistry::new()));
    let error = soon(app.serve(bound(&GREETER)).start()).await.unwrap_err();
    assert!(error.to_string().contains("no service `shop.Nobody`"), "{error}");
}

#[tokio::test]
async fn an_instance_is_called_as_its_record_says() {
    let (address, mut told) = telling().await;
    let registry = MemoryRegistry::new();
    let mut instance = Instance::new(HEALTH.app, address.to_string());
    let mut provided = Provided::of(&HEALTH);
    (provided.group, provided.version) = ("blue".to_owned(), "1.0.0".to_owned());
    provided.path = "com.example.Health".to_owned();
    instance.services.push(provided);
    let _registered = registry.register(instance.clone()).await.unwrap();
    let app = App::new(AppConfig::default()).with_registry(Arc::new(registry.clone()));
    let client = HealthClient::discover(&app).unwrap();
    let mut asked = async || {
        assert_eq!(
            soon(client.check(HealthCheckRequest::default())).await.unwrap_err().code(),
            Code::NotFound
        );
        let (path, headers) = soon(told.recv()).await.unwrap();
        let said = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        (path, said("tri-service-group"), said("tri-service-version"))
    };
    let said = |text: &str| Some(text.to_owned());
    assert_eq!(asked().await, ("/com.example.Health/Check".to_owned(), said("blue"), said("1.0.0")));
    // The record of the same address changes.
    instance.services.clear();
    let _registered = registry.register(instance).await.unwrap();
    assert_eq!(asked().await, (HEALTH.methods[0].path.to_owned(), None, None));
}

#[tokio::test]
async fn attachments_are_read_with_their_capitals_and_in_latin_1() {
    let running = Running::start(Server::new().add(bound(&GREETER))).await;
    let mut raw = Raw::connect(&running).await;
    let headers: [(&str, &[u8]); 8] = [
        ("grpc-timeout", b"3000000u"),
        ("timeout", b"3000"),
        JAVA,
        ("grpc-accept-encoding", b"gzip,snappy"),
        ("upper-mark", b"three"),
        ("tri-header-convert", b"%7B%22upper-mark%22%3A%22Upper-Mark%22%7D"),
        ("text", b"gr\xf6\xdfe"),
        ("x-bytes-bin", b"AAEC"),
    ];
    let all = read(&ask(&mut raw, HELLO, "attachments", &headers).await).unwrap();
    assert_eq!(all, r#"{"Upper-Mark": "three", "text": "größe"}"#);
    assert_eq!(read(&ask(&mut raw, HELLO, "mark", &headers).await).unwrap(), "three");
    // Noise is no attachment, and no panic.
    let noise: [(&str, &[u8]); 2] = [("tri-header-convert", b"%7B\xff"), ("upper-mark", b"\xff\xfe")];
    assert_eq!(read(&ask(&mut raw, HELLO, "mark", &noise).await).unwrap(), "ÿþ");
}
