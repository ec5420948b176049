//! IDL as large companies have it, made from a seed: the same bytes on every machine.
//!
//! In: how much. Out: `.proto` files, and the methods in them for those who write handlers.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use crate::random::Random;
use crate::words::{ADJECTIVES, AREAS, COMMENT, NOUNS, VERBS};

/// How much IDL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Of which each has `files` files; one more package holds what all share.
    pub packages: usize,
    pub files: usize,
    /// In each file.
    pub messages: usize,
    /// In each file.
    pub fields: usize,
    /// In each file, in one service; none without them.
    pub methods: usize,
}

/// 1,001 files, 12,002 messages, 57 commented fields a file, 5,000 methods.
pub(crate) const FULL: Shape = Shape { packages: 50, files: 20, messages: 12, fields: 57, methods: 5 };

/// What streams, in the order in which methods get it: most are plain calls.
const KINDS: [Kind; 10] = {
    use Kind::{Bidi, ClientStream, ServerStream, Unary};
    [Unary, Unary, Unary, ServerStream, Unary, Unary, ClientStream, Unary, Unary, Bidi]
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Unary,
    ClientStream,
    ServerStream,
    Bidi,
}

/// A service, for those who write handlers.
#[derive(Debug)]
pub(crate) struct Service {
    /// `corp.billing.v1`
    pub package: String,
    /// `InvoiceService`
    pub name: String,
    pub methods: Vec<Method>,
}

/// A method, for those who write handlers. Its messages are of the same package.
#[derive(Debug)]
pub(crate) struct Method {
    pub name: String,
    pub kind: Kind,
    pub request: String,
    pub reply: String,
}

/// Writes the IDL below `dir`.
pub(crate) fn write(dir: &Path, shape: Shape) -> io::Result<Vec<Service>> {
    let put = |name: &str, text: String| {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap_or(dir))?;
        fs::write(path, text)
    };
    put("corp/common/v1/types.proto", shared(&mut Random::new(0)))?;
    let mut services = Vec::new();
    for (area, package) in AREAS.iter().zip(1..).take(shape.packages) {
        for (file, noun) in NOUNS.iter().enumerate().take(shape.files) {
            // Each file has its own seed, so that a smaller corpus is a part of the larger one.
            let mut random = Random::new(package * 1_000 + file as u64);
            let mut writer = Writer { random: &mut random, shape, area, file, imports: BTreeSet::new() };
            let (text, service) = writer.file();
            put(&format!("corp/{area}/v1/{}.proto", noun.to_lowercase()), text)?;
            services.extend(service);
        }
    }
    Ok(services)
}

/// The file that every other one imports.
fn shared(random: &mut Random) -> String {
    let mut out = "syntax = \"proto3\";\n\npackage corp.common.v1;\n".to_owned();
    for (name, fields) in
        [("Money", ["string currency", "int64 units"]), ("Page", ["int32 size", "string token"])]
    {
        out.push('\n');
        comment(random, &mut out, "", 2);
        writeln!(out, "message {name} {{").expect("a text takes all");
        for (field, number) in fields.iter().zip(1..) {
            comment(random, &mut out, "  ", 1);
            writeln!(out, "  {field} = {number};").expect("a text takes all");
        }
        out.push_str("}\n");
    }
    out
}

/// Lines of a comment, of eight to fourteen words each.
fn comment(random: &mut Random, out: &mut String, indent: &str, lines: usize) {
    for _ in 0..lines {
        out.push_str(indent);
        out.push_str("//");
        for _ in 0..8 + random.below(7) {
            out.push(' ');
            out.push_str(random.pick(COMMENT));
        }
        out.push_str(".\n");
    }
}

struct Writer<'a> {
    random: &'a mut Random,
    shape: Shape,
    area: &'a str,
    file: usize,
    imports: BTreeSet<String>,
}

impl Writer<'_> {
    fn file(&mut self) -> (String, Option<Service>) {
        let mut body = String::new();
        let noun = NOUNS[self.file];
        self.status(&mut body, noun);
        for index in 0..self.shape.messages {
            self.message(&mut body, index);
        }
        let service = (self.shape.methods > 0).then(|| self.service(&mut body));
        let mut out = format!("syntax = \"proto3\";\n\npackage corp.{}.v1;\n\n", self.area);
        for import in &self.imports {
            writeln!(out, "import \"{import}\";").expect("a text takes all");
        }
        (out + &body, service)
    }

    /// `InvoiceLine`: the name of a message of this file.
    fn name(&self, index: usize) -> String {
        let parts = [
            "", "Line", "Filter", "Event", "Summary", "Request", "Response", "Batch", "State", "Rule",
            "Note", "Audit",
        ];
        let round = index / parts.len();
        let number = if round == 0 { String::new() } else { format!("{}", round + 1) };
        format!("{}{}{number}", NOUNS[self.file], parts[index % parts.len()])
    }

    fn status(&mut self, out: &mut String, noun: &str) {
        out.push('\n');
        comment(self.random, out, "", 1);
        writeln!(out, "enum {noun}Status {{").expect("a text takes all");
        for (value, number) in ["UNSPECIFIED", "ACTIVE", "SUSPENDED", "CLOSED"].iter().zip(0..) {
            comment(self.random, out, "  ", 1);
            writeln!(out, "  {}_STATUS_{value} = {number};", noun.to_uppercase()).expect("a text takes all");
        }
        out.push_str("}\n");
    }

    fn message(&mut self, out: &mut String, index: usize) {
        let Shape { fields, messages, .. } = self.shape;
        let count = fields / messages + usize::from(index < fields % messages);
        out.push('\n');
        let lines = 1 + self.random.below(3);
        comment(self.random, out, "", lines);
        writeln!(out, "message {} {{", self.name(index)).expect("a text takes all");
        // One message in six says that only one of its last two fields is there.
        let choice = if index % 6 == 3 && count > 2 { count - 2 } else { count };
        for field in 0..count {
            if field == choice {
                comment(self.random, out, "  ", 1);
                out.push_str("  oneof choice {\n");
            }
            let indent = if field >= choice { "    " } else { "  " };
            let lines = 1 + self.random.below(2);
            comment(self.random, out, indent, lines);
            let kind = if field >= choice { self.plain() } else { self.kind() };
            let name = format!("{}_{}", self.random.pick(ADJECTIVES), self.random.pick(NOUNS).to_lowercase());
            writeln!(out, "{indent}{kind} {name}_{field} = {};", field + 1).expect("a text takes all");
        }
        if choice < count {
            out.push_str("  }\n");
        }
        out.push_str("}\n");
    }

    /// The type of a field, with its label.
    fn kind(&mut self) -> String {
        let plain = self.plain();
        match self.random.below(10) {
            0 | 1 => format!("repeated {plain}"),
            2 => format!("optional {plain}"),
            3 => format!("map<string, {plain}>"),
            _ => plain,
        }
    }

    /// The type of a field, without a label.
    fn plain(&mut self) -> String {
        match self.random.below(16) {
            0..=4 => "string".to_owned(),
            5 | 6 => "int64".to_owned(),
            7 => "int32".to_owned(),
            8 => "bool".to_owned(),
            9 => "double".to_owned(),
            10 => "bytes".to_owned(),
            11 => format!("{}Status", NOUNS[self.file]),
            12 => self.imported("google/protobuf/timestamp.proto", "google.protobuf.Timestamp"),
            13 => self.imported("corp/common/v1/types.proto", "corp.common.v1.Money"),
            14 if self.file > 0 => {
                let other = NOUNS[self.random.below(self.file)];
                let file = format!("corp/{}/v1/{}.proto", self.area, other.to_lowercase());
                self.imported(&file, other)
            }
            _ => self.name(self.shape.messages - 1),
        }
    }

    fn imported(&mut self, file: &str, name: &str) -> String {
        self.imports.insert(file.to_owned());
        name.to_owned()
    }

    fn service(&mut self, out: &mut String) -> Service {
        let Shape { messages, methods, .. } = self.shape;
        let name = format!("{}Service", NOUNS[self.file]);
        let mut service =
            Service { package: format!("corp.{}.v1", self.area), name: name.clone(), methods: Vec::new() };
        out.push('\n');
        comment(self.random, out, "", 2);
        writeln!(out, "service {name} {{").expect("a text takes all");
        for index in 0..methods {
            let round = index / VERBS.len();
            let number = if round == 0 { String::new() } else { format!("{}", round + 1) };
            let verb = VERBS[(self.file + index) % VERBS.len()];
            let (request, reply) = (self.random.below(messages), self.random.below(messages));
            let capital = verb[..1].to_uppercase() + &verb[1..];
            let method = Method {
                name: format!("{capital}{}{number}", NOUNS[self.file]),
                kind: KINDS[(self.file * methods + index) % KINDS.len()],
                request: self.name(request),
                reply: self.name(reply),
            };
            let lines = 1 + self.random.below(3);
            comment(self.random, out, "  ", lines);
            let (many, one) = ("stream ", "");
            let (request, reply) = match method.kind {
                Kind::Unary => (one, one),
                Kind::ClientStream => (many, one),
                Kind::ServerStream => (one, many),
                Kind::Bidi => (many, many),
            };
            let Method { name, request: takes, reply: gives, .. } = &method;
            writeln!(out, "  rpc {name}({request}{takes}) returns ({reply}{gives});")
                .expect("a text takes all");
            service.methods.push(method);
        }
        out.push_str("}\n");
        service
    }
}

/// Adds a field to the file in the middle of the corpus, as a person would.
pub(crate) fn edit(dir: &Path, shape: Shape) -> io::Result<()> {
    let (area, noun) = (AREAS[shape.packages / 2], NOUNS[shape.files / 2]);
    let path = dir.join(format!("corp/{area}/v1/{}.proto", noun.to_lowercase()));
    let head = format!("message {noun} {{\n");
    let added = format!("{head}  // Somebody thought of it later.\n  string added = 1000;\n");
    let text = fs::read_to_string(&path)?;
    fs::write(&path, text.replace(&head, &added))
}
