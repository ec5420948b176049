//! What the IDL says, in the IDL's words. Types only.

use std::collections::BTreeSet;

use prost_types::FileDescriptorProto;
use serde::Serialize;

use crate::diag::Span;

mod descriptors;
mod locations;
mod policy;
mod types;

pub(crate) use descriptors::{is_map_entry, map_entry, oneof_of};
pub use locations::Locations;
pub use policy::{Compress, Policy};

/// Everything a run was given.
#[derive(Debug, Default, Serialize)]
pub struct Model {
    /// All files, each after those it imports.
    pub files: Vec<File>,
    /// What `--stage` of the pipeline prints code for: the packages of the generated files, sorted by name.
    pub packages: Vec<Package>,
    /// Names in Rust that options choose.
    pub renames: Vec<Rename>,
}

impl Model {
    /// The names of the files to start with, and of all that they lead to. A file leads to files before it only, as to its
    /// imports, so one pass from the end finds them all.
    pub fn reach<'a, N: Iterator<Item = &'a str>>(
        &'a self,
        is_start: impl Fn(&File) -> bool,
        leads: impl Fn(&'a File) -> N,
    ) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        for file in self.files.iter().rev() {
            if is_start(file) || reached.contains(file.name.as_str()) {
                reached.insert(file.name.as_str());
                reached.extend(leads(file));
            }
        }
        reached
    }
}

/// A name in Rust that an option chooses.
#[derive(Debug, Serialize)]
pub struct Rename {
    /// What it is for: `shop.v1.Order.id`; a value is below its enum.
    pub full_name: String,
    /// As written.
    pub name: String,
    /// Where the name in the IDL stands.
    pub span: Option<Span>,
}

/// One IDL file.
#[derive(Debug, Serialize)]
pub struct File {
    /// What an import says: `shop/v1/orders.proto`.
    pub name: String,
    /// As a person would open it: `proto/shop/v1/orders.proto`.
    pub path: String,
    /// `shop.v1`; empty without a package.
    pub package: String,
    /// Whether code is printed for it: asked for, or needed by the types of one that was.
    pub generate: bool,
    /// Its structure, without the options that prost does not know.
    #[serde(rename = "types", serialize_with = "types::serialize")]
    pub descriptor: FileDescriptorProto,
    /// The same as long as the file and its comments are.
    #[serde(skip)]
    pub digest: u64,
    /// The full names of its fields with `debug_redact`.
    pub redacted: BTreeSet<String>,
    /// Comments and places; the descriptor has none.
    #[serde(skip)]
    pub locations: Locations,
    /// Its `FileDescriptorProto` as bytes, custom options included, source info left out.
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

impl File {
    /// The names of the files that it imports.
    pub fn imports(&self) -> impl Iterator<Item = &str> {
        self.descriptor.dependency.iter().map(String::as_str)
    }
}

/// The services and errors of one package.
#[derive(Debug, Default, Serialize)]
pub struct Package {
    /// `shop.v1`; empty without a package.
    pub name: String,
    /// Whether code is printed for it; names in it matter even where another run or another crate prints it.
    pub printed: bool,
    /// The names of its generated files, as the IDL imports them.
    pub files: BTreeSet<String>,
    /// In the order of the files.
    pub services: Vec<Service>,
    /// In the order of the files.
    pub errors: Vec<ErrorEnum>,
}

/// A service.
#[derive(Debug, Serialize)]
pub struct Service {
    /// `Orders`
    pub name: String,
    /// `shop.v1.Orders`
    pub full_name: String,
    /// The comment, as written.
    pub docs: String,
    /// `option deprecated = true`
    pub deprecated: bool,
    /// The application that serves it: `shop.order.orders`.
    pub app: Option<String>,
    /// Its interface in Java.
    pub java: JavaInterface,
    /// The error enums it names.
    pub errors: Vec<String>,
    /// What is said of the calls of all its methods.
    pub policy: Policy,
    /// In the order of the IDL.
    pub methods: Vec<Method>,
    /// Where its name stands.
    pub span: Option<Span>,
}

/// What a service is called in Java.
#[derive(Debug, Serialize)]
pub struct JavaInterface {
    /// `com.example.shop.Orders`
    pub name: String,
    /// Whether an option of the service says it, and not `java_package` or the package of the file.
    pub chosen: bool,
    /// Where `java_package` stands, if it is from there.
    pub package: Option<Span>,
}

/// A method of a service.
#[derive(Debug, Serialize)]
pub struct Method {
    /// `GetOrder`
    pub name: String,
    /// The comment, as written.
    pub docs: String,
    /// `option deprecated = true`
    pub deprecated: bool,
    /// What streams.
    pub shape: Shape,
    /// The full name of the request's message: `shop.v1.GetOrderRequest`.
    pub input: String,
    /// The full name of the reply's message.
    pub output: String,
    /// Whether it may be called again.
    pub idempotency: Idempotency,
    /// What is said of its calls.
    pub policy: Policy,
    /// Where its name stands.
    pub span: Option<Span>,
}

/// Which side of a call is a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Shape {
    /// One request, one reply.
    Unary,
    /// Many requests, one reply.
    ClientStream,
    /// One request, many replies.
    ServerStream,
    /// Many of both.
    Bidi,
}

/// `idempotency_level` of descriptor.proto.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum Idempotency {
    /// Nothing is said.
    #[default]
    Unknown,
    /// Once or twice is the same.
    Idempotent,
    /// It only reads.
    NoSideEffects,
}

/// An enum whose values are errors.
#[derive(Debug, Serialize)]
pub struct ErrorEnum {
    /// `OrdersError`
    pub name: String,
    /// `shop.v1.OrdersError`
    pub full_name: String,
    /// The comment, as written.
    pub docs: String,
    /// Who defines the errors: `shop.order`.
    pub domain: String,
    /// Without the value that stands for "no error".
    pub values: Vec<ErrorValue>,
    /// Where its name stands.
    pub span: Option<Span>,
}

/// One error.
#[derive(Debug, Serialize)]
pub struct ErrorValue {
    /// The reason: `ORDER_NOT_FOUND`.
    pub name: String,
    /// Its number: `10001`.
    pub number: i32,
    /// The comment, as written.
    pub docs: String,
    /// The gRPC status code, as its number.
    pub code: i32,
    /// The HTTP status where the IDL gives one.
    pub http: Option<i32>,
    /// The caller may try again.
    pub retryable: bool,
    /// The text for people.
    pub message: Template,
    /// Where it stands.
    pub span: Option<Span>,
}

/// A message with named fields: `no order {id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Template {
    /// As written.
    pub text: String,
    /// The names of its fields, each once, in the order of the text.
    pub fields: Vec<String>,
}

impl Template {
    /// Reads a template; `{{` and `}}` stand for braces.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut fields: Vec<String> = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (brace, after) = (&rest[at..=at], &rest[at + 1..]);
            if let Some(after) = after.strip_prefix(brace) {
                rest = after;
                continue;
            }
            if brace == "}" {
                return Err("`}` without `{`; write `}}` for a brace".to_owned());
            }
            let Some((name, after)) = after.split_once('}') else {
                return Err("`{` without `}`; write `{{` for a brace".to_owned());
            };
            let legal = name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if !legal {
                return Err(format!(
                    "`{{{name}}}` is not a field; a field's name is lower case, like `order_id`"
                ));
            }
            if !fields.iter().any(|known| known == name) {
                fields.push(name.to_owned());
            }
            rest = after;
        }
        Ok(Self { text: text.to_owned(), fields })
    }
}
