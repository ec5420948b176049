//! Standard output, for lines that may come by the ten thousand in a second.
//!
//! One write for each line costs more than the call that the line speaks of. So when many come, they wait for each other, for
//! a twentieth of a second at most.

use std::io::{self, IsTerminal as _, Write};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// The longest that a line waits.
const WAIT: Duration = Duration::from_millis(50);
/// So many lines may come in that time before any has to wait.
const FEW: u32 = 32;
/// So many bytes do not wait.
const FULL: usize = 32 * 1024;

/// Lines on standard output.
///
/// A line goes out at once if it is a warning or an error, if a person looks on (a terminal), and as long as there are few: up
/// to 32 in 50 ms. When more come, they wait for each other, at most 50 ms, and until they are 32 KiB. They keep their order. A
/// process that is killed loses what waits; one that ends by itself [flushes](Self::flush) first, as
/// [`App::run`](crate::App::run) does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Out;

static WAITING: Mutex<Waiting> = Mutex::new(Waiting { lines: Vec::new(), came: 0, since: None });
/// Somebody waits.
static SOME: Condvar = Condvar::new();
/// Nothing waits any longer.
static DIRECT: AtomicBool = AtomicBool::new(false);
/// Writes what has waited long enough; whether there is such a thread.
static WRITER: LazyLock<bool> = LazyLock::new(|| {
    !io::stdout().is_terminal()
        && thread::Builder::new().name("jovian-log".to_owned()).spawn(write_late).is_ok()
});

struct Waiting {
    lines: Vec<u8>,
    /// How many lines came in this stretch of time, and when it began.
    came: u32,
    since: Option<Instant>,
}

impl Waiting {
    fn write(&mut self) {
        // A reader that has gone away is no reason to fail.
        let _ = io::stdout().lock().write_all(&self.lines);
        let _ = io::stdout().flush();
        self.lines.clear();
    }

    /// Whether so few lines come that none has to wait.
    fn are_few(&mut self) -> bool {
        let now = Instant::now();
        if self.since.is_none_or(|since| now.saturating_duration_since(since) >= WAIT) {
            (self.came, self.since) = (0, Some(now));
        }
        self.came += 1;
        self.came <= FEW
    }
}

impl Out {
    /// Writes a line with its end.
    pub(super) fn line(self, level: Level, line: &[u8]) {
        let urgent = level <= Level::WARN || DIRECT.load(Relaxed) || !*WRITER;
        let mut waiting = waiting();
        let is_first = waiting.lines.is_empty();
        waiting.lines.extend_from_slice(line);
        if waiting.are_few() || urgent || waiting.lines.len() >= FULL {
            waiting.write();
        } else if is_first {
            drop(waiting);
            SOME.notify_one();
        }
    }

    /// Writes what waits, and from now on every line at once: the process is about to end.
    pub fn flush(self) {
        DIRECT.store(true, Relaxed);
        waiting().write();
    }
}

fn waiting() -> MutexGuard<'static, Waiting> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write_late() {
    loop {
        let some = SOME.wait_while(waiting(), |waiting| waiting.lines.is_empty());
        drop(some);
        thread::sleep(WAIT);
        waiting().write();
    }
}

impl<'a> MakeWriter<'a> for Out {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(Level::INFO)
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line {
        Line(*metadata.level())
    }
}

/// Where a layer of `tracing-subscriber` writes one line, whole.
#[derive(Debug)]
pub struct Line(Level);

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        Out.line(self.0, line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
