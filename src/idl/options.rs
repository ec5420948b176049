//! The options that mean something here: ours, Kratos' and Jupiter's.
//!
//! In: the bytes of an option message. Out: what they say. An extension counts only where a file of the run declares it
//! under its own name, so that somebody else's use of the same number is never misread.

use std::collections::BTreeSet;

use super::raw::{self, Value};
use crate::names;

/// `jovian.ServiceOptions`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ServiceOptions {
    #[prost(string, tag = "1")]
    pub app: String,
    #[prost(string, repeated, tag = "2")]
    pub errors: Vec<String>,
    #[prost(string, tag = "3")]
    pub rust_name: String,
    #[prost(message, optional, tag = "4")]
    pub methods: Option<MethodOptions>,
    #[prost(string, tag = "5")]
    pub java_interface: String,
}

/// `jovian.MethodOptions`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct MethodOptions {
    #[prost(string, tag = "1")]
    pub timeout: String,
    #[prost(string, tag = "2")]
    pub rust_name: String,
    #[prost(message, optional, tag = "3")]
    pub retry: Option<RetryOptions>,
    #[prost(string, tag = "4")]
    pub open_timeout: String,
    #[prost(string, tag = "5")]
    pub idle_timeout: String,
    #[prost(uint64, tag = "6")]
    pub max_request_bytes: u64,
    #[prost(uint64, tag = "7")]
    pub max_reply_bytes: u64,
    #[prost(uint32, tag = "8")]
    pub in_flight: u32,
    #[prost(string, repeated, tag = "9")]
    pub callers: Vec<String>,
    #[prost(bool, optional, tag = "10")]
    pub breaker: Option<bool>,
    #[prost(double, optional, tag = "11")]
    pub access_log: Option<f64>,
    #[prost(string, tag = "12")]
    pub slow_log: String,
    #[prost(bool, optional, tag = "13")]
    pub metrics: Option<bool>,
    #[prost(bool, optional, tag = "14")]
    pub trace: Option<bool>,
    #[prost(string, tag = "15")]
    pub compress: String,
}

/// `jovian.RetryOptions`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RetryOptions {
    #[prost(uint32, tag = "1")]
    pub attempts: u32,
    #[prost(int32, repeated, tag = "2")]
    pub codes: Vec<i32>,
    #[prost(string, tag = "3")]
    pub backoff: String,
    #[prost(string, tag = "4")]
    pub max_backoff: String,
}

/// `jovian.NameOptions`, and `jovian.FileOptions`, whose field means the same.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct NameOptions {
    #[prost(string, tag = "1")]
    pub rust_name: String,
}

/// `jovian.ErrorsOptions`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ErrorsOptions {
    #[prost(string, tag = "1")]
    pub domain: String,
}

/// `jovian.ErrorOptions`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ErrorOptions {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
    #[prost(int32, tag = "3")]
    pub http: i32,
    #[prost(bool, tag = "4")]
    pub retryable: bool,
}

/// An extension: its name, what it extends, its number.
pub(super) struct Extension(&'static str, &'static str, u32);

impl Extension {
    fn key(&self) -> (String, String, u32) {
        (self.0.to_owned(), self.1.to_owned(), self.2)
    }
}

pub(super) const FILE: Extension = Extension("jovian.file", "google.protobuf.FileOptions", 56780);
pub(super) const MESSAGE: Extension = Extension("jovian.message", "google.protobuf.MessageOptions", 56780);
pub(super) const FIELD: Extension = Extension("jovian.field", "google.protobuf.FieldOptions", 56780);
pub(super) const ONEOF: Extension = Extension("jovian.oneof", "google.protobuf.OneofOptions", 56780);
pub(super) const ENUM: Extension = Extension("jovian.enumeration", "google.protobuf.EnumOptions", 56781);
pub(super) const VALUE: Extension = Extension("jovian.value", "google.protobuf.EnumValueOptions", 56781);
const SERVICE: Extension = Extension("jovian.service", "google.protobuf.ServiceOptions", 56780);
const METHOD: Extension = Extension("jovian.method", "google.protobuf.MethodOptions", 56780);
const ERRORS: Extension = Extension("jovian.errors", "google.protobuf.EnumOptions", 56780);
const ERROR: Extension = Extension("jovian.error", "google.protobuf.EnumValueOptions", 56780);
/// go-kratos/kratos `errors/errors.proto`: the HTTP status of values that give none.
const KRATOS_DEFAULT: Extension = Extension("errors.default_code", "google.protobuf.EnumOptions", 1108);
/// go-kratos/kratos `errors/errors.proto`: the HTTP status of a value.
const KRATOS_CODE: Extension = Extension("errors.code", "google.protobuf.EnumValueOptions", 1109);
/// douyu/jupiter `proto/error/v1/error.proto`: the text of a value.
const JUPITER_MSG: Extension = Extension("error.v1.msg", "google.protobuf.EnumValueOptions", 9527);

/// What the files that Jovian carries declare: `import option` brings a name, but maybe not the file.
const CARRIED: &[(&str, &[Extension])] = &[
    ("jovian/options.proto", &[FILE, MESSAGE, FIELD, ONEOF, ENUM, VALUE, SERVICE, METHOD, ERRORS, ERROR]),
    ("errors/errors.proto", &[KRATOS_DEFAULT, KRATOS_CODE]),
    ("error/v1/error.proto", &[JUPITER_MSG]),
];

const JAVA_PACKAGE: u32 = 1;
const DEPRECATED_METHOD: u32 = 33;
const DEPRECATED_SERVICE: u32 = 33;
const IDEMPOTENCY_LEVEL: u32 = 34;

/// Which extensions the files of a run declare.
#[derive(Debug, Default)]
pub(crate) struct Declared(BTreeSet<(String, String, u32)>);

impl Declared {
    pub(crate) fn of<'a>(files: impl Iterator<Item = &'a raw::File> + Clone) -> Self {
        let mut declared = Self::default();
        let here: BTreeSet<&str> = files.clone().map(|file| file.name.as_str()).collect();
        for file in files {
            let absent = |name: &&String| !here.contains(name.as_str());
            for name in file.option_imports.iter().filter(absent) {
                let carried = CARRIED.iter().filter(|(carried, _)| carried == name);
                declared.0.extend(carried.flat_map(|(_, extensions)| *extensions).map(Extension::key));
            }
            declared.add(&file.package, &file.extensions);
            file.messages.iter().for_each(|message| declared.add_nested(&file.package, message));
        }
        declared
    }

    fn add_nested(&mut self, package: &str, message: &raw::Message) {
        self.add(package, &message.extensions);
        message.messages.iter().for_each(|nested| self.add_nested(package, nested));
    }

    fn add(&mut self, package: &str, extensions: &[raw::Field]) {
        self.0.extend(extensions.iter().filter_map(|field| {
            let extendee = field.extendee.trim_start_matches('.').to_owned();
            Some((names::full(package, &field.name), extendee, u32::try_from(field.number).ok()?))
        }));
    }

    fn get<'a>(&self, extension: &Extension, options: &'a [u8]) -> Option<Value<'a>> {
        if self.0.contains(&extension.key()) { raw::field(options, extension.2) } else { None }
    }

    fn message<T: prost::Message + Default>(&self, extension: &Extension, options: &[u8]) -> Option<T> {
        match self.get(extension, options)? {
            Value::Bytes(bytes) => T::decode(bytes).ok(),
            Value::Varint(_) => None,
        }
    }

    /// Whether any file may choose names in Rust.
    pub(super) fn names(&self) -> bool {
        self.0.iter().any(|(name, ..)| name == FILE.0)
    }

    /// The name in Rust that an extension of a thing gives it.
    pub(super) fn rust_name(&self, extension: &Extension, options: &[u8]) -> Option<String> {
        let name = self.message::<NameOptions>(extension, options)?.rust_name;
        Some(name).filter(|name| !name.is_empty())
    }

    pub(crate) fn service(&self, options: &[u8]) -> ServiceOptions {
        self.message(&SERVICE, options).unwrap_or_default()
    }

    pub(crate) fn method(&self, options: &[u8]) -> MethodOptions {
        self.message(&METHOD, options).unwrap_or_default()
    }

    pub(crate) fn errors(&self, options: &[u8]) -> Option<ErrorsOptions> {
        self.message(&ERRORS, options)
    }

    pub(crate) fn error(&self, options: &[u8]) -> Option<ErrorOptions> {
        self.message(&ERROR, options)
    }

    /// The HTTP status that Kratos gives the values of an enum.
    pub(crate) fn kratos_default(&self, options: &[u8]) -> Option<i32> {
        number(self.get(&KRATOS_DEFAULT, options)?)
    }

    /// The HTTP status that Kratos gives a value.
    pub(crate) fn kratos_code(&self, options: &[u8]) -> Option<i32> {
        number(self.get(&KRATOS_CODE, options)?)
    }

    /// The text that Jupiter gives a value.
    pub(crate) fn jupiter_message(&self, options: &[u8]) -> Option<String> {
        match self.get(&JUPITER_MSG, options)? {
            Value::Bytes(bytes) => String::from_utf8(bytes.to_vec()).ok(),
            Value::Varint(_) => None,
        }
    }
}

/// `java_package` of a file's options.
pub(crate) fn java_package(options: &[u8]) -> Option<&str> {
    match raw::field(options, JAVA_PACKAGE)? {
        Value::Bytes(name) => std::str::from_utf8(name).ok().filter(|name| !name.is_empty()),
        Value::Varint(_) => None,
    }
}

/// `deprecated` of a service's options.
pub(crate) fn service_deprecated(options: &[u8]) -> bool {
    raw::field(options, DEPRECATED_SERVICE) == Some(Value::Varint(1))
}

/// `deprecated` of a method's options.
pub(crate) fn method_deprecated(options: &[u8]) -> bool {
    raw::field(options, DEPRECATED_METHOD) == Some(Value::Varint(1))
}

/// `idempotency_level` of a method's options, as its number.
pub(crate) fn idempotency_level(options: &[u8]) -> i32 {
    raw::field(options, IDEMPOTENCY_LEVEL).and_then(number).unwrap_or_default()
}

/// An `int32` or an enum: negative numbers are ten bytes long on the wire.
fn number(value: Value<'_>) -> Option<i32> {
    match value {
        Value::Varint(bits) => Some(bits as i32),
        Value::Bytes(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `idempotency_level` is not ours; 1109 with the value 404 is Kratos', if its file is there.
    #[test]
    fn an_extension_counts_where_it_is_declared() {
        let options = [0xa8, 0x45, 0x94, 0x03];
        let importing = |import: &str| raw::File {
            name: "a.proto".to_owned(),
            option_imports: vec![import.to_owned()],
            ..raw::File::default()
        };
        let code = |files: &[raw::File]| Declared::of(files.iter()).kratos_code(&options);
        assert_eq!(code(&[raw::File::default()]), None);
        assert_eq!(code(&[importing("errors/errors.proto")]), Some(404));
        // A file of that name which is there says itself what it declares.
        let other = raw::File { name: "errors/errors.proto".to_owned(), ..raw::File::default() };
        assert_eq!(code(&[importing("errors/errors.proto"), other]), None);
    }
}
