//! A program that looks for whatever it is told to, and says whom it has reached.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::timeout;

use crate::fleet::Fleet;

/// How long it may look for somebody; the seconds are for slow machines.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program in the role of a finder.
pub(crate) struct Finder {
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    log: String,
}

/// Whom it has reached.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) names: BTreeSet<String>,
    /// Whether the program has ended instead.
    pub(crate) has_ended: bool,
    /// With what calls failed, each on a line.
    pub(crate) errors: String,
}

impl Finder {
    /// The program of a fleet.
    pub(crate) fn start(fleet: &Fleet, test: &str, more: &[&str]) -> Self {
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("finder-{test}.log"));
        let mut process = fleet
            .program
            .command("finder", &fleet.arguments(&[&["-name", "finder"], more].concat()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { _process: process, input, output, log: log.display().to_string() }
    }

    /// Looks for a name, with a client of its own. It takes its time where somebody is expected, and a while to see whether there
    /// is anybody else.
    pub(crate) async fn find(&mut self, name: &str, mode: &str, expected: &BTreeSet<String>) -> Found {
        self.find_and_call(name, mode, expected, Duration::ZERO).await
    }

    /// The same, and goes on with calls for so long.
    pub(crate) async fn find_and_call(
        &mut self,
        name: &str,
        mode: &str,
        expected: &BTreeSet<String>,
        lasting: Duration,
    ) -> Found {
        let millis = lasting.as_millis();
        let sought = json!({ "name": name, "mode": mode, "expect": expected, "millis": millis });
        // One that has ended takes nothing more.
        let _has_ended = self.input.write_all(format!("{sought}\n").as_bytes()).await;
        let line = timeout(PATIENCE, self.output.next_line()).await.expect("it says something").unwrap();
        let Some(line) = line else {
            return Found { names: BTreeSet::new(), has_ended: true, errors: format!("see {}", self.log) };
        };
        let found: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(found["ok"], true, "{line}");
        let texts = |name: &str| {
            let texts = found["detail"][name].as_array().unwrap().iter();
            texts.map(|text| text.as_str().unwrap().to_owned())
        };
        let errors = texts("errors").collect::<Vec<_>>().join("\n");
        Found { names: texts("names").collect(), has_ended: false, errors }
    }

    /// What came of the calls that it went on with.
    pub(crate) async fn called(&mut self) -> Value {
        let line = timeout(PATIENCE, self.output.next_line()).await.expect("it ends").unwrap();
        let line = line.unwrap_or_else(|| panic!("it has ended, see {}", self.log));
        let mut called: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(called["check"], "called", "{line}");
        called["detail"].take()
    }
}
