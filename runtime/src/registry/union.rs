//! What several sources tell, as one list.
//!
//! In: instances, those that count most first. Out: one of each address, sorted by id. Never: a copy of an instance.

use std::collections::HashSet;
use std::sync::Arc;

use super::Instance;

/// The instances that a list has: of two with one address the first.
pub(super) fn one_of_each_address<'i>(
    instances: impl Iterator<Item = &'i Arc<Instance>>,
) -> Vec<&'i Arc<Instance>> {
    let mut addresses = HashSet::new();
    let mut list: Vec<_> = instances.filter(|instance| addresses.insert(instance.address.as_str())).collect();
    list.sort_by(|one, other| one.id.cmp(&other.id));
    list
}
