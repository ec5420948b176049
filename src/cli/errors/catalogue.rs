//! The catalogue of errors: what a caller, a support desk or a gateway has to know of each.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Declared;
use crate::check;
use crate::model::{Model, Package};

/// Raised when a key changes its meaning or goes.
const SCHEMA: u32 = 1;

/// All errors, by domain. `docs/guide/tools.md` describes its JSON.
#[derive(Debug, Serialize)]
pub(super) struct Catalogue<'a> {
    schema: u32,
    pub(super) domains: Vec<Domain<'a>>,
}

/// The errors of one domain.
#[derive(Debug, Serialize)]
pub(super) struct Domain<'a> {
    /// `shop.order`
    pub(super) name: &'a str,
    pub(super) lists: Vec<List<'a>>,
}

/// The errors of one enum.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct List<'a> {
    /// `shop.orders.v1.OrdersError`
    pub(super) name: &'a str,
    /// Its comment, as text.
    pub(super) comment: String,
    /// The full names of the services that fail with them.
    pub(super) services: Vec<&'a str>,
    pub(super) errors: Vec<Entry<'a>>,
}

/// One error.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry<'a> {
    pub(super) number: i32,
    /// `ORDER_NOT_FOUND`
    pub(super) reason: &'a str,
    /// `NOT_FOUND`
    pub(super) code: String,
    pub(super) http_status: i32,
    pub(super) retryable: bool,
    /// The template, as written.
    pub(super) message: &'a str,
    pub(super) fields: &'a [String],
    /// Its comment, as text.
    pub(super) comment: String,
}

impl<'a> Catalogue<'a> {
    pub(super) fn of(model: &'a Model) -> Self {
        let mut domains: BTreeMap<&str, Vec<List<'_>>> = BTreeMap::new();
        for package in &model.packages {
            for list in &package.errors {
                let errors = list.values.iter().map(|error| entry(Declared { list, error })).collect();
                let services = users(package, list.full_name.as_str());
                let comment = text(&list.docs);
                let list_of_domain = List { name: &list.full_name, comment, services, errors };
                domains.entry(&list.domain).or_default().push(list_of_domain);
            }
        }
        let domains = domains.into_iter().map(|(name, lists)| Domain { name, lists }).collect();
        Self { schema: SCHEMA, domains }
    }
}

fn entry(declared: Declared<'_>) -> Entry<'_> {
    let error = declared.error;
    Entry {
        number: error.number,
        reason: &error.name,
        code: declared.code(),
        http_status: declared.http(),
        retryable: error.retryable,
        message: &error.message.text,
        fields: &error.message.fields,
        comment: text(&error.docs),
    }
}

/// The services of a package that fail with an error enum: those that name it, and where there is no other those that name none.
fn users<'a>(package: &'a Package, list: &str) -> Vec<&'a str> {
    let only = package.errors.len() == 1;
    let list = package.errors.iter().find(|errors| errors.full_name == list);
    let uses = |names: &[String]| match names {
        [] => only,
        names => list.is_some_and(|list| names.iter().any(|name| check::is_named(list, name))),
    };
    let users = package.services.iter().filter(|service| uses(&service.errors));
    users.map(|service| service.full_name.as_str()).collect()
}

/// A comment without the blanks that follow its markers.
fn text(comment: &str) -> String {
    let lines: Vec<&str> =
        comment.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect();
    lines.join("\n").trim().to_owned()
}
