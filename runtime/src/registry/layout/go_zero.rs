//! go-zero in etcd: `{key}/{anything}`, and the bare address as the value. Format: `core/discov/publisher.go`.

use super::{
    Entry, Instance, Layout, Options, Unreadable, Wanted, folder_of, host_and_port, is_to_be_found, segment,
};

/// go-zero's keys. It says nothing of an instance but its address; its own providers end the key with the number of their
/// lease.
#[derive(Clone, Debug, Default)]
pub struct GoZero(pub Options);

impl GoZero {
    /// `shop.order.orders/`
    fn folder(&self, app: &str) -> String {
        format!("{}/", self.0.app(app))
    }
}

impl Layout for GoZero {
    fn name(&self) -> &'static str {
        "go-zero"
    }

    fn write(&self, instance: &Instance) -> Vec<Entry> {
        if !is_to_be_found(instance) {
            return Vec::new();
        }
        let key = format!("{}{}", self.folder(&instance.app), segment(&instance.id));
        vec![Entry::leased(key, instance.address.clone())]
    }

    fn places(&self, wanted: &Wanted) -> Vec<String> {
        folder_of(wanted, |app| self.folder(app))
    }

    fn read(&self, wanted: &Wanted, key: &str, value: &str) -> Result<Option<Instance>, Unreadable> {
        let Some(id) = key.strip_prefix(&self.folder(&wanted.app)).filter(|id| !id.is_empty()) else {
            return Ok(None);
        };
        if host_and_port(value).is_none() {
            return Err(Unreadable::new(key, format!("`{value}` is no address")));
        }
        let mut instance = Instance::new(wanted.app.clone(), value);
        // The number of a lease is another one after every outage.
        if !id.bytes().all(|byte| byte.is_ascii_digit()) {
            instance.id = super::unsegment(id);
        }
        Ok(Some(instance))
    }
}
