//! What is said of texts to a server of Nacos, and by it: mappings, and what apps serve.

use serde::{Deserialize, Serialize};

use super::wire::{Ask, Done, Verdict, or_empty};

/// Asks for a text.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConfigQueryRequest<'a> {
    pub(super) data_id: &'a str,
    pub(super) group: &'a str,
    pub(super) tenant: &'a str,
}

impl Ask for ConfigQueryRequest<'_> {
    const KIND: &'static str = "ConfigQueryRequest";
    type Answer = Option<Text>;

    fn otherwise(verdict: &Verdict) -> Option<Option<Text>> {
        // A server that is only starting has the same number.
        (verdict.error_code == 300 && verdict.message.contains("not exist")).then_some(None)
    }

    /// While the copy that is read is being renewed, which says so with the number of wrong parameters.
    fn is_busy(verdict: &Verdict) -> bool {
        verdict.error_code == 400 && verdict.message.contains("being modified")
    }
}

/// A text.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub(super) struct Text {
    #[serde(deserialize_with = "or_empty")]
    pub(super) content: String,
    #[serde(deserialize_with = "or_empty")]
    pub(super) md5: String,
}

/// Writes a text; with `cas_md5` only if it still is the one with that sum.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConfigPublishRequest<'a> {
    pub(super) data_id: &'a str,
    pub(super) group: &'a str,
    pub(super) tenant: &'a str,
    pub(super) content: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) cas_md5: &'a str,
}

impl Ask for ConfigPublishRequest<'_> {
    const KIND: &'static str = "ConfigPublishRequest";
    /// Nothing if it was another one by then.
    type Answer = Option<Done>;

    fn otherwise(verdict: &Verdict) -> Option<Option<Done>> {
        verdict.message.contains("md5 may have changed").then_some(None)
    }
}

/// Asks to be told when texts change, and which of them have since they had these sums.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConfigBatchListenRequest<'a> {
    pub(super) listen: bool,
    pub(super) config_listen_contexts: [Listened<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listened<'a> {
    pub(super) data_id: &'a str,
    pub(super) group: &'a str,
    pub(super) tenant: &'a str,
    pub(super) md5: &'a str,
}

impl Ask for ConfigBatchListenRequest<'_> {
    const KIND: &'static str = "ConfigBatchListenRequest";
    type Answer = Changed;
}

/// The texts that have changed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Changed {
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) changed_configs: Vec<ChangedText>,
}

/// A text that has changed; also what a server tells by itself.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangedText {
    pub(super) data_id: String,
    pub(super) group: String,
}
