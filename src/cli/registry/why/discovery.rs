//! Kratos in bilibili's discovery.
//!
//! In: who looks for what, and the records. Out: which providers Kratos calls, and why not the others. What it reads stands in
//! `naming/client.go` and `naming/grpc/resolver.go` of discovery 1.2. That it keeps to its own zone, as long as anybody is there, is
//! not looked at.

use jovian_runtime::registry::layout::DiscoveryInstance;
use jovian_runtime::registry::raw::RawRecords;

use super::apps::below;
use super::asked::Asked;
use super::reason::{Cause, Findings};

/// The status of instances that are told of.
const UP: u32 = 1;

pub(super) fn kratos(asked: &Asked, records: &RawRecords, findings: &mut Findings) {
    let app = &asked.wanted.app;
    for (key, value) in below(records, &format!("{app}/")) {
        let instance: DiscoveryInstance = match serde_json::from_str(value) {
            Ok(instance) => instance,
            Err(error) => {
                let reason = format!("what stands there is no instance: {error}");
                findings.all(Cause::Unreadable, key, reason, "register it again");
                continue;
            }
        };
        let bare = |endpoint: &String| endpoint.rsplit("://").next().unwrap_or_default().to_owned();
        let grpc = instance.addrs.iter().find(|endpoint| endpoint.starts_with("grpc://"));
        let address = grpc.or(instance.addrs.first()).map(bare).unwrap_or_default();
        if instance.status != UP {
            let reason =
                format!("its status is {}, and discovery tells of those with {UP} alone", instance.status);
            let help = "let the provider, or an operator, set its status to 1 (`/discovery/set`)";
            findings.of(&address, Cause::Disabled, key, reason, help);
        } else if grpc.is_none() {
            let reason = "it has no address that begins with `grpc://`".to_owned();
            findings.of(&address, Cause::Protocol, key, reason, "register an address `grpc://host:port`");
        } else {
            findings.see(&address, key);
        }
    }
}
