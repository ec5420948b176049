//! IDL text: `jovian gen` on one file.

#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use jovian::settings::Settings;
use jovian::{Input, generate};
use libfuzzer_sys::fuzz_target;

static ROOT: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a temporary folder"));

fuzz_target!(|text: &[u8]| {
    let file: PathBuf = ROOT.path().join("p.proto");
    fs::write(&file, text).expect("the IDL");
    let inputs = vec![file.to_string_lossy().into_owned()];
    let input = Input::Proto { inputs, includes: Vec::new() };
    match generate(&input, &Settings::default()) {
        Ok(output) => drop(output.warnings.to_string()),
        Err(diags) => assert!(diags.has_errors() && !diags.to_string().is_empty()),
    }
});
