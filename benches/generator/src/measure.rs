//! What a command costs.
//!
//! A command is run by a second process of this program, which does nothing else: what the system counts for that one's
//! children is then the cost of the command and of all that it starts.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use serde::{Deserialize, Serialize};

/// The first argument of the second process.
pub(crate) const MEASURE: &str = "measure";

/// What a command cost.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// In seconds, as are the next two.
    pub wall: f64,
    pub user: f64,
    pub system: f64,
    /// Of the largest of its processes, in bytes.
    pub peak: f64,
}

impl Cost {
    pub(crate) fn cpu(&self) -> f64 {
        self.user + self.system
    }
}

/// Runs a command to its end.
pub(crate) fn run(command: &Command) -> anyhow::Result<Cost> {
    let mut measured = Command::new(std::env::current_exe()?);
    measured.arg(MEASURE).arg(command.get_program()).args(command.get_args());
    measured.current_dir(command.get_current_dir().unwrap_or(Path::new(".")));
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => measured.env(name, value),
            None => measured.env_remove(name),
        };
    }
    let output = measured.stdin(Stdio::null()).output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed:\n{errors}");
    let last = errors.lines().last().unwrap_or_default();
    serde_json::from_str(last).with_context(|| format!("no cost of {command:?} in `{last}`"))
}

/// The second process: runs the command and says on standard error what it cost.
pub(crate) fn child(arguments: &[String]) -> anyhow::Result<()> {
    let (program, arguments) = arguments.split_first().context("no command")?;
    let start = Instant::now();
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status()?;
    let wall = start.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    ensure!(status.success(), "{program} ended with {status}");
    let seconds = |time: nix::sys::time::TimeVal| time.num_microseconds() as f64 / 1e6;
    // Linux counts memory in kibibytes.
    let peak = usage.max_rss() as f64 * 1024.0;
    let cost = Cost { wall, user: seconds(usage.user_time()), system: seconds(usage.system_time()), peak };
    eprintln!("{}", serde_json::to_string(&cost)?);
    Ok(())
}

/// The middle one, or the mean of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    (values.get(low).copied().unwrap_or(f64::NAN) + values.get(high).copied().unwrap_or(f64::NAN)) / 2.0
}
