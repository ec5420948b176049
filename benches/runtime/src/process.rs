//! Processes: where they run, and what they cost by what Linux says in `/proc` (proc(5)).

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;

/// The first argument of a process that runs another program on some cores.
pub(crate) const PINNED: &str = "pinned";

/// Linux counts time for user space in hundredths of a second, on every machine.
const TICKS: f64 = 100.0;

/// How long a server may take to listen; a Java machine needs seconds.
const START: Duration = Duration::from_secs(30);

/// CPU time of a process, all its threads and both modes, in seconds.
///
/// It is the scheduler's count, which is exact, in steps of 10 ms.
pub(crate) fn cpu(pid: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("/proc/PID/stat without a name")?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks =
        || fields.next().context("/proc/PID/stat is too short")?.parse::<f64>().map_err(anyhow::Error::from);
    Ok((ticks()? + ticks()?) / TICKS)
}

/// Memory of a process that it does not share with files, in bytes.
pub(crate) fn resident(pid: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("no RssAnon")?;
    let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kibibytes * 1024.0)
}

/// A command that runs on `cores`.
pub(crate) fn on(cores: &str, program: &Command) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([PINNED, cores]).arg(program.get_program()).args(program.get_args());
    program.get_envs().for_each(|(name, value)| {
        command.env(name, value.unwrap_or_default());
    });
    Ok(command)
}

/// Becomes another program, on some cores and with as many open files as the system allows.
pub(crate) fn pinned(arguments: &[String]) -> anyhow::Result<()> {
    let [cores, program, arguments @ ..] = arguments else {
        bail!("cores and a program are missing");
    };
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let mut set = CpuSet::new();
    for core in cores.split(',').filter(|core| !core.is_empty()) {
        set.set(core.parse()?)?;
    }
    if !cores.is_empty() {
        sched_setaffinity(Pid::from_raw(0), &set)?;
    }
    Err(Command::new(program).args(arguments).exec()).with_context(|| format!("cannot start {program}"))
}

/// A server that runs until this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    pub address: String,
    /// What it prints, without its log.
    answers: Receiver<String>,
}

impl Running {
    /// Starts `program PORT` and waits until it listens.
    pub(crate) fn start(program: &Command, cores: &str) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let mut command = on(cores, program)?;
        command.arg(port.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let printed = child.stdout.take().context("no standard output")?;
        let (said, answers) = sync_channel(1);
        thread::spawn(move || {
            let mut lines = BufReader::with_capacity(1 << 18, printed);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                // A line of the log is JSON. It is read, as somebody would, and kept by nobody. What nobody asked for is not waited for.
                if !line.starts_with(b"{") {
                    let _ = said.try_send(String::from_utf8_lossy(&line).trim().to_owned());
                }
                line.clear();
            }
        });
        let mut running = Self { child, address, answers };
        running.wait(program)?;
        Ok(running)
    }

    fn wait(&mut self, program: &Command) -> anyhow::Result<()> {
        let start = Instant::now();
        while std::net::TcpStream::connect(&self.address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{program:?} ended with {status}");
            }
            if start.elapsed() > START {
                bail!("{program:?} does not listen at {}", self.address);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks the server something by its standard input.
    pub(crate) fn ask(&mut self, question: &str) -> anyhow::Result<String> {
        writeln!(self.child.stdin.as_mut().context("no standard input")?, "{question}")?;
        Ok(self.answers.recv_timeout(START)?)
    }

    /// Lets the server end by itself, which it does when its standard input ends.
    pub(crate) fn end(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
