//! The generated code of every example is what its IDL says today.
#![allow(clippy::expect_used, reason = "a test says what it expects")]

use std::fs;
use std::process::Command;

mod support;
use support::root;

#[test]
fn every_example_is_fresh() {
    let examples = fs::read_dir(root().join("examples")).expect("examples");
    let mut checked = 0;
    for example in examples.map(|entry| entry.expect("an example").path()) {
        let run = Command::new(env!("CARGO_BIN_EXE_jovian"))
            .args(["gen", "--check"])
            .current_dir(&example)
            .output()
            .expect("jovian runs");
        let said = [run.stdout, run.stderr].concat();
        assert!(run.status.success(), "{}: {}", example.display(), String::from_utf8_lossy(&said));
        checked += 1;
    }
    assert!(checked > 0, "no examples found");
}
