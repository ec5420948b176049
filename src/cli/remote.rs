//! Commands that take a network: run until they are done or interrupted, and why they could not be done, shown.

use std::future::Future;
use std::time::Duration;

use tonic::Code;

use super::failure::Failure;
use super::net::{Problem, Schema, exit_code};
use super::{Outcome, Report};
use crate::diag::{self, Diagnostic, Diagnostics};

/// How long what is said last may take to leave.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// Does what takes a network, until it is done, and shows why it could not be done. An interrupt makes it fail.
pub(super) fn block_on(
    work: impl Future<Output = Result<Outcome, Problem>>,
    report: &Report,
) -> Result<Outcome, Diagnostics> {
    run(work, report, || {
        let diagnostic = Diagnostic::error(diag::Code::Program, "interrupted").help("the call is cancelled");
        Err(Problem::Trouble(diagnostic.into(), Code::Cancelled))
    })
}

/// The same for what has no end: an interrupt is how it ends well.
pub(super) fn follow(
    work: impl Future<Output = Result<Outcome, Problem>>,
    report: &Report,
) -> Result<Outcome, Diagnostics> {
    run(work, report, || Ok(Outcome::Fine))
}

fn run(
    work: impl Future<Output = Result<Outcome, Problem>>,
    report: &Report,
    interrupted: impl FnOnce() -> Result<Outcome, Problem>,
) -> Result<Outcome, Diagnostics> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Diagnostic::error(diag::Code::Io, format!("cannot use the network: {error}"))
            .help("check that programs may open connections here")
    })?;
    let ended = runtime.block_on(async {
        let ended = tokio::select! {
            ended = work => ended,
            _ = tokio::signal::ctrl_c() => interrupted(),
        };
        if ended.is_err() {
            // A call that was given up is cancelled at the server, too.
            tokio::time::sleep(LAST_WORDS).await;
        }
        ended
    });
    match ended {
        Ok(outcome) => Ok(outcome),
        Err(Problem::Mistake(diags)) => Err(diags),
        Err(Problem::Trouble(diags, code)) => {
            report.show(&diags);
            Ok(Outcome::Failed(exit_code(code)))
        }
        Err(Problem::Status(status)) => {
            Ok(report.failure(&Failure::new(&status), &Schema::default(), status.code()))
        }
    }
}
