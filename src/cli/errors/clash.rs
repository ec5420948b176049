//! Rules for all errors of a domain, wherever they are declared.

use super::{Declared, differences};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::Model;

/// Finds errors that callers cannot tell apart, or that mean two things. The same error may be declared twice, as two versions of
/// a package do: then it has to be the same.
pub(super) fn find(model: &Model, diags: &mut Diagnostics) {
    let all: Vec<Declared<'_>> = Declared::all(model).collect();
    for (index, error) in all.iter().enumerate() {
        // What one enum says twice is found wherever it is read.
        let elsewhere = |other: &&Declared<'_>| {
            other.domain() == error.domain() && other.list.full_name != error.list.full_name
        };
        for first in all[..index].iter().filter(elsewhere) {
            diags_of(*error, *first).into_iter().for_each(|diagnostic| diags.push(diagnostic));
        }
    }
}

fn diags_of(error: Declared<'_>, first: Declared<'_>) -> Vec<Diagnostic> {
    let (number, reason) = (error.error.number, error.reason());
    let clash = |problem: String| {
        Diagnostic::error(Code::ErrorClash, problem)
            .at(error.error.span.clone())
            .label(first.error.span.as_ref(), format!("declared in `{}`", first.list.full_name))
    };
    match (number == first.error.number, reason == first.reason()) {
        (false, false) => Vec::new(),
        (true, false) => vec![
            clash(format!(
                "`{reason}` and `{}` of `{}` have the number {number}",
                first.reason(),
                error.domain()
            ))
            .help("give every error of a domain its own number, or the enum a domain of its own"),
        ],
        (false, true) => vec![
            clash(format!(
                "`{reason}` of `{}` has two numbers: {} and {number}",
                error.domain(),
                first.error.number
            ))
            .help("give it the same number wherever it is declared, or another reason"),
        ],
        (true, true) => differences(error, first)
            .into_iter()
            .map(|(what, here, there)| {
                clash(format!(
                    "`{reason}` of `{}` means two things: {what} {there} and {here}",
                    error.domain()
                ))
                .help("declare it the same way everywhere: callers know it by its domain and reason")
            })
            .collect(),
    }
}
