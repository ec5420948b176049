//! Records as instances.
//!
//! In: all records of a store. Out: of each the layout that it is of, the name it stands under, and its instance. Pure.

use jovian_runtime::registry::layout::{Recognized, recognize};
use jovian_runtime::registry::raw::{
    RawRecord, RawRecords, instance_of_file, recognize_in_discovery, recognize_in_nacos,
};
use jovian_runtime::registry::{Instance, Provided};

use crate::cli::place::Place;

/// A record, and what it stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Decoded {
    pub(super) key: String,
    pub(super) record: RawRecord,
    /// Nothing if it is of no layout.
    pub(super) found: Option<Found>,
}

/// What a layout makes of a record.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) layout: &'static str,
    /// The name that its readers know it by: an app, or an interface of Dubbo.
    pub(super) name: String,
    /// The beginning of its key, where that is not the usual one.
    pub(super) root: Option<String>,
    /// The mode of Jupiter.
    pub(super) mode: Option<String>,
    /// Its instance; nothing if it stands beside instances; or why it cannot be read.
    pub(super) instance: Result<Option<Instance>, String>,
}

/// The name of what the registry of files writes.
const FILE: &str = "file";

/// Reads one record among all that there are.
pub(super) fn decode(kind: &str, key: &str, record: &RawRecord, records: &RawRecords) -> Decoded {
    let found = if kind == FILE { Some(of_file(key, record)) } else { of_layout(kind, key, record, records) };
    Decoded { key: key.to_owned(), record: record.clone(), found }
}

/// Reads all of them.
pub(super) fn decode_all(kind: &str, records: &RawRecords) -> Vec<Decoded> {
    records.iter().map(|(key, record)| decode(kind, key, record, records)).collect()
}

fn of_file(key: &str, record: &RawRecord) -> Found {
    let instance = instance_of_file(&record.value);
    let name = match &instance {
        Ok(instance) => instance.app.clone(),
        Err(_) => key.split('@').next().unwrap_or_default().to_owned(),
    };
    Found { layout: FILE, name, root: None, mode: None, instance: instance.map(Some) }
}

fn of_layout(kind: &str, key: &str, record: &RawRecord, records: &RawRecords) -> Option<Found> {
    let recognized = match Place::of(kind)? {
        Place::Discovery => recognize_in_discovery(key, &record.value),
        Place::Nacos => recognize_in_nacos(key, &record.value),
        keyed => recognize(keyed.keys(), key, &record.value),
    };
    let Recognized { layout, options, wanted, name, .. } = recognized?;
    let others = |key: &str| records.get(key).map(|record| &*record.value);
    let read = layout.read_among(&wanted, key, &record.value, &others);
    let mode = (layout.name() == "jupiter").then_some(options.mode);
    Some(Found {
        layout: layout.name(),
        name,
        root: options.root,
        mode,
        instance: read.map_err(|unreadable| unreadable.why),
    })
}

impl Decoded {
    /// Whether it is of this app or service, by any of its names.
    pub(super) fn is_of(&self, name: &str) -> bool {
        let Some(found) = &self.found else { return false };
        let is_service =
            |service: &Provided| [&service.name, &service.java, &service.legacy].iter().any(|it| *it == name);
        let is_instance =
            |instance: &Instance| instance.app == name || instance.services.iter().any(is_service);
        found.name == name || matches!(&found.instance, Ok(Some(instance)) if is_instance(instance))
    }

    /// The instance that it stands for.
    pub(super) fn instance(&self) -> Option<&Instance> {
        self.found.as_ref()?.instance.as_ref().ok()?.as_ref()
    }
}
