//! What the selectors of the settings select, and which of them select nothing.

use std::collections::BTreeSet;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::settings::{Attributes, Details, selects};

/// The selectors, and those for which nothing has been found so far.
pub(super) struct Selection<'a> {
    pub details: &'a Details,
    unused: BTreeSet<(&'static str, &'a str)>,
}

impl<'a> Selection<'a> {
    pub(super) fn of(details: &'a Details) -> Self {
        let lists = lists(details).into_iter().flat_map(|(name, list)| list.iter().map(move |it| (name, it)));
        let tables = tables(details).into_iter();
        let tables = tables.flat_map(|(name, list)| list.iter().map(move |(it, _)| (name, it)));
        let paths = details.extern_path.keys().map(|key| ("extern-path", key));
        let unused = lists.chain(tables).chain(paths).map(|(name, it)| (name, it.as_str())).collect();
        Self { details, unused }
    }

    /// Whether nothing is selected, whatever there is.
    pub(super) fn is_empty(&self) -> bool {
        lists(self.details).into_iter().all(|(_, list)| list.is_empty())
            && tables(self.details).into_iter().all(|(_, table)| table.is_empty())
    }

    /// Whether a list of selectors selects something.
    pub(super) fn selects(&mut self, setting: &'static str, full_name: &str) -> bool {
        let list = lists(self.details).into_iter().find(|(name, _)| *name == setting);
        let mut found = false;
        for selector in list.into_iter().flat_map(|(_, list)| list).filter(|it| selects(it, full_name)) {
            found = true;
            self.unused.remove(&(setting, selector.as_str()));
        }
        found
    }

    /// The attributes that a table gives something.
    pub(super) fn attributes(&mut self, setting: &'static str, full_name: &str) -> Vec<String> {
        let table = tables(self.details).into_iter().find(|(name, _)| *name == setting);
        let mut found = Vec::new();
        for (selector, attribute) in table.into_iter().flat_map(|(_, table)| table) {
            if selects(selector, full_name) {
                found.push(attribute.clone());
                self.unused.remove(&(setting, selector.as_str()));
            }
        }
        found
    }

    /// Notes that something was found for an entry of `extern-path`.
    pub(super) fn use_path(&mut self, key: &'a str) {
        self.unused.remove(&("extern-path", key));
    }

    pub(super) fn complain_about_unused(&self, diags: &mut Diagnostics) {
        for (setting, selector) in &self.unused {
            let problem = format!("`{setting}`: `{selector}` selects nothing in the IDL");
            diags.push(Diagnostic::warning(Code::Unused, problem).help(
                "`.` is everything, `.shop.v1` all that is declared in it, `Order.id` all that ends so; a field \
                 has to be of the kind that the setting is for",
            ));
        }
    }
}

fn lists(details: &Details) -> [(&'static str, &Vec<String>); 4] {
    [
        ("bytes", &details.bytes),
        ("btree-map", &details.btree_map),
        ("boxed", &details.boxed),
        ("skip-debug", &details.skip_debug),
    ]
}

fn tables(details: &Details) -> [(&'static str, &Attributes); 7] {
    [
        ("type-attribute", &details.type_attribute),
        ("message-attribute", &details.message_attribute),
        ("enum-attribute", &details.enum_attribute),
        ("field-attribute", &details.field_attribute),
        ("trait-attribute", &details.trait_attribute),
        ("server-attribute", &details.server_attribute),
        ("client-attribute", &details.client_attribute),
    ]
}
