//! `jovian errors`: the catalogue, and what is found against errors that callers know.

#![allow(clippy::expect_used, reason = "a test says what it expects")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

mod support;
use support::{expect_text, root, tree};

fn jovian(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jovian")).args(arguments).current_dir(dir).output().expect("jovian runs")
}

fn stdout(run: &Output) -> String {
    String::from_utf8_lossy(&run.stdout).into_owned()
}

fn stderr(run: &Output) -> String {
    String::from_utf8_lossy(&run.stderr).into_owned()
}

/// An IDL with one error enum of the domain `shop`.
fn idl(package: &str, errors: &str) -> String {
    format!(
        "syntax = \"proto3\";\npackage {package};\nimport \"jovian/options.proto\";\n\nenum ShopError {{\n  option \
         (jovian.errors) = {{domain: \"shop\"}};\n  SHOP_ERROR_UNSPECIFIED = 0;\n{errors}\n}}\n"
    )
}

const GONE: &str = "  GONE = 1 [(jovian.error) = {code: NOT_FOUND message: \"no {id}\"}];";
const FULL: &str = "  FULL = 2 [(jovian.error) = {code: RESOURCE_EXHAUSTED retryable: true}];";

/// A project with one file of IDL, in a commit.
struct Project(tempfile::TempDir);

impl Project {
    fn new(errors: &[&str]) -> Self {
        let project = Self(tempfile::tempdir().expect("a temporary folder"));
        fs::create_dir_all(project.dir().join("services/shop/proto")).expect("a folder");
        fs::write(project.shop().join("jovian.toml"), "inputs = [\"proto\"]\nout = \"src\"\n")
            .expect("a file");
        project.write(errors);
        project.git(&["init", "--quiet", "--initial-branch=main"]);
        project.commit();
        project
    }

    fn dir(&self) -> &Path {
        self.0.path()
    }

    /// The project is not the root of its repository.
    fn shop(&self) -> std::path::PathBuf {
        self.dir().join("services/shop")
    }

    fn write(&self, errors: &[&str]) {
        fs::write(self.shop().join("proto/shop.proto"), idl("shop.v1", &errors.join("\n"))).expect("the IDL");
    }

    fn git(&self, arguments: &[&str]) {
        let run = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(self.dir())
            .env("GIT_CONFIG_GLOBAL", "")
            .output()
            .expect("git runs");
        assert!(run.status.success(), "git {arguments:?}: {}", stderr(&run));
    }

    fn commit(&self) {
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "--message", "a commit"]);
    }

    fn check(&self, arguments: &[&str]) -> Output {
        jovian(&self.shop(), &[&["errors", "check"], arguments].concat())
    }

    /// The codes and messages of what is found against the commit.
    fn found(&self, errors: &[&str]) -> Vec<String> {
        self.write(errors);
        let run = self.check(&["--against", "main", "--format", "json"]);
        let objects = stderr(&run);
        let objects: Vec<serde_json::Value> =
            objects.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
        assert_eq!(run.status.code(), Some(i32::from(!objects.is_empty())), "{}", stderr(&run));
        let text = |object: &serde_json::Value, key: &str| object[key].as_str().expect("a text").to_owned();
        objects.iter().map(|object| format!("{} {}", text(object, "code"), text(object, "message"))).collect()
    }
}

/// Compares a complaint with its golden file, which the page on diagnostics shows.
fn expect(file: &str, text: &str) {
    let mut failures = Vec::new();
    expect_text(&root().join("tests/errors_command").join(file), text, &mut failures);
    assert!(failures.is_empty(), "{}\n(BLESS=1 renews)", failures.join("\n"));
}

/// The same as a table, as a page and as JSON, with the errors of Kratos and Jupiter.
#[test]
fn errors_are_listed() {
    let mut failures = Vec::new();
    let golden = root().join("tests/errors_command");
    for (case, form, file) in [
        ("orders", "table", "orders.txt"),
        ("orders", "markdown", "orders.md"),
        ("orders", "json", "orders.json"),
        ("kratos-errors", "table", "kratos.txt"),
        ("jupiter-errors", "table", "jupiter.txt"),
    ] {
        let run = jovian(&root().join("tests/cases").join(case), &["errors", "list", "--as", form, "proto"]);
        assert_eq!((run.status.code(), stderr(&run).as_str()), (Some(0), ""));
        expect_text(&golden.join(file), &stdout(&run), &mut failures);
    }
    assert!(failures.is_empty(), "{}\n(BLESS=1 renews)", failures.join("\n"));
}

#[test]
fn a_project_without_errors_says_so() {
    let case = root().join("tests/cases/comments");
    let run = jovian(&case, &["errors", "list", "proto"]);
    assert_eq!((run.status.code(), stdout(&run).as_str()), (Some(0), "no errors are declared\n"));
    let run = jovian(&case, &["errors", "list", "--as", "json", "proto"]);
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&run.stdout).expect("JSON")["schema"], 1);
    assert_eq!(jovian(&case, &["errors", "check", "proto"]).status.code(), Some(0));
}

/// Numbers, codes and statuses that `gen` refuses are findings here; IDL that is none is a mistake.
#[test]
fn rules_of_generation_hold() {
    let check = |case: &str| jovian(&root().join("tests/cases").join(case), &["errors", "check", "proto"]);
    for (case, code) in
        [("fail-error-range", "J0104"), ("fail-error-duplicate", "J0105"), ("fail-template", "J0106")]
    {
        let run = check(case);
        assert_eq!(run.status.code(), Some(1), "{case}");
        assert!(stderr(&run).contains(code), "{}", stderr(&run));
    }
    let run = check("fail-syntax");
    assert_eq!(run.status.code(), Some(2));
    assert!(stderr(&run).contains("J0003"), "{}", stderr(&run));
    let run = jovian(&root().join("tests/cases"), &["errors", "check"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(stderr(&run).contains("jovian.toml"), "{}", stderr(&run));
}

/// A domain that is spread over files and packages is one list.
#[test]
fn errors_of_a_domain_are_told_apart_wherever_they_are() {
    let found = |other: &str| {
        let project = Project::new(&[GONE, FULL]);
        fs::write(project.shop().join("proto/other.proto"), idl("other.v1", other)).expect("the IDL");
        let run = project.check(&[]);
        (run.status.code(), stderr(&run))
    };
    let (code, text) = found("  LOST = 1;");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("error[J0108]"), "{text}");
    expect("clash.txt", &text);
    let (code, text) = found("  GONE = 3 [(jovian.error) = {code: NOT_FOUND message: \"no {id}\"}];");
    assert_eq!(code, Some(1));
    assert!(text.contains("`GONE` of `shop` has two numbers: 3 and 1"), "{text}");
    let (code, text) = found("  GONE = 1 [(jovian.error) = {code: ABORTED message: \"no {name}\"}];");
    assert_eq!(code, Some(1));
    assert!(text.contains("means two things: code `ABORTED` and `NOT_FOUND`"), "{text}");
    assert!(text.contains("means two things: HTTP status `409` and `404`"), "{text}");
    assert!(text.contains("means two things: fields `name` and `id`"), "{text}");
    let (code, text) = found("  reserved 2; reserved \"FULLER\";\n  LOST = 4;");
    assert_eq!(code, Some(1));
    assert!(
        text.contains("error[J0109]: `FULL` has a number 2 that `other.v1.ShopError` has retired"),
        "{text}"
    );
    // The next version of a package declares the same errors.
    assert_eq!(found(GONE), (Some(0), String::new()));
    assert_eq!(found("  LOST = 4;"), (Some(0), String::new()));
}

#[test]
fn what_callers_know_stays() {
    let project = Project::new(&[GONE, FULL]);
    let none: [&str; 0] = [];
    assert_eq!(project.found(&[GONE, FULL]), none);
    // What is new, another text and another order break nobody.
    let reworded = GONE.replace("no {id}", "there is no {id}");
    assert_eq!(project.found(&[FULL, "  NEW = 3;", &reworded]), none);

    assert_eq!(project.found(&[FULL]), ["J0110 `GONE` of `shop` is gone"]);
    assert_eq!(project.found(&["  reserved 1;", FULL]), ["J0110 `GONE` of `shop` is gone"]);
    assert_eq!(project.found(&["  reserved 1; reserved \"GONE\";", FULL]), none);
    assert_eq!(
        project.found(&[&GONE.replace("= 1", "= 3"), FULL]),
        ["J0110 the number of `GONE` was 1 and is 3"]
    );
    assert_eq!(
        project.found(&[&GONE.replace("GONE", "LOST"), FULL]),
        ["J0109 `LOST` has the number 1, which was `GONE`'s"]
    );
    assert_eq!(
        project.found(&["  LOST = 1;", &GONE.replace("= 1", "= 3"), FULL]),
        ["J0110 the number of `GONE` was 1 and is 3", "J0109 `LOST` has the number 1, which was `GONE`'s"]
    );
    assert_eq!(
        project.found(&[&GONE.replace("NOT_FOUND", "ABORTED"), FULL]),
        [
            "J0110 the code of `GONE` was `NOT_FOUND` and is `ABORTED`",
            "J0110 the HTTP status of `GONE` was `404` and is `409`"
        ]
    );
    assert_eq!(
        project.found(&[&GONE.replace("code:", "http: 410 code:"), FULL]),
        ["J0110 the HTTP status of `GONE` was `404` and is `410`"]
    );
    assert_eq!(
        project.found(&[GONE, &FULL.replace(" retryable: true", "")]),
        ["J0110 the `retryable` of `FULL` was `yes` and is `no`"]
    );
    assert_eq!(
        project.found(&[&GONE.replace("{id}", "{id} of {name}"), FULL]),
        ["J0110 the fields of `GONE` were `id` and are `id`, `name`"]
    );
    let path = project.shop().join("proto/shop.proto");
    let moved = idl("shop.v1", &[GONE, FULL].join("\n")).replace("domain: \"shop\"", "domain: \"store\"");
    fs::write(path, moved).expect("the IDL");
    let run = project.check(&["--against", "main"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(stderr(&run).contains("`GONE` was an error of `shop` and is one of `store`"), "{}", stderr(&run));
}

/// Both places are shown with their lines, and git's own index is left alone.
#[test]
fn a_commit_is_shown_beside_what_is_now() {
    let project = Project::new(&[GONE, FULL]);
    project.write(&[FULL, &GONE.replace("= 1", "= 3")]);
    project.git(&["add", "."]);
    let index = fs::read(project.dir().join(".git/index")).expect("the index");
    let run = project.check(&["--against", "HEAD"]);
    assert_eq!(run.status.code(), Some(1));
    expect("renumbered.txt", &stderr(&run));
    assert!(fs::read(project.dir().join(".git/index")).expect("the index") == index);
    project.write(&[&GONE.replace("GONE", "LOST"), FULL]);
    expect("reused.txt", &stderr(&project.check(&["--against", "HEAD"])));
    // From the root of the repository, with the IDL named.
    project.write(&[FULL, &GONE.replace("= 1", "= 3")]);
    let run = jovian(
        project.dir(),
        &["errors", "check", "-I", "services/shop/proto", "services", "--against", "HEAD"],
    );
    assert!(stderr(&run).contains("--> services/shop/proto/shop.proto:9:3"), "{}", stderr(&run));
    assert!(stderr(&run).contains("HEAD:services/shop/proto/shop.proto:8:3"), "{}", stderr(&run));
}

#[test]
fn a_folder_is_as_good_as_a_commit() {
    let (was, now) = (Project::new(&[GONE, FULL]), Project::new(&[FULL]));
    let folder = was.shop().display().to_string();
    let run = now.check(&["--against", &folder]);
    assert_eq!(run.status.code(), Some(1));
    assert!(stderr(&run).contains("`GONE` of `shop` is gone"), "{}", stderr(&run));
    let before = tree(now.dir());
    assert_eq!(now.check(&["--against", "."]).status.code(), Some(0));
    assert_eq!(before, tree(now.dir()), "nothing is written");
}

#[test]
fn there_may_be_nothing_to_compare_with() {
    let project = Project::new(&[GONE]);
    let run = project.check(&["--against", "mian"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(
        stderr(&run).contains("error[J0002]: there is no commit and no folder `mian`"),
        "{}",
        stderr(&run)
    );

    // A project that is younger than the commit.
    let copy = project.dir().join("services/young");
    fs::create_dir_all(copy.join("proto")).expect("a folder");
    fs::write(copy.join("jovian.toml"), "inputs = [\"proto\"]\nout = \"src\"\n").expect("a file");
    fs::write(copy.join("proto/young.proto"), idl("young.v1", GONE)).expect("the IDL");
    let run = jovian(&copy, &["errors", "check", "--against", "HEAD"]);
    assert_eq!((run.status.code(), stderr(&run).as_str()), (Some(0), ""));
    assert!(stdout(&run).contains("`HEAD` has no IDL here"), "{}", stdout(&run));

    let outside = tempfile::tempdir().expect("a temporary folder");
    fs::write(outside.path().join("a.proto"), idl("a", GONE)).expect("the IDL");
    let run = Command::new(env!("CARGO_BIN_EXE_jovian"))
        .args(["errors", "check", "a.proto", "--against", "main"])
        .current_dir(outside.path())
        .env("GIT_CEILING_DIRECTORIES", outside.path().parent().expect("a folder"))
        .output()
        .expect("jovian runs");
    assert_eq!(run.status.code(), Some(2));
    assert!(stderr(&run).contains("error[J0304]"), "{}", stderr(&run));
}
