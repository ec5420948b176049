//! Dubbo 3.3.6 asks a provider in Rust itself what its app serves.

use std::sync::Arc;
use std::sync::Mutex;

use jovian_runtime::codegen::v1::BoundService;
use jovian_runtime::{Call, Failure};
use jovian_tests_interop_dubbo::metadata::{
    MetadataInfoV2, MetadataRequest, MetadataServiceV2, MetadataServiceV2Server, ServiceInfoV2,
};
use jovian_tests_interop_dubbo::plain;

use crate::finder::Finder;
use crate::fleet::{app, greeting};
use crate::programs::Java;
use crate::zookeeper::Fleet;

const INTERFACE: &str = "interop.greeter.v1.Greeter";

/// Says that the app serves one Greeter, in a group and of a version.
#[derive(Clone, Default)]
struct Metadata {
    /// The groups and versions of the service itself that it was asked with.
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl MetadataServiceV2 for Metadata {
    type Error = Failure;

    async fn get_metadata_info(
        &self,
        call: &Call,
        request: MetadataRequest,
    ) -> Result<MetadataInfoV2, Failure> {
        let header = |name: &str| call.metadata().get(name).unwrap().to_str().unwrap().to_owned();
        let asked = (header("tri-service-group"), header("tri-service-version"));
        self.asked.lock().unwrap().push(asked);
        let params = [("application", "rust"), ("side", "provider"), ("group", "blue"), ("version", "1.0.0")];
        let service = ServiceInfoV2 {
            name: INTERFACE.to_owned(),
            group: "blue".to_owned(),
            version: "1.0.0".to_owned(),
            protocol: "tri".to_owned(),
            path: INTERFACE.to_owned(),
            params: params.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            ..ServiceInfoV2::default()
        };
        Ok(MetadataInfoV2 {
            app: "rust".to_owned(),
            version: request.revision,
            services: [(format!("blue/{INTERFACE}:1.0.0:tri"), service)].into(),
        })
    }
}

/// It asks with the name of the app for a group, which is that of no service.
#[tokio::test(flavor = "multi_thread")]
async fn the_metadata_service_is_served_to_every_group() {
    let Some(fleet) = Fleet::start("metadata", Java::triple) else { return };
    let metadata = Metadata::default();
    let greeter = plain::GreeterServer::new(greeting("rust"));
    let app = app()
        .serve(BoundService::from(greeter).group("blue").version("1.0.0"))
        .serve(MetadataServiceV2Server::new(metadata.clone()));
    let running = app.start().await.unwrap();
    let address = running.address().to_string();
    let port = running.address().port().unwrap();
    let instance = serde_json::json!({
        "name": "rust", "id": address, "address": "127.0.0.1", "port": port,
        "payload": {
            "@class": "org.apache.dubbo.registry.zookeeper.ZookeeperInstance", "id": address, "name": "rust",
            "metadata": {
                "dubbo.endpoints": format!(r#"[{{"port":{port},"protocol":"tri"}}]"#),
                "dubbo.metadata-service.url-params": format!(r#"{{"port":"{port}","protocol":"tri","version":"2.0.0"}}"#),
                "dubbo.metadata.revision": "abc123",
                "dubbo.metadata.storage-type": "local",
                "meta-v": "2.0.0",
            },
        },
        "registrationTimeUTC": 0, "serviceType": "DYNAMIC",
    });
    let mut nodes = fleet.nodes();
    nodes.create(&format!("/dubbo/mapping/{INTERFACE}"), "rust");
    nodes.create(&format!("/services/rust/{address}"), &instance.to_string());

    let mut finder = Finder::start(fleet.java());
    let registry = format!("zookeeper://{}", fleet.endpoint());
    let arguments = ["--registry", &registry, "--check", "false", "--migration", "FORCE_APPLICATION"];
    let blue = ["--group", "blue", "--version", "1.0.0"];
    finder.find(&[&arguments[..], &blue].concat()).await.is_all(&["rust"]);
    let asked = metadata.asked.lock().unwrap().clone();
    assert!(
        !asked.is_empty() && asked.iter().all(|asked| *asked == ("rust".into(), "2.0.0".into())),
        "{asked:?}"
    );
    running.stop().await.unwrap();
}
