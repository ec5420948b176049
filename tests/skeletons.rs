//! What `jovian new` makes: the files as they are in `tests/skeletons`, and a project that builds, passes its own checks and
//! answers. The built program runs, as a user runs it. `BLESS=1` renews the files.
#![allow(clippy::expect_used, reason = "a test says what it expects")]

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

#[path = "support/project.rs"]
mod project;
mod support;
use project::{
    Running, cargo, empty, eventually, free_address, jovian, new_project, new_service, one_at_a_time, passes,
    said, workshop,
};
use support::{bless, differences, root, tree};

#[test]
fn a_new_project_has_these_files() {
    let golden = root().join("tests/skeletons");
    let made = new_project("shop.order.orders", &[]);
    let names: String = made.keys().map(|name| format!("{name}\n")).collect();
    let mut own = made;
    // What is generated follows from the IDL, and has its own tests.
    own.retain(|name, _| !name.starts_with("src/generated/"));
    if bless() {
        let _nothing_there = fs::remove_dir_all(golden.join("orders"));
        for (name, text) in &own {
            let path = golden.join("orders").join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("the golden folder");
            fs::write(path, text).expect("the golden file");
        }
        fs::write(golden.join("orders.txt"), &names).expect("the golden list");
    }
    let list = fs::read_to_string(golden.join("orders.txt")).expect("the golden list");
    assert_eq!(list, names, "(BLESS=1 renews)");
    let found = differences("a new project", &tree(&golden.join("orders")), &own);
    assert!(found.is_empty(), "{}\n(BLESS=1 renews)", found.join("\n"));
}

/// The runtime is whole, and nothing of it refers to the repository that it came from.
#[test]
fn the_runtime_is_vendored() {
    let dir = empty();
    assert!(jovian(dir.path(), &["new", "orders"]).status.success());
    let vendored = tree(&dir.path().join("orders/vendor/jovian-runtime"));
    let sources: BTreeMap<String, String> = vendored
        .iter()
        .filter_map(|(name, text)| Some((name.strip_prefix("src/")?.to_owned(), text.clone())))
        .collect();
    assert!(differences("the runtime", &tree(&root().join("runtime/src")), &sources).is_empty());
    let others: Vec<&str> =
        vendored.keys().map(String::as_str).filter(|name| !name.starts_with("src/")).collect();
    assert_eq!(others, ["Cargo.toml", "LICENSE", "rustfmt.toml"]);
    let here = root().display().to_string();
    for (name, text) in tree(&dir.path().join("orders")) {
        assert!(!text.contains(&here), "{name} names the folder of this repository");
    }
}

#[test]
fn the_runtime_can_come_from_elsewhere() {
    let runtime = root().join("runtime").display().to_string();
    for (source, dependency) in [
        (format!("path={runtime}"), "jovian-runtime = { path = \""),
        (
            "git=https://example.com/jovian#v1".to_owned(),
            "jovian-runtime = { git = \"https://example.com/jovian\", rev = \"v1\" }",
        ),
        ("registry=0.1".to_owned(), "jovian-runtime = \"0.1\""),
    ] {
        let dir = empty();
        let run = jovian(dir.path(), &["new", "orders", "--runtime", &source]);
        assert!(run.status.success(), "{}", said(&run));
        let project = tree(&dir.path().join("orders"));
        assert!(project["Cargo.toml"].contains(dependency), "{}", project["Cargo.toml"]);
        assert!(!project.keys().any(|name| name.starts_with("vendor/")));
    }
    let dir = empty();
    for (source, problem) in [("path=nowhere", "[J0002]"), ("svn=x", "write `vendored`")] {
        let run = jovian(dir.path(), &["new", "orders", "--runtime", source]);
        assert_eq!(run.status.code(), Some(2));
        assert!(said(&run).contains(problem), "{}", said(&run));
    }
    assert!(tree(dir.path()).is_empty());
}

/// The layout of the templates is rustfmt's for short names and for long ones, and generated code is left alone.
#[test]
fn every_name_gives_formatted_and_fresh_code() {
    let long = "acme_platform.customer_relations.subscription_invoices";
    for name in
        ["a", "orders", "shop.inventory", "shop.item", "eu.shop.order.order_lines", "shop.app.calls", long]
    {
        let dir = empty();
        let project = dir.path().join("project");
        let run = jovian(dir.path(), &["new", name, "--path", "project"]);
        assert!(run.status.success(), "{}", said(&run));
        let sources = ["src/lib.rs", "src/main.rs", "tests/service.rs", "examples/call.rs"];
        let fmt = Command::new("rustfmt")
            .args(["--check", "--edition", "2024"])
            .args(sources)
            .current_dir(&project)
            .output();
        let fmt = fmt.expect("rustfmt runs");
        assert!(fmt.status.success(), "{name}: {}", said(&fmt));
        let check = jovian(&project, &["gen", "--check"]);
        assert!(check.status.success(), "{name}: {}", said(&check));
        assert!(check.stdout.is_empty() && check.stderr.is_empty(), "{name}: {}", said(&check));
    }
}

#[test]
fn what_exists_is_never_touched() {
    let dir = empty();
    fs::create_dir(dir.path().join("orders")).expect("a folder");
    fs::write(dir.path().join("orders/notes.txt"), "mine").expect("a file");
    fs::write(dir.path().join("file"), "mine").expect("a file");
    let before = tree(dir.path());
    for path in ["orders", "orders/", "file", ".", "..", "orders/.."] {
        let run = jovian(dir.path(), &["new", "shop.order.orders", "--path", path]);
        assert_eq!(run.status.code(), Some(2), "{path}: {}", said(&run));
        assert!(said(&run).contains("[J0302]"), "{path}: {}", said(&run));
        assert_eq!(before, tree(dir.path()), "{path}");
    }
    // An empty folder is as good as none.
    fs::create_dir(dir.path().join("empty")).expect("a folder");
    assert!(jovian(dir.path(), &["new", "shop.order.orders", "--path", "empty"]).status.success());
}

#[test]
fn a_failure_leaves_nothing_behind() {
    let dir = empty();
    fs::write(dir.path().join("file"), "mine").expect("a file");
    let before = tree(dir.path());
    // A folder that cannot be written is none to a superuser; a file and a folder that is missing are none to anybody.
    for path in ["missing/orders", "file/orders"] {
        let run = jovian(dir.path(), &["new", "orders", "--path", path]);
        assert_eq!(run.status.code(), Some(2), "{path}: {}", said(&run));
        assert!(said(&run).contains("[J0303]"), "{path}: {}", said(&run));
    }
    let locked = dir.path().join("locked");
    fs::create_dir(&locked).expect("a folder");
    let mut permissions = fs::metadata(&locked).expect("the folder").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&locked, permissions).expect("locking it");
    if fs::write(locked.join("probe"), "").is_err() {
        let run = jovian(dir.path(), &["new", "orders", "--path", "locked/orders"]);
        assert_eq!(run.status.code(), Some(2), "{}", said(&run));
        assert!(fs::read_dir(&locked).expect("the folder").next().is_none());
    }
    let _superuser = fs::remove_file(locked.join("probe"));
    assert_eq!(before, tree(dir.path()));
    let names: Vec<_> = fs::read_dir(dir.path())
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

/// All that a new service promises.
#[test]
fn a_new_service_builds_passes_its_checks_and_answers() {
    let _one = one_at_a_time();
    let project = new_service("shop.order.orders", &[]);

    let built = passes(&project, &["build", "--all-targets"]);
    assert!(!built.contains("warning"), "{built}");
    let tested = passes(&project, &["test"]);
    assert!(tested.contains("it_answers_over_tcp ... ok"), "{tested}");
    passes(&project, &["clippy", "--all-targets", "--", "-D", "warnings"]);
    passes(&project, &["fmt", "--check"]);
    assert!(jovian(&project, &["gen", "--check"]).status.success());

    let address = free_address();
    let registry = empty();
    let service = cargo(&project, &["run", "--quiet"])
        .env("JOVIAN_SERVER__ADDRESS", &address)
        .env("JOVIAN_REGISTRY__PATH", registry.path())
        .stdout(Stdio::piped())
        .spawn()
        .map(Running)
        .expect("it starts");
    eventually("it listens", Duration::from_secs(60), || TcpStream::connect(&address).is_ok());
    let called =
        passes(&project, &["run", "--quiet", "--example", "call", "--", &format!("http://{address}")]);
    let readme = fs::read_to_string(project.join("README.md")).expect("the README");
    for line in called.lines() {
        assert!(readme.contains(line), "the README does not show `{line}`");
    }
    assert!(called.contains("ORDER_NOT_FOUND (10001): no order 2"), "{called}");
    if cfg!(unix) {
        // Another process that is told no address.
        let found = cargo(&project, &["run", "--quiet", "--example", "call"])
            .env("JOVIAN_REGISTRY__PATH", registry.path())
            .output()
            .expect("cargo runs");
        assert_eq!(said(&found), called);
    }
    if cfg!(unix) {
        let (code, log) = service.terminate();
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("shop.order.orders") && log.contains("stopped"), "{log}");
    }
}

/// The setting `serde` takes the feature `serde`, and rustc says so.
#[test]
fn json_takes_a_feature_of_the_runtime() {
    let _one = one_at_a_time();
    let project = new_service("shop.order.notes", &[]);
    let generated = jovian(&project, &["gen", "--serde", "true"]);
    assert!(generated.status.success(), "{}", said(&generated));
    let without = cargo(&project, &["check"]).output().expect("cargo runs");
    assert!(!without.status.success());
    let told = "error: this code was generated with the setting `serde`, which takes the feature `serde` of `jovian-runtime`";
    assert!(said(&without).contains(told), "{}", said(&without));

    let manifest = fs::read_to_string(project.join("Cargo.toml")).expect("the manifest");
    let vendored = r#"path = "vendor/jovian-runtime""#;
    let with = manifest.replace(vendored, &format!(r#"{vendored}, features = ["serde"]"#));
    fs::write(project.join("Cargo.toml"), with).expect("the manifest");
    let built = passes(&project, &["check"]);
    assert!(!built.contains("warning"), "{built}");
}

#[test]
fn quickstart_shows_an_answer_and_leaves_nothing() {
    let _one = one_at_a_time();
    let dir = empty();
    let run = Command::new(env!("CARGO_BIN_EXE_jovian"))
        .arg("quickstart")
        .env("CARGO_TARGET_DIR", workshop().join("target"))
        .env("TMPDIR", dir.path())
        // Meant for another service, and to be left alone.
        .env("JOVIAN_CONFIG", "nowhere.toml")
        .output()
        .expect("jovian runs");
    let text = said(&run);
    assert!(run.status.success(), "{text}");
    assert!(text.contains("GetOrder 1: Some(Order") && text.contains("no order 2"), "{text}");
    assert!(text.contains("5/5 stopping it") && text.contains("jovian new shop.order.orders"), "{text}");
    assert!(tree(dir.path()).is_empty(), "something is left in the temporary folder");
}

#[test]
fn quickstart_needs_cargo() {
    let dir = empty();
    let run = Command::new(env!("CARGO_BIN_EXE_jovian"))
        .arg("quickstart")
        .env("PATH", dir.path())
        .env("TMPDIR", dir.path())
        .output()
        .expect("jovian runs");
    assert_eq!(run.status.code(), Some(2));
    assert!(said(&run).contains("error[J0304]: there is no `cargo` on the PATH"), "{}", said(&run));
    assert!(tree(dir.path()).is_empty());
}

/// Ctrl-C while cargo builds: cargo ends, the folder goes, and it is said.
#[cfg(unix)]
#[test]
fn quickstart_cleans_up_when_it_is_interrupted() {
    let dir = empty();
    // A cargo that takes its time, so that nothing is built for this.
    let cargo = dir.path().join("cargo");
    fs::write(&cargo, "#!/bin/sh\ntouch \"$(dirname \"$0\")/started\"\nsleep 600\n").expect("a program");
    fs::set_permissions(&cargo, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it may run");
    let path = format!("{}:{}", dir.path().display(), std::env::var("PATH").expect("a PATH"));
    let temporary = dir.path().join("temporary");
    fs::create_dir(&temporary).expect("a folder");
    let quickstart = Command::new(env!("CARGO_BIN_EXE_jovian"))
        .arg("quickstart")
        .env("PATH", path)
        .env("TMPDIR", &temporary)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map(Running)
        .expect("jovian runs");
    eventually("cargo runs", Duration::from_secs(60), || dir.path().join("started").exists());
    assert!(fs::read_dir(&temporary).expect("the folder").next().is_some());
    let (code, text) = quickstart.terminate();
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("2/5 building") && !text.contains("3/5"), "{text}");
    assert!(fs::read_dir(&temporary).expect("the folder").next().is_none(), "the folder is still there");
}
