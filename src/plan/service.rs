//! What is printed of a service.

use super::edits::Printed;
use super::scope::{Desk, Kind, Place, Scope, Thing, Wish};
use super::{ErrorEnum, Extras, Homes, Method, Service};
use crate::check;
use crate::docs;
use crate::model::{self, Shape};
use crate::names;
use crate::settings::{Attributes, Settings, selects};

/// The methods that every client has.
const CLIENT_METHODS: &[&str] =
    &["balancing", "clone", "connect", "discover", "intercept", "local", "policies", "under", "with"];

/// What the services of one package have in common.
pub(super) struct Context<'a> {
    pub package: &'a model::Package,
    pub errors: &'a [ErrorEnum],
    pub homes: &'a Homes<'a>,
    pub extras: &'a Extras,
    pub settings: &'a Settings,
}

pub(super) fn plan(
    service: &model::Service,
    name: String,
    context: &Context<'_>,
    desk: &mut Desk<'_>,
) -> Service {
    let Context { package, errors, homes, extras, settings } = context;
    let details = &settings.details;
    let error = match service.errors.first() {
        Some(name) => package.errors.iter().position(|errors| check::is_named(errors, name)),
        None => Some(0),
    };
    let error = error.and_then(|index| errors.get(index));
    let methods = service.methods.iter().zip(method_names(service, desk)).enumerate();
    Service {
        wire: service.full_name.clone(),
        app: service.app.clone(),
        java: Some(service.java.name.clone()).filter(|java| *java != service.full_name),
        docs: docs::lines(&service.docs),
        constant: names::constant(&name),
        server: names::with_suffix(&name, "Server"),
        client: names::with_suffix(&name, "Client"),
        error: error.map_or_else(|| "__jovian::NoDomainError".to_owned(), |error| error.name.clone()),
        has_errors: error.is_some(),
        policy: service.policy.clone(),
        deprecated: service.deprecated,
        has_client: settings.client,
        has_server: settings.server,
        trait_attributes: attributes(&details.trait_attribute, &service.full_name),
        server_attributes: attributes(&details.server_attribute, &service.full_name),
        client_attributes: attributes(&details.client_attribute, &service.full_name),
        methods: methods
            .map(|(index, (method, (name, client_name)))| Method {
                route: format!("/{}/{}", service.full_name, method.name),
                index,
                docs: docs::lines(&method.docs),
                name,
                client_name,
                shape: method.shape,
                request: homes.path(&desk.edits, extras, &package.name, &method.input),
                reply: homes.path(&desk.edits, extras, &package.name, &method.output),
                idempotency: method.idempotency,
                policy: policy(method),
                deprecated: method.deprecated,
            })
            .collect(),
        name,
    }
}

fn attributes(table: &Attributes, full_name: &str) -> Vec<String> {
    let selected = table.iter().filter(|(selector, _)| selects(selector, full_name));
    selected.map(|(_, attribute)| attribute.clone()).collect()
}

/// What each method is called in the trait, and in the client, where more names are taken.
fn method_names(service: &model::Service, desk: &mut Desk<'_>) -> Vec<(String, String)> {
    let lower = |names: Vec<Printed>| names.into_iter().map(|name| name.lower).collect::<Vec<_>>();
    let wanted = service.methods.iter().map(|method| names::method(names::spoken(&method.name)));
    let in_trait = lower(Scope::default().settle(wishes(service, wanted.collect()), desk));
    let mut client = Scope::default();
    CLIENT_METHODS.iter().for_each(|name| client.reserve(name, "a method of every client"));
    let in_client = lower(client.settle(wishes(service, in_trait.clone()), desk));
    in_trait.into_iter().zip(in_client).collect()
}

fn wishes(service: &model::Service, names: Vec<String>) -> Vec<Wish<'_>> {
    let wishes = service.methods.iter().zip(names).map(|(method, lower)| {
        let place = Place::Known(method.span.as_ref());
        let thing = Thing { scope: &service.full_name, name: &method.name, place };
        let printed = Printed { lower, ..Printed::default() };
        Wish { thing, kind: Kind::Method, printed, forced: false }
    });
    wishes.collect()
}

/// A stream lasts as long as its caller wants, so only unary calls have a timeout of their own.
fn policy(method: &model::Method) -> model::Policy {
    let timeout_ms = method.policy.timeout_ms.filter(|_| method.shape == Shape::Unary);
    model::Policy { timeout_ms, ..method.policy.clone() }
}
