//! Every folder of `tests/cases` is a case: its `proto` goes in, and `out` must come out; where the name begins with
//! `fail-`, the complaint `stderr`. The built program runs, as a user runs it. `BLESS=1` renews what is expected.

#![allow(clippy::expect_used, reason = "a test says what it expects")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

mod support;
use support::{bless, case_args, case_protoc, cases, differences, expect_text, tree};

fn jovian(case: &Path, arguments: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jovian"))
        .args(arguments)
        .env("PROTOC", case_protoc(case))
        .current_dir(case)
        .output()
        .expect("jovian runs")
}

#[test]
fn every_case_gives_its_output() {
    let mut failures = Vec::new();
    for case in cases(|name| !name.starts_with("fail-")) {
        let fresh = tempfile::tempdir().expect("a temporary folder");
        let out = fresh.path().join("out");
        let arguments: Vec<String> = case_args(&case)
            .into_iter()
            .map(|argument| if argument == "out" { out.display().to_string() } else { argument })
            .collect();
        let run = jovian(&case, &arguments);
        if !run.status.success() {
            failures.push(format!("{}: {}", case.display(), String::from_utf8_lossy(&run.stderr)));
            continue;
        }
        let (expected, actual) = (case.join("out"), tree(&out));
        if bless() {
            let _nothing_there = fs::remove_dir_all(&expected);
            fs::create_dir_all(&expected).expect("the golden folder");
            for (name, text) in &actual {
                fs::write(expected.join(name), text).expect("the golden file");
            }
        }
        failures.extend(differences(&case.display().to_string(), &tree(&expected), &actual));
        expect_text(&case.join("stderr"), &String::from_utf8_lossy(&run.stderr), &mut failures);
    }
    assert!(failures.is_empty(), "{}\n(BLESS=1 renews)", failures.join("\n"));
}

#[test]
fn every_mistake_is_explained() {
    let mut failures = Vec::new();
    for case in cases(|name| name.starts_with("fail-")) {
        let before = tree(&case);
        let run = jovian(&case, &case_args(&case));
        if run.status.code() != Some(2) {
            failures.push(format!("{}: exit code {:?} instead of 2", case.display(), run.status.code()));
        }
        failures.extend(differences("written in spite of the mistake", &before, &tree(&case)));
        expect_text(&case.join("stderr"), &String::from_utf8_lossy(&run.stderr), &mut failures);
    }
    assert!(failures.is_empty(), "{}\n(BLESS=1 renews)", failures.join("\n"));
}

/// A second run leaves every file alone, down to its time of change.
#[test]
fn a_second_run_touches_nothing() {
    let fresh = tempfile::tempdir().expect("a temporary folder");
    let case = support::root().join("tests/cases/orders");
    let out = fresh.path().join("out");
    let arguments = ["gen", "-o", &out.display().to_string(), "proto"].map(str::to_owned);
    let times = |out: &Path| -> BTreeMap<PathBuf, std::time::SystemTime> {
        let entries = fs::read_dir(out).expect("the output").map(|entry| entry.expect("an entry").path());
        entries
            .map(|path| (path.clone(), fs::metadata(path).and_then(|data| data.modified()).expect("a time")))
            .collect()
    };
    assert!(jovian(&case, &arguments).status.success());
    let first = times(&out);
    let second = jovian(&case, &arguments);
    assert!(String::from_utf8_lossy(&second.stdout).contains("is up to date"));
    assert_eq!(first, times(&out));
}

/// The same IDL gives the same bytes from wherever the tool runs, and however it is given.
#[test]
fn output_does_not_depend_on_the_place() {
    let cases = support::root().join("tests/cases");
    let fresh = tempfile::tempdir().expect("a temporary folder");
    let absolute = cases.join("orders/proto").display().to_string();
    let runs = [
        (cases.join("orders"), vec!["proto"]),
        (cases.clone(), vec!["orders/proto"]),
        (fresh.path().to_owned(), vec![absolute.as_str()]),
        (
            cases.join("orders"),
            vec!["-I", "proto", "proto/shop/orders/v1/orders.proto", "./proto/shop/common/v1/*.proto"],
        ),
        (cases.join("orders"), vec!["-I", "./proto", "proto/**/*.proto"]),
    ];
    let mut expected = None;
    for (index, (dir, inputs)) in runs.into_iter().enumerate() {
        let out = fresh.path().join(index.to_string());
        let mut arguments = vec!["gen".to_owned(), "-o".to_owned(), out.display().to_string()];
        arguments.extend(inputs.into_iter().map(str::to_owned));
        let run = jovian(&dir, &arguments);
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let actual = tree(&out);
        let found =
            differences(&format!("run {index}"), expected.get_or_insert_with(|| actual.clone()), &actual);
        assert!(found.is_empty() && !actual.is_empty(), "{}", found.join("\n"));
    }
}
