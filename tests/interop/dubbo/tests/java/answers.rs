//! Answers of Dubbo 3.3.6 that mean something else than they say.

use std::time::Duration;

use jovian_runtime::{CallOptions, Code};
use jovian_tests_interop_dubbo::plain::HelloRequest;
use jovian_tests_interop_dubbo::{later, objects, plain};

use crate::calls::{PATIENCE, found, hello};
use crate::programs::Java;
use crate::relay;
use crate::zookeeper::Fleet;

/// The IDL of the caller is newer than that of the provider.
#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_java_does_not_have_is_unimplemented() {
    let Some(fleet) = Fleet::start("later", Java::triple) else { return };
    let java = fleet.provide(&["--register-mode", "interface"]).await;
    // The path in a URL is the service that is called.
    let url = format!(
        "tri%3A%2F%2F{}%2Finterop.greeter.v1.Greeter%3Fapplication%3Djava-provider",
        java.address.replace(':', "%3A")
    );
    fleet.nodes().create(&format!("/dubbo/interop.later.v1.Greeter/providers/{url}"), "");
    let caller = fleet.caller(&["dubbo-tri"]);
    found(&plain::GreeterClient::discover(&caller).unwrap()).await;
    let client = later::GreeterClient::discover(&caller).unwrap();
    let client = client.with(CallOptions::new().timeout(PATIENCE));
    let hello = later::Hello { name: "later".to_owned() };
    assert_eq!(client.say_hello(hello.clone()).await.unwrap().name, "Hello, later");
    let missing = client.say_goodbye(hello).await.unwrap_err().into_status();
    assert_eq!(missing.code(), Code::Unimplemented, "{missing}");
    assert!(missing.message().contains("\"methodDescriptors\" is null"), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_of_java_without_an_idl_is_explained() {
    let Some(java) = Java::triple() else { return };
    let provider = java.provide(&["--service", "objects", "--registry", "N/A"]).await;
    let client = objects::GreeterClient::connect(&*provider.address).unwrap();
    let hello = objects::Hello { name: "nobody".to_owned() };
    let refused = client.say_hello(hello).await.unwrap_err().into_status();
    assert!(refused.message().contains("the Java service is not made from protobuf"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_has_passed_for_java_is_exceeded() {
    let Some(java) = Java::triple() else { return };
    let provider = java.provide(&["--registry", "N/A"]).await;
    let address = relay::hurrying(provider.address.clone(), "200m").await;
    let client = plain::GreeterClient::connect(&*address).unwrap();
    let client = client.with(CallOptions::new().timeout(PATIENCE));
    client.say_hello(hello("soon")).await.unwrap_or_else(|_| plain::HelloReply::default());
    let slow = HelloRequest { delay_ms: Duration::from_secs(1).as_millis() as u32, ..hello("late") };
    let late = client.say_hello(slow).await.unwrap_err().into_status();
    assert_eq!((late.code(), late.message()), (Code::DeadlineExceeded, "Request Timeout"), "{late:?}");
}
