//! What memory was taken for and is still held, by jemalloc, which this feature makes the allocator of the process.

use http::StatusCode;
use jemalloc_pprof::PROF_CTL;

use crate::governor::{Answer, Question};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

pub(super) async fn profile(_: Question) -> Answer {
    let Some(control) = PROF_CTL.as_ref() else {
        let text = "this process takes no heap profile: start it with `_RJEM_MALLOC_CONF=prof:true`";
        return Answer::text(StatusCode::CONFLICT, text);
    };
    let mut control = std::sync::Arc::clone(control).lock_owned().await;
    // It writes a file, and finds names for addresses.
    match tokio::task::spawn_blocking(move || control.dump_pprof()).await {
        Ok(Ok(profile)) => Answer::bytes(StatusCode::OK, "application/octet-stream", profile),
        Ok(Err(error)) => failed(&error.to_string()),
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(why: &str) -> Answer {
    Answer::text(StatusCode::INTERNAL_SERVER_ERROR, format!("cannot take a profile: {why}"))
}
