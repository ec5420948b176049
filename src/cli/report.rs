//! Complaints on standard error, for people or for machines.

use std::cell::Cell;
use std::io::{self, IsTerminal as _, Write as _};

use anstream::{AutoStream, ColorChoice};
use serde::Serialize;

use super::Outcome;
use super::failure::Failure;
use super::net::{Schema, exit_code};
use crate::diag::{Code, Diagnostic, Diagnostics, Severity, Span};

/// How complaints are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// With the lines they speak of, in colour on a terminal
    #[default]
    Human,
    /// One JSON object a line
    Json,
    /// As annotations of GitHub Actions
    Github,
}

/// Writes complaints, and at the end of a run where to read more.
#[derive(Debug)]
pub(super) struct Report {
    format: Format,
    first: Cell<Option<Code>>,
}

impl Report {
    pub(super) fn new(format: Format) -> Self {
        Self { format, first: Cell::new(None) }
    }

    /// Whether a person reads it.
    pub(super) fn is_for_people(&self) -> bool {
        self.format == Format::Human
    }

    /// Writes complaints to standard error. Nobody listening is no error.
    pub(super) fn show(&self, diags: &Diagnostics) {
        if diags.is_empty() {
            return;
        }
        self.first.set(self.first.get().or(diags.iter().next().map(|diagnostic| diagnostic.code)));
        let text = match self.format {
            Format::Human => diags.render(AutoStream::choice(&io::stderr()) != ColorChoice::Never) + "\n",
            Format::Json => diags.iter().map(json).collect(),
            Format::Github => diags.iter().map(github).collect(),
        };
        let _nobody_listens = anstream::stderr().write_all(text.as_bytes());
    }

    /// Writes how a call failed.
    pub(super) fn failure(&self, failure: &Failure<'_>, schema: &Schema, code: tonic::Code) -> Outcome {
        match self.format {
            Format::Json => failure.show_as_json(schema),
            Format::Human | Format::Github => failure.show(schema),
        }
        Outcome::Failed(exit_code(code))
    }

    /// Says on a terminal where to read more, once.
    pub(super) fn end(&self) {
        if let Some(code) = self.first.get()
            && self.is_for_people()
            && io::stderr().is_terminal()
        {
            let _nobody_listens = writeln!(io::stderr(), "\nfor more: jovian explain {}", code.id());
        }
    }
}

/// A complaint as it is written in JSON; `docs/reference/diagnostics.md` describes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    code: &'a str,
    severity: &'a str,
    message: &'a str,
    help: Option<&'a str>,
    #[serde(flatten)]
    place: Place<'a>,
    labels: Vec<Label<'a>>,
}

/// Nothing of it is known for a complaint that speaks of no file.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Place<'a> {
    file: Option<&'a str>,
    line: Option<usize>,
    column: Option<usize>,
    end_column: Option<usize>,
}

#[derive(Serialize)]
struct Label<'a> {
    message: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
}

impl<'a> Place<'a> {
    fn of(span: &'a Span) -> Self {
        Self {
            file: Some(&span.file),
            line: Some(span.line),
            column: Some(span.column),
            end_column: Some(span.column + span.length),
        }
    }
}

fn severity(diagnostic: &Diagnostic) -> &'static str {
    match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn json(diagnostic: &Diagnostic) -> String {
    let labels = diagnostic.labels.iter();
    let line = Line {
        code: diagnostic.code.id(),
        severity: severity(diagnostic),
        message: &diagnostic.message,
        help: diagnostic.help.as_deref(),
        place: diagnostic.span.as_ref().map(Place::of).unwrap_or_default(),
        labels: labels.map(|(span, message)| Label { message, place: Place::of(span) }).collect(),
    };
    // Text and numbers are always JSON.
    serde_json::to_string(&line).unwrap_or_default() + "\n"
}

/// <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>
fn github(diagnostic: &Diagnostic) -> String {
    let place = diagnostic.span.as_ref().map_or_else(String::new, |span| {
        let end = span.column + span.length;
        format!("file={},line={},col={},endColumn={end},", property(&span.file), span.line, span.column)
    });
    let mut text = diagnostic.message.clone();
    for (span, label) in &diagnostic.labels {
        text += &format!("\n{span}: {label}");
    }
    if let Some(help) = &diagnostic.help {
        text += &format!("\nhelp: {help}");
    }
    format!("::{} {place}title={}::{}\n", severity(diagnostic), diagnostic.code.id(), data(&text))
}

/// The text of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a workflow command, which ends at a comma.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn github_reads_its_commands_as_they_were_meant() {
        let diagnostic = Diagnostic::error(Code::Idl, "50% of\r\nit: a, b")
            .at(Span { file: "c:/a,b%.proto".to_owned(), line: 2, column: 3, length: 4 })
            .label(Some(&Span::file("o.proto")), "the other")
            .help("do");
        assert_eq!(
            github(&diagnostic),
            "::error file=c%3A/a%2Cb%25.proto,line=2,col=3,endColumn=7,title=J0003::50%25 of%0D%0Ait: a, b\
             %0Ao.proto:1:1: the other%0Ahelp: do\n"
        );
    }

    #[test]
    fn a_complaint_without_a_place_has_none() {
        let warning = Diagnostic::warning(Code::Renamed, "\"x\"");
        assert_eq!(github(&warning), "::warning title=J0202::\"x\"\n");
        assert_eq!(
            json(&warning),
            "{\"code\":\"J0202\",\"severity\":\"warning\",\"message\":\"\\\"x\\\"\",\"help\":null,\"file\":null,\
             \"line\":null,\"column\":null,\"endColumn\":null,\"labels\":[]}\n"
        );
    }
}
