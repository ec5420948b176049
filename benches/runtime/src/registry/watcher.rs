//! Processes that follow a registry, ours and others', who all say the same: `probe 7 1795247512748000000` when the list
//! has an instance that was added to be seen, with the time of day in nanoseconds, and how many instances they know when asked.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::watch::WATCH;
use crate::{peers, process, programs};

const PATIENCE: Duration = Duration::from_secs(60);

/// A program that follows services.
pub(super) struct Contender {
    pub(super) name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
}

/// The peers that could be built, each with the records that it reads.
pub(super) fn contenders() -> anyhow::Result<Vec<(&'static str, Contender)>> {
    let folder = peers::folder()?;
    let known = [("kratos", "Kratos", "kratos-watch"), ("go-zero", "go-zero", "gozero-watch")];
    let built = known.into_iter().filter_map(|(layout, name, source)| {
        let program = peers::go(source, &folder)?;
        Some((layout, Contender { name, program, arguments: Vec::new() }))
    });
    Ok(built.collect())
}

impl Contender {
    pub(super) fn ours(layout: &str) -> anyhow::Result<Self> {
        let arguments = vec![WATCH.to_owned(), layout.to_owned()];
        Ok(Self { name: "ours", program: programs::this()?, arguments })
    }

    /// The command that follows so many services at an etcd, ours by as many watchers.
    pub(super) fn watching(&self, endpoint: &str, services: u32, watchers: u32) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(endpoint).args([services, watchers].map(|count| count.to_string()));
        command
    }
}

/// A process that follows, until this is dropped.
pub(super) struct Watcher {
    child: Child,
    probes: Receiver<(u32, Duration)>,
    counts: Receiver<u32>,
}

impl Watcher {
    pub(super) fn start(command: &Command, cores: &str) -> anyhow::Result<Self> {
        let mut child = process::on(cores, command)?.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let printed = child.stdout.take().context("no standard output")?;
        let ((say, probes), (tell, counts)) = (channel(), channel());
        thread::spawn(move || {
            for line in BufReader::new(printed).lines().map_while(Result::ok) {
                // Whatever else is printed is no answer.
                let sent = match line.split(' ').collect::<Vec<_>>()[..] {
                    ["probe", number, nanos] => match (number.parse(), nanos.parse()) {
                        (Ok(number), Ok(nanos)) => say.send((number, Duration::from_nanos(nanos))).is_ok(),
                        _ => true,
                    },
                    ["count", count] => count.parse().map_or(true, |count| tell.send(count).is_ok()),
                    _ => true,
                };
                if !sent {
                    return;
                }
            }
        });
        Ok(Self { child, probes, counts })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it knows so many instances.
    pub(super) fn until(&mut self, wanted: u32) -> anyhow::Result<()> {
        let start = Instant::now();
        let mut known = 0;
        while start.elapsed() < PATIENCE {
            writeln!(self.child.stdin.as_mut().context("no standard input")?, "count")?;
            known = self.counts.recv_timeout(PATIENCE).context("a watcher says nothing")?;
            if known == wanted {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("{known} instances are known, not {wanted}")
    }

    /// When it had seen this probe in its list, by the time of day.
    pub(super) fn seen(&self, probe: u32) -> anyhow::Result<Duration> {
        let (number, at) = self.probes.recv_timeout(PATIENCE).context("a change was never known")?;
        ensure!(number == probe, "probe {number} instead of {probe}");
        Ok(at)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
