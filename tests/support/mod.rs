//! What the tests share: the cases, and texts compared with what is expected.
#![allow(dead_code, reason = "each test file uses its own part of it")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Whether expectations are to be renewed.
pub(crate) fn bless() -> bool {
    env::var_os("BLESS").is_some_and(|value| value == "1")
}

/// The folders of `tests/cases` whose names are wanted, sorted.
pub(crate) fn cases(wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("tests/cases")).expect("tests/cases");
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.expect("a case").path()).collect();
    cases.retain(|case| {
        let name = case.file_name().expect("a name").to_string_lossy();
        // A run in that folder leaves its cache there.
        !name.starts_with('.') && wanted(&name)
    });
    cases.sort();
    assert!(!cases.is_empty(), "no cases found");
    cases
}

/// The arguments of a case: its file `args`, or the usual ones.
pub(crate) fn case_args(case: &Path) -> Vec<String> {
    let text = fs::read_to_string(case.join("args")).unwrap_or_else(|_| "gen -o out proto".to_owned());
    text.split_whitespace().map(str::to_owned).collect()
}

/// The protoc that cases are run with: the crate's, or what their file `protoc` names.
pub(crate) fn case_protoc(case: &Path) -> PathBuf {
    match fs::read_to_string(case.join("protoc")) {
        Ok(name) => name.trim().into(),
        Err(_) => protoc_bin_vendored::protoc_bin_path().expect("protoc for this machine"),
    }
}

/// All files below a folder by their relative names; none if it does not exist.
pub(crate) fn tree(dir: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(dir).expect("below").to_string_lossy().replace('\\', "/");
                found.insert(name, String::from_utf8_lossy(&fs::read(&path).expect("a file")).into_owned());
            }
        }
    }
    found
}

/// How two folders differ, for people.
pub(crate) fn differences(
    what: &str,
    expected: &BTreeMap<String, String>,
    actual: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut found = Vec::new();
    for name in expected.keys().chain(actual.keys().filter(|name| !expected.contains_key(*name))) {
        match (expected.get(name), actual.get(name)) {
            (Some(expected), Some(actual)) if expected == actual => {}
            (Some(expected), Some(actual)) => {
                let diff = similar::TextDiff::from_lines(expected, actual).unified_diff().to_string();
                found.push(format!("{what}: {name} differs\n{diff}"));
            }
            (Some(_), None) => found.push(format!("{what}: {name} is missing")),
            (None, _) => found.push(format!("{what}: {name} is new")),
        }
    }
    found
}

/// Compares a text with its golden file, or renews that; no file stands for no text.
pub(crate) fn expect_text(golden: &Path, actual: &str, failures: &mut Vec<String>) {
    if bless() {
        match actual.is_empty() {
            true => drop(fs::remove_file(golden)),
            false => fs::write(golden, actual).expect("the golden file"),
        }
    }
    let expected = fs::read_to_string(golden).unwrap_or_default();
    if expected != actual {
        let diff = similar::TextDiff::from_lines(expected.as_str(), actual).unified_diff().to_string();
        failures.push(format!("{} differs\n{diff}", golden.display()));
    }
}
