//! Makes legal IDL that nobody would write, generates from it by two doors, and hands the output to the compiler.
//!
//! `JOVIAN_HOSTILE_CASES` says how many cases, `JOVIAN_HOSTILE_SEED` which; each is made from the seed and its number alone.
//! `cargo check -p jovian-tests-hostile` is the test: what fails stands in a module `case_17`, and its IDL beside the output.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be built has to say so")]
#![allow(clippy::print_stdout, reason = "cargo listens")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use jovian::diag::Code;
use jovian::settings::Settings;
use jovian::{Input, Output, generate};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use prost::Message as _;
use prost_types::{FileDescriptorProto, FileDescriptorSet};

mod json;
mod shape;
mod text;
mod words;

fn main() {
    let number = |name: &str, usual: u64| {
        println!("cargo::rerun-if-env-changed={name}");
        env::var(name).map_or(usual, |text| text.parse().expect("a number"))
    };
    let (seed, count) = (number("JOVIAN_HOSTILE_SEED", 1), number("JOVIAN_HOSTILE_CASES", 100));
    let first = number("JOVIAN_HOSTILE_FIRST", 0);
    println!("cargo::rerun-if-changed=build");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    for entry in fs::read_dir(&out).expect("the output") {
        let _a_file_or_gone = fs::remove_dir_all(entry.expect("an entry").path());
    }
    let (mut legal, mut calls) = (Vec::new(), String::new());
    let mut failures = Vec::new();
    for case in first..first + count {
        let dir = out.join(format!("case_{case}"));
        match run(seed, case, &dir) {
            Ok(Some(output)) => {
                legal.push(format!(
                    "/// Case {case}.\npub mod case_{case} {{\n    include!({:?});\n}}\n",
                    dir.join("out/mod.rs")
                ));
                calls.push_str(&json::calls(case, &output));
            }
            Ok(None) => {}
            Err(problem) => {
                failures.push(format!("case {case} of seed {seed}, {}:\n{problem}", dir.display()))
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    let made = legal.len() as u64;
    assert!(made * 2 >= count, "{made} of {count} cases are legal: the generator of cases has to be better");
    println!("cargo::warning=seed {seed}: {made} of {count} cases are legal");
    fs::write(out.join("cases.rs"), legal.concat()).expect("the list of cases");
    let test = format!("#[test]\nfn every_message_is_json() {{\n{calls}}}\n");
    fs::write(out.join("json.rs"), test).expect("the test");
}

/// Makes a case and generates from it: nothing, if it is not legal; what is wrong with the output if it is.
fn run(seed: u64, case: u64, dir: &Path) -> Result<Option<Output>, String> {
    let bytes = [seed, case, 0, 0].map(u64::to_le_bytes).concat();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let files = text::files(shape::case().new_tree(&mut runner).expect("a case").current());
    fs::create_dir_all(dir.join("proto")).expect("a folder");
    for (name, text) in &files {
        fs::write(dir.join("proto").join(name), text).expect("a file");
    }
    let from_text = by_text(dir)?;
    let set = compiled(dir, files.iter().map(|(name, _)| name));
    let names = files.iter().map(|(name, _)| name.clone()).collect();
    let from_set = set.as_ref().map(|bytes| by_set(bytes.clone(), names)).transpose()?;
    if let (Some(one), Some(other)) = (&from_text, &from_set)
        && !code(one).eq(code(other))
    {
        write(&dir.join("by-text"), one);
        write(&dir.join("by-protoc"), other);
        return Err("the doors give different output: `by-text` and `by-protoc`".to_owned());
    }
    if let (Some(output), Some(set)) = (&from_set, &set) {
        keeps_names(output, set)?;
    }
    let Some(output) = from_text.or(from_set) else { return Ok(None) };
    write(&dir.join("out"), &output);
    Ok(Some(output))
}

/// The output without comments: the two compilers do not agree on what a comment between two things belongs to.
fn code(output: &Output) -> impl Iterator<Item = (&str, Vec<&str>)> {
    output.files.iter().map(|(name, file)| {
        (name, file.text.lines().filter(|line| !line.trim_start().starts_with("//")).collect())
    })
}

fn write(dir: &Path, output: &Output) {
    fs::create_dir_all(dir).expect("a folder");
    output.files.iter().for_each(|(name, file)| fs::write(dir.join(name), &file.text).expect("a file"));
}

fn settings() -> Settings {
    Settings { serde: true, ..Settings::default() }
}

fn by_text(dir: &Path) -> Result<Option<Output>, String> {
    let inputs = vec![dir.join("proto").display().to_string()];
    match generate(&Input::Proto { inputs, includes: Vec::new(), protoc: PathBuf::new() }, &settings()) {
        Ok(output) => Ok(Some(output)),
        Err(problems) if problems.iter().all(|it| it.code == Code::Idl) => Ok(None),
        Err(problems) => Err(problems.to_string()),
    }
}

fn by_set(bytes: Vec<u8>, files: Vec<String>) -> Result<Output, String> {
    generate(&Input::DescriptorSet { bytes, files }, &settings())
        .map_err(|problems| format!("from protoc's descriptors: {problems}"))
}

/// What protoc makes of the files, if it takes them.
fn compiled<'a>(dir: &Path, files: impl Iterator<Item = &'a String>) -> Option<Vec<u8>> {
    let manifest = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let set = dir.join("set.binpb");
    let run = Command::new(protoc_bin_vendored::protoc_bin_path().expect("protoc for this machine"))
        .args(["--include_imports", "--include_source_info", "-o"])
        .arg(&set)
        .arg(format!("-I{}", dir.join("proto").display()))
        .arg(format!("-I{manifest}/../../proto-plugins/include"))
        .arg(format!("-I{}", protoc_bin_vendored::include_path().expect("protoc's own files").display()))
        .args(files)
        .output()
        .expect("protoc runs");
    run.status.success().then(|| fs::read(set).expect("protoc's output"))
}

/// Reflection tells the names of the IDL, whatever they are in Rust.
fn keeps_names(output: &Output, set: &[u8]) -> Result<(), String> {
    let original = FileDescriptorSet::decode(set).expect("protoc's output");
    for (name, file) in output.files.iter() {
        let parsed = syn::parse_file(&file.text).map_err(|error| format!("{name}: {error}"))?;
        for item in parsed.items {
            let syn::Item::Const(item) = item else { continue };
            let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::ByteStr(bytes), .. }) = *item.expr else {
                continue;
            };
            let printed = FileDescriptorSet::decode(bytes.value().as_slice()).expect("a descriptor set");
            for file in printed.file {
                let same = |other: &&FileDescriptorProto| other.name() == file.name();
                let mut original = original.file.iter().find(same).expect("a file of the case").clone();
                original.source_code_info = None;
                if original != file {
                    return Err(format!("reflection does not tell {} as it is", file.name()));
                }
            }
        }
    }
    Ok(())
}
