//! What every command has: formats for complaints, help with examples; and the small commands around `gen`.

#![allow(clippy::expect_used, reason = "a test says what it expects")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use jovian::diag::Code;

mod support;
use support::{root, tree};

fn jovian(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jovian"))
        .args(arguments)
        .current_dir(dir)
        .env_remove("NO_COLOR")
        .output()
        .expect("jovian runs")
}

fn stdout(run: &Output) -> String {
    String::from_utf8_lossy(&run.stdout).into_owned()
}

fn stderr(run: &Output) -> String {
    String::from_utf8_lossy(&run.stderr).into_owned()
}

/// The objects of standard error.
fn objects(run: &Output) -> Vec<serde_json::Value> {
    let text = stderr(run);
    text.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
}

/// The names of all commands, as the program lists them.
fn commands() -> Vec<String> {
    let help = stdout(&jovian(&root(), &["help"]));
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = lines.take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_has_examples() {
    let commands = commands();
    assert!(commands.iter().any(|command| command == "gen"), "{commands:?}");
    for command in commands {
        for flag in ["-h", "--help"] {
            let help = stdout(&jovian(&root(), &[&command, flag]));
            let examples = help.split_once("Examples:\n").expect("examples").1;
            assert!(examples.contains(&format!("jovian {command}")), "{command} {flag}: {help}");
        }
    }
}

#[test]
fn every_code_is_explained() {
    let list = stdout(&jovian(&root(), &["explain"]));
    assert_eq!(list.lines().count(), Code::ALL.len());
    for (line, code) in list.lines().zip(Code::ALL) {
        assert!(line.starts_with(&format!("{}: ", code.id())), "{line}");
        let page = stdout(&jovian(&root(), &["explain", code.id()]));
        assert_eq!(page.lines().next(), Some(line));
        assert!(page.lines().count() > 4, "{page}");
        assert!(!page.contains("](") && !page.contains("<!--") && !page.contains("```"), "{page}");
    }
    let lower = jovian(&root(), &["explain", "j0105"]);
    assert!(stdout(&lower).contains("`LOST` reuses the number 7 of `GONE`"));
}

#[test]
fn a_code_that_is_none_leads_to_the_nearest() {
    let run = jovian(&root(), &["explain", "J0209"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(stderr(&run).contains("there is no code `J0209`"), "{}", stderr(&run));
    assert!(stderr(&run).contains("the nearest is `J020"), "{}", stderr(&run));
}

#[test]
fn json_is_one_object_a_line() {
    let run = jovian(
        &root().join("tests/cases/fail-error-range"),
        &["gen", "--format", "json", "-o", "out", "proto"],
    );
    assert_eq!((run.status.code(), stdout(&run).as_str()), (Some(2), ""));
    let objects = objects(&run);
    assert_eq!(objects.len(), 3);
    for object in &objects {
        let keys = ["code", "severity", "message", "help", "file", "line", "column", "endColumn", "labels"];
        let object = object.as_object().expect("an object");
        assert!(object.len() == keys.len() && keys.iter().all(|key| object.contains_key(*key)), "{object:?}");
    }
    assert_eq!(
        (&objects[0]["line"], &objects[0]["column"], &objects[0]["endColumn"]),
        (&10.into(), &3.into(), &7.into())
    );
}

/// Also commands that read no IDL, and warnings of a run that did its work.
#[test]
fn every_command_speaks_the_format() {
    let run = jovian(&root(), &["--format", "json", "new", "Shop!"]);
    assert_eq!(objects(&run)[0]["code"], "J0301");
    assert_eq!(objects(&run)[0]["file"], serde_json::Value::Null);
    let run = jovian(&root(), &["explain", "J9999", "--format", "github"]);
    assert!(stderr(&run).starts_with("::error title=J0006::there is no code"), "{}", stderr(&run));

    let out = tempfile::tempdir().expect("a temporary folder");
    let out = out.path().join("out").display().to_string();
    let run = jovian(&root().join("tests/cases/names"), &["gen", "--format", "github", "-o", &out, "proto"]);
    assert_eq!(run.status.code(), Some(0));
    assert!(stderr(&run).starts_with("::warning file=proto/"), "{}", stderr(&run));
}

#[test]
fn check_reports_files_to_machines() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in tree(&root().join("tests/cases/orders")) {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    let check =
        |format: &str| jovian(dir.path(), &["gen", "--check", "--format", format, "-o", "out", "proto"]);
    let clean = check("json");
    assert_eq!((clean.status.code(), stderr(&clean).as_str()), (Some(0), ""));

    let edited = dir.path().join("out/shop.orders.v1.rs");
    let text = fs::read_to_string(&edited).expect("the output");
    fs::write(&edited, text.replacen("\n\n", "\n// edited\n\n", 1)).expect("the output");
    fs::remove_file(dir.path().join("out/mod.rs")).expect("the output");
    let run = check("json");
    assert_eq!(run.status.code(), Some(1));
    let objects = objects(&run);
    let of = |file: &str| objects.iter().find(|object| object["file"] == file).expect("a complaint");
    assert_eq!(objects.len(), 2);
    assert_eq!(
        (&of("out/shop.orders.v1.rs")["code"], &of("out/shop.orders.v1.rs")["line"]),
        (&"J0305".into(), &2.into())
    );
    assert_eq!(of("out/mod.rs")["message"], "`out/mod.rs` is missing");
    assert!(stdout(&run).contains("-// edited"), "the diff is there all the same");
    let run = check("github");
    assert!(
        stderr(&run).contains(
            "::error file=out/mod.rs,line=1,col=1,endColumn=2,title=J0305::`out/mod.rs` is missing%0Ahelp:"
        ),
        "{}",
        stderr(&run)
    );
}

#[test]
fn colours_are_for_terminals_and_for_those_who_ask() {
    let run = |variables: &[(&str, &str)]| {
        let run = Command::new(env!("CARGO_BIN_EXE_jovian"))
            .args(["explain", "J9999"])
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR_FORCE")
            .envs(variables.iter().copied())
            .output();
        stderr(&run.expect("jovian runs"))
    };
    let coloured = |text: String| text.contains('\u{1b}');
    assert!(!coloured(run(&[])));
    assert!(coloured(run(&[("CLICOLOR_FORCE", "1")])));
    assert!(!coloured(run(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")])));
}

/// A terminal, made by `script`, sees where to read more, once; NO_COLOR and CLICOLOR are heard there, too.
#[test]
#[cfg(target_os = "linux")]
fn a_terminal_is_told_where_to_read_more() {
    let on_terminal = |variable: &str, command: &str| {
        let command = format!("{variable} '{}' {command}", env!("CARGO_BIN_EXE_jovian"));
        let run = Command::new("script")
            .args(["-qec", &command])
            .arg("/dev/null")
            .current_dir(root().join("tests/cases/fail-error-range"))
            .env_remove("NO_COLOR")
            .env("TERM", "xterm")
            .output();
        stdout(&run.expect("script runs"))
    };
    let text = on_terminal("", "gen -o out proto");
    assert!(text.contains('\u{1b}'), "{text}");
    assert_eq!(text.matches("for more: jovian explain J0104").count(), 1, "{text}");
    assert!(!on_terminal("NO_COLOR=1", "gen -o out proto").contains('\u{1b}'));
    assert!(!on_terminal("CLICOLOR=0", "gen -o out proto").contains('\u{1b}'));
    assert!(!on_terminal("", "gen --format json -o out proto").contains("for more"));
}

/// What the IDL says in its words, what is printed in the words of Rust; nothing is written.
#[test]
fn stages_can_be_inspected() {
    let dir = root().join("tests/cases/orders");
    let before = tree(&dir);
    let inspect = |stage: &str| {
        let run = jovian(&dir, &["inspect", "--stage", stage, "proto"]);
        assert_eq!((run.status.code(), stderr(&run).as_str()), (Some(0), ""));
        assert_eq!(stdout(&run), stdout(&jovian(&dir, &["inspect", "--stage", stage, "proto"])));
        serde_json::from_slice::<serde_json::Value>(&run.stdout).expect("JSON")
    };
    let model = inspect("model");
    let files = model["model"]["files"].as_array().expect("files");
    let orders = files.iter().find(|file| file["package"] == "shop.orders.v1").expect("a file");
    assert!(
        orders["types"]["GetOrderRequest"].as_array().is_some_and(|fields| fields[0] == "id = 1"),
        "{orders}"
    );
    let plan = inspect("plan");
    assert_eq!(plan["schema"], 1);
    let method = &plan["plan"]["packages"][1]["services"][0]["methods"][0];
    assert_eq!((&method["name"], &method["policy"]["timeout_ms"]), (&"get_order".into(), &300.into()));
    assert_eq!(before, tree(&dir));

    let wrong =
        jovian(&root().join("tests/cases/fail-several"), &["inspect", "--stage", "plan", "--format", "json"]);
    assert_eq!((wrong.status.code(), stdout(&wrong).as_str()), (Some(2), ""));
    assert!(objects(&wrong).len() > 5, "all of them, as `gen` tells them");
}

#[test]
fn shells_complete_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stdout(&jovian(&root(), &["completions", shell]));
        for word in commands().iter().map(String::as_str).chain(["check", "format"]) {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    assert_eq!(jovian(&root(), &["completions", "tcsh"]).status.code(), Some(2));
}
