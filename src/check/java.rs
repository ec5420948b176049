//! What services are called in Java: names that a registry can hold, and that tell services apart.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::{Model, Package, Service};
use crate::settings::Settings;

/// A Java interface is names of Java with dots between them; registries and paths are made of it.
pub(super) fn legal(package: &Package, diags: &mut Diagnostics) {
    for service in package.services.iter().filter(|service| !is_legal(service)) {
        let (name, java) = (&service.name, &service.java.name);
        diags.push(
            Diagnostic::error(Code::OptionValue, format!("`{java}` is no interface of Java, for `{name}`"))
                .at(service.java.package.clone().or_else(|| service.span.clone()))
                .help("write names with dots between them, like `com.example.shop.Orders`"),
        );
    }
}

fn is_legal(service: &Service) -> bool {
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    let is_name = |part: &str| !part.starts_with(|c: char| c.is_ascii_digit()) && part.chars().all(in_name);
    service.java.name.split('.').all(|part| !part.is_empty() && is_name(part))
}

/// Who has two names is told so, and nobody shares one with another.
pub(super) fn names(model: &Model, diags: &mut Diagnostics) {
    let printed = model.packages.iter().filter(|package| package.printed);
    let mut known: BTreeMap<&str, &Service> = BTreeMap::new();
    let services = printed.flat_map(|package| &package.services);
    for service in services.filter(|service| is_legal(service)) {
        if let Some(first) = known.insert(&service.java.name, service) {
            diags.push(shared(service, first));
        } else if service.java.name != service.full_name && !service.java.chosen {
            diags.push(split(service));
        }
    }
}

/// An entry of the settings speaks of a service.
pub(super) fn used(model: &Model, settings: &Settings, diags: &mut Diagnostics) {
    let services = || model.packages.iter().flat_map(|package| &package.services);
    for name in settings.details.java_interface.keys() {
        if !services().any(|service| service.full_name == *name) {
            let problem = format!("`java-interface`: there is no service `{name}` in the IDL");
            diags.push(
                Diagnostic::warning(Code::Unused, problem).help("write its full name, like `shop.v1.Orders`"),
            );
        }
    }
}

fn split(service: &Service) -> Diagnostic {
    let (name, java) = (&service.full_name, &service.java.name);
    let problem = format!("`{name}` is `{java}` in Java: it is served and registered under both names");
    Diagnostic::warning(Code::JavaName, problem)
        .at(service.span.clone())
        .label(service.java.package.as_ref(), "says so")
        .help(format!(
            "programs in Go look for `{name}`, Dubbo programs in Java for `{java}`, and neither sees what the other serves; \
             make `java_package` the package, or say that it is meant: \
             `option (jovian.service).java_interface = \"{java}\";`, or `\"{name}\" = \"{java}\"` under \
             `[generate.java-interface]` in `jovian.toml`"
        ))
}

fn shared(service: &Service, first: &Service) -> Diagnostic {
    let (name, other, java) = (&service.full_name, &first.full_name, &service.java.name);
    Diagnostic::warning(Code::JavaName, format!("`{name}` and `{other}` are both `{java}` in Java"))
        .at(service.span.clone())
        .label(first.span.as_ref(), "the other one")
        .help(
            "calls by that name reach the first of them, and registries cannot tell them apart; give each file a `java_package` \
             of its own, or the service a `java_interface`",
        )
}
