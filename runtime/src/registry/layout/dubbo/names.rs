//! What Dubbo calls methods, and which services answer a consumer.

use crate::registry::{Provided, Wanted};

/// The methods of a list with commas, as in the IDL: `GetOrder`. Java writes `getOrderAsync`, too, and dubbo-go both cases.
pub(super) fn proto_methods(list: &str) -> Vec<String> {
    let listed: Vec<&str> = list.split(',').filter(|method| !method.is_empty()).collect();
    let is_twin = |method: &str| method.strip_suffix("Async").is_some_and(|method| listed.contains(&method));
    let methods = listed.iter().filter(|method| !is_twin(method));
    let mut methods: Vec<String> = methods.map(|method| proto_method(method)).collect();
    methods.sort_unstable();
    methods.dedup();
    methods
}

fn proto_method(method: &str) -> String {
    let mut name = method.to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    name
}

/// Whether a consumer takes a service by its group and version, by `UrlUtils.isMatch`: both equal, `*` for any; a consumer may
/// list several groups.
pub(super) fn matches(wanted: &Wanted, service: &Provided) -> bool {
    let is_group = |group: &str| group == "*" || group == service.group;
    let is_version = wanted.version == "*" || wanted.version == service.version;
    is_version && wanted.group.split(',').map(str::trim).any(is_group)
}
