//! Protobuf editions: what is asked of protoc, and what is not.

#![allow(clippy::expect_used, reason = "a test says what it expects")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

mod support;
use support::{differences, root, tree};

fn protoc() -> PathBuf {
    protoc_bin_vendored::protoc_bin_path().expect("protoc for this machine")
}

/// Runs the program in `dir`, with this protoc.
fn jovian(dir: &Path, protoc: impl AsRef<Path>, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jovian"))
        .args(arguments)
        .env("PROTOC", protoc.as_ref())
        .current_dir(dir)
        .output()
        .expect("jovian runs")
}

fn write(dir: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        fs::write(path, text).expect("the file");
    }
}

/// What `src/idl/features.rs` takes for the defaults of each edition is what protoc says.
#[test]
fn the_defaults_of_features_are_those_of_protoc() {
    let fresh = tempfile::tempdir().expect("a temporary folder");
    let defaults = fresh.path().join("defaults.binpb");
    let run = Command::new(protoc())
        .arg(format!("--edition_defaults_out={}", defaults.display()))
        .args(["--edition_defaults_minimum=PROTO2", "--edition_defaults_maximum=2024"])
        .arg(format!("-I{}", protoc_bin_vendored::include_path().expect("protoc's own files").display()))
        .arg("google/protobuf/descriptor.proto")
        .status();
    assert!(run.expect("protoc runs").success());
    let read = |path: &Path| fs::read(path).expect("the defaults");
    assert_eq!(read(&defaults), read(&root().join("tests/editions/defaults.binpb")));
}

#[test]
fn a_file_without_an_edition_needs_no_protoc() {
    let fresh = tempfile::tempdir().expect("a temporary folder");
    let (cases, out) = (root().join("tests/cases"), fresh.path().join("out"));
    let run = jovian(&cases.join("orders"), "none", &["gen", "-o", &out.display().to_string(), "proto"]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let found = differences("without protoc", &tree(&cases.join("orders/out")), &tree(&out));
    assert!(found.is_empty(), "{}", found.join("\n"));

    // Edition files that lie in the same root are none of its business.
    let (mixed, out) = (cases.join("editions-mixed"), fresh.path().join("mixed"));
    let arguments = ["gen", "-I", "proto", "-o", &out.display().to_string(), "proto/shop/plain.proto"];
    let run = jovian(&mixed, "none", &arguments);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(tree(&out)["shop.plain.rs"], tree(&mixed.join("out"))["shop.plain.rs"]);
}

/// A set may hold files of an edition that nobody here knows, as long as nothing that is generated needs them.
#[test]
fn an_edition_beside_stops_nothing() {
    let fresh = tempfile::tempdir().expect("a temporary folder");
    write(
        fresh.path(),
        &[
            ("a.proto", "syntax = \"proto3\"; package a; import \"b.proto\"; message A {}"),
            ("b.proto", "edition = \"2023\"; package b; message B {}"),
        ],
    );
    let set = fresh.path().join("set.binpb");
    let run = Command::new(protoc())
        .args(["--include_imports", "-I."])
        .arg(format!("-o{}", set.display()))
        .arg("a.proto")
        .current_dir(fresh.path())
        .status();
    assert!(run.expect("protoc runs").success());
    // `edition: EDITION_2023` becomes 2026: one byte in a varint.
    let mut bytes = fs::read(&set).expect("the set");
    let edition = [0x70, 0xe8, 0x07];
    let at = bytes.windows(3).position(|window| window == edition).expect("an edition");
    bytes[at + 1] = 0xea;
    let generate = |file: &str| {
        let input = jovian::Input::DescriptorSet { bytes: bytes.clone(), files: vec![file.to_owned()] };
        jovian::generate(&input, &jovian::settings::Settings::default())
    };
    assert!(generate("a.proto").is_ok());
    let refused = generate("b.proto").expect_err("an edition of the future").to_string();
    assert!(refused.contains("J0005") && refused.contains("edition `2026`"), "{refused}");
}

/// Without protoc, the edition is one complaint among those that there are.
#[test]
fn what_else_is_wrong_is_reported_without_protoc() {
    let fresh = tempfile::tempdir().expect("a temporary folder");
    write(
        fresh.path(),
        &[
            ("proto/a.proto", "edition = \"2023\"; package a;"),
            ("proto/b.proto", "syntax = \"proto3\"; package b; message B { Nothing a = 1; }"),
            ("proto/c.proto", "syntax = \"proto3\"; package c; import \"a.proto\";"),
        ],
    );
    let run = jovian(fresh.path(), "none", &["gen", "proto"]);
    let said = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(2));
    assert_eq!(said.matches("J0005").count(), 1, "{said}");
    assert!(said.contains("proto/a.proto:1:1") && said.contains("proto/b.proto:1:43"), "{said}");
}

/// No name of a file, of a folder or of an import is taken for a flag of protoc.
#[cfg(unix)]
#[test]
fn names_are_never_flags() {
    let fresh = tempfile::tempdir().expect("a temporary folder");
    let dir = fresh.path().join("-I=a:b c");
    write(
        &dir,
        &[
            (
                "-odd=x:y/--version.proto",
                "edition = \"2023\"; package a; import \"@b.proto\"; message A { b.B b = 1; }",
            ),
            ("-odd=x:y/@b.proto", "edition = \"2024\"; package b; message B {}"),
        ],
    );
    let run = jovian(&dir, protoc(), &["gen", "-o", "out", "./-odd=x:y"]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(dir.join("out/a.rs").is_file() && dir.join("out/b.rs").is_file());
}

/// A protoc that is too old for the edition, and a program that is no protoc.
#[cfg(unix)]
#[test]
fn a_protoc_that_does_not_know_the_edition_is_named() {
    let fresh = tempfile::tempdir().expect("a temporary folder");
    write(fresh.path(), &[("proto/a.proto", "edition = \"2024\";\npackage a;\n")]);
    let old = |version: &str| root().join(format!("tests/editions/protoc-{version}"));
    for (program, problem) in [
        (old("3.21.12"), "is of version 3.21.12, which is too old"),
        (old("30.2"), "is of version 30.2, which is too old"),
        (PathBuf::from("echo"), "it is no protoc"),
    ] {
        let run = jovian(fresh.path(), program, &["gen", "proto"]);
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(said.contains(problem) && said.contains("protoc 32 or newer"), "{said}");
        assert!(said.contains("J0005") && said.contains("proto/a.proto:1:1"), "{said}");
    }
}
