//! What is fuzzed: every way in which bytes that nobody has checked reach the generator. One function is one target; libFuzzer
//! calls them with bytes of its own making, `tests/corpus.rs` with those of the corpus. What reaches the runtime is in
//! `runtime/src/codec/fuzzing.rs`, `runtime/src/net/authority/fuzzing.rs`, `runtime/src/registry/layout/fuzzing.rs` and
//! `runtime/src/registry/zookeeper/fuzzing.rs`.
//!
//! Out: nothing. Never: a panic, an end of the process, a run without an end, or a mistake without words.
#![allow(dead_code, reason = "each program uses one of them")]

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use jovian::diag::Diagnostics;
use jovian::model::Template;
use jovian::settings::{Project, Settings, parse_parameter};
use jovian::{Input, generate};

/// IDL text, as a file that imports what Jovian brings along.
pub(crate) fn idl(text: &[u8]) {
    static ONE_AT_A_TIME: Mutex<Option<tempfile::TempDir>> = Mutex::new(None);
    let mut folder = ONE_AT_A_TIME.lock().expect("nobody panics");
    let folder = folder.get_or_insert_with(|| tempfile::tempdir().expect("a temporary folder"));
    let file = folder.path().join("p.proto");
    fs::write(&file, text).expect("the IDL");
    run(&proto(&file));
}

fn proto(file: &Path) -> Input {
    let inputs = vec![file.to_string_lossy().into_owned()];
    // There is no such program: what is not the generator's own is not tried here.
    Input::Proto { inputs, includes: Vec::new(), protoc: "no-protoc".into() }
}

/// The bytes of a descriptor set.
pub(crate) fn descriptor(bytes: &[u8]) {
    run(&Input::DescriptorSet { bytes: bytes.to_vec(), files: Vec::new() });
}

/// What protoc hands a plugin.
pub(crate) fn plugin(request: &[u8]) {
    let answer = jovian::plugin::run(request);
    drop(answer.warnings.to_string());
}

/// `jovian.toml`, and the parameter of the plugin.
pub(crate) fn settings(text: &[u8]) {
    if let Ok(text) = str::from_utf8(text) {
        explained(Project::parse("jovian.toml", text));
        explained(parse_parameter(text));
    }
}

/// The text of an error: `no order {id}`.
pub(crate) fn template(text: &[u8]) {
    if let Ok(text) = str::from_utf8(text)
        && let Ok(template) = Template::parse(text)
    {
        assert_eq!(template.text, text);
        assert!(template.fields.iter().all(|field| text.contains(&format!("{{{field}}}"))));
    }
}

fn run(input: &Input) {
    if let Some(output) = explained(generate(input, &Settings::default())) {
        drop(output.warnings.to_string());
    }
}

/// Whatever fails says why.
fn explained<T>(result: Result<T, Diagnostics>) -> Option<T> {
    result.map_err(|diags| assert!(diags.has_errors() && !diags.to_string().is_empty())).ok()
}
