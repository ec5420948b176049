//! Panics, where they happen.
//!
//! In: the hook of the process. Out: a line in the log with the method or the task, the place and the backtrace; then
//! whatever hook was there before. Never: what a caller is told; that is the server's.

use std::backtrace::Backtrace;
use std::env;
use std::panic::{PanicHookInfo, set_hook, take_hook};
use std::sync::Once;

use super::tasks;
use crate::call::Call;
use crate::payload::said;

/// A process has one hook, however many apps.
static CHAINED: Once = Once::new();

/// Puts the log in front of the hook that is there.
pub(super) fn chain() {
    CHAINED.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            log(panic);
            before(panic);
        }));
    });
}

fn log(panic: &PanicHookInfo<'_>) {
    let call = Call::current();
    let method = call.as_ref().map(|call| call.method().path);
    let task = tasks::current();
    let place = panic.location().map(ToString::to_string);
    let text = said(panic.payload());
    let backtrace = is_wanted().then(|| Backtrace::force_capture().to_string());
    tracing::error!(method, task = task.as_deref(), place, panic = text, backtrace, "panic");
}

/// Without a backtrace a panic of a service that runs elsewhere is a riddle, so that it takes a word to leave it out.
fn is_wanted() -> bool {
    env::var_os("RUST_LIB_BACKTRACE").or_else(|| env::var_os("RUST_BACKTRACE")).is_none_or(|word| word != "0")
}
