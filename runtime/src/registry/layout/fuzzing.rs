//! What is fuzzed of layouts: records that anybody may have written. libFuzzer calls it with bytes of its own making (`fuzz/run`), a
//! test with those of the corpus.

use std::collections::BTreeMap;

use super::{
    Discovery, DiscoveryInstance, Instance, Nacos, NacosInstance, Options, StoreKind, Wanted, all,
    host_and_port,
};

/// The first byte chooses a layout, the rest are up to three lines: the end of a key, its value, and the value of every other
/// record. Whatever is read has an address, and can be written.
pub fn layouts(input: &[u8]) {
    let Some((choice, rest)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let mut lines = text.splitn(3, '\n');
    let [end, value, other] = std::array::from_fn(|_| lines.next().unwrap_or_default());
    let mut wanted = Wanted::app("shop.order.orders");
    "shop.orders.v1.Orders".clone_into(&mut wanted.name);
    "com.example.shop.Orders".clone_into(&mut wanted.java);
    "com.example.shop.DubboOrdersGrpc$IOrders".clone_into(&mut wanted.legacy);
    let store = if choice % 2 == 0 { StoreKind::Etcd } else { StoreKind::ZooKeeper };
    let options = Options::of(store);
    let layouts = all(&options);
    let Some(layout) = layouts.get(usize::from(choice / 2) % (layouts.len() + 1)) else {
        return instances(&wanted, &options, value, other);
    };
    let mut keys = layout.places(&wanted);
    keys.iter_mut().for_each(|key| key.push_str(end));
    keys.push(end.to_owned());
    for key in keys {
        for place in layout.leads_to(&wanted, &key, value) {
            assert!(!place.is_empty());
        }
        if let Ok(Some(instance)) = layout.read_among(&wanted, &key, value, &|_| Some(other)) {
            sound(&instance);
            for entry in layout.write(&Instance { enabled: true, ..instance }) {
                assert!(!entry.key.is_empty());
            }
        }
    }
}

/// The same for registries that know instances by themselves.
fn instances(wanted: &Wanted, options: &Options, value: &str, other: &str) {
    if let Ok(record) = serde_json::from_str::<DiscoveryInstance>(value)
        && let Ok(Some(instance)) = Discovery::new(options, record.env.clone(), "a").read(wanted, &record)
    {
        sound(&instance);
    }
    let metadata: BTreeMap<String, String> = serde_json::from_str(value).unwrap_or_default();
    for name in ["dubbo-tri", "dubbo-app", "kratos"] {
        let Ok(nacos) = Nacos::by_name(name, options) else { continue };
        for service in nacos.services(wanted) {
            let record =
                NacosInstance { metadata: metadata.clone(), ..NacosInstance::new(service, "10.0.0.7", 9000) };
            if let Ok(Some(instance)) = nacos.read(wanted, &record, Some(other)) {
                sound(&instance);
                assert!(nacos.write(&instance).iter().all(|record| !record.service.is_empty()));
                assert!(nacos.configs(&instance).iter().all(|config| !config.data_id.is_empty()));
            }
        }
    }
}

fn sound(instance: &Instance) {
    assert!(host_and_port(&instance.address).is_some(), "{instance:?}");
    assert!(!instance.id.is_empty());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::corpus::corpus;

    #[test]
    fn every_input_of_the_corpus_is_survived() {
        corpus("layouts").iter().for_each(|input| layouts(input));
    }

    proptest! {
        #[test]
        fn what_is_nearly_a_record_is_survived(
            which in any::<prop::sample::Index>(),
            edits in prop::collection::vec((any::<prop::sample::Index>(), 0..4u8, 32..127u8), 1..6),
        ) {
            let corpus = corpus("layouts");
            let mut input = which.get(&corpus).clone();
            for (place, edit, byte) in edits {
                let place = place.index(input.len() + 1);
                match edit {
                    0 => input.truncate(place.max(1)),
                    1 => input.insert(place.max(1), byte),
                    _ if place == 0 || place == input.len() => {}
                    2 => drop(input.remove(place)),
                    _ => input[place] = byte,
                }
            }
            layouts(&input);
        }
    }
}
