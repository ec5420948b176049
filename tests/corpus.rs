//! Every input that fuzzing starts from, and every one that it found: none of them ends the process, runs without an end or
//! fails without words. `fuzz/run` makes more of them.

#![allow(clippy::expect_used, reason = "a test says what it expects")]

use std::fs;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

mod support;
#[path = "../fuzz/targets.rs"]
mod targets;
use support::root;

/// Far more than any of them needs, on a slow machine, too.
const LONG: Duration = Duration::from_secs(60);

fn survives(name: &str, target: fn(&[u8])) {
    let folder = root().join("fuzz/corpus").join(name);
    let mut inputs: Vec<_> =
        fs::read_dir(folder).expect("a corpus").map(|entry| entry.expect("an entry").path()).collect();
    inputs.sort();
    assert!(inputs.len() >= 5, "{name} starts from {} inputs", inputs.len());
    for input in inputs {
        let bytes = fs::read(&input).expect("an input");
        let (done, ended) = mpsc::channel();
        let run = thread::spawn(move || {
            target(&bytes);
            let _nobody_waits = done.send(());
        });
        let late = ended.recv_timeout(LONG) == Err(mpsc::RecvTimeoutError::Timeout);
        assert!(!late, "{} has not ended after {LONG:?}", input.display());
        assert!(run.join().is_ok(), "{} panics", input.display());
    }
}

#[test]
fn idl() {
    survives("idl", targets::idl);
}

#[test]
fn descriptor() {
    survives("descriptor", targets::descriptor);
}

#[test]
fn plugin() {
    survives("plugin", targets::plugin);
}

#[test]
fn settings() {
    survives("settings", targets::settings);
}

#[test]
fn template() {
    survives("template", targets::template);
}

/// All targets are fuzzed, and all that are fuzzed have a corpus.
#[test]
fn every_target_is_run() {
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).expect("a manifest");
    let script = fs::read_to_string(root().join("fuzz/run")).expect("a script");
    for entry in fs::read_dir(root().join("fuzz/corpus")).expect("the corpus") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is no program");
        assert!(script.contains(&name), "fuzz/run leaves {name} out");
    }
}
