//! A case as IDL. What could not be legal is given another name first; whether the rest is legal, compilers say.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::shape::{Case, Comment, Enum, Field, File, Message, Place, Service};

const SCALARS: &[&str] = &[
    "double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64",
    "sfixed32", "sfixed64", "bool", "string", "bytes",
];
const KEYS: &[&str] = &["int32", "string", "bool", "fixed64", "sint64", "uint32"];
const WELL_KNOWN: &[&str] = &[
    "Any",
    "Api",
    "BoolValue",
    "BytesValue",
    "DoubleValue",
    "Duration",
    "Empty",
    "FieldMask",
    "FloatValue",
    "Int32Value",
    "Int64Value",
    "ListValue",
    "StringValue",
    "Struct",
    "Timestamp",
    "Type",
    "UInt32Value",
    "UInt64Value",
    "Value",
];
const IMPORTS: &str = "import \"google/protobuf/any.proto\";\nimport \"google/protobuf/api.proto\";\n\
    import \"google/protobuf/duration.proto\";\nimport \"google/protobuf/empty.proto\";\n\
    import \"google/protobuf/field_mask.proto\";\nimport \"google/protobuf/struct.proto\";\n\
    import \"google/protobuf/timestamp.proto\";\nimport \"google/protobuf/type.proto\";\n\
    import \"google/protobuf/wrappers.proto\";\nimport \"jovian/options.proto\";\n";

/// The files of a case, by their names.
pub(crate) fn files(case: Case) -> Vec<(String, String)> {
    let mut writer = Writer::default();
    let packages = packages(&case);
    for package in &packages {
        let ends = package.match_indices('.').map(|(at, _)| at).chain([package.len()]);
        writer.taken.extend(ends.map(|end| package[..end].to_owned()));
    }
    let mut files = Vec::new();
    for ((index, mut file), package) in case.files.into_iter().enumerate().zip(packages) {
        writer.declare(&mut file, &package);
        files.push((format!("file_{index}.proto"), writer.file(index, &file, &package)));
    }
    files
}

fn packages(case: &Case) -> Vec<String> {
    let mut first = String::new();
    let names = case.files.iter().enumerate().map(|(index, file)| {
        let package = match &file.place {
            Place::Own(parts) => parts.join("."),
            Place::Same => first.clone(),
            Place::Below(name) if first.is_empty() => name.clone(),
            Place::Below(name) => format!("{first}.{name}"),
        };
        if index == 0 {
            first.clone_from(&package);
        }
        package
    });
    names.collect()
}

/// A type that fields can have.
#[derive(Clone)]
struct Declared {
    name: String,
    /// An enum's values, and whether it may be used by proto3.
    values: Option<(Vec<String>, bool)>,
}

#[derive(Default)]
struct Writer {
    taken: BTreeSet<String>,
    declared: Vec<Declared>,
    with_errors: BTreeSet<String>,
    out: String,
    depth: usize,
}

impl Writer {
    /// Takes a name in a scope, with a number behind it if need be.
    fn take(&mut self, scope: &str, name: &mut String) -> String {
        let full = |name: &str| if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") };
        let wanted = name.clone();
        let mut number = 0;
        while !self.taken.insert(full(name)) {
            number += 1;
            *name = format!("{wanted}Q{number}");
        }
        full(name)
    }

    /// Gives everything in a file a name of its own, and notes what can be used as a type.
    fn declare(&mut self, file: &mut File, package: &str) {
        file.messages.iter_mut().for_each(|message| self.declare_message(message, package, file.proto2));
        for enumeration in &mut file.enums {
            enumeration.errors &= self.with_errors.insert(package.to_owned());
            self.declare_enum(enumeration, package, file.proto2);
        }
        for service in &mut file.services {
            let full_name = self.take(package, &mut service.name);
            for method in &mut service.methods {
                self.take(&full_name, &mut method.name);
            }
        }
    }

    fn declare_message(&mut self, message: &mut Message, scope: &str, proto2: bool) {
        let full_name = self.take(scope, &mut message.name);
        self.declared.push(Declared { name: format!(".{full_name}"), values: None });
        message.messages.iter_mut().for_each(|nested| self.declare_message(nested, &full_name, proto2));
        for enumeration in &mut message.enums {
            enumeration.errors = false;
            self.declare_enum(enumeration, &full_name, proto2);
        }
        let mut in_json = BTreeSet::new();
        let Message { fields, oneofs, .. } = message;
        for field in fields.iter_mut().chain(oneofs.iter_mut().flat_map(|(_, fields)| fields)) {
            let wanted = field.name.clone();
            for number in 0.. {
                if number > 0 {
                    field.name = format!("{wanted}Q{number}");
                }
                // A compiler refuses fields that are one in JSON, though not all of them in proto2.
                if (proto2 && number == 0) || in_json.insert(json(&field.name)) {
                    break;
                }
            }
            in_json.insert(json(&field.name));
            self.take(&full_name, &mut field.name);
        }
        for (name, _) in oneofs {
            self.take(&full_name, name);
        }
    }

    fn declare_enum(&mut self, enumeration: &mut Enum, scope: &str, proto2: bool) {
        let full_name = self.take(scope, &mut enumeration.name);
        let mut stripped = BTreeSet::new();
        let prefix = plain(&enumeration.name);
        for (name, _) in &mut enumeration.values {
            let wanted = name.clone();
            for number in 1.. {
                if stripped.insert(pascal(&prefix, name)) {
                    break;
                }
                *name = format!("{wanted}Q{number}");
            }
            self.take(scope, name);
        }
        if let Some(alias) = &mut enumeration.alias {
            alias.push_str("_ALIAS");
            self.take(scope, alias);
        }
        let values = enumeration.values.iter().map(|(name, _)| name.clone()).collect();
        self.declared.push(Declared { name: format!(".{full_name}"), values: Some((values, !proto2)) });
    }

    fn file(&mut self, index: usize, file: &File, package: &str) -> String {
        self.out.clear();
        self.comment(file.comment);
        self.line(&format!("syntax = \"proto{}\";", if file.proto2 { 2 } else { 3 }));
        if !package.is_empty() {
            self.line(&format!("package {package};"));
        }
        let public = if file.import_public { "public " } else { "" };
        (0..index).for_each(|before| self.line(&format!("import {public}\"file_{before}.proto\";")));
        self.out.push_str(IMPORTS);
        file.messages.iter().for_each(|message| self.message(message, file.proto2));
        file.enums.iter().for_each(|enumeration| self.enumeration(enumeration));
        file.services.iter().for_each(|service| self.service(service));
        self.out.clone()
    }

    fn message(&mut self, message: &Message, proto2: bool) {
        self.comment(message.comment);
        self.open(&format!("message {}", message.name));
        if message.deprecated {
            self.line("option deprecated = true;");
        }
        let mut number = 0;
        for field in &message.fields {
            number += 1;
            self.comment(field.comment);
            let text = self.field(field, number, proto2);
            self.line(&text);
        }
        for (name, fields) in &message.oneofs {
            self.open(&format!("oneof {name}"));
            for field in fields {
                number += 1;
                self.comment(field.comment);
                let (kind, _) = self.kind(field, proto2);
                let deprecated = if field.deprecated { " [deprecated = true]" } else { "" };
                self.line(&format!("{kind} {} = {number}{deprecated};", field.name));
            }
            self.close();
        }
        message.messages.iter().for_each(|nested| self.message(nested, proto2));
        message.enums.iter().for_each(|enumeration| self.enumeration(enumeration));
        if proto2 && number % 3 == 1 {
            self.line("extensions 1000 to max;");
            self.line(&format!(
                "optional group Group{number} = {} {{ optional int32 type = 1; }}",
                number + 1
            ));
        }
        self.close();
    }

    fn field(&self, field: &Field, number: usize, proto2: bool) -> String {
        let (kind, values) = self.kind(field, proto2);
        let name = &field.name;
        let deprecated = field.deprecated.then(|| "deprecated = true".to_owned());
        if field.kind % 7 == 6 {
            let key = KEYS[field.which % KEYS.len()];
            let options = deprecated.map(|option| format!(" [{option}]")).unwrap_or_default();
            return format!("map<{key}, {kind}> {name} = {number}{options};");
        }
        let is_message = kind.starts_with('.') && values.is_none();
        let (label, singular) = match (proto2, field.label) {
            (_, 0..3) => ("repeated ", false),
            (true, 3) if !is_message => ("required ", true),
            (true, _) => ("optional ", true),
            (false, 3..6) => ("optional ", true),
            (false, _) => ("", true),
        };
        let default =
            (proto2 && singular && field.which.is_multiple_of(3)).then(|| match (kind.as_str(), values) {
                (_, Some(values)) => values.get(field.which % values.len().max(1)).cloned(),
                ("string", _) => Some("\"a\\\"b\\\\ \\n \u{10428}0 {}\"".to_owned()),
                ("bytes", _) => Some("\"\\000\\377\\\"'\"".to_owned()),
                ("bool", _) => Some("true".to_owned()),
                ("double" | "float", _) => Some(["-inf", "nan", "1.5", "-0.0"][field.which % 4].to_owned()),
                (kind, _) if !kind.starts_with('.') => Some("7".to_owned()),
                _ => None,
            });
        let default = default.flatten().map(|value| format!("default = {value}"));
        let options: Vec<String> = deprecated.into_iter().chain(default).collect();
        let options = if options.is_empty() { String::new() } else { format!(" [{}]", options.join(", ")) };
        format!("{label}{kind} {name} = {number}{options};")
    }

    /// The type of a field, and the values if it is an enum.
    fn kind(&self, field: &Field, proto2: bool) -> (String, Option<Vec<String>>) {
        let usable = |declared: &&Declared| declared.values.as_ref().is_none_or(|(_, open)| proto2 || *open);
        let types: Vec<&Declared> = self.declared.iter().filter(usable).collect();
        match field.kind % 5 {
            0 | 1 if !types.is_empty() => {
                let declared = types[field.which % types.len()];
                (declared.name.clone(), declared.values.as_ref().map(|(values, _)| values.clone()))
            }
            2 => (format!(".google.protobuf.{}", WELL_KNOWN[field.which % WELL_KNOWN.len()]), None),
            _ => (SCALARS[field.which % SCALARS.len()].to_owned(), None),
        }
    }

    fn enumeration(&mut self, enumeration: &Enum) {
        self.comment(enumeration.comment);
        self.open(&format!("enum {}", enumeration.name));
        if enumeration.errors {
            self.line("option (jovian.errors) = {};");
        }
        let alias = enumeration.alias.as_ref().filter(|_| !enumeration.errors);
        if alias.is_some() {
            self.line("option allow_alias = true;");
        }
        for (number, (name, comment)) in enumeration.values.iter().enumerate() {
            self.comment(*comment);
            let options = match enumeration.errors && number % 2 == 1 {
                true => {
                    " [(jovian.error) = {code: NOT_FOUND message: \"{type} of {self}, {{braces}} {f} \\\"\"}]"
                }
                false => "",
            };
            self.line(&format!("{name} = {number}{options};"));
        }
        if let Some(alias) = alias {
            self.line(&format!("{alias} = {};", enumeration.values.len() - 1));
        }
        self.close();
    }

    fn service(&mut self, service: &Service) {
        self.comment(service.comment);
        self.open(&format!("service {}", service.name));
        let messages: Vec<String> =
            self.declared.iter().filter(|it| it.values.is_none()).map(|it| it.name.clone()).collect();
        let known = WELL_KNOWN.iter().map(|name| format!(".google.protobuf.{name}"));
        let types: Vec<String> =
            messages.iter().cloned().chain(messages.iter().cloned()).chain(known).collect();
        for method in &service.methods {
            self.comment(method.comment);
            let stream = |yes: bool| if yes { "stream " } else { "" };
            let (input, output) = (&types[method.input % types.len()], &types[method.output % types.len()]);
            let (many_in, many_out) = (stream(method.streams.0), stream(method.streams.1));
            let options = if method.deprecated { "{ option deprecated = true; }" } else { ";" };
            let name = &method.name;
            self.line(&format!("rpc {name} ({many_in}{input}) returns ({many_out}{output}) {options}"));
        }
        self.close();
    }

    fn comment(&mut self, comment: Comment) {
        let Some((text, style)) = comment else { return };
        if style == 0 && !text.contains("*/") && !text.contains("/*") {
            self.line(&format!("/*{text}*/"));
        } else {
            text.split('\n').for_each(|line| self.line(&format!("//{line}")));
        }
        if style == 1 {
            self.line("");
        }
    }

    fn open(&mut self, line: &str) {
        self.line(&format!("{line} {{"));
        self.depth += 1;
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.line("}");
    }

    fn line(&mut self, line: &str) {
        let _never_fails = writeln!(self.out, "{}{line}", "  ".repeat(self.depth));
    }
}

/// descriptor.proto's name in JSON.
fn json(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    first
        + &parts
            .map(|part| part[..1.min(part.len())].to_uppercase() + &part[1.min(part.len())..])
            .collect::<String>()
}

fn plain(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

/// protoc's view of a value: the name of the enum in front left out, words begin with a capital.
fn pascal(prefix: &str, name: &str) -> String {
    let mut rest = name;
    for expected in prefix.chars() {
        rest = rest.trim_start_matches('_');
        match rest.chars().next() {
            Some(c) if c.to_ascii_lowercase() == expected => rest = &rest[1..],
            _ => {
                rest = name;
                break;
            }
        }
    }
    rest = rest.trim_start_matches('_');
    let words = if rest.is_empty() { name } else { rest }.split('_');
    let word =
        |word: &str| word[..1.min(word.len())].to_uppercase() + &word[1.min(word.len())..].to_lowercase();
    words.map(word).collect()
}
