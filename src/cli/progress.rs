//! One line on a terminal for those who wait: drawn when a run takes long, and wiped away at its end.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Nobody calls this long.
const PATIENCE: Duration = Duration::from_millis(500);

/// Goes back to the beginning of the line and wipes it.
const WIPE: &str = "\r\x1b[2K";

/// Where a run is; the line is gone when this is.
pub(super) struct Progress(Option<(Sender<String>, JoinHandle<()>)>);

impl Progress {
    /// Begins to count. Without a terminal there is nothing to see.
    pub(super) fn start() -> Self {
        Self(io::stderr().is_terminal().then(|| {
            let (stages, drawn) = mpsc::channel();
            (stages, thread::spawn(move || draw(&drawn)))
        }))
    }

    /// Says what the run does now.
    pub(super) fn at(&self, stage: &str) {
        if let Some((stages, _)) = &self.0 {
            let _nobody_draws = stages.send(stage.to_owned());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stages, thread)) = self.0.take() {
            drop(stages);
            let _it_drew_what_it_could = thread.join();
        }
    }
}

fn draw(stages: &Receiver<String>) {
    let (begin, mut stage, mut shown) = (Instant::now(), String::new(), false);
    let say = |text: String| {
        let mut out = io::stderr();
        let _nobody_looks = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    };
    loop {
        let wait = if shown { Duration::MAX } else { PATIENCE.saturating_sub(begin.elapsed()) };
        match stages.recv_timeout(wait) {
            Ok(next) => stage = next,
            Err(RecvTimeoutError::Timeout) => shown = true,
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if shown {
            say(format!("{WIPE}{stage} ..."));
        }
    }
    if shown {
        say(WIPE.to_owned());
    }
}
