//! A part of a long list for one of many clients, so that not everybody connects to everybody.
//!
//! In: a list, the number of a client. Out: about as many as are asked for. It is the deterministic subsetting of Google's SRE
//! book (chapter "Load Balancing in the Datacenter"): clients come in rounds; all of a round shuffle the list in the same way
//! and cut it into parts, one for each of them. Two things differ. The shuffle orders by a hash of the round and the
//! backend, so that one that leaves shifts the others by one place and does not deal all of them anew; and the parts
//! are cut equally, so that no backend is left over.

use crate::call::hash_of;
use crate::chance::scatter;

/// The part of `list` that the client of this number uses; `id` is what tells its items apart.
pub(super) fn subset<T>(mut list: Vec<T>, id: impl Fn(&T) -> &str, size: usize, client: u64) -> Vec<T> {
    let length = list.len();
    let Some(parts) = (length + size / 2).checked_div(size).filter(|parts| *parts > 1) else {
        return list;
    };
    // There are fewer parts than items.
    let (round, part) = (client / parts as u64, (client % parts as u64) as usize);
    let shuffle = scatter(round);
    list.sort_by_cached_key(|item| (scatter(hash_of(id(item).as_bytes()) ^ shuffle), id(item).to_owned()));
    let end = (part + 1) * length / parts;
    list.truncate(end);
    list.split_off(part * length / parts)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn backends(count: usize) -> Vec<String> {
        (0..count).map(|index| format!("10.1.{}.{}:9000", index / 250, index % 250)).collect()
    }

    fn used(backends: &[String], size: usize, client: u64) -> BTreeSet<String> {
        subset(backends.to_vec(), |address| address, size, client).into_iter().collect()
    }

    /// How many clients each backend has.
    fn loads(backends: &[String], size: usize, clients: std::ops::Range<u64>) -> Vec<usize> {
        let subsets: Vec<_> = clients.map(|client| used(backends, size, client)).collect();
        backends
            .iter()
            .map(|backend| subsets.iter().filter(|subset| subset.contains(backend)).count())
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn clients_spread_evenly(count in 1_usize..120, size in 1_usize..40, clients in 0_u64..60) {
            let backends = backends(count);
            // Each backend has one client of each whole round, and one or none of the last.
            let loads = loads(&backends, size, 0..clients);
            let (least, most) = (loads.iter().min().unwrap(), loads.iter().max().unwrap());
            prop_assert!(most - least <= 1, "{loads:?}");
            for client in 0..clients {
                let got = used(&backends, size, client).len();
                let is_about = got * 3 + 3 >= size * 2 && got * 2 <= size * 3 + 2;
                prop_assert!(is_about || got == count, "{got} of {count} for {size}");
            }
        }

        #[test]
        fn the_order_of_the_list_does_not_matter(seed in any::<u64>(), client in 0_u64..100) {
            let mut shuffled = backends(60);
            shuffled.sort_by_key(|address| scatter(hash_of(address.as_bytes()) ^ seed));
            prop_assert_eq!(used(&shuffled, 7, client), used(&backends(60), 7, client));
        }
    }

    #[test]
    fn rounds_are_shuffled_differently() {
        let backends = backends(300);
        let first: Vec<_> = (0..10).map(|client| used(&backends, 30, client)).collect();
        let again = (10..20).filter(|client| first.contains(&used(&backends, 30, *client)));
        assert_eq!(again.count(), 0);
    }

    /// How many of all connections are to be made when the list changes.
    fn made(before: &[String], after: &[String], size: usize, clients: u64) -> f64 {
        let (mut made, mut all) = (0, 0);
        for client in 0..clients {
            let (was, is) = (used(before, size, client), used(after, size, client));
            let new = is.difference(&was).count();
            assert!(new <= 2, "client {client} connects {new} times");
            (made, all) = (made + new, all + is.len());
        }
        made as f64 / all as f64
    }

    #[test]
    fn few_connections_move_when_backends_restart() {
        let whole = backends(300);
        let mut worst: (f64, f64) = (0.0, 0.0);
        for restarted in (0..300).step_by(17) {
            // It comes back under its address: those who were moved come back as well, to what they had.
            let mut without = whole.clone();
            without.remove(restarted);
            let away = made(&whole, &without, 30, 100);
            // It comes back under another one.
            let mut replaced = without.clone();
            replaced.push(format!("10.9.0.{}:9000", restarted % 250));
            worst = (worst.0.max(away), worst.1.max(made(&whole, &replaced, 30, 100)));
        }
        // A three hundredth is what cannot be less.
        assert!(worst.0 < 0.025 && worst.1 < 0.025, "{worst:?}");
    }
}
