//! From records to reasons.
//!
//! In: who looks for what, and all records of a store. Out: what the consumer sees, and why it does not see the rest. Never: a
//! store, a connection; the same records give the same reasons.

use std::collections::{BTreeMap, BTreeSet};

use jovian_runtime::registry::raw::RawRecords;

use super::asked::{Asked, Consumer, Level};
use super::reason::{Cause, Findings, Reason};
use super::{apps, discovery, dubbo, dubbo_app, groups, nacos};
use crate::cli::place::Place;
use crate::cli::registry::decode::{Decoded, Found, decode_all};

/// What a consumer makes of a registry.
pub(super) fn explain(asked: &Asked, kind: &str, records: &RawRecords) -> Findings {
    let decoded = decode_all(kind, records);
    let mut findings = Findings::default();
    match asked.consumer {
        Consumer::Jupiter => apps::jupiter(asked, records, &mut findings),
        Consumer::Kratos => {
            let kratos = match asked.place {
                Place::Nacos => nacos::kratos,
                Place::Discovery => discovery::kratos,
                Place::Etcd | Place::ZooKeeper => apps::kratos,
            };
            kratos(asked, records, &mut findings);
        }
        Consumer::Kitex => apps::kitex(asked, records, &mut findings),
        Consumer::GoZero => apps::go_zero(asked, records, &mut findings),
        Consumer::DubboJavaOld => {
            dubbo::by_interface(asked, records, &mut findings);
            dubbo::weigh(asked, &mut findings);
        }
        Consumer::DubboJava | Consumer::DubboGo => levels(asked, records, &decoded, &mut findings),
    }
    elsewhere(asked, &decoded, &mut findings);
    findings
}

/// Dubbo 3: by interface, by application, or both.
fn levels(asked: &Asked, records: &RawRecords, decoded: &[Decoded], findings: &mut Findings) {
    let (mut interface, mut application) = (Findings::default(), Findings::default());
    let by_interface = if asked.place == Place::Nacos { nacos::by_interface } else { dubbo::by_interface };
    by_interface(asked, records, &mut interface);
    groups::choose(asked, &mut interface);
    dubbo::weigh(asked, &mut interface);
    // Java cannot read it in etcd.
    if asked.consumer == Consumer::DubboGo || !asked.is_etcd() {
        dubbo_app::by_application(asked, records, decoded, &mut application);
        groups::alone(asked, &mut application);
    }
    // An instance that Java cannot read ends the consumer, before it looks elsewhere.
    let ends = |reason: &Reason| matches!(reason.code, Cause::Class | Cause::Unreadable);
    if asked.consumer == Consumer::DubboJava
        && asked.level != Level::Interface
        && application.reasons.iter().any(ends)
    {
        application.seen.clear();
        application.reasons.retain(ends);
        *findings = application;
        return;
    }
    let level = match (asked.level, asked.consumer) {
        (Level::Default, Consumer::DubboGo) => Level::Application,
        (level, _) => level,
    };
    let (level, other, why) = match level {
        Level::Interface => {
            let reason = "it is registered by application alone, and the consumer reads by interface";
            (interface, application, (Cause::Level, reason, "write the layout `dubbo-tri` as well"))
        }
        Level::Application => {
            let reason = "it is registered by interface alone, and the consumer reads by application";
            let help = "write the layout `dubbo-app` as well, or let the consumer read by interface";
            (application, interface, (Cause::Level, reason, help))
        }
        Level::Default if application.seen.is_empty() => {
            // What is wrong by application alone harms nobody here.
            application
                .reasons
                .retain(|reason| !reason.address.as_ref().is_some_and(|address| interface.knows(address)));
            interface.reasons.append(&mut application.reasons);
            *findings = interface;
            return;
        }
        Level::Default => {
            let reason = "others are registered by application, and then Java takes those alone";
            let help = "write the layout `dubbo-app` as well, or set \
                        `dubbo.application.service-discovery.migration=FORCE_INTERFACE` in the consumer";
            (application, interface, (Cause::Starved, reason, help))
        }
    };
    *findings = level;
    let (code, reason, help) = why;
    for (address, key) in other.seen {
        if findings.seen.contains_key(&address) {
            continue;
        }
        findings.of(&address, code, &key, reason.to_owned(), help);
    }
    let unknown = |reason: &Reason| reason.address.as_ref().is_none_or(|address| !findings.knows(address));
    let others: Vec<Reason> = other.reasons.into_iter().filter(unknown).collect();
    findings.reasons.extend(others);
}

/// Providers that stand where the consumer does not look.
fn elsewhere(asked: &Asked, decoded: &[Decoded], findings: &mut Findings) {
    let name = asked.consumer.name();
    let mut others: BTreeMap<&str, (BTreeSet<&str>, &str)> = BTreeMap::new();
    // Whatever hides all of them hides these, too.
    let hides_all =
        findings.reasons.iter().any(|reason| reason.address.is_none()) && findings.seen.is_empty();
    for record in decoded.iter().filter(|record| asked.concerns(record)) {
        let (Some(Found { layout, name: stands, root, mode, .. }), Some(instance)) =
            (&record.found, record.instance())
        else {
            continue;
        };
        let address = instance.address.as_str();
        if findings.knows(address) {
            continue;
        }
        if !asked.consumer.layouts().contains(layout) {
            let (layouts, _) = others.entry(address).or_insert_with(|| (BTreeSet::new(), &record.key));
            layouts.insert(layout);
        } else if *root != asked.options.root {
            let reason =
                format!("it stands below the root `{}`", root.as_deref().unwrap_or("that is the usual one"));
            let help = "give both sides the same root; `--root` says which one the consumer has";
            findings.of(address, Cause::OtherRoot, &record.key, reason, help);
        } else if mode.as_ref().is_some_and(|mode| *mode != asked.options.mode) {
            let mode = mode.as_deref().unwrap_or_default();
            let reason = format!("it is in the mode `{mode}`, and the consumer in `{}`", asked.options.mode);
            let help = "give both sides the same mode; `--mode` says which one the consumer has";
            findings.of(address, Cause::OtherMode, &record.key, reason, help);
        } else if *layout == "dubbo-app" {
            let reason = format!("it is registered by application alone, which {name} cannot read in etcd");
            findings.of(address, Cause::Level, &record.key, reason, "write the layout `dubbo-tri` as well");
        } else if stands != asked.interface() && layout.starts_with("dubbo-") {
            let reason = format!("it stands under `{stands}`, and {name} looks for `{}`", asked.interface());
            let help = "register it under both names, or let `java_package` be the package";
            findings.of(address, Cause::OtherName, &record.key, reason, help);
        }
    }
    for (address, (layouts, key)) in others {
        if !findings.knows(address) && !hides_all {
            let layouts: Vec<&str> = layouts.into_iter().collect();
            let reason =
                format!("it is registered as `{}`, which {name} does not read", layouts.join("`, `"));
            let help = format!("write the layout `{}` as well", asked.consumer.layouts().join("` or `"));
            findings.of(address, Cause::OtherLayout, key, reason, &help);
        }
    }
    if findings.seen.is_empty() && findings.reasons.is_empty() {
        let what = match asked.consumer {
            Consumer::DubboJava | Consumer::DubboJavaOld | Consumer::DubboGo => asked.interface(),
            _ => &asked.wanted.app,
        };
        let help = "start a provider; where it has other names, give them: `--app`, `--java`, or `--idl`";
        findings.all(Cause::NotRegistered, what, format!("nobody has registered `{what}`"), help);
    }
}
