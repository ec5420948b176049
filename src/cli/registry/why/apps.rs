//! Consumers that look for apps: Jupiter, Kratos, Kitex, go-zero.
//!
//! In: who looks for what, and the records. Out: which providers each of them calls, and why not the others. What they read
//! was seen in Jupiter 0.11.21, Kratos 2.9 and 3.0, go-zero 1.10 and Kitex 0.16 with `registry-etcd` 0.2.6.

use jovian_runtime::registry::raw::RawRecords;

use super::asked::Asked;
use super::reason::{Cause, Findings};
use super::shape::{self, Field, Shape, field, text};

/// The folder that a layout has for an app.
pub(super) fn folder(asked: &Asked, layout: &str) -> Option<String> {
    asked.layout(layout)?.places(&asked.wanted).into_iter().next()
}

/// The records whose keys begin so.
pub(super) fn below<'a>(records: &'a RawRecords, prefix: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let prefix = prefix.to_owned();
    let from = records.range(prefix.clone()..).take_while(move |(key, _)| key.starts_with(&prefix));
    from.map(|(key, record)| (key.as_str(), &*record.value))
}

/// Whether a text is `host:port`.
pub(super) fn is_address(text: &str) -> bool {
    let parts = text.rsplit_once(':').filter(|(host, _)| !host.is_empty() && !host.contains(['/', '{', ' ']));
    parts.is_some_and(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0))
}

const JUPITER: &[Field] = &[("Op", Shape::Whole), ("Addr", Shape::Text)];
/// `registry.ServiceInfo`, behind `MetadataX`.
const JUPITER_INFO: &[Field] = &[
    ("name", Shape::Text),
    ("appId", Shape::Text),
    ("scheme", Shape::Text),
    ("address", Shape::Text),
    ("weight", Shape::Number),
    ("enable", Shape::Flag),
    ("healthy", Shape::Flag),
    ("metadata", Shape::Labels),
    ("region", Shape::Text),
    ("zone", Shape::Text),
    ("kind", Shape::Whole),
    ("version", Shape::Text),
    ("mode", Shape::Text),
    ("hostname", Shape::Text),
    ("deployment", Shape::Text),
    ("group", Shape::Text),
];

pub(super) fn jupiter(asked: &Asked, records: &RawRecords, findings: &mut Findings) {
    let Some(folder) = folder(asked, "jupiter") else { return };
    for (key, value) in below(records, &folder) {
        let address = key.strip_prefix(&folder).unwrap_or_default();
        if !is_address(address) {
            let reason = format!(
                "Jupiter keeps a record only if its key ends with `host:port`, and this one ends with `{address}`"
            );
            findings.all(
                Cause::KeyForm,
                key,
                reason,
                "write the key that `jovian keys --layout jupiter` shows",
            );
            continue;
        }
        let read = shape::read(value, JUPITER).and_then(|value| {
            match field(&value, "MetadataX").filter(|info| !info.is_null()) {
                Some(info) => shape::wrong(info, JUPITER_INFO).map_or(Ok(()), Err),
                None => Ok(()),
            }
            .map(|()| value)
        });
        match read {
            Err(why) => {
                let reason = format!("Jupiter drops a record if it cannot read anything of its value: {why}");
                findings.of(
                    address,
                    shape::cause(value),
                    key,
                    reason,
                    "write numbers as numbers and texts as texts",
                );
            }
            Ok(value) if field(&value, "Op").and_then(serde_json::Value::as_i64).unwrap_or_default() != 0 => {
                let reason = "its `Op` is not 0, which tells Jupiter that the provider is gone".to_owned();
                findings.of(address, Cause::Disabled, key, reason, "write `\"Op\":0`, or delete the key");
            }
            Ok(_) => findings.see(address, key),
        }
    }
    let http = folder.replacen("grpc:", "http:", 1);
    for (key, _) in below(records, &http) {
        let address = key.strip_prefix(&http).unwrap_or_default();
        if findings.seen.is_empty() && findings.reasons.is_empty() {
            let reason =
                "it is registered for HTTP, and Jupiter's client of gRPC looks for `grpc:`".to_owned();
            findings.of(address, Cause::Protocol, key, reason, "serve gRPC, and register that");
        }
    }
}

const KRATOS: &[Field] = &[
    ("id", Shape::Text),
    ("name", Shape::Text),
    ("version", Shape::Text),
    ("metadata", Shape::Labels),
    ("endpoints", Shape::Texts),
];

pub(super) fn kratos(asked: &Asked, records: &RawRecords, findings: &mut Findings) {
    let Some(folder) = folder(asked, "kratos") else { return };
    let app = &asked.wanted.app;
    // On etcd it reads all keys that begin so, without a slash; ZooKeeper has real folders.
    let prefix = if asked.is_etcd() { folder.trim_end_matches('/') } else { folder.as_str() };
    if let Some((key, why, value)) =
        below(records, prefix).find_map(|(key, value)| Some((key, shape::read(value, KRATOS).err()?, value)))
    {
        let is_sibling = !key.starts_with(&folder);
        let code = if is_sibling { Cause::SiblingPrefix } else { shape::cause(value) };
        let reason = format!(
            "Kratos reads every value below `{prefix}`, and finds nobody as soon as it cannot read one: {why}"
        );
        let help = match is_sibling {
            true => "correct or delete that record, though it is of another app",
            false => "correct or delete that record; metadata are strings alone",
        };
        findings.all(code, key, reason, help);
        return;
    }
    for (key, value) in below(records, &folder) {
        let Ok(value) = shape::read(value, KRATOS) else { continue };
        let endpoints: Vec<&str> = field(&value, "endpoints")
            .and_then(serde_json::Value::as_array)
            .map_or_else(Vec::new, |all| all.iter().filter_map(serde_json::Value::as_str).collect());
        let grpc = endpoints.iter().find_map(|endpoint| endpoint.strip_prefix("grpc://"));
        let of = |endpoint: &str| {
            let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
            rest.split(['/', '?']).next().unwrap_or_default().to_owned()
        };
        let address = grpc.or(endpoints.first().copied()).map(of).unwrap_or_default();
        if text(&value, "name") != app {
            let reason = format!(
                "its `name` is `{}`, and Kratos keeps records whose `name` is `{app}`",
                text(&value, "name")
            );
            findings.of(
                &address,
                Cause::OtherName,
                key,
                reason,
                "write the name of the folder into the value",
            );
        } else if grpc.is_none() {
            let reason = "it has no endpoint that begins with `grpc://`".to_owned();
            findings.of(
                &address,
                Cause::Protocol,
                key,
                reason,
                "register an endpoint `grpc://host:port`; `grpcs://` is for consumers with TLS",
            );
        } else {
            findings.see(&address, key);
        }
    }
}

const KITEX: &[Field] =
    &[("network", Shape::Text), ("address", Shape::Text), ("weight", Shape::Whole), ("tags", Shape::Labels)];

pub(super) fn kitex(asked: &Asked, records: &RawRecords, findings: &mut Findings) {
    let Some(folder) = folder(asked, "kitex") else { return };
    for (key, value) in below(records, &folder) {
        let code = shape::cause(value);
        let value = match shape::read(value, KITEX) {
            Ok(value) => value,
            Err(why) => {
                let address = key.strip_prefix(&folder).unwrap_or_default();
                let reason = format!("Kitex leaves out a record that it cannot read: {why}");
                let help = "write the value that `jovian keys --layout kitex` shows";
                findings.of(address, code, key, reason, help);
                continue;
            }
        };
        let address = text(&value, "address");
        if text(&value, "network").is_empty() {
            let reason = "its `network` is missing, and calls end with `unknown network`".to_owned();
            findings.of(address, Cause::Protocol, key, reason, "write `\"network\":\"tcp\"`");
        } else if !is_address(address) {
            let reason = format!("its `address` is `{address}`, which is no `host:port`");
            findings.of(address, Cause::ValueType, key, reason, "write `\"address\":\"host:port\"`");
        } else {
            findings.see(address, key);
        }
    }
}

pub(super) fn go_zero(asked: &Asked, records: &RawRecords, findings: &mut Findings) {
    let Some(folder) = folder(asked, "go-zero") else { return };
    for (key, value) in below(records, &folder) {
        if is_address(value) {
            findings.see(value, key);
        } else {
            let reason =
                "its value is no bare `host:port`, and go-zero connects to whatever stands there".to_owned();
            findings.all(Cause::ValueType, key, reason, "write the address alone into the value");
        }
    }
    let bare = folder.trim_end_matches('/');
    if let Some(record) = records.get(bare)
        && is_address(&record.value)
    {
        let reason = format!("go-zero reads the keys that begin with `{folder}`, and this one does not");
        findings.of(&record.value, Cause::KeyForm, bare, reason, "add a slash and anything else to the key");
    }
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn addresses() {
        assert!(["10.0.0.7:9000", "[::1]:1", "orders:65535"].into_iter().all(is_address));
        assert!(!["", "a", ":1", "a:0", "a:b", "{\"a\":1", "grpc://a:1"].into_iter().any(is_address));
    }
}
