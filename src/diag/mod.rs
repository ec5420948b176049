//! What can go wrong, and how it is shown.
//!
//! In: complaints of every stage, with the place in the IDL or the settings they speak of. Out: text for people, with the
//! source line where it is known. Never: printing or ending the process; that is the doors' business.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

mod code;
mod render;

pub use code::Code;

/// A place in a text: where it begins, and how long it is on that line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Span {
    /// The file as a person would open it: `proto/shop/v1/orders.proto`.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// In characters; at least 1.
    pub length: usize,
}

impl Span {
    /// The beginning of a file, for complaints about all of it.
    pub fn file(file: impl Into<String>) -> Self {
        Self { file: file.into(), line: 1, column: 1, length: 1 }
    }

    /// The place of bytes `start..end` in `text`.
    pub fn bytes(file: impl Into<String>, text: &str, start: usize, end: usize) -> Self {
        let before = text.get(..start.min(text.len())).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let marked = text.get(start..end.min(text.len())).unwrap_or_default();
        Self {
            file: file.into(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            length: marked.lines().next().map_or(1, |line| line.chars().count()).max(1),
        }
    }

    /// The bytes of `text` that it covers.
    fn range(&self, text: &str) -> std::ops::Range<usize> {
        let line_start: usize = text.split_inclusive('\n').take(self.line - 1).map(str::len).sum();
        let line = text[line_start..].lines().next().unwrap_or_default();
        let at = |chars: usize| line.char_indices().nth(chars).map_or(line.len(), |(at, _)| at);
        line_start + at(self.column - 1)..line_start + at(self.column - 1 + self.length)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing is written.
    Error,
    /// It works, but a person should know.
    Warning,
}

/// One complaint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind it is.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: lower case, no final stop, code in backticks.
    pub message: String,
    /// Where.
    pub span: Option<Span>,
    /// Other places that matter, each with what to see there.
    pub labels: Vec<(Span, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, severity: Severity::Error, message, span: None, labels: Vec::new(), help: None }
    }

    /// A warning.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, span: impl Into<Option<Span>>) -> Self {
        self.span = span.into();
        self
    }

    /// Points at another place.
    #[must_use]
    pub fn label(mut self, span: Option<&Span>, text: impl Into<String>) -> Self {
        self.labels.extend(span.map(|span| (span.clone(), text.into())));
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The complaints of a run, and the texts they point into.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    sources: BTreeMap<String, String>,
}

impl Diagnostics {
    /// Adds a complaint.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Adds a complaint, unless it was made before: a file that several others import is read for each of them.
    pub fn push_new(&mut self, diagnostic: Diagnostic) {
        if !self.list.contains(&diagnostic) {
            self.list.push(diagnostic);
        }
    }

    /// Adds the complaints of somebody else.
    pub fn extend(&mut self, others: Diagnostics) {
        self.list.extend(others.list);
        self.sources.extend(others.sources);
    }

    /// Without what is worth knowing only when all else is well.
    #[must_use]
    pub fn errors_alone(mut self) -> Self {
        self.list.retain(|diagnostic| diagnostic.severity == Severity::Error);
        self
    }

    /// Keeps the text of a file, so that its lines can be shown.
    pub fn source(&mut self, file: impl Into<String>, text: impl Into<String>) {
        self.sources.insert(file.into(), text.into());
    }

    /// The text of a file, if it was kept.
    pub fn source_of(&self, file: &str) -> Option<&str> {
        self.sources.get(file).map(String::as_str)
    }

    /// Stops between two stages: everything that a stage found is reported, nothing is built on what is broken.
    pub fn stop_on_error(&mut self) -> Result<(), Diagnostics> {
        if self.has_errors() { Err(std::mem::take(self)) } else { Ok(()) }
    }

    /// Whether anything forbids going on.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The complaints, as they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self { list: vec![diagnostic], sources: BTreeMap::new() }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}
