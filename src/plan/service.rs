//! What is printed of a service.

use super::{Edits, ErrorEnum, Homes, Method, Service};
use crate::check;
use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::docs;
use crate::model::{self, Shape};
use crate::names::{self, Scope};
use crate::settings::Settings;

/// The methods that every client has.
const CLIENT_METHODS: &[&str] = &["clone", "connect", "discover", "intercept", "local", "under", "with"];

/// What the services of one package have in common.
pub(super) struct Context<'a> {
    pub package: &'a model::Package,
    pub errors: &'a [ErrorEnum],
    pub homes: &'a Homes<'a>,
    pub edits: &'a Edits,
    pub settings: &'a Settings,
}

pub(super) fn plan(
    service: &model::Service,
    context: &Context<'_>,
    scope: &mut Scope,
    diags: &mut Diagnostics,
) -> Service {
    let Context { package, errors, homes, edits, settings } = context;
    let derived = |name: &str| {
        let constant = names::constant(name);
        vec![
            name.to_owned(),
            names::with_suffix(name, "Server"),
            names::with_suffix(name, "Client"),
            constant,
        ]
    };
    let wanted = names::type_name(&service.name);
    let name = scope.claim(&wanted, derived);
    renamed(&service.full_name, &wanted, &name, service.span.as_ref(), diags);
    let error = match service.errors.first() {
        Some(name) => package.errors.iter().position(|errors| check::is_named(errors, name)),
        None => Some(0),
    };
    let error = error.and_then(|index| errors.get(index));
    let mut in_trait = Scope::default();
    let mut in_client = Scope::with(CLIENT_METHODS.iter().copied());
    let methods = service.methods.iter().enumerate();
    Service {
        wire: service.full_name.clone(),
        app: service.app.clone(),
        docs: docs::lines(&service.docs),
        constant: names::constant(&name),
        server: names::with_suffix(&name, "Server"),
        client: names::with_suffix(&name, "Client"),
        error: error.map_or_else(|| "__jovian::NoDomainError".to_owned(), |error| error.name.clone()),
        has_errors: error.is_some(),
        deprecated: service.deprecated,
        has_client: settings.client,
        has_server: settings.server,
        methods: methods
            .map(|(index, method)| {
                let wire = format!("{}.{}", service.full_name, method.name);
                let wanted = names::method(&method.name);
                let name = in_trait.claim_one(&wanted);
                let client_name = in_client.claim_one(&wanted);
                let last = if name == wanted { &client_name } else { &name };
                renamed(&wire, &wanted, last, method.span.as_ref(), diags);
                Method {
                    route: format!("/{}/{}", service.full_name, method.name),
                    index,
                    docs: docs::lines(&method.docs),
                    name,
                    client_name,
                    shape: method.shape,
                    request: homes.path(edits, &package.name, &method.input),
                    reply: homes.path(edits, &package.name, &method.output),
                    idempotency: method.idempotency,
                    timeout_ms: unary_timeout(method),
                    deprecated: method.deprecated,
                }
            })
            .collect(),
        name,
    }
}

/// A stream lasts as long as its caller wants, so only unary calls have a timeout of their own.
fn unary_timeout(method: &model::Method) -> Option<u64> {
    let timeout = method.timeout.filter(|_| method.shape == Shape::Unary)?;
    u64::try_from(timeout.as_millis()).ok()
}

/// Tells that a name in Rust is not the one that a reader of the IDL would expect.
pub(super) fn renamed(wire: &str, wanted: &str, name: &str, span: Option<&Span>, diags: &mut Diagnostics) {
    if wanted != name {
        diags.push(
            Diagnostic::warning(
                Code::Renamed,
                format!("`{wire}` is `{name}` in Rust, because `{wanted}` is taken"),
            )
            .at(span.cloned())
            .help("nothing changes on the wire; rename one of the two in the IDL if you can"),
        );
    }
}
