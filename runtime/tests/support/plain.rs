//! A layout for tests: the address in the key, the instance as JSON.

use jovian_runtime::registry::layout::{Entry, Layout, Life, Unreadable};
use jovian_runtime::registry::{Instance, Wanted};

/// `/{name}/{app}/{address}`, beside an entry that stays and one that is shared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain(pub(crate) &'static str);

impl Plain {
    pub(crate) fn key(&self, instance: &Instance) -> String {
        format!("/{}/{}/{}", self.0, instance.app, instance.address)
    }

    pub(crate) fn kept(&self, instance: &Instance) -> String {
        format!("/{}-kept/{}", self.0, instance.app)
    }

    pub(crate) fn shared(&self) -> String {
        format!("/{}-shared", self.0)
    }
}

impl Layout for Plain {
    fn name(&self) -> &'static str {
        self.0
    }

    fn write(&self, instance: &Instance) -> Vec<Entry> {
        let entry = |key, value: &str, life| Entry { key, value: value.to_owned(), life };
        let record = serde_json::to_string(instance).unwrap();
        vec![
            entry(self.kept(instance), "there", Life::Kept),
            entry(self.shared(), &instance.app, Life::Shared),
            entry(self.key(instance), &record, Life::Leased),
        ]
    }

    fn places(&self, wanted: &Wanted) -> Vec<String> {
        vec![format!("/{}/{}/", self.0, wanted.app)]
    }

    fn read(&self, _: &Wanted, key: &str, value: &str) -> Result<Option<Instance>, Unreadable> {
        serde_json::from_str(value)
            .map(Some)
            .map_err(|error| Unreadable { key: key.to_owned(), why: error.to_string() })
    }
}
