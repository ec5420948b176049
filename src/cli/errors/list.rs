//! `jovian errors list`: the catalogue, as a table, as a page or as JSON.

use std::path::Path;

use super::catalogue::{Catalogue, Domain, Entry, List};
use super::load;
use crate::cli::r#gen::Source;
use crate::cli::{Outcome, say};
use crate::diag::{Code, Diagnostic, Diagnostics};

/// List the errors of the IDL: number, reason, domain, code, HTTP status, message.
///
/// Without files, the project file `jovian.toml` of this folder says which IDL is read. Errors that Kratos and Jupiter declare
/// are listed like those of Jovian.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  jovian errors list                              a table
  jovian errors list --as markdown > ERRORS.md    a page to publish
  jovian errors list --as json proto | jq '.domains[].lists[].errors[] | select(.retryable).reason'")]
pub(super) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// How the errors are written to standard output
    #[arg(long = "as", value_enum, default_value_t, value_name = "FORM")]
    form: Form,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Form {
    /// For a terminal
    #[default]
    Table,
    /// A page with a table for each list of errors
    Markdown,
    /// One object, for programs
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Diagnostics> {
    let mut diags = Diagnostics::default();
    let model = load(&arguments.source, Path::new(""), &mut diags)?;
    diags.stop_on_error()?;
    let catalogue = Catalogue::of(&model);
    if catalogue.domains.is_empty() && !matches!(arguments.form, Form::Json) {
        say("no errors are declared");
        return Ok(Outcome::Fine);
    }
    say(match arguments.form {
        Form::Table => table(&catalogue),
        Form::Markdown => page(&catalogue),
        Form::Json => serde_json::to_string_pretty(&catalogue).map_err(|error| {
            Diagnostic::error(Code::Io, format!("cannot be written as JSON: {error}"))
                .help("tell us which IDL it was")
        })?,
    });
    Ok(Outcome::Fine)
}

fn table(catalogue: &Catalogue<'_>) -> String {
    let lists = catalogue.domains.iter().flat_map(|domain| domain.lists.iter().map(move |it| (domain, it)));
    let lists: Vec<String> = lists.map(|(domain, list)| table_of(domain, list)).collect();
    lists.join("\n\n")
}

fn table_of(domain: &Domain<'_>, list: &List<'_>) -> String {
    let widest = |text: fn(&Entry<'_>) -> String| {
        list.errors.iter().map(|error| text(error).chars().count()).max().unwrap_or_default()
    };
    let number = widest(|error| error.number.to_string());
    let (reason, code) = (widest(|error| error.reason.to_owned()), widest(|error| error.code.clone()));
    let mut text = format!("{}: {}", domain.name, list.name);
    if !list.services.is_empty() {
        text += &format!(", of {}", list.services.join(", "));
    }
    for error in &list.errors {
        let retry = if error.retryable { "retryable" } else { "" };
        let line = format!(
            "\n  {:>number$}  {:reason$}  {:code$}  {}  {retry:9}  {}",
            error.number, error.reason, error.code, error.http_status, error.message
        );
        text += line.trim_end();
    }
    text
}

const HEAD: &str = "# Errors

Calls fail with these errors. Over gRPC an error comes as its code with a `google.rpc.ErrorInfo` that has reason and domain; what stands
in braces in a message is in the metadata. Numbers and reasons stay as they are.
";

fn page(catalogue: &Catalogue<'_>) -> String {
    let mut text = HEAD.to_owned();
    for domain in &catalogue.domains {
        text += &format!("\n## {}\n", plain(domain.name));
        domain.lists.iter().for_each(|list| text += &section(list));
    }
    text.trim_end().to_owned()
}

fn section(list: &List<'_>) -> String {
    let mut text = String::new();
    if !list.comment.is_empty() {
        text += &format!("\n{}\n", list.comment);
    }
    text += &format!("\nDeclared in `{}`", list.name);
    if !list.services.is_empty() {
        text += &format!("; calls of `{}` fail with them", list.services.join("` and `"));
    }
    text += ".\n\n| Number | Reason | gRPC code | HTTP | Retry | Message | Meaning |\n";
    text += "| ---: | --- | --- | ---: | --- | --- | --- |\n";
    for error in &list.errors {
        let Entry { number, reason, code, http_status, .. } = error;
        let retry = if error.retryable { "yes" } else { "no" };
        let (message, meaning) = (code_span(error.message), plain(&error.comment));
        let row = format!(
            "| {number} | `{reason}` | `{code}` | {http_status} | {retry} | {message} | {meaning} |\n"
        );
        text += &row.replace("|  |", "| |");
    }
    text
}

/// Text in a cell: one line that is no markup. What stands in backticks stays as it is.
fn plain(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let escape = |part: &str| {
        part.chars().fold(String::new(), |text, c| match c {
            '<' => text + "&lt;",
            '*' | '_' | '[' | ']' | '\\' => text + "\\" + c.encode_utf8(&mut [0; 4]),
            c => text + c.encode_utf8(&mut [0; 4]),
        })
    };
    let parts = line.split('`').enumerate();
    let parts = parts.map(|(at, part)| if at % 2 == 0 { escape(part) } else { part.to_owned() });
    parts.collect::<Vec<_>>().join("`").replace('|', "\\|")
}

/// Code in a cell; a fence of more backticks than the text has.
fn code_span(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    match line.contains('`') {
        true => format!("`` {line} ``"),
        false => format!("`{line}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_hold_one_line_and_no_markup() {
        assert_eq!(plain("a | b_c\n  <i>*x*</i> `d_e`"), "a \\| b\\_c &lt;i>\\*x\\*&lt;/i> `d_e`");
        assert_eq!(code_span("no `{id}` | none"), "`` no `{id}` \\| none ``");
        assert_eq!((code_span(""), code_span("no {id}")), (String::new(), "`no {id}`".to_owned()));
    }
}
