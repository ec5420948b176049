//! Work on many things at once, with the results in order: which thread was first is never seen.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What `work` makes of each thing, on all cores; this thread is one of the workers. A panic of `work` is a panic here.
pub(crate) fn map<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let others =
        thread::available_parallelism().map_or(1, |cores| cores.get()).min(things.len()).saturating_sub(1);
    let next = AtomicUsize::new(0);
    let some = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(thing) = things.get(at) else { return done };
            done.push((at, work(thing)));
        }
    };
    let mut done = thread::scope(|scope| {
        // As large as the stack of the main thread: what is printed is parsed in places, and may be deep. A thread that cannot be had
        // is not missed.
        let start = |_| thread::Builder::new().stack_size(8 << 20).spawn_scoped(scope, some).ok();
        let others: Vec<_> = (0..others).filter_map(start).collect();
        let mut done = some();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
