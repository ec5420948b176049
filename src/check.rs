//! Rules that need only the IDL.
//!
//! In: a model, and who is to understand it. Out: complaints. One rule is one function, listed in [`RULES`] or in [`all`].

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::{ErrorEnum, Model, Package};
use crate::settings::Settings;

mod java;
mod peers;

type Rule = fn(&Package, &mut Diagnostics);

const RULES: &[Rule] = &[app_id, java::legal, one_error_enum, error_ranges, distinct_errors];

/// Applies every rule.
pub(crate) fn all(model: &Model, settings: &Settings, diags: &mut Diagnostics) {
    for package in &model.packages {
        RULES.iter().for_each(|rule| rule(package, diags));
    }
    if settings.server {
        java::names(model, diags);
    }
    java::used(model, settings, diags);
    peers::all(model, settings, diags);
}

/// Applies the rules that are about errors.
#[cfg(feature = "cli")]
pub(crate) fn errors(model: &Model, diags: &mut Diagnostics) {
    for package in &model.packages {
        [one_error_enum, error_ranges, distinct_errors].iter().for_each(|rule| rule(package, diags));
    }
}

/// An application id is made of lower-case parts, because registries use it as a path and as a host name.
fn app_id(package: &Package, diags: &mut Diagnostics) {
    for service in &package.services {
        let Some(app) = &service.app else { continue };
        let legal = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_lowercase())
                && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
        };
        if !app.split('.').all(legal) {
            diags.push(
                Diagnostic::error(Code::OptionValue, format!("`{app}` is no application id"))
                    .at(service.span.clone())
                    .help("write lower-case words with dots between them, like `shop.order.orders`"),
            );
        }
    }
}

/// A service fails with the errors of one enum: the one it names, or the only one of its package.
fn one_error_enum(package: &Package, diags: &mut Diagnostics) {
    for service in &package.services {
        for name in &service.errors {
            if !package.errors.iter().any(|errors| is_named(errors, name)) {
                diags.push(
                    Diagnostic::error(
                        Code::ErrorsUnknown,
                        format!("no error enum `{name}` in package `{}`", package.name),
                    )
                    .at(service.span.clone())
                    .help("name an enum of this package that has `option (jovian.errors)`"),
                );
            }
        }
        let candidates = if service.errors.is_empty() { package.errors.len() } else { service.errors.len() };
        if candidates > 1 {
            let mut diagnostic = Diagnostic::error(
                Code::ErrorsAmbiguous,
                format!("`{}` could fail with the errors of {candidates} enums", service.name),
            )
            .at(service.span.clone())
            .help("say which: `option (jovian.service) = { errors: [\"…\"] }`");
            for errors in &package.errors {
                diagnostic = diagnostic.label(errors.span.as_ref(), "one of them");
            }
            diags.push(diagnostic);
        }
    }
}

/// Whether an option means this enum: by its full name or by its name within the package.
pub(crate) fn is_named(errors: &ErrorEnum, name: &str) -> bool {
    errors.name == name || errors.full_name == name.trim_start_matches('.')
}

/// Codes are gRPC's, never OK; HTTP statuses are errors; numbers are positive.
fn error_ranges(package: &Package, diags: &mut Diagnostics) {
    for error in package.errors.iter().flat_map(|errors| &errors.values) {
        let mut complain = |problem: String, help: &str| {
            diags.push(Diagnostic::error(Code::ErrorRange, problem).at(error.span.clone()).help(help));
        };
        if error.number < 0 {
            complain(
                format!("`{}` has the negative number {}", error.name, error.number),
                "number errors from 1",
            );
        }
        if !(1..=16).contains(&error.code) {
            let problem = format!("`{}` has the code {}, which is no gRPC error", error.name, error.code);
            complain(problem, "take a name of google.rpc.Code other than OK");
        }
        if let Some(http) = error.http.filter(|http| !(400..=599).contains(http)) {
            let problem = format!("`{}` has the HTTP status {http}, which is no error", error.name);
            complain(problem, "take a status from 400 to 599");
        }
    }
}

/// An error's number belongs to it alone, `allow_alias` or not: a caller tells errors apart by it.
fn distinct_errors(package: &Package, diags: &mut Diagnostics) {
    for errors in &package.errors {
        let mut numbers = BTreeMap::new();
        for error in &errors.values {
            if let Some(first) = numbers.insert(error.number, error) {
                diags.push(
                    Diagnostic::error(
                        Code::ErrorDuplicate,
                        format!("`{}` reuses the number {} of `{}`", error.name, error.number, first.name),
                    )
                    .at(error.span.clone())
                    .label(first.span.as_ref(), "first used here")
                    .help("give every error of an enum its own number"),
                );
            }
        }
    }
}
