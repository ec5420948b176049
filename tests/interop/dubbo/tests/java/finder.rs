//! Consumers in Java, one after the other in one process: who answers the calls of each.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin};
use tokio::time::timeout;

use crate::programs::{Java, Output, PATIENCE};

/// A process that takes the arguments of a consumer after those of another.
pub(crate) struct Finder {
    _process: Child,
    input: ChildStdin,
    output: Output,
    log: PathBuf,
}

/// What became of the calls of a consumer.
#[derive(Debug)]
pub(crate) struct Found {
    /// How many calls each one answered, by how they sign.
    pub(crate) called: BTreeMap<String, u64>,
    /// How many calls failed, by what was said.
    pub(crate) failures: BTreeMap<String, u64>,
    /// Why it did not start.
    pub(crate) stopped: Option<String>,
}

impl Finder {
    pub(crate) fn start(java: &Java) -> Self {
        let (mut process, output, log) = java.run("finder", &[]);
        let input = process.stdin.take().expect("it is piped");
        Self { _process: process, input, output, log }
    }

    /// Starts a consumer, lets it call, and ends it.
    pub(crate) async fn find(&mut self, arguments: &[&str]) -> Found {
        self.input.write_all(format!("{}\n", arguments.join(" ")).as_bytes()).await.unwrap();
        let line = timeout(PATIENCE, self.output.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("nothing is said, see {}", self.log.display())).unwrap();
        let line = line.unwrap_or_else(|| panic!("it ended, see {}", self.log.display()));
        let said: Value = serde_json::from_str(&line).unwrap();
        let counts = |name: &str| serde_json::from_value(said[name].clone()).unwrap();
        Found {
            called: counts("called"),
            failures: counts("failures"),
            stopped: said["stopped"].as_str().map(str::to_owned),
        }
    }
}

impl Found {
    /// These answered all calls, and nobody else did; none of them if there is nobody.
    pub(crate) fn is_all(&self, servers: &[&str]) {
        let called: Vec<&str> = self.called.keys().map(String::as_str).collect();
        let is_well = self.stopped.is_none() && self.failures.is_empty() != servers.is_empty();
        assert!(called == servers && is_well, "not {servers:?}: {self:#?}");
    }
}
