//! What may be chosen, by whichever door.
//!
//! In: `jovian.toml`, flags, plugin parameters, builder calls, each a partial [`Overrides`]. Out: whole [`Settings`]. Every
//! choice stands in [`SETTINGS`], from which all doors read it.

use std::collections::BTreeMap;

use serde::Serialize;

mod parameter;
mod project;
mod table;

pub use parameter::parse_parameter;
pub use project::{PROJECT_FILE, Project};
pub(crate) use table::covers;
pub use table::{Kind, SETTINGS, Setting, selects};

/// Choices that somebody made; the rest is left open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Generate clients; on unless said otherwise.
    pub client: Option<bool>,
    /// Generate servers and the traits they serve; on unless said otherwise.
    pub server: Option<bool>,
    /// Generate the tree of modules, and what imported files have to add to it; on unless said otherwise.
    pub modules: Option<bool>,
    /// Give messages and enums serde's traits, after the JSON mapping of protobuf; off unless said otherwise.
    pub serde: Option<bool>,
    /// Everything else: an empty list or table says nothing.
    pub details: Details,
}

/// What the output depends on, beside the IDL.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Settings {
    /// Generate clients.
    pub client: bool,
    /// Generate servers and the traits they serve.
    pub server: bool,
    /// Generate the tree of modules, and what imported files have to add to it.
    pub modules: bool,
    /// Give messages and enums serde's traits, after the JSON mapping of protobuf.
    pub serde: bool,
    /// Everything else.
    pub details: Details,
}

/// Lists and tables of names of the IDL. In lists of selectors a name stands for itself and all that is declared in it:
/// see [`selects`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Details {
    /// Generate these packages alone, and what their types need; all when empty.
    pub packages: Vec<String>,
    /// Generate these services alone; all when empty.
    pub services: Vec<String>,
    /// Rust paths of packages and types that another crate generates, by their full names.
    pub extern_path: BTreeMap<String, String>,
    /// Names in Rust, by full names in the IDL.
    pub rename: BTreeMap<String, String>,
    /// Java interfaces, by the full names of services.
    pub java_interface: BTreeMap<String, String>,
    /// Whose programs are to use the IDL, so that a warning says what they cannot use: `java`, `kitex`.
    pub peers: Vec<String>,
    /// `bytes` fields that are `bytes::Bytes` and not `Vec<u8>`: selectors of fields.
    pub bytes: Vec<String>,
    /// Map fields that are a `BTreeMap` and not a `HashMap`: selectors of fields.
    pub btree_map: Vec<String>,
    /// Message fields in a `Box`: selectors of fields.
    pub boxed: Vec<String>,
    /// Messages without `Debug`, which a person writes: selectors of messages.
    pub skip_debug: Vec<String>,
    /// Attributes of messages, enums and oneofs, by selector.
    pub type_attribute: Attributes,
    /// Attributes of messages, by selector.
    pub message_attribute: Attributes,
    /// Attributes of enums, by selector.
    pub enum_attribute: Attributes,
    /// Attributes of fields and variants of oneofs, by selector.
    pub field_attribute: Attributes,
    /// Attributes of the traits of services, by selector.
    pub trait_attribute: Attributes,
    /// Attributes of the servers of services, by selector.
    pub server_attribute: Attributes,
    /// Attributes of the clients of services, by selector.
    pub client_attribute: Attributes,
}

/// Attributes, each for what a selector selects, in the order in which they are printed.
pub type Attributes = Vec<(String, String)>;

impl Default for Settings {
    fn default() -> Self {
        Self { client: true, server: true, modules: true, serde: false, details: Details::default() }
    }
}

impl Settings {
    /// Resolves what was chosen. Of a switch or a list, the last one that was given counts; tables are joined, and the last
    /// one counts where they say different things.
    pub fn resolve(overrides: impl IntoIterator<Item = Overrides>) -> Self {
        let mut whole = Overrides::default();
        for mut part in overrides {
            SETTINGS.iter().for_each(|setting| setting.join(&mut whole, &mut part));
        }
        Self {
            client: whole.client.unwrap_or(true),
            server: whole.server.unwrap_or(true),
            modules: whole.modules.unwrap_or(true),
            serde: whole.serde.unwrap_or(false),
            details: whole.details,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_wins() {
        let mut file = Overrides { client: Some(false), server: Some(false), ..Overrides::default() };
        file.details.packages = vec!["shop".to_owned()];
        file.details.rename = BTreeMap::from([("a.A".to_owned(), "One".to_owned())]);
        let mut flags = Overrides { client: Some(true), ..Overrides::default() };
        flags.details.packages = vec!["bank".to_owned()];
        flags.details.rename = BTreeMap::from([("a.B".to_owned(), "Two".to_owned())]);
        let settings = Settings::resolve([file, flags]);
        assert_eq!((settings.client, settings.server), (true, false));
        assert_eq!(settings.details.packages, ["bank"]);
        assert_eq!(settings.details.rename.len(), 2);
    }
}
