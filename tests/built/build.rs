//! Generates every case as a user's build script would, each into a folder of its own.
#![allow(clippy::expect_used, reason = "a test that cannot be built has to say so")]

use std::path::Path;
use std::{env, fs};

fn main() {
    let manifest = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let protoc = protoc_bin_vendored::protoc_bin_path().expect("protoc for this machine");
    for case in fs::read_dir(Path::new(&manifest).join("../cases")).expect("tests/cases") {
        let case = case.expect("a case").path();
        let name = case.file_name().expect("a name").to_string_lossy().into_owned();
        if name.starts_with("fail-") || !case.join("proto").is_dir() {
            continue;
        }
        let arguments = fs::read_to_string(case.join("args")).unwrap_or_default();
        let mut builder = jovian::Builder::new()
            .input(case.join("proto"))
            .out_dir(Path::new(&out).join(&name))
            .protoc(&protoc);
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        for pair in arguments.windows(2) {
            if let Some(setting) =
                jovian::settings::SETTINGS.iter().find(|it| pair[0] == format!("--{}", it.name))
            {
                builder = builder.set(setting.name, pair[1]);
            }
        }
        builder.generate().expect("a case that works");
    }
}
