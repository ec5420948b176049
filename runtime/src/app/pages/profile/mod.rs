//! Profiles of the process, as `go tool pprof` and Juno read them.
//!
//! In: a time to look. Out: profiles in pprof's format. Never: more than one at a time, and none that nobody asked for.

#[cfg(all(feature = "profile", unix))]
mod cpu;
#[cfg(all(feature = "profile-heap", unix))]
mod heap;
#[cfg(all(feature = "profile", unix))]
mod wire;

use crate::governor::Pages;

/// Adds the pages of those profiles that were compiled in.
pub(super) fn add_to(pages: Pages) -> Pages {
    #[cfg(all(feature = "profile", unix))]
    let pages = pages.add(
        http::Method::GET,
        "/debug/pprof/profile",
        "where CPU time goes: ?seconds=30&frequency=99",
        cpu::profile,
    );
    #[cfg(all(feature = "profile-heap", unix))]
    let pages = pages.add(
        http::Method::GET,
        "/debug/pprof/heap",
        "what memory was taken for and is still held",
        heap::profile,
    );
    pages
}
