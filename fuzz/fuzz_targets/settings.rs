//! `jovian.toml`, and the parameter of the plugin.

#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use jovian::settings::{PROJECT_FILE, Project, parse_parameter};
use libfuzzer_sys::fuzz_target;

static ROOT: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a temporary folder"));

fuzz_target!(|text: &[u8]| {
    let file: PathBuf = ROOT.path().join(PROJECT_FILE);
    fs::write(&file, text).expect("the project file");
    if let Err(diags) = Project::read(&file) {
        assert!(diags.has_errors() && !diags.to_string().is_empty());
    }
    if let Ok(parameter) = str::from_utf8(text)
        && let Err(diags) = parse_parameter(parameter)
    {
        assert!(diags.has_errors() && !diags.to_string().is_empty());
    }
});
