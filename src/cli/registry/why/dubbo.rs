//! Consumers on Dubbo by interface: a URL for each provider in the folder of the interface.
//!
//! In: who looks for what, and the records. Out: which providers are found so, and why not the others. What they read was seen
//! in Dubbo 3.3.6 and 2.7.23 and dubbo-go 3.3.2.

use std::collections::BTreeMap;

use jovian_runtime::registry::layout::DubboUrl;
use jovian_runtime::registry::raw::RawRecords;

use super::apps::is_address;
use super::asked::{Asked, Consumer};
use super::reason::{Cause, Findings};
use crate::cli::place::Place;

const REGISTER_AGAIN: &str = "write the key that `jovian keys` shows";
pub(super) const SAME_GROUP: &str = "set the same group and version on both sides; none is one, too";

/// Finds providers by interface.
pub(super) fn by_interface(asked: &Asked, records: &RawRecords, findings: &mut Findings) {
    let Some(folder) = folder(asked) else { return };
    let below = records.range(folder.clone()..).take_while(|(key, _)| key.starts_with(&folder));
    let segments = below.filter_map(|(key, _)| Some((key, key.strip_prefix(&folder)?)));
    let segments: Vec<_> = segments.filter(|(_, segment)| !segment.is_empty()).collect();
    if asked.consumer == Consumer::DubboJava
        && let Some((key, (code, why))) =
            segments.iter().find_map(|(key, segment)| Some((key, poison(segment)?)))
    {
        let reason = format!(
            "Java reads all URLs of the folder together, and finds nobody by interface as soon as it cannot read one: {why}"
        );
        return findings.all(
            code,
            key,
            reason,
            "delete that node, and let its provider write what `jovian keys` shows",
        );
    }
    for (key, segment) in segments {
        provider(asked, key, segment, findings);
    }
}

/// Whether those with a weight of 0 are called: among themselves each gets as many calls as the others.
pub(super) fn weigh(asked: &Asked, findings: &mut Findings) {
    let is_alone = findings.seen.is_empty();
    let name = if asked.consumer == Consumer::DubboGo { "dubbo-go" } else { "Java" };
    for (address, key) in std::mem::take(&mut findings.weightless) {
        if is_alone {
            findings.see(&address, &key);
        } else {
            let reason = format!("its weight is 0, and {name} gives it few calls or none beside others");
            findings.of(&address, Cause::Disabled, &key, reason, "give it a weight");
        }
    }
}

/// What hides all providers of a folder from Dubbo 3 for Java (`CacheableFailbackRegistry.createURL`), if this is it.
fn poison(segment: &str) -> Option<(Cause, String)> {
    match DubboUrl::read(segment) {
        Ok(_) if has_bare_query(segment) => {
            let why = "its `?` is not encoded, and what stands before it is".to_owned();
            Some((Cause::Encoding, why))
        }
        Ok(url) => {
            let (_, port) = url.address.rsplit_once(':')?;
            port.parse::<u16>().is_err().then(|| (Cause::Unreadable, format!("`{port}` is no port")))
        }
        Err(why) => (!segment.contains("%3F")).then_some((Cause::Unreadable, why)),
    }
}

/// Whether parameters begin with a `?` that is not encoded; what stands before it is not decoded then.
fn has_bare_query(segment: &str) -> bool {
    segment.contains('?') && !segment.contains("%3F")
}

/// The folder in which the consumer looks. On etcd, dubbo-go does not encode it.
fn folder(asked: &Asked) -> Option<String> {
    let layout = if asked.consumer == Consumer::DubboJavaOld { "dubbo-grpc" } else { "dubbo-tri" };
    let interface = asked.interface().to_owned();
    let mut wanted = asked.wanted.clone();
    wanted.name.clear();
    wanted.java.clone_from(&interface);
    wanted.legacy = interface;
    let mut places = asked.layout(layout)?.places(&wanted).into_iter();
    let encoded = places.next();
    if asked.consumer == Consumer::DubboGo { places.next().or(encoded) } else { encoded }
}

fn provider(asked: &Asked, key: &str, segment: &str, findings: &mut Findings) {
    let is_java = asked.consumer != Consumer::DubboGo;
    // In etcd, dubbo-go reads whatever stands behind the folder.
    if segment.contains('/') && (is_java || !asked.is_etcd()) {
        let reason =
            "the URL of the provider is not encoded, and its slashes make several segments of one".to_owned();
        let address = DubboUrl::read(segment).map(|url| url.address).unwrap_or_default();
        return findings.of(&address, Cause::Encoding, key, reason, REGISTER_AGAIN);
    }
    let mut url = match DubboUrl::read(segment) {
        Ok(url) => url,
        Err(why) => {
            let reason = format!("what stands behind the folder is no URL: {why}");
            return findings.all(Cause::Unreadable, key, reason, REGISTER_AGAIN);
        }
    };
    let address = url.address.clone();
    let mut tell = |code, reason: String, help: &str| findings.of(&address, code, key, reason, help);
    // In etcd it decodes all of it before it reads anything.
    if asked.consumer == Consumer::DubboJavaOld && !asked.is_etcd() {
        let what = if has_small_digits(segment) {
            Some("hexadecimal digits are lower case (`%3a`)")
        } else {
            has_bare_query(segment).then_some("its `?` is not encoded")
        };
        if let Some(what) = what {
            let reason = format!("{what}, and Dubbo 2.7 drops the provider");
            return tell(Cause::Encoding, reason, "encode it as `java.net.URLEncoder` does");
        }
    }
    if asked.consumer == Consumer::DubboJava && segment.contains("%3F") {
        for (name, lost) in cut(segment, &mut url.parameters) {
            let reason =
                format!("Java cuts out `{name}`, because of how its name ends, and `{lost}` behind it");
            tell(Cause::CutParameter, reason, "give no parameter a name that ends with `pid` or `timestamp`");
        }
    }
    judge(asked, key, &url, findings);
}

/// What the consumer makes of a URL that it can read.
pub(super) fn judge(asked: &Asked, key: &str, url: &DubboUrl, findings: &mut Findings) {
    let is_java = asked.consumer != Consumer::DubboGo;
    let address = url.address.clone();
    let mut tell = |code, reason: String, help: &str| findings.of(&address, code, key, reason, help);
    let schemes: &[&str] = match asked.consumer {
        Consumer::DubboJava => &["tri", "grpc"],
        Consumer::DubboJavaOld => &["grpc"],
        _ => &["tri"],
    };
    if !schemes.contains(&url.scheme.as_str()) {
        let reason = format!(
            "its protocol is `{}`, and the consumer speaks `{}`",
            url.scheme,
            schemes.join("` and `")
        );
        return tell(Cause::Protocol, reason, "register the protocol that is served");
    }
    if is_java && (url.parameter("enabled") == "false" || url.parameter("disabled") == "true") {
        return tell(
            Cause::Disabled,
            "it is registered as disabled".to_owned(),
            "enable it where it was disabled",
        );
    }
    let (group, version) = (url.parameter("group"), url.parameter("version"));
    // They are part of the name of a service in Nacos, and dubbo-go looks there alone.
    let is_named = !is_java && asked.place == Place::Nacos;
    if let Some(reason) = other_group(asked, group, version).filter(|_| !is_named) {
        return tell(Cause::GroupVersion, reason, SAME_GROUP);
    }
    if let Some(reason) = other_path(asked, url) {
        return tell(
            Cause::Path,
            reason,
            "let the path of the URL be the name of the service in the IDL, and `interface` that of the folder",
        );
    }
    if !is_java && url.parameter("serialization") == "hessian2" {
        let reason = "it says `serialization=hessian2`, which makes calls of dubbo-go fail".to_owned();
        return tell(Cause::Protocol, reason, "leave that parameter out: messages are protobuf");
    }
    if !is_address(&address) {
        let reason = format!("its address is `{address}`, which is no `host:port`");
        return tell(Cause::Unreadable, reason, REGISTER_AGAIN);
    }
    // dubbo-go writes it where nobody chose a weight, and takes itself at its word (`random/loadbalance.go`).
    let is_of_go = url.parameter("release").starts_with("dubbo-golang");
    if url.parameter("weight") == "0" && !(is_java && is_of_go) {
        findings.weightless.push((address, key.to_owned()));
        return;
    }
    findings.see(&address, key);
}

/// Whether a segment is encoded with digits that Dubbo 2.7 does not look for.
fn has_small_digits(segment: &str) -> bool {
    let digits = segment.split('%').skip(1).filter_map(|part| part.get(..2));
    digits.into_iter().any(|digits| digits.bytes().any(|digit| digit.is_ascii_lowercase()))
}

/// Takes out what Java cuts out of a URL beside `pid` and `timestamp`: the parameter behind one whose name only ends so. Gives
/// both names.
fn cut(segment: &str, parameters: &mut BTreeMap<String, String>) -> Vec<(String, String)> {
    let place =
        |name: &str| segment.find(&format!("%3F{name}%3D")).or(segment.find(&format!("%26{name}%3D")));
    let mut names: Vec<String> = parameters.keys().cloned().collect();
    names.sort_by_key(|name| place(name));
    let is_cut = |name: &str| {
        let ends = |end: &str| name.ends_with(end) && name != end;
        ends("pid") || ends("timestamp")
    };
    let pairs = names.iter().zip(names.iter().skip(1)).filter(|(name, _)| is_cut(name));
    let lost: Vec<(String, String)> = pairs.map(|(name, next)| (name.clone(), next.clone())).collect();
    lost.iter().for_each(|(_, next)| drop(parameters.remove(next)));
    lost
}

/// Why group and version are not those that are asked for (`UrlUtils.isMatch`).
pub(super) fn other_group(asked: &Asked, group: &str, version: &str) -> Option<String> {
    let wanted = &asked.wanted;
    let is_java = asked.consumer != Consumer::DubboGo;
    let is_group = match is_java {
        true => wanted.group.split(',').map(str::trim).any(|it| it == "*" || it == group),
        false => wanted.group == group,
    };
    let is_version = (is_java && wanted.version == "*") || wanted.version == version;
    let said = |group: &str, version: &str| {
        let part = |what: &str, text: &str| match text {
            "" => format!("no {what}"),
            text => format!("{what} `{text}`"),
        };
        format!("{} and {}", part("group", group), part("version", version))
    };
    (!is_group || !is_version).then(|| {
        let (has, asks) = (said(group, version), said(&wanted.group, &wanted.version));
        format!("it has {has}, and the consumer asks for {asks}")
    })
}

/// Why the consumer would call, or look for, another path than the one that is served.
fn other_path(asked: &Asked, url: &DubboUrl) -> Option<String> {
    let interface = asked.interface();
    let said = url.parameter("interface");
    match asked.consumer {
        Consumer::DubboJava => {
            let known = [asked.wanted.name.as_str(), asked.wanted.java.as_str(), ""];
            (!known.contains(&url.path.as_str())).then(|| {
                format!(
                    "Java calls `/{}/..`, by the path of the URL, which is no name of the service",
                    url.path
                )
            })
        }
        _ => {
            let name = if said.is_empty() { url.path.as_str() } else { said };
            (name != interface).then(|| {
                format!("the URL is of the interface `{name}`, and the consumer looks for `{interface}`")
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_cuts_by_the_end_of_names() {
        let url = DubboUrl::read(
            "tri%3A%2F%2Fa%3A1%2Fb%3Fapppid%3D7%26application%3Dx%26group%3Dg%26pid%3D1%26timestamp%3D2",
        );
        let mut parameters = url.unwrap().parameters;
        let segment = "b%3Fapppid%3D7%26application%3Dx%26group%3Dg%26pid%3D1%26timestamp%3D2";
        assert_eq!(cut(segment, &mut parameters), [("apppid".to_owned(), "application".to_owned())]);
        assert_eq!(parameters.keys().collect::<Vec<_>>(), ["apppid", "group", "pid", "timestamp"]);
    }

    #[test]
    fn digits() {
        assert!(has_small_digits("tri%3a%2f%2f10.0.0.7%3A9000"));
        assert!(!has_small_digits("tri%3A%2F%2Fabc%3A9000%"));
    }
}
