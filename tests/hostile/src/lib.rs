//! The output of legal IDL that nobody would write: no warning of rustc. The build script makes it, a module for each case.

#![deny(warnings, missing_docs, unused, rust_2018_idioms)]

include!(concat!(env!("OUT_DIR"), "/cases.rs"));

#[cfg(test)]
#[allow(deprecated, reason = "some of them are")]
mod json {
    use crate::*;

    /// What is written of a message is read as the same message.
    fn back<M: Default + serde::Serialize + serde::de::DeserializeOwned>(name: &str) {
        let text = serde_json::to_string(&M::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let read: M = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}, {text}: {error}"));
        assert_eq!(serde_json::to_string(&read).ok(), Some(text), "{name}");
    }

    include!(concat!(env!("OUT_DIR"), "/json.rs"));
}
