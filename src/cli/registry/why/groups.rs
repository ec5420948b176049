//! Consumers on Dubbo 3 for Java that ask for several groups: `a,b`, or `*` for all.
//!
//! In: the providers of all these groups. Out: those that are called. By interface, where several groups are there, these are
//! all of one group; else it is one provider alone (`MergeableClusterInvoker` of 3.3.6, for methods without a `merger`).

use std::collections::BTreeSet;

use jovian_runtime::registry::layout::DubboUrl;

use super::asked::{Asked, Consumer};
use super::reason::{Cause, Findings};
use crate::cli::place::Place;

const HELP: &str = "ask for one group, or give the method a `merger`, which calls all of them";

/// Whether it asks for several, in a store of keys.
fn is_many(asked: &Asked) -> bool {
    let is_many = asked.wanted.group == "*" || asked.wanted.group.contains(',');
    is_many && asked.consumer == Consumer::DubboJava && asked.place != Place::Nacos
}

/// Says that one of these providers is called alone.
pub(super) fn alone(asked: &Asked, findings: &mut Findings) {
    let all = findings.seen.len() + findings.weightless.len();
    let Some(key) = findings.seen.values().next().cloned().filter(|_| is_many(asked) && all > 1) else {
        return;
    };
    let reason = "it asks for several groups, and calls one provider alone then, whichever it finds first, as long as that can be reached";
    findings.all(Cause::GroupVersion, &key, reason.to_owned(), HELP);
}

/// Leaves only those of the group that is called, of providers that are found by interface.
pub(super) fn choose(asked: &Asked, findings: &mut Findings) {
    if !is_many(asked) {
        return;
    }
    let weightless = findings.weightless.iter().map(|(_, key)| key);
    let groups: BTreeSet<String> = findings.seen.values().chain(weightless).map(|key| group(key)).collect();
    if groups.len() == 1 {
        return alone(asked, findings);
    }
    let buckets = (groups.len() * 4).div_ceil(3).next_power_of_two().max(16);
    let place = |group: &str| hash(group) & (buckets - 1);
    let Some(called) = groups.iter().min_by_key(|group| place(group)) else { return };
    let is_called = |key: &str| place(&group(key)) == place(called);
    let (mut others, mut weightless) = (findings.seen.clone(), findings.weightless.clone());
    others.retain(|_, key| !is_called(key));
    findings.seen.retain(|_, key| is_called(key));
    weightless.retain(|(_, key)| !is_called(key));
    findings.weightless.retain(|(_, key)| is_called(key));
    for (address, key) in others.into_iter().chain(weightless) {
        let (its, theirs) = (said(&group(&key)), said(called));
        let reason = format!(
            "it is {its}, and of several groups Java calls one alone, by the hashes of their names: here the providers {theirs}, as long as one of them can be reached"
        );
        findings.of(&address, Cause::GroupVersion, &key, reason, HELP);
    }
}

fn said(group: &str) -> String {
    if group.is_empty() { "of no group".to_owned() } else { format!("of the group `{group}`") }
}

/// The group of the provider whose URL is a key.
fn group(key: &str) -> String {
    let segment = key.rsplit('/').next().unwrap_or_default();
    DubboUrl::read(segment).map(|url| url.parameter("group").to_owned()).unwrap_or_default()
}

/// Where `java.util.HashMap` looks for a text, before it knows how many buckets there are.
fn hash(text: &str) -> usize {
    let add = |hash: u32, unit: u16| hash.wrapping_mul(31).wrapping_add(unit.into());
    let hash = text.encode_utf16().fold(0, add);
    (hash ^ (hash >> 16)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_hashed_as_java_does() {
        // `"blue".hashCode()` is 3027034.
        assert_eq!(hash("blue"), 3_027_034 ^ (3_027_034 >> 16));
        assert_eq!(hash(""), 0);
    }
}
