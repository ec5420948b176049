//! `jovian quickstart`: all that the tool promises, once, before one's eyes.
//!
//! In: cargo and a folder for temporary files. Out: the answer of a service that did not exist a minute ago. Never: anything
//! left behind, however it ends.

use std::fmt::Display;
use std::io::{self, IsTerminal as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::process::{self, Output, Program};
use super::{Outcome, new, say};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::files;
use crate::scaffold::{Name, Project, Registry, RuntimeSource};

/// See it work: make a service, build, start, call and stop it, in a temporary folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  jovian quickstart                                 takes a minute or two, because cargo builds everything
  CARGO_TARGET_DIR=~/.cache/q jovian quickstart     keeps what cargo builds, so that the next time takes seconds")]
pub(super) struct Arguments {}

/// The service that is made.
const NAME: &str = "shop.order.orders";
/// Nobody debugs what is gone in a minute, and it builds in less time without.
const NO_DEBUG_INFO: (&str, &str) = ("CARGO_PROFILE_DEV_DEBUG", "0");
/// How long a service that is built may take to listen.
const START: Duration = Duration::from_secs(60);
/// How often somebody who cannot see cargo's own progress is told that it goes on.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

pub(super) fn run(_: Arguments) -> Result<Outcome, Diagnostics> {
    process::catch_interrupts();
    let began = Instant::now();
    let folder = files::temporary().map_err(no_folder)?;
    let tour = Tour { project: folder.path().join("orders"), logs: folder.path().to_owned() };
    let toured = tour.run();
    // Removed in any case, and before it is said how it went.
    let removed = folder.close();
    toured?;
    removed.map_err(no_folder)?;
    say(format_args!(
        "
It took {}, and nothing is left of it. To keep one:

  jovian new {NAME}
  cd orders && cargo run",
        seconds(began)
    ));
    Ok(Outcome::Fine)
}

struct Tour {
    project: PathBuf,
    /// The folder for what the programs say.
    logs: PathBuf,
}

impl Tour {
    fn run(&self) -> Result<(), Diagnostics> {
        step(1, format_args!("making the service {NAME} in a temporary folder"), || {
            let project = Project {
                name: Name::parse(NAME)?,
                runtime: RuntimeSource::Vendored,
                registry: Registry::parse(Registry::DEFAULT, &[])?,
            };
            new::create(project, &self.project).map(drop)
        })?;
        step(2, "building it with cargo", || self.build())?;
        let address = free_address().map_err(no_port)?;
        let mut service = step(3, format_args!("starting it on {address}"), || self.start(address))?;
        step(4, "calling it through its generated client", || self.call(address))?;
        step(5, "stopping it with SIGTERM, and waiting until it has ended", || {
            let status = service.stop().map_err(|error| broken("the service", &error))?;
            match status.success() {
                true => Ok(()),
                // Where there are no signals, it is ended the hard way.
                false if cfg!(not(unix)) => Ok(()),
                false => Err(self.failed("the service", "service", status)),
            }
        })
    }

    fn build(&self) -> Result<(), Diagnostics> {
        let log = self.log("build");
        // A terminal shows cargo's own progress. Elsewhere it would be noise, unless it ends badly.
        let shown = io::stderr().is_terminal();
        let output = if shown { Output::Shown } else { Output::Kept(&log) };
        let mut build = self.cargo(&["build", "--bins", "--examples"], &[NO_DEBUG_INFO], output)?;
        let (began, mut last) = (Instant::now(), Instant::now());
        let status = build.watch(|status| {
            if !shown && last.elapsed() >= SIGN_OF_LIFE {
                last = Instant::now();
                say(format_args!("    still building after {}", seconds(began)));
            }
            status
        });
        let status = status.map_err(|error| broken("cargo", &error))?;
        if status.success() { Ok(()) } else { Err(self.failed("cargo build", "build", status)) }
    }

    fn start(&self, address: SocketAddr) -> Result<Program, Diagnostics> {
        let log = self.log("service");
        let listen = address.to_string();
        let settings = [
            NO_DEBUG_INFO,
            ("JOVIAN_SERVER__ADDRESS", &listen),
            // Nobody else finds it, so nobody has to hear that it goes away before it may go.
            ("JOVIAN_REGISTRY__KIND", "memory"),
            ("JOVIAN_SERVER__STOP_WAIT_MS", "0"),
        ];
        let mut service = self.cargo(&["run", "--quiet"], &settings, Output::Kept(&log))?;
        let began = Instant::now();
        let ended = service.watch(|status| match status {
            Some(status) => Some(Some(status)),
            None => (TcpStream::connect(address).is_ok() || began.elapsed() > START).then_some(None),
        });
        match ended.map_err(|error| broken("the service", &error))? {
            None if began.elapsed() <= START => Ok(service),
            None => {
                let problem = format!("the service does not listen after {}", seconds(began));
                Err(self.complaint("service", problem))
            }
            Some(status) => Err(self.failed("the service", "service", status)),
        }
    }

    fn call(&self, address: SocketAddr) -> Result<(), Diagnostics> {
        let log = self.log("call");
        let target = format!("http://{address}");
        let arguments = ["run", "--quiet", "--example", "call", "--", &target];
        let mut call = self.cargo(&arguments, &[NO_DEBUG_INFO], Output::Kept(&log))?;
        let status = call.watch(|status| status).map_err(|error| broken("the client", &error))?;
        if !status.success() {
            return Err(self.failed("the client", "call", status));
        }
        files::read(&log).unwrap_or_default().lines().for_each(|line| say(format_args!("    {line}")));
        Ok(())
    }

    fn cargo(
        &self,
        arguments: &[&str],
        variables: &[(&str, &str)],
        output: Output<'_>,
    ) -> Result<Program, Diagnostics> {
        Program::cargo(&self.project, arguments, variables, output).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Diagnostic::error(Code::Program, "there is no `cargo` on the PATH")
                .help("install Rust, which brings it: https://rustup.rs")
                .into(),
            _ => broken("cargo", &error),
        })
    }

    fn log(&self, program: &str) -> PathBuf {
        self.logs.join(program).with_extension("log")
    }

    fn failed(&self, what: &str, log: &str, status: ExitStatus) -> Diagnostics {
        self.complaint(log, format!("{what} failed: {status}"))
    }

    /// A complaint with what the program said. It is read now, because the folder is about to go.
    fn complaint(&self, log: &str, problem: String) -> Diagnostics {
        let said = files::read(&self.log(log)).unwrap_or_default();
        let diagnostic = Diagnostic::error(Code::Program, problem);
        match said.trim_end() {
            "" => diagnostic.help("what it said stands above").into(),
            said => diagnostic.help(format!("it said:\n{said}")).into(),
        }
    }
}

/// Says what is done, does it, and says how long it took.
fn step<T>(
    number: usize,
    what: impl Display,
    work: impl FnOnce() -> Result<T, Diagnostics>,
) -> Result<T, Diagnostics> {
    say(format_args!("{number}/5 {what}"));
    let began = Instant::now();
    let done = work()?;
    say(format_args!("    {}", seconds(began)));
    Ok(done)
}

fn seconds(since: Instant) -> String {
    format!("{:.1} s", since.elapsed().as_secs_f64())
}

/// A port that is free now, as is the next one, which is the governor's. Somebody else could take them before the service does,
/// which then says so.
fn free_address() -> io::Result<SocketAddr> {
    loop {
        let service = TcpListener::bind("127.0.0.1:0")?;
        let address = service.local_addr()?;
        if TcpListener::bind((address.ip(), address.port().saturating_add(1))).is_ok() {
            return Ok(address);
        }
    }
}

fn broken(what: &str, error: &io::Error) -> Diagnostics {
    match error.kind() {
        io::ErrorKind::Interrupted => Diagnostic::error(Code::Program, "interrupted")
            .help("nothing is left behind: what was started is stopped, and the temporary folder removed"),
        _ => Diagnostic::error(Code::Program, format!("cannot go on with {what}: {error}"))
            .help("check that programs may be started here"),
    }
    .into()
}

fn no_folder(error: io::Error) -> Diagnostic {
    Diagnostic::error(Code::Io, format!("cannot use a temporary folder: {error}"))
        .help("check the folder that TMPDIR names")
}

fn no_port(error: io::Error) -> Diagnostic {
    Diagnostic::error(Code::Io, format!("cannot listen on 127.0.0.1: {error}"))
        .help("check that programs may open ports here")
}
