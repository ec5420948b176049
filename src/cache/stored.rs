//! The manifest as it lies on the disk: a line that names the format, a number over the rest, then a protobuf message.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use prost::Message as _;
use prost::bytes::Bytes;

use crate::diag::{Code, Diagnostic, Diagnostics, Severity, Span};
use crate::files::{self, hash};
use crate::idl::Record;

/// Begins the manifest; to be changed with the meaning of the fields below.
const FORMAT: &[u8] = b"jovian manifest 1\n";
/// Begins the descriptors.
const DESCRIPTORS: &[u8] = b"jovian descriptors 1\n";

/// What was compiled, in a file of its own: it is larger than all else, and nobody asks for it when nothing has changed.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Descriptors {
    /// The build of the tool.
    #[prost(fixed64, tag = "1")]
    pub tool: u64,
    #[prost(message, repeated, tag = "2")]
    pub records: Vec<Record>,
}

impl Descriptors {
    /// Writes the whole file.
    pub(super) fn keep(&self, file: &Path) -> io::Result<()> {
        keep(file, DESCRIPTORS, &self.encode_to_vec())
    }

    /// What is in a whole file; nothing of any other bytes.
    pub(super) fn decode(bytes: Bytes) -> Option<Self> {
        let body = unseal(DESCRIPTORS, &bytes)?;
        <Self as prost::Message>::decode(bytes.slice_ref(body)).ok()
    }
}

/// Writes a file: its kind, a number over the rest, and the rest.
fn keep(file: &Path, kind: &[u8], body: &[u8]) -> io::Result<()> {
    files::keep(file, &[kind, &hash(body).to_le_bytes(), body])
}

/// The rest of a file of this kind that is whole.
fn unseal<'a>(kind: &[u8], file: &'a [u8]) -> Option<&'a [u8]> {
    let (sum, body) = file.strip_prefix(kind)?.split_first_chunk()?;
    (hash(body) == u64::from_le_bytes(*sum)).then_some(body)
}

/// What is remembered of a run.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Manifest {
    /// The build of the tool.
    #[prost(fixed64, tag = "8")]
    pub tool: u64,
    /// What it was asked for.
    #[prost(fixed64, tag = "1")]
    pub order: u64,
    /// The names that the compiler asked for.
    #[prost(string, repeated, tag = "2")]
    pub asked: Vec<String>,
    /// What they led to.
    #[prost(fixed64, tag = "3")]
    pub read: u64,
    /// The output.
    #[prost(btree_map = "string, fixed64", tag = "4")]
    pub written: BTreeMap<String, u64>,
    /// What each page was printed from.
    #[prost(btree_map = "string, fixed64", tag = "9")]
    pub keys: BTreeMap<String, u64>,
    /// The files and folders that were read, for cargo.
    #[prost(string, repeated, tag = "7")]
    pub watched: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    warnings: Vec<Warning>,
    /// The texts that warnings show lines of.
    #[prost(btree_map = "string, string", tag = "6")]
    sources: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Warning {
    #[prost(string, tag = "1")]
    code: String,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, optional, tag = "3")]
    place: Option<Place>,
    #[prost(message, repeated, tag = "4")]
    labels: Vec<Place>,
    #[prost(string, optional, tag = "5")]
    help: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Place {
    #[prost(string, tag = "1")]
    file: String,
    #[prost(uint64, tag = "2")]
    line: u64,
    #[prost(uint64, tag = "3")]
    column: u64,
    #[prost(uint64, tag = "4")]
    length: u64,
    #[prost(string, tag = "5")]
    label: String,
}

impl Place {
    fn new(span: &Span, label: &str) -> Self {
        let [line, column, length] = [span.line, span.column, span.length].map(|number| number as u64);
        Self { file: span.file.clone(), line, column, length, label: label.to_owned() }
    }

    fn span(&self) -> Option<Span> {
        let number = |number: u64| usize::try_from(number).ok().filter(|number| *number > 0);
        Some(Span {
            file: self.file.clone(),
            line: number(self.line)?,
            column: number(self.column)?,
            length: number(self.length)?,
        })
    }
}

impl Manifest {
    /// Writes the whole file.
    pub(super) fn keep(&self, file: &Path) -> io::Result<()> {
        keep(file, FORMAT, &self.encode_to_vec())
    }

    /// The manifest of a whole file; none of any other bytes.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        <Self as prost::Message>::decode(unseal(FORMAT, bytes)?).ok()
    }

    /// A manifest of nothing but warnings and the texts that they speak of.
    pub(super) fn of(warnings: &Diagnostics) -> Self {
        let mut manifest = Self::default();
        for warning in warnings.iter() {
            let labels = warning.labels.iter().map(|(span, label)| Place::new(span, label));
            let labels: Vec<Place> = labels.collect();
            let place = warning.span.as_ref().map(|span| Place::new(span, ""));
            for Place { file, .. } in place.iter().chain(&labels) {
                if let Some(text) = warnings.source_of(file) {
                    manifest.sources.entry(file.clone()).or_insert_with(|| text.to_owned());
                }
            }
            manifest.warnings.push(Warning {
                code: warning.code.id().to_owned(),
                message: warning.message.clone(),
                place,
                labels,
                help: warning.help.clone(),
            });
        }
        manifest
    }

    /// The warnings that were kept; none if one of them means nothing.
    pub(super) fn warnings(&self) -> Option<Diagnostics> {
        let mut diags = Diagnostics::default();
        for warning in &self.warnings {
            let code = Code::ALL.iter().find(|code| code.id() == warning.code)?;
            let labels = warning.labels.iter().map(|place| Some((place.span()?, place.label.clone())));
            diags.push(Diagnostic {
                code: *code,
                severity: Severity::Warning,
                message: warning.message.clone(),
                span: warning.place.as_ref().and_then(Place::span),
                labels: labels.collect::<Option<_>>()?,
                help: warning.help.clone(),
            });
        }
        self.sources.iter().for_each(|(file, text)| diags.source(file, text));
        Some(diags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let mut warnings = Diagnostics::default();
        let span = Span { file: "a.proto".to_owned(), line: 1, column: 3, length: 2 };
        let warning = Diagnostic::warning(Code::Renamed, "`b` is `c`").at(span.clone());
        warnings.push(warning.label(Some(&span), "here").help("rename it"));
        warnings.push(Diagnostic::warning(Code::Renamed, "of no place"));
        warnings.source("a.proto", "a big file\n");
        let mut manifest = Manifest::of(&warnings);
        manifest.asked = vec!["a.proto".to_owned()];
        assert_eq!(manifest.clone().warnings().unwrap().to_string(), warnings.to_string());
        manifest
    }

    #[test]
    fn it_comes_back_whole_or_not_at_all() {
        let manifest = manifest();
        let body = manifest.encode_to_vec();
        let bytes = [FORMAT, &hash(body.as_slice()).to_le_bytes(), &body].concat();
        assert_eq!(Manifest::decode(&bytes), Some(manifest));
        for length in 0..bytes.len() {
            assert_eq!(Manifest::decode(&bytes[..length]), None, "cut after {length} bytes");
            let mut changed = bytes.clone();
            changed[length] ^= 0x10;
            assert_eq!(Manifest::decode(&changed), None, "byte {length} is another one");
        }
    }
}
