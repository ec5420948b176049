//! What Dubbo calls methods, and which services answer a consumer.

use crate::registry::{Provided, Wanted};

/// A method as Java has it: `getOrder`.
pub(super) fn java_method(method: &str) -> String {
    with_first(method, |first| first.to_ascii_lowercase())
}

/// The methods of a list with commas, as in the IDL: `GetOrder`. Java writes `getOrderAsync`, too, and dubbo-go both cases.
pub(super) fn proto_methods(list: &str) -> Vec<String> {
    let listed: Vec<&str> = list.split(',').filter(|method| !method.is_empty()).collect();
    let is_twin = |method: &str| method.strip_suffix("Async").is_some_and(|method| listed.contains(&method));
    let methods = listed.iter().filter(|method| !is_twin(method));
    let mut methods: Vec<String> =
        methods.map(|method| with_first(method, |first| first.to_ascii_uppercase())).collect();
    methods.sort_unstable();
    methods.dedup();
    methods
}

fn with_first(name: &str, change: impl Fn(char) -> char) -> String {
    let mut letters = name.chars();
    letters.next().map(change).into_iter().chain(letters).collect()
}

/// Whether a consumer takes a service by its group and version, by `UrlUtils.isMatch`: both equal, `*` for any; a consumer may
/// list several groups.
pub(super) fn matches(wanted: &Wanted, service: &Provided) -> bool {
    let is_group = |group: &str| group == "*" || group == service.group;
    let is_version = wanted.version == "*" || wanted.version == service.version;
    is_version && wanted.group.split(',').map(str::trim).any(is_group)
}
