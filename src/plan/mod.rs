//! Model to [`Plan`]: every name, path and text of the output, in Rust words. After it, nothing is chosen.
//!
//! In: a checked model and the settings. Out: the plan, and a warning for every name that had to change. Never: printing,
//! reading, failing.

use std::collections::{BTreeMap, BTreeSet};

use prost::encoding::{encode_key, encode_varint};
use prost_types::DescriptorProto;

use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::idl;
use crate::model::{self, Model};
use crate::names::{self, Scope};
use crate::settings::Settings;

mod errors;
mod messages;
mod service;

// Two words that mean the same in the IDL and in Rust.
pub(crate) use crate::model::{Idempotency, Shape};

/// Everything that will be printed.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// One file each, sorted by module.
    pub packages: Vec<Package>,
    /// What prost-build is shown instead of the original messages.
    pub edits: Edits,
}

/// Changes to the descriptors before prost-build prints messages from them.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    /// Enums that are printed as errors and used nowhere else; full names.
    pub dropped: BTreeSet<String>,
    /// New names of messages, enums, fields and oneofs, by the full names that they have in the IDL.
    pub renamed: BTreeMap<String, String>,
}

impl Edits {
    /// A full name, without a leading dot, as prost-build is shown it: the new names in place of the old ones.
    pub(crate) fn applied_to(&self, full_name: &str) -> String {
        let ends = full_name.match_indices('.').map(|(at, _)| at).chain([full_name.len()]);
        let mut start = 0;
        let mut parts = Vec::new();
        for end in ends {
            let name = self.renamed.get(&full_name[..end]).map_or(&full_name[start..end], String::as_str);
            parts.push(name);
            start = end + 1;
        }
        parts.join(".")
    }
}

/// The file of one package.
#[derive(Debug)]
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
    pub descriptor_set: Vec<u8>,
}

/// A service.
#[derive(Debug)]
pub(crate) struct Service {
    /// `shop.v1.Orders`
    pub wire: String,
    /// `shop.order.orders`
    pub app: Option<String>,
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
    /// Its methods.
    pub methods: Vec<Method>,
    /// Whether its client is printed.
    pub has_client: bool,
    /// Whether its trait and server are printed.
    pub has_server: bool,
}

/// A method.
#[derive(Debug)]
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
    /// `300`
    pub timeout_ms: Option<u64>,
    /// `option deprecated = true`
    pub deprecated: bool,
}

/// An enum of errors.
#[derive(Debug)]
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
#[derive(Debug)]
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
    let mut plan = Plan::default();
    // What services refer to is named first, in every package.
    let mut named = Vec::new();
    for package in &model.packages {
        let mut scope = messages::plan(model, package, &mut plan.edits, diags);
        let errors: Vec<ErrorEnum> =
            package.errors.iter().map(|errors| errors::plan(errors, &mut scope, diags)).collect();
        for errors in &package.errors {
            if homes.used_enums.contains(&errors.full_name) {
                let wanted = format!("{}Code", names::type_name(&errors.name));
                let renamed = Scope::numbered(&wanted, |name| scope.take(vec![names::type_name(name)]));
                plan.edits.renamed.insert(errors.full_name.clone(), renamed);
            } else {
                plan.edits.dropped.insert(errors.full_name.clone());
            }
        }
        named.push((package, scope, errors));
    }
    for (package, mut scope, errors) in named {
        let context =
            service::Context { package, errors: &errors, homes: &homes, edits: &plan.edits, settings };
        let services: Vec<Service> = package
            .services
            .iter()
            .map(|service| service::plan(service, &context, &mut scope, diags))
            .collect();
        plan.packages.push(Package {
            wire: package.name.clone(),
            file: names::package_file(&package.name),
            modules: split(&package.name).map(names::module).collect(),
            sources: package.files.iter().cloned().collect(),
            descriptor_set: if services.is_empty() { Vec::new() } else { descriptor_set(model, package) },
            services,
            errors,
        });
    }
    plan.packages.sort_by(|a, b| a.modules.cmp(&b.modules));
    for pair in plan.packages.windows(2).filter(|pair| pair[0].modules == pair[1].modules) {
        let (first, second) = (&pair[0], &pair[1]);
        let place = |package: &Package| {
            let mut files = model.files.iter().filter(|file| file.package == package.wire);
            files.next().map(|file| Span::file(file.path.clone()))
        };
        diags.push(
            Diagnostic::error(
                Code::FileClash,
                format!(
                    "the packages `{}` and `{}` are both `{}`",
                    first.wire,
                    second.wire,
                    first.modules.join("::")
                ),
            )
            .at(place(second))
            .label(place(first).as_ref(), "the other one")
            .help("rename one of the packages; Rust writes both in snake case"),
        );
    }
    plan
}

/// Which package every type belongs to, and which enums a message uses.
struct Homes<'a> {
    home: BTreeMap<String, &'a str>,
    used_enums: BTreeSet<String>,
}

impl<'a> Homes<'a> {
    fn of(model: &'a Model) -> Self {
        let mut homes = Self { home: BTreeMap::new(), used_enums: BTreeSet::new() };
        for file in &model.files {
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
    fn path(&self, edits: &Edits, package: &str, full_name: &str) -> String {
        let home = self.home.get(full_name).copied().unwrap_or_default();
        names::type_path(package, home, &edits.applied_to(full_name))
    }
}

/// The files with the services of a package and everything they import, encoded.
fn descriptor_set(model: &Model, package: &model::Package) -> Vec<u8> {
    let mut wanted: BTreeSet<&str> = BTreeSet::new();
    // Every file comes after its imports, so one pass from the end finds them all.
    for file in model.files.iter().rev() {
        if package.files.contains(&file.name) && !file.descriptor.service.is_empty() {
            wanted.insert(&file.name);
        }
        if wanted.contains(file.name.as_str()) {
            wanted.extend(file.descriptor.dependency.iter().map(String::as_str));
        }
    }
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

fn split(package: &str) -> impl Iterator<Item = &str> {
    package.split('.').filter(|part| !part.is_empty())
}
