//! `jovian keys`: what services will write, as a table and as JSON.

#![allow(clippy::expect_used, reason = "a test says what it expects")]

use std::process::{Command, Output};

use jovian_runtime::registry::layout;

mod support;
use support::{expect_text, root};

/// Runs it in the case with services that have two names.
fn keys(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jovian"))
        .arg("keys")
        .args(arguments)
        .current_dir(root().join("tests/cases/java-package"))
        .output()
        .expect("jovian runs")
}

fn stdout(run: &Output) -> String {
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8_lossy(&run.stdout).into_owned()
}

/// Every key and value of an instance, and the keys that govern its calls.
#[test]
fn keys_are_shown_before_anything_runs() {
    let mut failures = Vec::new();
    let mut expect = |file: &str, arguments: &[&str]| {
        let file = root().join("tests/keys").join(file);
        expect_text(&file, &stdout(&keys(arguments)), &mut failures);
    };
    let orders = "proto/orders.proto";
    let jupiter = ["--layout", "jupiter", "--mode", "live", "--governor", "10.0.0.7:9001", "--host", "web-1"];
    let at = ["--addr", "10.0.0.7:9000", "--at", "1767225600000"];
    expect("jupiter.txt", &[&jupiter[..], &at, &[orders]].concat());
    let dubbo = ["--layout", "dubbo-tri,dubbo-grpc", "--group", "blue", "--service-version", "1.0.0"];
    expect(
        "dubbo.txt",
        &[&dubbo[..], &at, &["--from", "shop.web.site", "--cluster", "green", orders]].concat(),
    );
    expect("dubbo.json", &["--layout", "dubbo-tri", "--as", "json", orders]);
    assert!(failures.is_empty(), "{}\n(BLESS=1 renews)", failures.join("\n"));
}

/// Without a choice, every layout of the store is there, and the same is said again.
#[test]
fn all_layouts_are_shown() {
    for store in [layout::StoreKind::Etcd, layout::StoreKind::ZooKeeper] {
        let name = if store == layout::StoreKind::Etcd { "etcd" } else { "zookeeper" };
        let text = stdout(&keys(&["--store", name, "proto"]));
        let layouts = layout::all(&layout::Options::of(store));
        assert!(!layouts.is_empty());
        for layout in layouts {
            assert!(text.lines().any(|line| line == layout.name()), "{} in {name}: {text}", layout.name());
        }
        assert_eq!(text, stdout(&keys(&["--store", name, "proto"])));
    }
}

/// Stores that know instances by themselves have their layouts, too.
#[test]
fn instances_of_services_are_shown_as_keys() {
    let orders = "proto/orders.proto";
    let at = ["--addr", "10.0.0.7:9000", "--at", "1767225600000", orders];
    let mut failures = Vec::new();
    for store in ["nacos", "discovery"] {
        let text = stdout(&keys(&[&["--store", store][..], &at].concat()));
        expect_text(&root().join("tests/keys").join(format!("{store}.txt")), &text, &mut failures);
    }
    assert!(failures.is_empty(), "{}\n(BLESS=1 renews)", failures.join("\n"));
}

#[test]
fn what_has_no_keys_says_so() {
    let fail = |arguments: &[&str], problem: &str| {
        let run = keys(arguments);
        let stderr = String::from_utf8_lossy(&run.stderr).into_owned();
        assert_eq!(run.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(problem), "{stderr}");
    };
    fail(&["--layout", "consul", "proto"], "there is no layout `consul`");
    fail(&["--store", "nacos", "--layout", "kitex", "proto"], "there is no layout `kitex` in Nacos");
    fail(&["--store", "discovery", "--layout", "kitex", "proto"], "there is no layout `kitex` in discovery");
    fail(&["--addr", "10.0.0.7", "proto"], "`10.0.0.7` is no `host:port`");
    fail(&["../fail-app-id/proto"], "is no application id");
    let none = root().join("tests/cases/unused-selector/proto").display().to_string();
    assert_eq!(stdout(&keys(&[&none])), "no services are declared\n");
}
