//! A Python with `grpcio` in it.
//!
//! It is a virtual environment with the pinned packages of `requirements.txt`, made once in the target folder. Without a
//! usable `python3` the tests that need one say `skipped:` and pass, unless `JOVIAN_REQUIRE_PYTHON=1`, as CI has it.

#![expect(clippy::expect_used, reason = "a test that cannot set up its Python has nothing else to do")]

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;
use std::{env, fs};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

const REQUIREMENTS: &str = include_str!("../requirements.txt");

/// A script that takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A Python with scripts, and with stubs for some IDL. A script finds the stubs where `INTEROP_STUBS` says.
#[derive(Debug)]
pub struct Python {
    interpreter: &'static Path,
    scripts: PathBuf,
    stubs: TempDir,
}

/// A Python program that serves, until this is dropped.
#[derive(Debug)]
pub struct PythonServer {
    /// Where it listens, on the loopback.
    pub port: u16,
    process: Child,
    // A program whose standard output is closed fails at its next word.
    output: BufReader<ChildStdout>,
}

impl Python {
    /// Finds or makes the environment in `target` (a test passes `CARGO_TARGET_TMPDIR`), for the scripts of a folder, and
    /// stubs of `protos`, as imports name them. `None`: there is no Python here, and the test has nothing to do.
    ///
    /// # Panics
    ///
    /// Panics where Python is required and missing, and when the stubs cannot be made.
    pub fn new(target: &str, scripts: PathBuf, include: &[&Path], protos: &[&str]) -> Option<Self> {
        static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        let interpreter = match FOUND.get_or_init(|| environment(Path::new(target))) {
            Ok(interpreter) => interpreter,
            Err(reason) if env::var_os("JOVIAN_REQUIRE_PYTHON").is_some_and(|value| value == "1") => {
                panic!("Python is required here: {reason}")
            }
            Err(reason) => {
                #[expect(clippy::print_stderr, reason = "the only way to tell whoever runs the tests")]
                {
                    eprintln!("skipped: {reason}");
                }
                return None;
            }
        };
        let stubs = TempDir::new().expect("a temporary folder");
        let out = stubs.path().display();
        let mut protoc = std::process::Command::new(interpreter);
        protoc.args(["-m", "grpc_tools.protoc"]);
        protoc.args(include.iter().map(|folder| format!("-I{}", folder.display())));
        protoc.args([format!("--python_out={out}"), format!("--grpc_python_out={out}")]).args(protos);
        run(&mut protoc).expect("stubs");
        Some(Self { interpreter, scripts, stubs })
    }

    /// Runs a script to its end.
    ///
    /// # Panics
    ///
    /// Panics when it fails, with all that it wrote, or when it does not end.
    pub async fn run(&self, script: &str, arguments: &[&str]) {
        let output = self.command(script).args(arguments).stdin(Stdio::null()).output();
        let output = tokio::time::timeout(PATIENCE, output)
            .await
            .expect("the script ends")
            .expect("the script starts");
        assert!(output.status.success(), "{script} {}:\n{}", arguments.join(" "), text(&output));
    }

    /// Starts a script that serves: one that prints its port, and ends when its standard input does.
    ///
    /// # Panics
    ///
    /// Panics when it ends or hangs before it said its port.
    pub async fn serve(&self, script: &str) -> PythonServer {
        self.serve_with(script, &[]).await
    }

    /// The same, with arguments.
    ///
    /// # Panics
    ///
    /// Panics when it ends or hangs before it said its port.
    pub async fn serve_with(&self, script: &str, arguments: &[&str]) -> PythonServer {
        let mut process = self
            .command(script)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the script starts");
        let mut output = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut line = String::new();
        let read = tokio::time::timeout(PATIENCE, output.read_line(&mut line))
            .await
            .expect("the script says its port");
        read.expect("its output is text");
        let port = line.trim().parse().unwrap_or_else(|_| panic!("{script} said {line:?}, not its port"));
        PythonServer { port, process, output }
    }

    fn command(&self, script: &str) -> Command {
        let mut command = Command::new(self.interpreter);
        command.arg(self.scripts.join(script));
        command.env("INTEROP_STUBS", self.stubs.path());
        // Byte code beside the scripts would be litter in the source tree.
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUNBUFFERED", "1");
        command.kill_on_drop(true);
        command
    }
}

impl PythonServer {
    /// The next line that it prints.
    ///
    /// # Panics
    ///
    /// Panics when there is none for a while.
    pub async fn line(&mut self) -> String {
        let mut line = String::new();
        let read = tokio::time::timeout(PATIENCE, self.output.read_line(&mut line)).await;
        read.expect("the script says something").expect("its output is text");
        line.trim_end().to_owned()
    }

    /// Ends it at once, as a crash does.
    ///
    /// # Panics
    ///
    /// Panics when it cannot be ended.
    pub async fn kill(mut self) {
        self.process.kill().await.expect("it can be killed");
    }
}

/// The interpreter of the environment, which is made if it is not there.
fn environment(target: &Path) -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    REQUIREMENTS.hash(&mut hasher);
    let home = target.join(format!("python-{:016x}", hasher.finish()));
    let interpreter =
        |home: &Path| home.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if home.exists() {
        return Ok(interpreter(&home));
    }

    // Made under another name and renamed when it is complete: an interrupted run leaves nothing that looks usable, and of
    // test binaries that run side by side the first one wins. Only the interpreter is used, whose place may change.
    fs::create_dir_all(target).map_err(|error| error.to_string())?;
    let partial = TempDir::with_prefix_in("python-", target).map_err(|error| error.to_string())?;
    run(std::process::Command::new("python3").args(["-m", "venv"]).arg(partial.path()))?;
    let requirements = partial.path().join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS).map_err(|error| error.to_string())?;
    run(std::process::Command::new(interpreter(partial.path()))
        // Without a wheel for this machine, pip would compile gRPC's C++ for half an hour.
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--only-binary",
            ":all:",
            "--requirement",
        ])
        .arg(&requirements))?;
    match fs::rename(partial.path(), &home) {
        Ok(()) => drop(partial.keep()),
        Err(_) if home.exists() => {}
        Err(error) => return Err(error.to_string()),
    }
    Ok(interpreter(&home))
}

/// Runs a step of the set-up; the error says which and why.
fn run(command: &mut std::process::Command) -> Result<(), String> {
    let output = command.output();
    let failed = |why: String| Err(format!("{} {why}", command.get_program().to_string_lossy()));
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => failed(format!("failed:\n{}", text(&output))),
        Err(error) => failed(format!("does not run: {error}")),
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
