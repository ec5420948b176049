//! The fields of an instance that a format has no place for, among its metadata; and back.

use std::collections::BTreeMap;

use crate::registry::Instance;

/// A field that may stand among the metadata.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field {
    Weight,
    Zone,
    Version,
    Colour,
    Started,
}

impl Field {
    /// Its text, unless it is what it is without being said.
    fn text(self, instance: &Instance) -> Option<String> {
        match self {
            Self::Weight => {
                (instance.weight != Instance::DEFAULT_WEIGHT).then(|| instance.weight.to_string())
            }
            Self::Started => (instance.started != 0).then(|| instance.started.to_string()),
            Self::Zone => Some(instance.zone.clone()),
            Self::Version => Some(instance.version.clone()),
            Self::Colour => Some(instance.colour.clone()),
        }
        .filter(|text| !text.is_empty())
    }

    /// Whether the text could be its own.
    fn set(self, instance: &mut Instance, text: &str) -> bool {
        match self {
            Self::Weight => return text.parse().map(|weight| instance.weight = weight).is_ok(),
            Self::Started => return text.parse().map(|started| instance.started = started).is_ok(),
            Self::Zone => text.clone_into(&mut instance.zone),
            Self::Version => text.clone_into(&mut instance.version),
            Self::Colour => text.clone_into(&mut instance.colour),
        }
        true
    }
}

/// The metadata of an instance with some of its fields among it. A field wins over metadata of its name.
pub(super) fn of(instance: &Instance, fields: &[(Field, &str)]) -> BTreeMap<String, String> {
    let mut labels = instance.metadata.clone();
    for (field, name) in fields {
        labels.remove(*name);
        if let Some(text) = field.text(instance) {
            labels.insert((*name).to_owned(), text);
        }
    }
    labels
}

/// Takes fields out of labels; what is left, and what no field can hold, is the metadata.
pub(super) fn put(instance: &mut Instance, mut labels: BTreeMap<String, String>, fields: &[(Field, &str)]) {
    for (field, name) in fields {
        if labels.get(*name).is_some_and(|text| field.set(instance, text)) {
            labels.remove(*name);
        }
    }
    instance.metadata = labels;
}
