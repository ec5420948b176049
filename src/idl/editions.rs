//! Edition files as text: protox cannot read them, so they and all they import go to protoc.
//!
//! In: names of files. Out: descriptors; protoc's complaints, with their places, as ours. Never: a file that protox can
//! read, unless an edition file imports it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use prost::bytes::Bytes;

use super::protoc::{Failure, Protoc};
use super::roots::Roots;
use super::scan::{self, Heading};
use super::split;
use crate::diag::{Code, Diagnostic, Diagnostics, Span};

/// The editions that can be read, each with the first version of protoc that knows it.
const KNOWN: [(&str, u32); 2] = [("2023", 27), ("2024", 32)];

/// Whether a file of this text is written in an edition.
pub(super) fn is_edition(text: &str) -> bool {
    scan::heading(text).edition.is_some()
}

/// The complaint about an edition that is none of [`KNOWN`].
pub(super) fn unknown(edition: &str, span: Option<Span>) -> Diagnostic {
    Diagnostic::error(Code::Edition, format!("edition `{edition}` is not known here"))
        .at(span)
        .help("write `edition = \"2024\";` or an older one")
}

/// Compiles files that need an edition, themselves or by an import.
pub(super) fn compile(
    targets: &BTreeSet<String>,
    roots: &Roots,
    protoc: &Path,
    diags: &mut Diagnostics,
) -> Vec<Bytes> {
    let texts = closure(targets, roots);
    let Some(needed) = oldest(&texts, roots, diags) else { return Vec::new() };
    let compiler = Protoc::new(protoc);
    if let Err(problem) = is_new_enough(&compiler, protoc, needed.0) {
        diags.push(
            Diagnostic::error(Code::Edition, format!("protobuf editions are read by `protoc`: {problem}"))
                .at(needed.1)
                .help(format!(
                    "put protoc {} or newer on the PATH or into the variable `PROTOC`; or generate from a descriptor \
                     set, or with the plugin",
                    needed.0
                )),
        );
        return Vec::new();
    }
    let texts: BTreeMap<String, String> = texts.into_iter().map(|(name, (text, _))| (name, text)).collect();
    let names: Vec<&str> = targets.iter().map(String::as_str).collect();
    let failure = match compiler.compile(&texts, &names) {
        Ok(set) => return split(&set).unwrap_or_default(),
        Err(failure) => failure,
    };
    let said = match failure {
        // It ends with the first file that is wrong; each alone shows what is wrong with the others.
        Failure::Said(_) if names.len() > 1 => names
            .iter()
            .filter_map(|name| match compiler.compile(&texts, &[name]).err()? {
                Failure::Said(said) => Some(said),
                Failure::Broken(_) => None,
            })
            .collect(),
        Failure::Said(said) => said,
        Failure::Broken(error) => {
            diags.push(failed(protoc, &error.to_string()));
            return Vec::new();
        }
    };
    let complaints = Complaints { texts: &texts, roots };
    if !complaints.all(&said, diags) {
        diags.push(failed(protoc, said.trim()));
    }
    Vec::new()
}

fn failed(protoc: &Path, problem: &str) -> Diagnostic {
    Diagnostic::error(Code::Program, format!("`{}` failed: {problem}", protoc.display()))
        .help("check that it works, or generate from a descriptor set, or with the plugin")
}

/// The texts of the targets and of everything they import, as far as there are any.
fn closure(targets: &BTreeSet<String>, roots: &Roots) -> BTreeMap<String, (String, Heading)> {
    let mut texts = BTreeMap::new();
    let mut open: Vec<String> = targets.iter().cloned().collect();
    while let Some(name) = open.pop() {
        if texts.contains_key(&name) {
            continue;
        }
        if let Some(text) = roots.text(&name) {
            let heading = scan::heading(&text);
            open.extend(heading.imports.iter().cloned());
            texts.insert(name, (text, heading));
        }
    }
    texts
}

/// The oldest protoc that knows all editions of the texts, and where the newest edition is asked for.
fn oldest(
    texts: &BTreeMap<String, (String, Heading)>,
    roots: &Roots,
    diags: &mut Diagnostics,
) -> Option<(u32, Option<Span>)> {
    let mut needed = None;
    let mut all_known = true;
    for (name, (text, heading)) in texts {
        let Some((edition, place)) = &heading.edition else { continue };
        let span = Span::bytes(roots.shown(name), text, place.start, place.end);
        match KNOWN.iter().find(|(known, _)| known == edition) {
            Some((_, version)) if needed.as_ref().is_some_and(|(needed, _)| needed >= version) => {}
            Some((_, version)) => needed = Some((*version, Some(span))),
            None => {
                diags.push(unknown(edition, Some(span)));
                all_known = false;
            }
        }
    }
    needed.filter(|_| all_known)
}

fn is_new_enough(compiler: &Protoc, program: &Path, needed: u32) -> Result<(), String> {
    let program = program.display();
    let version = compiler.version().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("there is no program `{program}`"),
        _ => format!("`{program}` cannot be run: {error}"),
    })?;
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    match major {
        Some(major) if major >= needed => Ok(()),
        _ => Err(format!("`{program}` is of version {version}, which is too old")),
    }
}

/// What protoc said, as complaints of ours.
struct Complaints<'a> {
    texts: &'a BTreeMap<String, String>,
    roots: &'a Roots,
}

impl Complaints<'_> {
    /// Whether there was anything to complain about.
    fn all(&self, said: &str, diags: &mut Diagnostics) -> bool {
        let mut seen = BTreeSet::new();
        let mut found = false;
        for line in said.lines().filter(|line| seen.insert(*line)) {
            if let Some(diagnostic) = self.one(line) {
                diags.push(diagnostic);
                found = true;
            }
        }
        found
    }

    /// `shop.proto:3:1: Import "x.proto" was not found or had errors.`
    fn one(&self, line: &str) -> Option<Diagnostic> {
        let (name, place, message) = located(line).or_else(|| {
            let (name, message) = line.split_once(": ")?;
            Some((name, None, message))
        })?;
        let text = self.texts.get(name)?;
        if message.starts_with("warning: ") {
            return None;
        }
        let shown = self.roots.shown(name);
        let import = message.strip_prefix("Import \"").and_then(|rest| rest.split_once("\" was not found"));
        if let Some((import, _)) = import {
            // One that is there has complaints of its own.
            if self.texts.contains_key(import) {
                return None;
            }
            let span = place.and_then(|place| statement(&shown, text, place));
            return Some(
                Diagnostic::error(Code::NotFound, format!("import `{import}` not found"))
                    .at(span)
                    .help("give the folder that holds it with `-I`"),
            );
        }
        let span = place.and_then(|place| token(&shown, text, place)).unwrap_or_else(|| Span::file(shown));
        Some(Diagnostic::error(Code::Idl, spoken(message)).at(span).help("correct the IDL"))
    }
}

type Place = (usize, usize);

/// `file:line:column: message`
fn located(line: &str) -> Option<(&str, Option<Place>, &str)> {
    line.match_indices(": ").find_map(|(at, _)| {
        let (rest, column) = line[..at].rsplit_once(':')?;
        let (name, number) = rest.rsplit_once(':')?;
        Some((name, Some((number.parse().ok()?, column.parse().ok()?)), &line[at + 2..]))
    })
}

/// Where a place of protoc is in a text. It counts bytes, and a tab leads to the next multiple of eight.
fn offset(text: &str, (line, column): Place) -> Option<usize> {
    let start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let mut at = 0;
    for (index, byte) in text[start..].bytes().enumerate() {
        if at + 1 >= column || byte == b'\n' {
            return Some(start + index).filter(|offset| text.is_char_boundary(*offset));
        }
        at = if byte == b'\t' { (at / 8 + 1) * 8 } else { at + 1 };
    }
    Some(text.len())
}

/// The word, string or sign at a place.
fn token(shown: &str, text: &str, place: Place) -> Option<Span> {
    let start = offset(text, place)?;
    Some(Span::bytes(shown, text, start, start + scan::token(&text[start..])))
}

/// From a place to the end of its statement.
fn statement(shown: &str, text: &str, place: Place) -> Option<Span> {
    let start = offset(text, place)?;
    let length = text[start..].find(';').map_or(1, |end| end + 1);
    Some(Span::bytes(shown, text, start, start + length))
}

/// In our manner: lower case, no final stop, code in backticks.
fn spoken(message: &str) -> String {
    let message = message.trim_end_matches('.').replace('"', "`");
    let mut chars = message.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(message.chars().skip(1)).collect()
        }
        _ => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_protoc_are_taken_apart() {
        let line = "a:b.proto:3:14: Import \"x: 1:2: y\" was not found or had errors.";
        let message = "Import \"x: 1:2: y\" was not found or had errors.";
        assert_eq!(located(line), Some(("a:b.proto", Some((3, 14)), message)));
        assert_eq!(located("a.proto: no place"), None);
        assert_eq!(spoken("\"Unk\" is not defined."), "`Unk` is not defined");
        assert_eq!(spoken("Expected field name."), "expected field name");
    }

    #[test]
    fn columns_of_protoc_count_bytes_and_tabs() {
        let text = "one\n\tx é = y\n";
        assert_eq!(offset(text, (1, 1)), Some(0));
        assert_eq!(offset(text, (2, 9)), text.find('x'));
        assert_eq!(offset(text, (2, 11)), text.find('é'));
        assert_eq!(offset(text, (2, 16)), text.find('y'));
        assert_eq!(offset(text, (9, 1)), Some(text.len()));
    }
}
