//! Programs that are started: nothing else in this crate starts any.
//!
//! In: a command. Out: a [`Program`] that runs. Never: one that outlives its value, with all that it started itself; an
//! interrupt from the keyboard that leaves something behind.

use std::env;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::files;

/// Set once somebody wants all of this to end.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// How often a program is looked at.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a program that was told to end may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// From now on ctrl-c and SIGTERM do not end this process but what it waits for, so that it can clean up.
pub(super) fn catch_interrupts() {
    // It fails if there is a handler already, and then that one does what there is to do.
    let _handled_elsewhere = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed));
}

/// Where a program's output goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Output<'a> {
    /// To whoever looks at this process.
    Shown,
    /// Into a file.
    Kept(&'a Path),
}

/// A program that runs, in a process group of its own with whatever it starts. It is ended when this is dropped.
#[derive(Debug)]
pub(super) struct Program {
    child: Child,
    ended: bool,
}

impl Program {
    /// Starts cargo in a folder, with these arguments and variables.
    pub(super) fn cargo(
        dir: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
        output: Output<'_>,
    ) -> io::Result<Self> {
        let mut command = Command::new("cargo");
        // Settings that somebody made for services of their own are none for this one.
        let settings = env::vars_os().map(|(name, _)| name);
        for name in settings.filter(|name| name.as_encoded_bytes().starts_with(b"JOVIAN_")) {
            command.env_remove(name);
        }
        command.args(arguments).envs(variables.iter().copied()).current_dir(dir).stdin(Stdio::null());
        if let Output::Kept(file) = output {
            let file = files::log(file)?;
            command.stdout(file.try_clone()?).stderr(file);
        }
        own_group(&mut command);
        Ok(Self { child: command.spawn()?, ended: false })
    }

    /// Waits until `look` has seen enough. It is shown how the program ended, once it has.
    ///
    /// # Errors
    /// With [`io::ErrorKind::Interrupted`] when this process is told to end.
    pub(super) fn watch<T>(
        &mut self,
        mut look: impl FnMut(Option<ExitStatus>) -> Option<T>,
    ) -> io::Result<T> {
        loop {
            if INTERRUPTED.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let status = self.status()?;
            if let Some(seen) = look(status) {
                return Ok(seen);
            }
            thread::sleep(PAUSE);
        }
    }

    /// Tells it to end, waits for that, and loses patience after a while.
    pub(super) fn stop(&mut self) -> io::Result<ExitStatus> {
        tell(&mut self.child, Signal::End)?;
        let told = Instant::now();
        while told.elapsed() < PATIENCE {
            if let Some(status) = self.status()? {
                return Ok(status);
            }
            thread::sleep(PAUSE);
        }
        tell(&mut self.child, Signal::Die)?;
        self.ended = true;
        self.child.wait()
    }

    fn status(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        self.ended |= status.is_some();
        Ok(status)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Nobody is left to be told that it does not work.
        if !self.ended {
            let _too_late = self.stop();
        }
        wait_for_group(&self.child);
    }
}

/// Runs git in a folder to its end: what it said, if it did what it was told, or else what it complained of.
///
/// `index` stands in for the index of the repository, which nobody here touches; git reads `input`.
///
/// # Errors
/// When it cannot be started.
pub(super) fn git(
    dir: &Path,
    index: &Path,
    arguments: &[&str],
    input: &[u8],
) -> io::Result<Result<Vec<u8>, String>> {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(dir).env("GIT_INDEX_FILE", index);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        // A git that has ended says itself why.
        let _no_reader = pipe.write_all(input);
    }
    let output = child.wait_with_output()?;
    Ok(match output.status.success() {
        true => Ok(output.stdout),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    })
}

#[derive(Clone, Copy, Debug)]
enum Signal {
    End,
    Die,
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

/// Signals the group of a program through the shell's `kill`, as the standard library knows only the hardest signal.
#[cfg(unix)]
fn tell(child: &mut Child, signal: Signal) -> io::Result<()> {
    let name = match signal {
        Signal::End => "TERM",
        Signal::Die => "KILL",
    };
    kill(child, name).map(drop)
}

/// Waits until nothing is left of the group: what a program has started may still be writing when the program has ended.
#[cfg(unix)]
fn wait_for_group(child: &Child) {
    let began = Instant::now();
    while began.elapsed() < PATIENCE && kill(child, "0").is_ok_and(|status| status.success()) {
        thread::sleep(PAUSE);
    }
}

#[cfg(unix)]
fn kill(child: &Child, signal: &str) -> io::Result<ExitStatus> {
    let group = format!("-{}", child.id());
    let command = "kill -s \"$0\" -- \"$1\"";
    Command::new("sh")
        .args(["-c", command, signal, &group])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()
}

#[cfg(not(unix))]
fn own_group(_: &mut Command) {}

#[cfg(not(unix))]
fn tell(child: &mut Child, _: Signal) -> io::Result<()> {
    child.kill()
}

#[cfg(not(unix))]
fn wait_for_group(_: &Child) {}
