//! Instances of discovery as keys and values, so that they are kept and followed like those of any store.
//!
//! In: an instance, and what discovery tells. Out: `{appid}/{zone}/{hostname}` with the JSON of the instance.

use crate::registry::layout::{Discovery, DiscoveryInstance, Entry, Layout, Life, Unreadable, segment};
use crate::registry::{Instance, Wanted};

/// The layout of discovery as one of keys and values.
#[derive(Debug)]
pub(super) struct Keys(pub(super) Discovery);

/// `shop.order.orders/`
pub(super) fn place(appid: &str) -> String {
    format!("{}/", segment(appid))
}

pub(super) fn key(appid: &str, zone: &str, hostname: &str) -> String {
    format!("{}{}/{}", place(appid), segment(zone), segment(hostname))
}

impl Layout for Keys {
    fn name(&self) -> &'static str {
        Discovery::NAME
    }

    fn write(&self, instance: &Instance) -> Vec<Entry> {
        let written = self.0.write(instance);
        let key = key(&written.appid, &written.zone, &written.hostname);
        // Numbers, strings and a map under names that are strings: there is nothing that JSON cannot say.
        let value = serde_json::to_string(&written).unwrap_or_default();
        vec![Entry { key, value, life: Life::Leased }]
    }

    fn places(&self, wanted: &Wanted) -> Vec<String> {
        let appid = self.0.appid(wanted);
        if appid.is_empty() { Vec::new() } else { vec![place(appid)] }
    }

    fn read(&self, wanted: &Wanted, key: &str, value: &str) -> Result<Option<Instance>, Unreadable> {
        let unreadable =
            |error: serde_json::Error| Unreadable { key: key.to_owned(), why: error.to_string() };
        let record: DiscoveryInstance = serde_json::from_str(value).map_err(unreadable)?;
        self.0.read(wanted, &record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::layout::Options;

    #[test]
    fn what_is_written_is_found_in_its_place() {
        let keys = Keys(Discovery::new(&Options::default(), "dev", "sh001"));
        let wanted = Wanted::app("shop.order.orders");
        let instance =
            Instance { zone: "sh001".to_owned(), ..Instance::new("shop.order.orders", "10.0.0.7:9000") };
        let [entry] = &keys.write(&instance)[..] else { panic!("one entry") };
        assert_eq!(entry.key, "shop.order.orders/sh001/10.0.0.7:9000");
        assert_eq!(keys.places(&wanted), ["shop.order.orders/"]);
        assert_eq!(keys.read(&wanted, &entry.key, &entry.value).unwrap().unwrap(), instance);
        let wrong = keys.read(&wanted, &entry.key, "{").unwrap_err();
        assert_eq!(wrong.key, entry.key);
        assert!(keys.places(&Wanted::default()).is_empty());
    }
}
