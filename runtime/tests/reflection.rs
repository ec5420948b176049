//! The public reflection protocol, as tools speak it.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use jovian_runtime::codegen::v1::prost::Message;
use jovian_runtime::codegen::v1::prost_types::{FileDescriptorProto, FileDescriptorSet};
use jovian_runtime::codegen::v1::{BoundService, boxed};
use jovian_runtime::generated::grpc::reflection::v1::server_reflection_request::MessageRequest;
use jovian_runtime::generated::grpc::reflection::v1::server_reflection_response::MessageResponse;
use jovian_runtime::generated::grpc::reflection::v1::{
    ExtensionRequest, ServerReflectionClient, ServerReflectionRequest, ServerReflectionResponse,
};
use jovian_runtime::generated::grpc::reflection::v1alpha;
use jovian_runtime::registry::MemoryRegistry;
use jovian_runtime::{
    App, AppConfig, CallError, Code, Failure, Kind, Method, NoDomainError, Running, Service, stream,
};
use support::{OrdersServer, Shop, soon};

const FILE: &str = "warehouse.proto";

/// The encoded set of `warehouse.proto`, with options that no Rust type here knows.
fn descriptors() -> &'static [u8] {
    let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/protos");
    let mut compiler = protox::Compiler::new([protos]).unwrap();
    compiler.include_imports(true).include_source_info(false).open_file(FILE).unwrap();
    compiler.encode_file_descriptor_set().leak()
}

fn warehouse(descriptors: &'static [u8]) -> BoundService {
    static METHODS: [Method; 1] = [Method::new("/shop.warehouse.Warehouse/Find", 0, Kind::Unary)];
    let service = Service::new("shop.warehouse.Warehouse", &METHODS).descriptors(descriptors);
    BoundService::new::<(), NoDomainError>(
        Box::leak(Box::new(service)),
        (),
        const { &[|_, _, _| boxed(async { Err(Failure::unimplemented("Find")) })] },
    )
}

fn app() -> App {
    let mut config = AppConfig::default();
    config.server.address = "127.0.0.1:0".to_owned();
    config.server.stop_wait_ms = 0;
    App::new(config).with_registry(Arc::new(MemoryRegistry::new()))
}

fn url(running: &Running) -> String {
    format!("http://{}", running.address())
}

fn question(message_request: MessageRequest) -> ServerReflectionRequest {
    ServerReflectionRequest { host: "host".to_owned(), message_request: Some(message_request) }
}

/// Asks everything on one stream.
async fn ask(
    running: &Running,
    questions: impl IntoIterator<Item = ServerReflectionRequest>,
) -> Vec<ServerReflectionResponse> {
    let questions: Vec<_> = questions.into_iter().collect();
    let client = ServerReflectionClient::connect(url(running)).unwrap();
    let mut answers = soon(client.server_reflection_info(stream::iter(questions.clone()))).await.unwrap();
    let mut all = Vec::new();
    while let Some(answer) = soon(answers.next()).await {
        all.push(answer.unwrap());
    }
    assert_eq!(all.len(), questions.len());
    for (answer, question) in all.iter().zip(questions) {
        assert_eq!(answer.valid_host, question.host);
        assert_eq!(answer.original_request, Some(question));
    }
    all
}

async fn ask_one(running: &Running, request: MessageRequest) -> MessageResponse {
    ask(running, [question(request)]).await.remove(0).message_response.unwrap()
}

/// The names of the files in an answer.
fn files(answer: MessageResponse) -> Vec<String> {
    let MessageResponse::FileDescriptorResponse(files) = answer else { panic!("{answer:?}") };
    let decode = |file: &Vec<u8>| FileDescriptorProto::decode(file.as_slice()).unwrap();
    files.file_descriptor_proto.iter().map(|file| decode(file).name().to_owned()).collect()
}

#[tokio::test]
async fn every_service_is_listed() {
    let running = app()
        .serve(OrdersServer::new(Shop::default()))
        .serve(warehouse(descriptors()))
        .start()
        .await
        .unwrap();
    let answer = ask_one(&running, MessageRequest::ListServices("*".to_owned())).await;
    let MessageResponse::ListServicesResponse(listed) = answer else { panic!("{answer:?}") };
    let names: Vec<&str> = listed.service.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
            "shop.orders.v1.Orders",
            "shop.warehouse.Warehouse",
        ]
    );
}

#[tokio::test]
async fn a_file_comes_with_its_imports_in_the_bytes_of_the_compiler() {
    let descriptors = descriptors();
    let running = app().serve(warehouse(descriptors)).start().await.unwrap();
    let answer = ask_one(&running, MessageRequest::FileByFilename(FILE.to_owned())).await;
    let MessageResponse::FileDescriptorResponse(response) = &answer else { panic!("{answer:?}") };
    for file in &response.file_descriptor_proto {
        assert!(
            descriptors.windows(file.len()).any(|window| window == file),
            "the bytes are the original ones"
        );
    }
    let option = b"a-lane-that-only-raw-bytes-keep";
    let kept = |bytes: &[u8]| bytes.windows(option.len()).any(|window| window == option);
    assert!(kept(&response.file_descriptor_proto[0]), "the custom option is there");
    let again = FileDescriptorSet::decode(descriptors).unwrap().encode_to_vec();
    assert!(!kept(&again), "which decoding would lose");

    let names = files(answer);
    assert_eq!(names[0], FILE, "what was asked for comes first");
    let rest: BTreeSet<&str> = names[1..].iter().map(String::as_str).collect();
    assert_eq!(rest, BTreeSet::from(["google/protobuf/descriptor.proto", "place.proto"]));

    let place = ask_one(&running, MessageRequest::FileByFilename("place.proto".to_owned())).await;
    assert_eq!(files(place), ["place.proto"]);
}

#[tokio::test]
async fn every_kind_of_symbol_leads_to_its_file() {
    let running = app().serve(warehouse(descriptors())).start().await.unwrap();
    let symbols = [
        "shop.warehouse.Warehouse",
        "shop.warehouse.Warehouse.Find",
        "shop.warehouse.Crate",
        ".shop.warehouse.Crate",
        "shop.warehouse.Crate.label",
        "shop.warehouse.Crate.content",
        "shop.warehouse.Crate.Lid",
        "shop.warehouse.Crate.Lid.size",
        "shop.warehouse.Crate.Size",
        "shop.warehouse.Crate.SMALL",
        "shop.warehouse.Crate.colour",
        "shop.warehouse.weight",
        "shop.warehouse.lane",
    ];
    let ask_for = |symbol: &str| question(MessageRequest::FileContainingSymbol(symbol.to_owned()));
    let answers = ask(&running, symbols.map(ask_for)).await;
    for (symbol, answer) in symbols.iter().zip(answers) {
        assert_eq!(files(answer.message_response.unwrap())[0], FILE, "{symbol}");
    }
    for (symbol, file) in [
        ("shop.place.Place", "place.proto"),
        ("google.protobuf.FieldDescriptorProto.Type", "google/protobuf/descriptor.proto"),
        ("grpc.health.v1.Health", "grpc/health/v1/health.proto"),
        ("grpc.reflection.v1.ServerReflection", "grpc/reflection/v1/reflection.proto"),
        ("grpc.reflection.v1alpha.ServerReflection", "grpc/reflection/v1alpha/reflection.proto"),
    ] {
        let answer = ask_one(&running, MessageRequest::FileContainingSymbol(symbol.to_owned())).await;
        assert_eq!(files(answer)[0], file, "{symbol}");
    }
}

#[tokio::test]
async fn extensions_are_found_by_type_and_number() {
    let running = app().serve(warehouse(descriptors())).start().await.unwrap();
    let extension = |containing_type: &str, extension_number| {
        let containing_type = containing_type.to_owned();
        MessageRequest::FileContainingExtension(ExtensionRequest { containing_type, extension_number })
    };
    for (message, number) in [
        ("shop.warehouse.Crate", 100),
        ("shop.warehouse.Crate", 101),
        ("google.protobuf.MethodOptions", 50001),
    ] {
        assert_eq!(files(ask_one(&running, extension(message, number)).await)[0], FILE);
    }
    let numbers = async |message: &str| match ask_one(
        &running,
        MessageRequest::AllExtensionNumbersOfType(message.to_owned()),
    )
    .await
    {
        MessageResponse::AllExtensionNumbersResponse(numbers) => {
            assert_eq!(numbers.base_type_name, message);
            numbers.extension_number
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(numbers("shop.warehouse.Crate").await, [100, 101]);
    assert_eq!(numbers("shop.place.Place").await, [] as [i32; 0]);
}

#[tokio::test]
async fn what_is_not_there_is_an_answer_and_the_stream_goes_on() {
    let running = app().serve(warehouse(descriptors())).start().await.unwrap();
    let extension =
        ExtensionRequest { containing_type: "shop.warehouse.Crate".to_owned(), extension_number: 7 };
    let questions = [
        (question(MessageRequest::FileByFilename("no.proto".to_owned())), "no file `no.proto`"),
        (question(MessageRequest::FileContainingSymbol("shop.No".to_owned())), "no symbol `shop.No`"),
        (
            question(MessageRequest::FileContainingExtension(extension)),
            "no extension 7 of `shop.warehouse.Crate`",
        ),
        (question(MessageRequest::AllExtensionNumbersOfType("shop.No".to_owned())), "no message `shop.No`"),
        (
            ServerReflectionRequest { host: "host".to_owned(), message_request: None },
            "the request asks nothing that is known here",
        ),
    ];
    let answers = ask(&running, questions.iter().map(|(question, _)| question.clone())).await;
    for (answer, (question, expected)) in answers.into_iter().zip(questions) {
        let Some(MessageResponse::ErrorResponse(error)) = answer.message_response else {
            panic!("{expected}")
        };
        let code = if question.message_request.is_some() { Code::NotFound } else { Code::InvalidArgument };
        assert_eq!((error.error_code, error.error_message.as_str()), (code as i32, expected));
    }
}

#[tokio::test]
async fn the_old_name_answers_the_same() {
    use v1alpha::server_reflection_request::MessageRequest;
    use v1alpha::server_reflection_response::MessageResponse;

    let running = app().serve(warehouse(descriptors())).start().await.unwrap();
    let client = v1alpha::ServerReflectionClient::connect(url(&running)).unwrap();
    let request = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::FileContainingSymbol("shop.place.Place".to_owned())),
    };
    let mut answers = soon(client.server_reflection_info(stream::iter([request]))).await.unwrap();
    match soon(answers.next()).await.unwrap().unwrap().message_response {
        Some(MessageResponse::FileDescriptorResponse(files)) => {
            assert_eq!(files.file_descriptor_proto.len(), 1)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_tool_that_stays_does_not_hold_up_the_stop() {
    let running = app().serve(warehouse(descriptors())).start().await.unwrap();
    let client = ServerReflectionClient::connect(url(&running)).unwrap();
    let (questions, receiver) = tokio::sync::mpsc::channel(1);
    let requests = futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|question| (question, receiver))
    });
    questions.send(question(MessageRequest::ListServices(String::new()))).await.unwrap();
    let mut answers = soon(client.server_reflection_info(requests)).await.unwrap();
    assert!(soon(answers.next()).await.unwrap().is_ok());

    // The drain may take 10 s: `soon` would notice that it waited for the tool.
    soon(running.stop()).await.unwrap();
    match soon(answers.next()).await {
        Some(Err(CallError::Status(status))) => assert_eq!(status.code(), Code::Unavailable),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn it_can_be_turned_off() {
    let mut config = AppConfig::default();
    config.server.address = "127.0.0.1:0".to_owned();
    config.server.reflection = false;
    let running = App::new(config)
        .with_registry(Arc::new(MemoryRegistry::new()))
        .serve(warehouse(descriptors()))
        .start()
        .await
        .unwrap();
    let client = ServerReflectionClient::connect(url(&running)).unwrap();
    match soon(client.server_reflection_info(stream::iter([]))).await {
        Err(CallError::Status(status)) => assert_eq!(status.code(), Code::Unimplemented),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn broken_descriptors_hide_nothing_else() {
    let mut broken = b"\x0a\x02\xff\xff".to_vec();
    broken.extend_from_slice(descriptors());
    broken.extend_from_slice(b"\x0a\x7f");
    let running = app().serve(warehouse(broken.leak())).start().await.unwrap();
    let answer =
        ask_one(&running, MessageRequest::FileContainingSymbol("shop.warehouse.Warehouse".to_owned())).await;
    assert_eq!(files(answer)[0], FILE);
}

#[test]
fn the_bytes_are_those_of_the_public_protocol() {
    let extension = ExtensionRequest { containing_type: "m".to_owned(), extension_number: 7 };
    for (request, expected) in [
        (MessageRequest::FileByFilename("f".to_owned()), &b"\x0a\x04host\x1a\x01f"[..]),
        (MessageRequest::FileContainingSymbol("s".to_owned()), b"\x0a\x04host\x22\x01s"),
        (MessageRequest::FileContainingExtension(extension), b"\x0a\x04host\x2a\x05\x0a\x01m\x10\x07"),
        (MessageRequest::AllExtensionNumbersOfType("m".to_owned()), b"\x0a\x04host\x32\x01m"),
        (MessageRequest::ListServices("*".to_owned()), b"\x0a\x04host\x3a\x01*"),
    ] {
        assert_eq!(question(request).encode_to_vec(), expected);
    }
}
