//! Why a consumer does not see or reach a provider.

use std::collections::BTreeMap;

use serde::Serialize;

/// What kind of reason it is. Its word stays what it is; `docs/guide/registry-tools.md` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Cause {
    /// Nobody has registered the service.
    NotRegistered,
    /// It is registered in layouts that the consumer does not read.
    OtherLayout,
    /// Its keys begin in another way than those that the consumer looks for.
    OtherRoot,
    /// It is in another mode of Jupiter.
    OtherMode,
    /// It is in another cluster of Nacos.
    OtherCluster,
    /// It stands under a name that the consumer does not look for.
    OtherName,
    /// It is registered by interface or by application, and the consumer reads the other one.
    Level,
    /// Others are registered by application, and hide those by interface.
    Starved,
    /// No mapping leads from the interface to the app.
    MappingMissing,
    /// What an app serves is not said where the consumer looks.
    MetadataMissing,
    /// It is not said, or not rightly, where the consumer has to ask what an app serves.
    StorageType,
    /// An instance does not name its class, which ends consumers in Java.
    Class,
    /// A key is not encoded as the consumer decodes it.
    Encoding,
    /// A parameter has a name that makes the consumer cut out the one behind it.
    CutParameter,
    /// A key does not have the form that the consumer looks for.
    KeyForm,
    /// A value cannot be read.
    Unreadable,
    /// A value has a field of another type.
    ValueType,
    /// A service whose name begins alike disturbs this one.
    SiblingPrefix,
    /// Group or version are not those that the consumer asks for.
    GroupVersion,
    /// The consumer would call a path that nobody serves.
    Path,
    /// It does not speak what the consumer speaks.
    Protocol,
    /// It is out of use.
    Disabled,
    /// Nobody can connect to it.
    Unreachable,
    /// It refuses the `:authority` that the consumer sends.
    Authority,
}

impl Cause {
    /// `sibling-prefix`
    pub(super) fn word(self) -> String {
        // The name of a variant is always JSON.
        let word = serde_json::to_value(self).unwrap_or_default();
        word.as_str().unwrap_or_default().to_owned()
    }
}

/// Why a consumer does not see or reach a provider, or any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Reason {
    pub(super) code: Cause,
    /// The provider; nothing if the reason holds for more than one.
    pub(super) address: Option<String>,
    /// The key concerned: one that is there, or one that ought to be.
    pub(super) key: String,
    /// What is the matter, in a sentence.
    pub(super) reason: String,
    /// What to do about it.
    pub(super) help: String,
}

/// What became of the providers.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// The addresses that the consumer calls, and the keys where it finds them.
    pub(super) seen: BTreeMap<String, String>,
    /// Those whose weight is 0, in the same way, until it is known who stands beside them.
    pub(super) weightless: Vec<(String, String)>,
    pub(super) reasons: Vec<Reason>,
}

impl Findings {
    pub(super) fn see(&mut self, address: &str, key: &str) {
        self.seen.entry(address.to_owned()).or_insert_with(|| key.to_owned());
    }

    /// A reason that concerns one provider.
    pub(super) fn of(&mut self, address: &str, code: Cause, key: &str, reason: String, help: &str) {
        let address = Some(address.to_owned()).filter(|address| !address.is_empty());
        self.reasons.push(Reason { code, address, key: key.to_owned(), reason, help: help.to_owned() });
    }

    /// A reason that concerns all of them.
    pub(super) fn all(&mut self, code: Cause, key: &str, reason: String, help: &str) {
        self.of("", code, key, reason, help);
    }

    /// Whether it is known already what becomes of a provider.
    pub(super) fn knows(&self, address: &str) -> bool {
        let is_its = |reason: &Reason| reason.address.as_deref() == Some(address);
        self.seen.contains_key(address) || self.reasons.iter().any(is_its)
    }
}
