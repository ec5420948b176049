//! `jovian explain`: the page of a diagnostic, on the terminal.

use std::cmp::Reverse;

use super::{Outcome, say};
use crate::diag::{Code, Diagnostic, Diagnostics};

/// The reference, one section a code.
const PAGE: &str = include_str!("../../docs/reference/diagnostics.md");

/// Say what a diagnostic means, show an example and what to do about it.
///
/// Without a code, lists all of them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  jovian explain J0202    what `warning[J0202]` means
  jovian explain          all codes, one line each")]
pub(super) struct Arguments {
    /// The code in the brackets of a complaint
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

pub(super) fn run(arguments: Arguments) -> Result<Outcome, Diagnostics> {
    match arguments.code {
        None => Code::ALL.iter().for_each(|code| say(heading(*code))),
        Some(text) => say(plain(section(code(&text)?))),
    }
    Ok(Outcome::Fine)
}

/// `J0202`, `j0202`, `0202` and `202` are one code.
fn code(text: &str) -> Result<Code, Diagnostics> {
    let digits = text.trim_start_matches(['J', 'j']);
    let id = format!("J{digits:0>4}");
    if let Some(code) = Code::ALL.iter().find(|code| code.id() == id) {
        return Ok(*code);
    }
    let help = match nearest(&id) {
        Some(near) => format!("the nearest is `{}`; `jovian explain` lists all codes", heading(near)),
        None => "`jovian explain` lists all codes".to_owned(),
    };
    Err(Diagnostic::error(Code::Setting, format!("there is no code `{text}`")).help(help).into())
}

/// The code that differs in the fewest characters, if only in one or two; of several the one that begins alike.
fn nearest(id: &str) -> Option<Code> {
    let distance = |code: &Code| {
        let pairs = id.chars().zip(code.id().chars());
        pairs.filter(|(a, b)| a != b).count() + id.chars().count().abs_diff(code.id().len())
    };
    let alike = |code: &Code| id.chars().zip(code.id().chars()).take_while(|(a, b)| a == b).count();
    let near = Code::ALL.iter().copied().filter(|code| distance(code) <= 2);
    near.min_by_key(|code| (distance(code), Reverse(alike(code))))
}

/// The section of a code, its heading first.
fn section(code: Code) -> &'static str {
    let start = PAGE.find(&format!("## {}", code.id())).unwrap_or(PAGE.len());
    let section = &PAGE[start..];
    section.find("\n## ").map_or(section, |end| &section[..end])
}

/// `J0202: renamed`
fn heading(code: Code) -> &'static str {
    section(code).lines().next().map_or(code.id(), |line| line.trim_start_matches(['#', ' ']))
}

/// Markdown as text for a terminal: code is set in, comments and the targets of links are gone.
fn plain(section: &str) -> String {
    let mut text = String::new();
    let mut in_code = false;
    for line in section.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
            // Two blocks that follow each other would be one.
            if !in_code {
                text.push('\n');
            }
        } else if in_code {
            text += format!("    {line}").trim_end();
            text.push('\n');
        } else if line.starts_with("<!--") || (line.is_empty() && text.ends_with("\n\n")) {
            continue;
        } else {
            text += &without_links(line.trim_start_matches("## "));
            text.push('\n');
        }
    }
    text.trim_end().to_owned()
}

/// `[settings](settings.md)` → `settings`
fn without_links(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("](")
        && let Some((before, label)) = before.rsplit_once('[')
        && let Some((_, after)) = after.split_once(')')
    {
        text.extend([before, label]);
        rest = after;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_however_it_is_written() {
        for text in ["J0202", "j0202", "0202", "202"] {
            assert_eq!(code(text).unwrap(), Code::Renamed);
        }
        let help = |text: &str| code(text).unwrap_err().iter().next().unwrap().help.clone().unwrap();
        assert!(help("J0222").contains("J0202"), "{}", help("J0222"));
        assert!(!help("E0308-or-so").contains("nearest"));
        assert!(code("").is_err() && code("ß").is_err());
    }

    #[test]
    fn a_section_is_text() {
        let page = "## J1: one\n\nSee [that](a.md#b), `[x]` and [this](c).\n\n<!-- file a -->\n```text\n[a](b)\n\n  c\n```\n";
        let text = "J1: one\n\nSee that, `[x]` and this.\n\n    [a](b)\n\n      c";
        assert_eq!(plain(page), text);
    }
}
