//! Why something could not be done with a server.

use tonic::{Code, Status};

use crate::diag::{self, Diagnostic, Diagnostics};

/// Why something could not be done with a server.
#[derive(Debug)]
pub(in crate::cli) enum Problem {
    /// A mistake in what was asked for.
    Mistake(Diagnostics),
    /// The server, or the way to it: the complaint, and the code that such a call ends with.
    Trouble(Diagnostics, Code),
    /// What the server said.
    Status(Box<Status>),
}

impl Problem {
    pub(super) fn unreachable(problem: impl Into<String>, help: impl Into<String>) -> Self {
        let diagnostic = Diagnostic::error(diag::Code::Unreachable, problem).help(help);
        Self::Trouble(diagnostic.into(), Code::Unavailable)
    }

    /// The deadline of a call is over.
    pub(in crate::cli) fn no_answer() -> Self {
        Status::deadline_exceeded("no answer in time").into()
    }

    pub(super) fn late(problem: impl Into<String>, help: impl Into<String>) -> Self {
        let diagnostic = Diagnostic::error(diag::Code::Unreachable, problem).help(help);
        Self::Trouble(diagnostic.into(), Code::DeadlineExceeded)
    }
}

impl From<Diagnostic> for Problem {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Mistake(diagnostic.into())
    }
}

impl From<Diagnostics> for Problem {
    fn from(diags: Diagnostics) -> Self {
        Self::Mistake(diags)
    }
}

impl From<Status> for Problem {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
    }
}

/// The exit code of a command whose call ended with a code: 64 and the number of the code, and 0 for OK.
pub(in crate::cli) fn exit_code(code: Code) -> u8 {
    match code {
        Code::Ok => 0,
        code => 64 + code as u8,
    }
}
