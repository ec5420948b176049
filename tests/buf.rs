//! buf with the built plugin gives the same bytes, with both of its strategies. Without buf, nothing is tested, and that is said.

#![allow(clippy::expect_used, reason = "a test says what it expects")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

mod support;
use support::{cases, differences, root, tree};

/// The program in `JOVIAN_BUF`, which `sh tests/buf/install FOLDER` prints, or that on the `PATH`.
fn buf() -> Option<PathBuf> {
    let given = env::var_os("JOVIAN_BUF").map(PathBuf::from);
    let program = given.clone().unwrap_or_else(|| PathBuf::from("buf"));
    let works = Command::new(&program).arg("--version").output().is_ok_and(|run| run.status.success());
    assert!(works || given.is_none(), "{} does not work", program.display());
    if !works {
        eprintln!("skipped: there is no buf; sh tests/buf/install target/buf");
    }
    works.then_some(program)
}

/// Generates the `proto` of a case.
fn generate(buf: &Path, case: &str, strategy: &str, options: &str, out: &Path) -> Output {
    let work = tempfile::tempdir().expect("a temporary folder");
    let case = root().join("tests/cases").join(case);
    let carried = root().join("proto-plugins/include");
    // JSON is YAML, and quotes for us.
    let modules = "{version: v2, modules: [{path: proto}, {path: include}]}";
    fs::write(work.path().join("buf.yaml"), modules).expect("buf.yaml");
    copy(&case.join("proto"), &work.path().join("proto"));
    copy(&carried, &work.path().join("include"));
    let plugin = env!("CARGO_BIN_EXE_protoc-gen-jovian");
    let template = format!(
        "{{version: v2, inputs: [{{directory: proto}}], plugins: [{{local: {plugin:?}, out: {out:?}, strategy: {strategy}, opt: [{options}]}}]}}"
    );
    Command::new(buf)
        .args(["generate", "--template", &template])
        .current_dir(work.path())
        .env("HOME", work.path())
        .output()
        .expect("buf runs")
}

fn copy(from: &Path, to: &Path) {
    for (name, text) in tree(from) {
        let path = to.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
}

#[test]
fn strategy_all_gives_the_same() {
    let Some(buf) = buf() else { return };
    let mut failures = Vec::new();
    for case in cases(|name| ["orders", "nested-packages", "kratos-errors"].contains(&name)) {
        let out = tempfile::tempdir().expect("a temporary folder");
        let name = case.file_name().expect("a name").to_string_lossy().into_owned();
        let run = generate(&buf, &name, "all", "", out.path());
        assert!(run.status.success(), "{name}: {}", String::from_utf8_lossy(&run.stderr));
        failures.extend(differences(&name, &tree(&case.join("out")), &tree(out.path())));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn strategy_directory_gives_the_same_without_modules() {
    let Some(buf) = buf() else { return };
    let out = tempfile::tempdir().expect("a temporary folder");
    let run = generate(&buf, "no-modules", "directory", "modules=false, serde=true", out.path());
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let expected = tree(&root().join("tests/cases/no-modules/out"));
    let failures = differences("no-modules", &expected, &tree(out.path()));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_package_in_two_folders_needs_strategy_all() {
    let Some(buf) = buf() else { return };
    let out = tempfile::tempdir().expect("a temporary folder");
    let run = generate(&buf, "fail-partial-package", "directory", "modules=false, serde=true", out.path());
    let text = String::from_utf8_lossy(&run.stderr);
    assert!(!run.status.success() && text.contains("J0205") && text.contains("strategy: all"), "{text}");
    assert!(tree(out.path()).is_empty());
}
