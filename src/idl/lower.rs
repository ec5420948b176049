//! One descriptor, in the words of the model.

use std::collections::BTreeMap;

use super::options::{self, Declared};
use super::policy::policy;
use super::raw;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::{
    ErrorEnum, ErrorValue, Idempotency, JavaInterface, Locations, Method, Package, Service, Shape, Template,
};
use crate::names;

/// Field numbers of descriptor.proto that paths are made of.
const FILE_ENUM: i32 = 5;
const FILE_SERVICE: i32 = 6;
const FILE_OPTIONS: i32 = 8;
const OPTIONS_JAVA_PACKAGE: i32 = 1;
const SERVICE_METHOD: i32 = 2;
const ENUM_VALUE: i32 = 2;

/// `google.rpc.Code.UNKNOWN`
const UNKNOWN: i32 = 2;

/// Adds a file's services and errors to its package.
pub(super) fn file(
    file: &raw::File,
    locations: &Locations,
    declared: &Declared,
    packages: &mut BTreeMap<String, Package>,
    diags: &mut Diagnostics,
) {
    let package = packages.entry(file.package.clone()).or_default();
    package.name.clone_from(&file.package);
    package.files.insert(file.name.clone());
    let java_package = options::java_package(&file.options);
    let mut reader = Reader { package: &file.package, java_package, locations, declared, diags };
    for (service, index) in file.services.iter().zip(0..) {
        package.services.push(reader.service(service, &[FILE_SERVICE, index]));
    }
    for (enumeration, index) in file.enums.iter().zip(0..) {
        package.errors.extend(reader.errors(enumeration, &[FILE_ENUM, index]));
    }
    file.messages.iter().for_each(|message| reader.refuse_nested_errors(message));
}

struct Reader<'a> {
    package: &'a str,
    java_package: Option<&'a str>,
    locations: &'a Locations,
    declared: &'a Declared,
    diags: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn service(&mut self, service: &raw::Service, path: &[i32]) -> Service {
        let options = self.declared.service(&service.options);
        let span = self.locations.name(path);
        let methods = service.methods.iter().zip(0..);
        Service {
            name: service.name.clone(),
            full_name: names::full(self.package, &service.name),
            docs: self.locations.docs(path).to_owned(),
            deprecated: options::service_deprecated(&service.options),
            app: Some(options.app).filter(|app| !app.is_empty()),
            java: self.java(&service.name, options.java_interface),
            errors: options.errors,
            policy: policy(options.methods.unwrap_or_default(), &service.name, span.as_ref(), self.diags),
            span,
            methods: methods
                .map(|(method, index)| self.method(method, &[path, &[SERVICE_METHOD, index]].concat()))
                .collect(),
        }
    }

    /// By dubbo-compiler (`AbstractGenerator.java`), the name of the service in the Java package, whatever
    /// `java_outer_classname` and `java_multiple_files` say; those are about messages.
    fn java(&self, service: &str, chosen: String) -> JavaInterface {
        if !chosen.is_empty() {
            return JavaInterface { name: chosen, chosen: true, package: None };
        }
        let name = names::full(self.java_package.unwrap_or(self.package), service);
        let package =
            self.java_package.and_then(|_| self.locations.at(&[FILE_OPTIONS, OPTIONS_JAVA_PACKAGE]));
        JavaInterface { name, chosen: false, package }
    }

    fn method(&mut self, method: &raw::Method, path: &[i32]) -> Method {
        let options = self.declared.method(&method.options);
        let span = self.locations.name(path);
        Method {
            name: method.name.clone(),
            docs: self.locations.docs(path).to_owned(),
            deprecated: options::method_deprecated(&method.options),
            shape: match (method.client_streaming, method.server_streaming) {
                (false, false) => Shape::Unary,
                (true, false) => Shape::ClientStream,
                (false, true) => Shape::ServerStream,
                (true, true) => Shape::Bidi,
            },
            input: method.input.trim_start_matches('.').to_owned(),
            output: method.output.trim_start_matches('.').to_owned(),
            idempotency: match options::idempotency_level(&method.options) {
                1 => Idempotency::NoSideEffects,
                2 => Idempotency::Idempotent,
                _ => Idempotency::Unknown,
            },
            policy: policy(options, &method.name, span.as_ref(), self.diags),
            span,
        }
    }

    /// The errors that an enum lists, if it is one of ours, of Kratos or of Jupiter.
    fn errors(&mut self, enumeration: &raw::Enum, path: &[i32]) -> Option<ErrorEnum> {
        let ours = self.declared.errors(&enumeration.options);
        let kratos = self.declared.kratos_default(&enumeration.options);
        let jupiter = |value: &raw::EnumValue| self.declared.jupiter_message(&value.options);
        if ours.is_none()
            && kratos.is_none()
            && !enumeration.values.iter().any(|value| jupiter(value).is_some())
        {
            return None;
        }
        let mut values = Vec::new();
        for (value, index) in enumeration.values.iter().zip(0..) {
            values.extend(self.error(value, kratos, &[path, &[ENUM_VALUE, index]].concat()));
        }
        let domain = ours.map(|options| options.domain).filter(|domain| !domain.is_empty());
        Some(ErrorEnum {
            name: enumeration.name.clone(),
            full_name: names::full(self.package, &enumeration.name),
            docs: self.locations.docs(path).to_owned(),
            domain: domain.unwrap_or_else(|| self.package.to_owned()),
            values,
            span: self.locations.name(path),
        })
    }

    /// `None` for the value that stands for "no error": number 0 without an option of its own.
    fn error(&mut self, value: &raw::EnumValue, kratos: Option<i32>, path: &[i32]) -> Option<ErrorValue> {
        let ours = self.declared.error(&value.options);
        let http = self.declared.kratos_code(&value.options);
        let text = self.declared.jupiter_message(&value.options);
        if value.number == 0 && ours.is_none() && http.is_none() && text.is_none() && kratos.is_none() {
            return None;
        }
        let span = self.locations.name(path);
        let options = ours.unwrap_or_default();
        // Kratos says the HTTP status and derives the gRPC code from it; ours is the other way round.
        let http = http.or(kratos).or(Some(options.http).filter(|http| *http != 0));
        let code = match options.code {
            0 if kratos.is_some() => http.map_or(UNKNOWN, code_of_http),
            0 => UNKNOWN,
            code => code,
        };
        let text = Some(options.message).filter(|text| !text.is_empty()).or(text).unwrap_or_default();
        let message = Template::parse(&text).unwrap_or_else(|problem| {
            self.diags.push(
                Diagnostic::error(Code::Template, format!("the message of `{}`: {problem}", value.name))
                    .at(span.clone())
                    .help("a template is text with fields in braces: `no order {id}`"),
            );
            Template::default()
        });
        Some(ErrorValue {
            name: value.name.clone(),
            number: value.number,
            docs: self.locations.docs(path).to_owned(),
            code,
            http,
            retryable: options.retryable,
            message,
            span,
        })
    }

    /// Errors belong to a package; an enum inside a message that says otherwise is not passed over in silence.
    fn refuse_nested_errors(&mut self, message: &raw::Message) {
        for enumeration in &message.enums {
            if self.declared.errors(&enumeration.options).is_some() {
                self.diags.push(
                    Diagnostic::error(
                        Code::OptionValue,
                        format!(
                            "the error enum `{}` stands inside message `{}`",
                            enumeration.name, message.name
                        ),
                    )
                    .at(crate::diag::Span::file(self.locations.file()))
                    .help("move the enum out of the message"),
                );
            }
        }
        message.messages.iter().for_each(|nested| self.refuse_nested_errors(nested));
    }
}

/// The gRPC code that Kratos sends for an HTTP status (go-kratos/kratos `transport/http/status`). Version 2 sends UNKNOWN for 412,
/// which version 3 understands less than what it sends itself.
fn code_of_http(http: i32) -> i32 {
    match http {
        400 => 3,
        401 => 16,
        403 => 7,
        404 => 5,
        409 => 10,
        412 => 9,
        429 => 8,
        499 => 1,
        500 => 13,
        501 => 12,
        503 => 14,
        504 => 4,
        _ => UNKNOWN,
    }
}
