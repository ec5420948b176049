//! What Nacos' servers and clients say to each other: JSON in an envelope of protobuf.
//!
//! Formats: `nacos_grpc_service.proto` and the classes below `com.alibaba.nacos.api` of `alibaba/nacos`, releases 2 and 3.
//! Both methods are those of one service here, so that their calls share a connection: a server knows a client by that.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::NacosOptions;
use crate::descriptor::{Kind, Method, Service};
use crate::policy::Policy;
use crate::registry::layout::NacosInstance;

/// What a client calls.
pub(super) static NACOS: Service = Service::new("nacos", METHODS).policy(
    // Who keeps on trying needs nobody to spare the server; a list of ten thousand instances is large.
    Policy::new().breaker(false).slow_log(Duration::ZERO).max_reply_bytes(64 << 20),
);
const METHODS: &[Method] = &[
    Method::new("/Request/request", 0, Kind::Unary),
    Method::new("/BiRequestStream/requestBiStream", 1, Kind::Bidi),
];
/// A request of the client.
pub(super) static REQUEST: &Method = &METHODS[0];
/// The requests of the server, and the replies to them the other way round.
pub(super) static STREAM: &Method = &METHODS[1];

/// The envelope.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Payload {
    #[prost(message, optional, tag = "2")]
    pub(super) metadata: Option<Metadata>,
    #[prost(message, optional, tag = "3")]
    pub(super) body: Option<Body>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Metadata {
    /// The name of the class of the body: `InstanceRequest`.
    #[prost(string, tag = "3")]
    pub(super) kind: String,
    #[prost(btree_map = "string, string", tag = "7")]
    pub(super) headers: BTreeMap<String, String>,
    #[prost(string, tag = "8")]
    pub(super) client_ip: String,
}

/// `google.protobuf.Any`, of which Nacos fills only the value.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Body {
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) value: Bytes,
}

impl Payload {
    /// An envelope for JSON.
    pub(super) fn new(kind: &str, headers: BTreeMap<String, String>, body: &impl Serialize) -> Self {
        // Numbers, strings and maps under names that are strings: there is nothing that JSON cannot say.
        let value = serde_json::to_vec(body).unwrap_or_default().into();
        let metadata = Metadata { kind: kind.to_owned(), headers, client_ip: String::new() };
        Self { metadata: Some(metadata), body: Some(Body { value }) }
    }

    pub(super) fn kind(&self) -> &str {
        self.metadata.as_ref().map_or("", |metadata| &metadata.kind)
    }

    pub(super) fn json(&self) -> &[u8] {
        self.body.as_ref().map_or(&[], |body| &body.value)
    }
}

/// A request of the client.
pub(super) trait Ask: Serialize + Sync {
    /// Its class.
    const KIND: &'static str;
    /// What a good answer says.
    type Answer: DeserializeOwned;

    /// What is an answer, too, though it is not a good one.
    fn otherwise(verdict: &Verdict) -> Option<Self::Answer> {
        let _ = verdict;
        None
    }

    /// Whether the server would answer a moment later.
    fn is_busy(verdict: &Verdict) -> bool {
        let _ = verdict;
        false
    }
}

/// What every answer says.
#[derive(Debug, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Verdict {
    result_code: i64,
    pub(super) error_code: i64,
    #[serde(deserialize_with = "or_empty")]
    pub(super) message: String,
}

impl Default for Verdict {
    fn default() -> Self {
        Self { result_code: Self::GOOD, error_code: 0, message: String::new() }
    }
}

impl Verdict {
    const GOOD: i64 = 200;
    /// The server does not know the connection.
    pub(super) const UNREGISTERED: i64 = 301;
    /// Parameters that will not be taken, and nobody who may.
    pub(super) const REFUSED: [i64; 4] = [400, -400, 401, 403];

    pub(super) fn is_good(&self) -> bool {
        self.result_code == Self::GOOD
    }
}

/// An answer that says no more than that.
#[derive(Debug, Deserialize)]
pub(super) struct Done {}

/// Asks whether anybody is there; needs no connection that is known.
#[derive(Serialize)]
pub(super) struct ServerCheckRequest {}

impl Ask for ServerCheckRequest {
    const KIND: &'static str = "ServerCheckRequest";
    type Answer = Done;
}

/// Makes a connection known, as the first message of its stream.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConnectionSetupRequest<'a> {
    pub(super) client_version: &'a str,
    pub(super) tenant: &'a str,
    pub(super) labels: BTreeMap<&'a str, &'a str>,
}

impl ConnectionSetupRequest<'_> {
    pub(super) const KIND: &'static str = "ConnectionSetupRequest";
}

/// A sign of life.
#[derive(Serialize)]
pub(super) struct HealthCheckRequest {}

impl Ask for HealthCheckRequest {
    const KIND: &'static str = "HealthCheckRequest";
    type Answer = Done;
}

/// Registers an instance for as long as the connection lives, or removes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InstanceRequest<'a> {
    pub(super) namespace: &'a str,
    pub(super) service_name: &'a str,
    pub(super) group_name: &'a str,
    #[serde(rename = "type")]
    pub(super) what: &'a str,
    pub(super) instance: &'a RawValue,
}

impl InstanceRequest<'_> {
    pub(super) const REGISTER: &'static str = "registerInstance";
    pub(super) const REMOVE: &'static str = "deregisterInstance";
}

impl Ask for InstanceRequest<'_> {
    const KIND: &'static str = "InstanceRequest";
    type Answer = Done;
}

/// Asks for the instances of a service, and to be told when they change, or not any more.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SubscribeServiceRequest<'a> {
    pub(super) namespace: &'a str,
    pub(super) service_name: &'a str,
    pub(super) group_name: &'a str,
    pub(super) subscribe: bool,
    pub(super) clusters: &'a str,
}

impl<'a> SubscribeServiceRequest<'a> {
    pub(super) fn of(options: &'a NacosOptions, service_name: &'a str, subscribe: bool) -> Self {
        let NacosOptions { namespace, group: group_name, .. } = options;
        Self { namespace, service_name, group_name, subscribe, clusters: "" }
    }
}

impl Ask for SubscribeServiceRequest<'_> {
    const KIND: &'static str = "SubscribeServiceRequest";
    type Answer = ServiceAnswer;
}

/// The instances of a service: the answer to one who subscribes, and what is told when they change.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServiceAnswer {
    pub(super) service_info: ServiceInfo,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ServiceInfo {
    #[serde(deserialize_with = "or_empty")]
    name: String,
    #[serde(deserialize_with = "or_empty")]
    pub(super) hosts: Vec<Box<RawValue>>,
    /// When the server made it: of two, the later one counts.
    pub(super) last_ref_time: i64,
}

impl ServiceInfo {
    /// The name of the service, without the group that some servers put before it.
    pub(super) fn service(&self) -> &str {
        self.name.split_once("@@").map_or(&self.name, |(_, name)| name)
    }
}

/// The names by which a server's own requests are known.
pub(super) mod told {
    pub(in super::super) const INSTANCES: &str = "NotifySubscriberRequest";
    pub(in super::super) const TEXT: &str = "ConfigChangeNotifyRequest";
    /// Go elsewhere: the server stops, or has too many clients.
    pub(in super::super) const LEAVE: &str = "ConnectResetRequest";
}

/// What every request of a server says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) request_id: String,
}

/// The answer to one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Heard {
    result_code: i64,
    success: bool,
    request_id: String,
}

impl Heard {
    pub(super) fn of(told: Told) -> Self {
        Self { result_code: Verdict::GOOD, success: true, request_id: told.request_id }
    }
}

/// An instance, both ways. Its service stands elsewhere.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Host {
    pub(super) ip: String,
    pub(super) port: u16,
    #[serde(default = "one")]
    weight: f64,
    #[serde(default = "yes")]
    healthy: bool,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default = "yes")]
    ephemeral: bool,
    #[serde(default, deserialize_with = "or_empty")]
    cluster_name: String,
    #[serde(default, deserialize_with = "or_empty")]
    metadata: BTreeMap<String, String>,
}

fn one() -> f64 {
    1.0
}

fn yes() -> bool {
    true
}

impl Host {
    pub(super) fn new(instance: NacosInstance, cluster: &str) -> Self {
        let NacosInstance { ip, port, weight, enabled, healthy, metadata, .. } = instance;
        Self {
            ip,
            port,
            weight,
            healthy,
            enabled,
            ephemeral: true,
            cluster_name: cluster.to_owned(),
            metadata,
        }
    }

    pub(super) fn of(self, service: &str) -> NacosInstance {
        let Self { ip, port, weight, healthy, enabled, metadata, .. } = self;
        NacosInstance { weight, enabled, healthy, metadata, ..NacosInstance::new(service, ip, port) }
    }
}

/// Null is nothing.
pub(super) fn or_empty<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(
    from: D,
) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_what_the_idl_says() {
        use prost::Message as _;
        let payload = Payload::new("A", BTreeMap::from([("b".to_owned(), "c".to_owned())]), &Done2 {});
        // metadata (2): type (3), headers (7); body (3): value (2).
        let expected = b"\x12\x0b\x1a\x01A\x3a\x06\x0a\x01b\x12\x01c\x1a\x04\x12\x02{}";
        assert_eq!(payload.encode_to_vec(), expected);
        assert_eq!((payload.kind(), payload.json()), ("A", &b"{}"[..]));
    }

    #[derive(Serialize)]
    struct Done2 {}

    #[test]
    fn an_instance_is_read_though_little_is_said() {
        let host: Host =
            serde_json::from_str(r#"{"ip":"10.0.0.7","port":9000,"metadata":null,"instanceId":"x"}"#)
                .unwrap();
        assert_eq!(host.of("orders"), NacosInstance::new("orders", "10.0.0.7", 9000));
        let service: ServiceAnswer = serde_json::from_str(
            r#"{"resultCode":200,"serviceInfo":{"name":"DEFAULT_GROUP@@providers:a.B::","hosts":[{"ip":1},{"ip":"10.0.0.7","port":9000}],"lastRefTime":7}}"#,
        )
        .unwrap();
        let info = service.service_info;
        assert_eq!((info.service(), info.hosts.len(), info.last_ref_time), ("providers:a.B::", 2, 7));
    }

    #[test]
    fn an_answer_is_good_unless_it_says_otherwise() {
        let verdict = |text: &str| serde_json::from_str::<Verdict>(text).unwrap();
        assert!(verdict("{}").is_good() && verdict(r#"{"resultCode":200,"message":null}"#).is_good());
        let bad = verdict(r#"{"resultCode":500,"errorCode":301,"message":"Connection is unregistered."}"#);
        assert!(!bad.is_good());
        assert_eq!(
            (bad.error_code, bad.message.as_str()),
            (Verdict::UNREGISTERED, "Connection is unregistered.")
        );
    }
}
