//! The three doors give the same bytes: the built program, protoc with the built plugin, a crate with a build script.

#![allow(clippy::expect_used, reason = "a test says what it expects")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

mod support;
use support::{case_args, cases, differences, root, tree};

/// What the program gave is in the repository, and `tests/cases.rs` keeps it fresh.
fn proto_cases() -> Vec<PathBuf> {
    cases(|name| !name.starts_with("fail-")).into_iter().filter(|case| case.join("proto").is_dir()).collect()
}

#[test]
fn protoc_with_the_plugin_gives_the_same() {
    let protoc = protoc_bin_vendored::protoc_bin_path().expect("protoc for this machine");
    let well_known = protoc_bin_vendored::include_path().expect("protoc's own files");
    let mut failures = Vec::new();
    for case in proto_cases() {
        let out = tempfile::tempdir().expect("a temporary folder");
        let arguments = case_args(&case);
        let options = arguments.windows(2).filter_map(|pair| {
            let setting = jovian::settings::SETTINGS.iter().find(|it| pair[0] == format!("--{}", it.name))?;
            Some(format!("--jovian_opt={}={}", setting.name, pair[1].replace(',', "\\,")))
        });
        let run = Command::new(&protoc)
            .arg(format!("--plugin=protoc-gen-jovian={}", env!("CARGO_BIN_EXE_protoc-gen-jovian")))
            .arg(format!("--jovian_out={}", out.path().display()))
            .args(options)
            .arg(format!("-I{}", case.join("proto").display()))
            .arg(format!("-I{}", root().join("proto-plugins/include").display()))
            .arg(format!("-I{}", well_known.display()))
            .args(protos(&case.join("proto")))
            .output()
            .expect("protoc runs");
        if !run.status.success() {
            failures.push(format!("{}: {}", case.display(), String::from_utf8_lossy(&run.stderr)));
        }
        failures.extend(differences(
            &case.display().to_string(),
            &tree(&case.join("out")),
            &tree(out.path()),
        ));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_build_script_gives_the_same() {
    let mut failures = Vec::new();
    for case in proto_cases() {
        let name = case.file_name().expect("a name");
        let built = tree(&Path::new(jovian_tests_built::OUT_DIR).join(name));
        failures.extend(differences(&case.display().to_string(), &tree(&case.join("out")), &built));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_descriptor_set_gives_the_same() {
    let protoc = protoc_bin_vendored::protoc_bin_path().expect("protoc for this machine");
    let well_known = protoc_bin_vendored::include_path().expect("protoc's own files");
    for case in ["orders", "editions-2023", "editions-2024", "editions-mixed"] {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let case = root().join("tests/cases").join(case);
        let set = dir.path().join("api.binpb");
        let run = Command::new(&protoc)
            .args(["--include_imports", "--include_source_info"])
            .arg(format!("-o{}", set.display()))
            .arg(format!("-I{}", case.join("proto").display()))
            .arg(format!("-I{}", root().join("proto-plugins/include").display()))
            .arg(format!("-I{}", well_known.display()))
            .args(protos(&case.join("proto")))
            .status();
        assert!(run.expect("protoc runs").success());
        let out = dir.path().join("out");
        let run = Command::new(env!("CARGO_BIN_EXE_jovian"))
            .args(["gen", "-o"])
            .args([&out, &set])
            .env("PROTOC", "none")
            .status();
        assert!(run.expect("jovian runs").success());
        let found = differences(&case.display().to_string(), &tree(&case.join("out")), &tree(&out));
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

/// What is wrong reaches protoc as an error of the plugin, with its place, and nothing is written.
#[test]
fn protoc_shows_our_complaints() {
    let protoc = protoc_bin_vendored::protoc_bin_path().expect("protoc for this machine");
    let out = tempfile::tempdir().expect("a temporary folder");
    let run = Command::new(protoc)
        .arg(format!("--plugin=protoc-gen-jovian={}", env!("CARGO_BIN_EXE_protoc-gen-jovian")))
        .arg(format!("--jovian_out={}", out.path().display()))
        .arg(format!("-I{}", root().join("tests/cases/fail-timeout/proto").display()))
        .arg(format!("-I{}", root().join("proto-plugins/include").display()))
        .arg(format!("-I{}", protoc_bin_vendored::include_path().expect("protoc's own files").display()))
        .arg("--jovian_opt=clients=false")
        .arg("p.proto")
        .output()
        .expect("protoc runs");
    let text = String::from_utf8_lossy(&run.stderr);
    assert!(!run.status.success() && text.contains("J0101") && text.contains("p.proto:8:7"), "{text}");
    assert!(text.contains("unknown parameter `clients`"), "of the parameter, too: {text}");
    assert!(tree(out.path()).is_empty());
}

/// The files of a folder as protoc wants them named.
fn protos(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = tree(dir).into_keys().filter(|name| name.ends_with(".proto")).collect();
    names.sort();
    assert!(!names.is_empty() && fs::metadata(dir).is_ok());
    names
}
