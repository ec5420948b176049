//! Consumers that look for their providers in Nacos: Dubbo 3 by interface, and Kratos. What stands in a URL elsewhere is metadata of
//! an instance there.
//!
//! In: who looks for what, and the records. Out: which providers each of them calls, and why not the others. What they read was
//! seen in Dubbo 3.3.6, in dubbo-go 3.3.2 and in Kratos 2.9 with its `contrib/registry/nacos`.

use std::collections::BTreeMap;

use jovian_runtime::registry::NacosOptions;
use jovian_runtime::registry::layout::DubboUrl;
use jovian_runtime::registry::raw::RawRecords;
use serde::Deserialize;

use super::apps::{below, folder};
use super::asked::{Asked, Consumer};
use super::dubbo::{SAME_GROUP, judge, other_group};
use super::reason::{Cause, Findings};

/// How keys of Dubbo by interface begin.
const PROVIDERS: &str = "instances/providers:";
const ENABLE: &str = "enable it in the console of Nacos, or start the provider again";

/// An instance, as its consumers see it.
#[derive(Deserialize)]
struct Host {
    ip: String,
    port: u16,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default = "yes")]
    healthy: bool,
    #[serde(default = "usual", rename = "clusterName")]
    cluster: String,
    #[serde(default)]
    metadata: Option<BTreeMap<String, String>>,
}

fn yes() -> bool {
    true
}

fn usual() -> String {
    NacosOptions::DEFAULT_CLUSTER.to_owned()
}

impl Host {
    fn address(&self) -> String {
        let Self { ip, port, .. } = self;
        if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }
    }

    /// Why nobody is to call it.
    fn out_of_use(&self) -> Option<&'static str> {
        match (self.enabled, self.healthy) {
            (false, _) => Some("somebody has taken it out of use"),
            (true, false) => Some("Nacos does not hear it any more, and has marked it as unhealthy"),
            (true, true) => None,
        }
    }

    /// What an instance of Dubbo says, as a URL. dubbo-go writes a slash before the path.
    fn url(&self) -> DubboUrl {
        let mut url = DubboUrl::default();
        url.address = self.address();
        url.parameters = self.metadata.clone().unwrap_or_default();
        url.scheme = url.parameters.remove("protocol").unwrap_or_default();
        url.path = url.parameters.remove("path").unwrap_or_default().trim_start_matches('/').to_owned();
        url
    }
}

/// The instance that stands in a record.
fn host(key: &str, value: &str, findings: &mut Findings) -> Option<Host> {
    let read = serde_json::from_str(value);
    read.map_err(|error| {
        let reason = format!("what stands there is no instance: {error}");
        findings.all(Cause::Unreadable, key, reason, "register it again");
    })
    .ok()
}

/// Finds providers by interface.
pub(super) fn by_interface(asked: &Asked, records: &RawRecords, findings: &mut Findings) {
    let mut lost = false;
    for (key, value) in below(records, PROVIDERS) {
        let name = key.strip_prefix(PROVIDERS).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let (interface, rest) = name.split_once(':').unwrap_or((name, ""));
        if interface != asked.interface() {
            continue;
        }
        let Some(host) = host(key, value, findings) else { continue };
        lost |= !provider(asked, key, rest, &host, findings);
    }
    if lost {
        findings.seen.clear();
        findings.weightless.clear();
    }
}

/// One provider; whether the consumer keeps those beside it.
fn provider(asked: &Asked, key: &str, rest: &str, host: &Host, findings: &mut Findings) -> bool {
    let (is_java, name) = (asked.consumer == Consumer::DubboJava, asked.consumer.name());
    let url = host.url();
    let mut tell = |code, reason: String, help: &str| findings.of(&url.address, code, key, reason, help);
    let Some((version, group)) = rest.split_once(':') else {
        let reason =
            format!("{name} looks for services with three colons in their names, and this one has less");
        tell(
            Cause::KeyForm,
            reason,
            "register `providers:interface:version:group`, with nothing where there is none",
        );
        return true;
    };
    if let Some(reason) = other_group(asked, group, version) {
        tell(Cause::GroupVersion, reason, SAME_GROUP);
        return true;
    }
    if let Some(reason) = host.out_of_use() {
        tell(Cause::Disabled, reason.to_owned(), ENABLE);
        return true;
    }
    if url.scheme.is_empty() {
        let help = "write `protocol=tri` into the metadata of the instance";
        if is_java {
            let reason =
                "its metadata have no `protocol`, and with it Java loses every provider of the service";
            findings.all(Cause::Protocol, key, reason.to_owned(), help);
        } else {
            tell(
                Cause::Protocol,
                "its metadata have no `protocol`, and dubbo-go leaves it out".to_owned(),
                help,
            );
        }
        return !is_java;
    }
    if !is_java && url.path.is_empty() && url.parameter("interface").is_empty() {
        let reason =
            "its metadata have neither `path` nor `interface`, and dubbo-go leaves it out".to_owned();
        tell(Cause::Path, reason, "write both into the metadata of the instance");
        return true;
    }
    judge(asked, key, &url, findings);
    true
}

/// What Kratos calls.
pub(super) fn kratos(asked: &Asked, records: &RawRecords, findings: &mut Findings) {
    let Some(folder) = folder(asked, "kratos") else { return };
    for (key, value) in below(records, &folder) {
        let Some(host) = host(key, value, findings) else { continue };
        let address = host.address();
        let kind = host.metadata.as_ref().and_then(|metadata| metadata.get("kind"));
        if let (false, Some(reason)) = (host.enabled, host.out_of_use()) {
            findings.of(&address, Cause::Disabled, key, reason.to_owned(), ENABLE);
        } else if host.cluster != asked.cluster {
            let reason = format!(
                "it is in the cluster `{}`, and Kratos looks into one cluster alone, which is `{}`",
                host.cluster, asked.cluster
            );
            let help = "give both sides the same one (`nacos.WithCluster`); `--cluster` says which one the consumer has";
            findings.of(&address, Cause::OtherCluster, key, reason, help);
        } else if let Some(kind) = kind.filter(|kind| *kind != "grpc") {
            let reason = format!("its `kind` is `{kind}`, and Kratos makes no endpoint of gRPC of it");
            findings.of(
                &address,
                Cause::Protocol,
                key,
                reason,
                "write `kind=grpc` into its metadata, or nothing",
            );
        } else {
            findings.see(&address, key);
        }
    }
    let http = folder.replace(".grpc/", ".http/");
    if findings.seen.is_empty() && findings.reasons.is_empty() {
        for (key, value) in below(records, &http) {
            let address = host(key, value, findings).map_or_else(String::new, |host| host.address());
            let reason = "it is registered for HTTP alone, and a client of gRPC looks for `.grpc`".to_owned();
            findings.of(&address, Cause::Protocol, key, reason, "serve gRPC, and register that");
        }
    }
}
