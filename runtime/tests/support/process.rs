//! Apps in processes of their own, which are told and killed by signals.
//!
//! A test binary runs itself again: the test that is named does the child's part when [`CHILD`] is set.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Set in processes that are children of a test.
pub const CHILD: &str = "JOVIAN_TEST_CHILD";

/// How long is waited for a line that has to come; the seconds are for slow machines.
const PATIENCE: Duration = Duration::from_secs(20);

/// A child whose app has registered.
pub struct Process {
    child: Child,
    /// What it prints, as it comes.
    lines: Receiver<String>,
    /// Where it serves.
    pub address: String,
    /// What it logged before it registered.
    pub before: Vec<String>,
}

impl Process {
    /// Runs the test `name` of this binary in a process of its own, whose app logs JSON and prints `registers ADDRESS end`.
    pub fn start(name: &str, environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(CHILD, "yes")
            .env("JOVIAN_SERVER__ADDRESS", "127.0.0.1:0")
            .env("JOVIAN_SERVER__STOP_WAIT_MS", "50")
            .env("JOVIAN_LOG__FORMAT", "json")
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (printed, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| printed.send(line).ok())
        });
        let (mut before, mut address) = (Vec::new(), None);
        while let Ok(line) = lines.recv_timeout(PATIENCE) {
            address = line
                .split_once("registers ")
                .and_then(|(_, rest)| rest.strip_suffix(" end"))
                .map(str::to_owned);
            if address.is_some() {
                break;
            }
            before.push(line);
        }
        let address = address.unwrap_or_else(|| panic!("the child never registered: {before:?}"));
        Self { child, lines, address, before }
    }

    /// Where its governor listens, as the log says.
    pub fn governor(&self) -> String {
        let line = self.before.iter().find(|line| line.contains("governor listening"));
        let line = line.unwrap_or_else(|| panic!("{:?}", self.before));
        line.split(r#""address":""#).nth(1).unwrap().split('"').next().unwrap().to_owned()
    }

    /// Sends a signal: `TERM`, `INT`, `KILL`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Reads what it prints until a line has all of `words` in it; that line.
    pub fn line_with(&self, words: &[&str]) -> String {
        let mut read = Vec::new();
        let until = Instant::now() + PATIENCE;
        while let Ok(line) = self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            if words.iter().all(|word| line.contains(word)) {
                return line;
            }
            read.push(line);
        }
        panic!("no line with {words:?} in {read:#?}");
    }

    /// Waits for its end; what it printed until then.
    pub fn output(mut self) -> Vec<String> {
        let lines: Vec<String> = self.lines.iter().collect();
        assert!(self.child.wait().unwrap().success(), "{lines:?}");
        lines
    }

    /// Waits for its end; what it logged until then, message by message, and how it ended.
    pub fn ended(self) -> Vec<String> {
        let message = |line: &String| {
            let (_, message) = line.split_once(r#""message":""#)?;
            assert!(line.starts_with('{') && line.ends_with('}'), "{line}");
            Some(message.split('"').next()?.to_owned())
        };
        let end = |line: &String| line.find("ended ").map(|at| line[at..].to_owned());
        self.output().iter().filter_map(|line| message(line).or_else(|| end(line))).collect()
    }
}

/// A child that a test leaves behind would outlive it.
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
