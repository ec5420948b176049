//! Model to [`Plan`]: every name, path and text of the output, in Rust words. After it, nothing is chosen.
//!
//! In: a checked model and the settings. Out: the plan, and a warning for every name that had to change. Never: printing,
//! reading, failing.

use std::collections::{BTreeMap, BTreeSet};

use prost::encoding::{encode_key, encode_varint};
use prost_types::DescriptorProto;
use serde::Serialize;

use crate::diag::Diagnostics;
use crate::idl;
use crate::model::{self, Model};
use crate::names;
use crate::settings::Settings;

mod chosen;
mod edits;
mod elsewhere;
mod errors;
mod extras;
mod json;
mod messages;
mod packages;
mod scope;
mod selection;
mod service;

pub(crate) use edits::Edits;
use edits::Printed;
pub(crate) use errors::standard;
pub(crate) use extras::{Extras, TypeExtras};
pub(crate) use json::Json;
use scope::{Desk, Kind, Place, Scope, Thing, Wish};
// Two words that mean the same in the IDL and in Rust.
pub(crate) use crate::model::{Compress, Idempotency, Policy, Shape};

/// Everything that will be printed.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Plan {
    /// One file each, sorted by module.
    pub packages: Vec<Package>,
    /// Whether the tree of modules is printed.
    pub has_modules: bool,
    /// What prost-build is shown instead of the original messages.
    pub edits: Edits,
    /// What is printed of types beside what prost-build prints.
    pub extras: Extras,
}

/// The file of one package.
#[derive(Debug, Hash, Serialize)]
pub(crate) struct Package {
    /// `shop.v1`
    pub wire: String,
    /// `shop.v1.rs`
    pub file: String,
    /// `["shop", "v1"]`
    pub modules: Vec<String>,
    /// The IDL files it is made from.
    pub sources: Vec<String>,
    /// Its services.
    pub services: Vec<Service>,
    /// Its error enums.
    pub errors: Vec<ErrorEnum>,
    /// An encoded `FileDescriptorSet` with the files of its services and all that they import, well-known ones left out:
    /// those are in the runtime. Empty without services.
    #[serde(skip)]
    pub descriptor_set: Vec<u8>,
    /// Its types with serde's traits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Json>,
}

/// A service.
#[derive(Debug, Hash, Serialize)]
pub(crate) struct Service {
    /// `shop.v1.Orders`
    pub wire: String,
    /// `shop.order.orders`
    pub app: Option<String>,
    /// `com.example.shop.Orders`, where it is not `wire`.
    pub java: Option<String>,
    /// Lines of the comment.
    pub docs: Vec<String>,
    /// `ORDERS`
    pub constant: String,
    /// `Orders`
    pub name: String,
    /// `OrdersServer`
    pub server: String,
    /// `OrdersClient`
    pub client: String,
    /// The error enum: `OrdersError`, or the runtime's uninhabited one.
    pub error: String,
    /// Whether `error` is of this package.
    pub has_errors: bool,
    /// `option deprecated = true`
    pub deprecated: bool,
    /// What is said of the calls of all its methods.
    pub policy: Policy,
    /// Its methods.
    pub methods: Vec<Method>,
    /// Whether its client is printed.
    pub has_client: bool,
    /// Whether its trait and server are printed.
    pub has_server: bool,
    /// Attributes of the trait.
    pub trait_attributes: Vec<String>,
    /// Attributes of the server.
    pub server_attributes: Vec<String>,
    /// Attributes of the client.
    pub client_attributes: Vec<String>,
}

/// A method.
#[derive(Debug, Hash, Serialize)]
pub(crate) struct Method {
    /// `/shop.v1.Orders/GetOrder`
    pub route: String,
    /// Its place in the service.
    pub index: usize,
    /// Lines of the comment.
    pub docs: Vec<String>,
    /// In the trait: `get_order`
    pub name: String,
    /// In the client, where more names are taken: `get_order`
    pub client_name: String,
    /// What streams.
    pub shape: Shape,
    /// `super::common::v1::Money`
    pub request: String,
    /// `GetOrderResponse`
    pub reply: String,
    /// Whether it may be called again.
    pub idempotency: Idempotency,
    /// What is said of its calls.
    pub policy: Policy,
    /// `option deprecated = true`
    pub deprecated: bool,
}

/// An enum of errors.
#[derive(Debug, Hash, Serialize)]
pub(crate) struct ErrorEnum {
    /// Lines of the comment.
    pub docs: Vec<String>,
    /// `OrdersError`
    pub name: String,
    /// `shop.order`
    pub domain: String,
    /// Its errors.
    pub variants: Vec<Variant>,
}

/// An error.
#[derive(Debug, Hash, Serialize)]
pub(crate) struct Variant {
    /// `ORDER_NOT_FOUND`
    pub wire: String,
    /// Lines of the comment.
    pub docs: Vec<String>,
    /// `OrderNotFound`
    pub name: String,
    /// `10001`
    pub number: i32,
    /// A variant of tonic's `Code`: `NotFound`
    pub code: &'static str,
    /// Only where it differs from the one that belongs to the code.
    pub http: Option<u16>,
    /// The caller may try again.
    pub retryable: bool,
    /// `no order {id}`
    pub message: String,
    /// `id` in the template and in Rust.
    pub fields: Vec<(String, String)>,
}

/// Decides.
pub(crate) fn plan(model: &Model, settings: &Settings, diags: &mut Diagnostics) -> Plan {
    let homes = Homes::of(model);
    let chosen = chosen::all(model, &settings.details.rename, diags);
    let mut desk =
        Desk { chosen, used: BTreeSet::new(), reported: BTreeSet::new(), edits: Edits::default(), diags };
    let parts = packages::Parts::of(model);
    parts.settle(&mut desk);
    // What services refer to is named first, in every package.
    let named: Vec<Named> =
        model.packages.iter().map(|package| name(model, package, &parts, &homes, &mut desk)).collect();
    let extras = extras::plan(model, &settings.details, &desk.edits, desk.diags);
    let schemas = settings.serde.then(|| json::Schemas::of(model));
    let mut packages = Vec::new();
    let mut files = packages::FileNames::default();
    for (package, Named { errors, services }) in
        model.packages.iter().zip(named).filter(|(package, _)| package.printed)
    {
        let errors: Vec<ErrorEnum> = package
            .errors
            .iter()
            .zip(errors)
            .map(|(errors, name)| errors::plan(errors, name, &mut desk))
            .collect();
        let context = service::Context { package, errors: &errors, homes: &homes, extras: &extras, settings };
        let services = package.services.iter().zip(services);
        let services: Vec<Service> =
            services.map(|(service, name)| service::plan(service, name, &context, &mut desk)).collect();
        let modules: Vec<String> = desk.edits.modules(&package.name).collect();
        packages.push(Package {
            wire: package.name.clone(),
            file: files.claim(&modules),
            modules,
            sources: package.files.iter().cloned().collect(),
            descriptor_set: if services.is_empty() { Vec::new() } else { descriptor_set(model, package) },
            json: schemas
                .as_ref()
                .and_then(|schemas| json::plan(package, schemas, &desk.edits, &extras.elsewhere)),
            services,
            errors,
        });
    }
    chosen::complain_about_unused(&desk.chosen, &desk.used, desk.diags);
    packages.sort_by(|a, b| a.modules.cmp(&b.modules));
    Plan { packages, has_modules: settings.modules, edits: desk.edits, extras }
}

/// What the error enums and the services of a package are called.
struct Named {
    errors: Vec<String>,
    services: Vec<String>,
}

/// Names all that stands in the module of a package, and all that is in its messages.
fn name(
    model: &Model,
    package: &model::Package,
    parts: &packages::Parts<'_>,
    homes: &Homes<'_>,
    desk: &mut Desk<'_>,
) -> Named {
    let modules = parts.modules(&package.name, &desk.edits);
    let mut scope = Scope::default();
    scope.reserve("__jovian", "the door to the runtime");
    scope.reserve("FILE_DESCRIPTOR_SET", "the constant for reflection");
    modules.iter().for_each(|(module, thing)| scope.occupy(module.clone(), *thing));

    let of_type = |name: &str| Printed::of_type(names::type_name(names::spoken(name)));
    let errors = package.errors.iter().map(|errors| {
        let place = Place::Known(errors.span.as_ref());
        let thing = Thing { scope: &package.name, name: &errors.name, place };
        Wish { thing, kind: Kind::Errors, printed: of_type(&errors.name), forced: false }
    });
    let services = package.services.iter().map(|service| {
        let place = Place::Known(service.span.as_ref());
        let thing = Thing { scope: &package.name, name: &service.name, place };
        Wish { thing, kind: Kind::Service, printed: of_type(&service.name), forced: false }
    });
    let files = model.files.iter().filter(|file| package.files.contains(&file.name));
    let declared: Vec<messages::Declared<'_>> = files.map(messages::Declared::in_file).collect();
    let is_error = |name: &str| package.errors.iter().any(|errors| errors.name == name);
    let types = declared.iter().flat_map(|declared| declared.wishes(is_error));
    let wishes: Vec<Wish<'_>> = types.chain(errors).chain(services).collect();
    let mut names: Vec<String> =
        scope.settle(wishes, desk).into_iter().map(|printed| printed.upper).collect();
    let services = names.split_off(names.len() - package.services.len());
    let errors = names.split_off(names.len() - package.errors.len());

    for (enumeration, name) in package.errors.iter().zip(&errors) {
        if homes.used_enums.contains(&enumeration.full_name) {
            let place = Place::Known(enumeration.span.as_ref());
            let thing = Thing { scope: &package.name, name: &enumeration.name, place };
            let code = scope.take_free(&format!("{name}Code"), thing);
            desk.edits.rename(enumeration.full_name.clone(), Printed::of_type(code));
        } else {
            desk.edits.dropped.insert(enumeration.full_name.clone());
        }
    }
    declared.into_iter().for_each(|declared| declared.members(desk));
    Named { errors, services }
}

/// Which package every type belongs to, and which enums a message uses.
struct Homes<'a> {
    home: BTreeMap<String, &'a str>,
    used_enums: BTreeSet<String>,
}

impl<'a> Homes<'a> {
    fn of(model: &'a Model) -> Self {
        let mut homes = Self { home: BTreeMap::new(), used_enums: BTreeSet::new() };
        for file in model.files.iter().filter(|file| !idl::is_well_known(&file.name)) {
            for message in &file.descriptor.message_type {
                homes.note(&file.package, &file.package, message);
            }
        }
        homes
    }

    fn note(&mut self, package: &'a str, scope: &str, message: &DescriptorProto) {
        let name = names::full(scope, message.name());
        let types = message.field.iter().map(|field| field.type_name().trim_start_matches('.').to_owned());
        self.used_enums.extend(types);
        message.nested_type.iter().for_each(|nested| self.note(package, &name, nested));
        self.home.insert(name, package);
    }

    /// The path to a message from the module of `package`.
    fn path(&self, edits: &Edits, extras: &Extras, package: &str, full_name: &str) -> String {
        match (extras.elsewhere.path(full_name), self.home.get(full_name)) {
            (Some(path), _) => path.to_owned(),
            (None, Some(home)) => edits.path(package, home, full_name),
            (None, None) => names::well_known(full_name).unwrap_or_default(),
        }
    }
}

/// The files with the services of a package and everything they import, encoded.
fn descriptor_set(model: &Model, package: &model::Package) -> Vec<u8> {
    let has_services =
        |file: &model::File| package.files.contains(&file.name) && !file.descriptor.service.is_empty();
    let wanted = model.reach(has_services, model::File::imports);
    let mut set = Vec::new();
    for file in &model.files {
        if wanted.contains(file.name.as_str()) && !idl::is_well_known(&file.name) {
            encode_key(1, prost::encoding::WireType::LengthDelimited, &mut set);
            encode_varint(file.bytes.len() as u64, &mut set);
            set.extend_from_slice(&file.bytes);
        }
    }
    set
}
