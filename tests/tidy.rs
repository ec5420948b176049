//! The laws of the house, as `docs/architecture.md` lists them: what can be read off the source is checked here, so that a
//! law holds on the day after it was written, too.

#![allow(clippy::expect_used, reason = "a test says what it expects")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use jovian::diag::Code;

#[path = "support/rust.rs"]
mod rust;
mod support;
use rust::{module_of, modules_and_reexports, parts, paths_of, tokens, used_of_root};
use support::{root, tree};

/// Files that may be longer than [`LONGEST`] lines, each with the reason.
const LONG: &[(&str, &str)] = &[];

/// No file of the product is longer: a second job has moved into one that is.
const LONGEST: usize = 400;

/// Uses of a module below: the crate, the user, the used, and the reason.
const UPWARDS: &[(&str, &str, &str, &str)] = &[
    (
        "runtime/src",
        "app",
        "generated",
        "an app serves health and reflection, which are generated, and generated code names the app",
    ),
    ("runtime/src", "app", "health", "as above"),
    (
        "runtime/src",
        "registry",
        "client",
        "a store that is a program of its own is called like any other service",
    ),
    ("runtime/src", "registry", "etcd_api", "as above: the client is generated"),
    ("runtime/src", "app", "reflection", "as above"),
];

/// The Rust files below a folder, by their name below it, without what a machine wrote.
fn sources(dir: &str) -> BTreeMap<String, String> {
    let mut files = tree(&root().join(dir));
    files.retain(|name, text| name.ends_with(".rs") && !text.starts_with("// @generated"));
    assert!(!files.is_empty(), "no source below {dir}");
    files
}

fn uses_of_modules_below(dir: &str, crate_name: &str) -> Vec<String> {
    let files = tree(&root().join(dir));
    let (modules, reexports) = modules_and_reexports(&files["lib.rs"]);
    let place = |name: &str| modules.iter().position(|module| module == name);
    let mut complaints = Vec::new();
    for (file, text) in files.iter().filter(|(file, _)| file.ends_with(".rs")) {
        let module = module_of(file);
        let Some(own) = place(module) else { continue };
        let depth = file.trim_end_matches("/mod.rs").split('/').count();
        let mut used = BTreeSet::new();
        used_of_root(tokens(file, text), depth, crate_name, &mut used);
        for name in used {
            let name = reexports.get(&name).unwrap_or(&name);
            let allowed =
                UPWARDS.iter().any(|(krate, user, other, _)| (*krate, *user, *other) == (dir, module, name));
            if place(name).is_some_and(|other| other > own) && !allowed {
                complaints
                    .push(format!("{dir}/{file} uses `{name}`, which stands below `{module}` in lib.rs"));
            }
        }
    }
    complaints
}

fn nothing(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn a_module_of_the_generator_uses_only_modules_above_it() {
    nothing(&uses_of_modules_below("src", "jovian"));
}

#[test]
fn a_module_of_the_runtime_uses_only_modules_above_it() {
    nothing(&uses_of_modules_below("runtime/src", "jovian_runtime"));
}

/// The reader of paths, on which the two laws above rest.
#[test]
fn paths_to_the_root_are_found() {
    let used = |text: &str, depth: usize| {
        let mut used = BTreeSet::new();
        used_of_root(tokens("a test", text), depth, "jovian", &mut used);
        used.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(used("use crate::{a::B, c, d::{E, f}}; fn x() { crate::g::h() }", 1), ["a", "c", "d", "g"]);
    assert_eq!(used("use super::a; mod tests { use super::*; use super::super::b; }", 1), ["a", "b"]);
    assert_eq!(used("use super::a; use super::super::{b, c};", 2), ["b", "c"]);
    assert_eq!(used("type A = ::jovian::a::B; type B = other::jovian::b::C;", 1), ["a"]);
    assert_eq!(used("macro_rules! m { () => { $crate::a::b() }; } // crate::c", 1), ["a"]);
}

/// The reader of uses, on which the laws below rest.
#[test]
fn uses_are_found() {
    let found = |text: &str| paths_of("a test", text);
    assert_eq!(found("use std::{env, fs};"), ["use", "std::env", "std::fs", "env", "fs"]);
    assert_eq!(
        found("dir.read_dir()?; std::fs::write(a, b)"),
        ["dir", ".read_dir", "std::fs::write", "a", "b"]
    );
    assert_eq!(found("x(quote! { Result<#a> }, quote!(Err)) // fs"), ["x"]);
    assert_eq!(found("matches!(a, Some(\"fs::write\"))"), ["matches", "a", "Some"]);
}

#[test]
fn only_idl_reads_and_only_files_writes() {
    let asks = [".canonicalize", ".exists", ".is_dir", ".is_file", ".read_dir", ".read_link", ".try_exists"];
    let writes = [
        "write",
        "create_dir",
        "create_dir_all",
        "remove_file",
        "remove_dir",
        "remove_dir_all",
        "rename",
        "copy",
        "set_permissions",
    ];
    let mut complaints = Vec::new();
    for (file, text) in sources("src") {
        let module = module_of(&file);
        for path in paths_of(&file, &text) {
            let disk = parts(&path).any(|part| ["fs", "OpenOptions", "tempfile"].contains(&part))
                || asks.contains(&path.as_str())
                || (path.starts_with("File::")
                    && (path.ends_with("::open") || path.ends_with("::create"))
                    && module != "idl");
            let allowed = module == "files" || module == "idl";
            if disk && !allowed {
                complaints.push(format!("src/{file} looks at the disk: `{path}`"));
            }
            if module == "idl" && disk && parts(&path).any(|part| writes.contains(&part)) {
                complaints.push(format!("src/{file} writes: `{path}`"));
            }
        }
    }
    nothing(&complaints);
}

/// Of the command line one file starts programs: cargo, for projects to build and to run, and git, for IDL as it was; of the
/// stages one does, and that is protoc, for edition files.
#[test]
fn only_two_files_start_programs() {
    let mut starters = BTreeSet::new();
    for (file, text) in sources("src") {
        if paths_of(&file, &text).iter().any(|path| path.contains("process::Command")) {
            starters.insert(file);
        }
    }
    assert_eq!(starters, BTreeSet::from(["cli/process.rs", "idl/protoc.rs"].map(str::to_owned)));
}

#[test]
fn emit_cannot_fail_and_never_sees_the_model() {
    let words = [
        ".unwrap",
        ".expect",
        "panic",
        "unreachable",
        "todo",
        "unimplemented",
        "assert",
        "assert_eq",
        "Result",
        "Err",
        "Model",
    ];
    let mut complaints = Vec::new();
    for (file, text) in sources("src").into_iter().filter(|(file, _)| module_of(file) == "emit") {
        let without_tests = text.split("#[cfg(test)]").next().unwrap_or_default();
        for path in paths_of(&file, without_tests) {
            let from_model = path.strip_prefix("crate::model").or_else(|| path.strip_prefix("model"));
            let sees = from_model.is_some_and(|item| !["::Shape", "::Idempotency"].contains(&item))
                || ["crate::idl", "crate::check", "crate::diag", "prost_types", "prost_build", "protox"]
                    .iter()
                    .any(|other| path.starts_with(other));
            if sees || parts(&path).any(|part| words.contains(&part)) {
                complaints.push(format!("src/{file} uses `{path}`"));
            }
        }
    }
    nothing(&complaints);
}

/// No order of hashing, no clock, no place of the process, no thread that could come first: one module has threads, and gives
/// their results in order.
#[test]
fn the_output_depends_on_input_and_settings_alone() {
    let never = ["HashMap", "HashSet", "SystemTime", "Instant", "current_dir", "thread", "RandomState"];
    // Doors may ask; which build of the tool they are, they tell the cache.
    let environment = [
        "env::var",
        "env::var_os",
        "env::vars",
        "env::vars_os",
        "env::args",
        "env::args_os",
        "env::current_exe",
    ];
    let mut complaints = Vec::new();
    for (file, text) in sources("src").into_iter().filter(|(file, _)| module_of(file) != "cli") {
        for path in paths_of(&file, &text) {
            let asks = environment.iter().any(|question| path.ends_with(question))
                && module_of(&file) != "build_script";
            let ours = module_of(&file) == "parallel" && parts(&path).any(|part| part == "thread");
            if ours {
                continue;
            }
            if asks || parts(&path).any(|part| never.contains(&part)) {
                complaints.push(format!("src/{file} uses `{path}`"));
            }
        }
    }
    nothing(&complaints);
}

/// The program and the plugin speak at their doors; the stages hand over what there is to say.
#[test]
fn only_doors_speak() {
    let mut complaints = Vec::new();
    for (file, text) in sources("src") {
        let door = ["cli", "build_script", "main"].contains(&module_of(&file));
        for path in paths_of(&file, &text) {
            let speaks =
                path.ends_with("io::stdout") || path.ends_with("io::stderr") || path.ends_with("io::stdin");
            let ends = path.ends_with("process::exit") || path.ends_with("process::abort");
            if ends || (speaks && !door) {
                complaints.push(format!("src/{file} uses `{path}`"));
            }
        }
    }
    nothing(&complaints);
}

#[test]
fn generated_code_has_one_door_to_the_runtime() {
    let mut complaints = Vec::new();
    for (file, text) in tree(&root().join("tests/cases")) {
        if !file.ends_with(".rs") {
            continue;
        }
        let door = "jovian_runtime::codegen::v1";
        for path in paths_of(&file, &text) {
            // What follows the door is rust's and prost's own naming; what comes before it is the user's crate.
            if path.starts_with("jovian_runtime") && !path.starts_with(door) {
                complaints.push(format!("tests/cases/{file} uses `{path}`"));
            }
            if ["prost", "prost_types", "tonic", "tokio", "http"]
                .contains(&parts(&path).next().unwrap_or_default())
                && path.contains("::")
            {
                complaints.push(format!("tests/cases/{file} uses `{path}`"));
            }
        }
    }
    nothing(&complaints);
}

#[test]
fn no_file_does_two_jobs() {
    let mut complaints = Vec::new();
    for dir in ["src", "runtime/src", "proto-plugins"] {
        for (file, text) in sources(dir) {
            let (name, lines) = (format!("{dir}/{file}"), text.lines().count());
            let long = LONG.iter().any(|(allowed, _)| *allowed == name);
            if lines > LONGEST && !long {
                complaints.push(format!("{name} has {lines} lines; {LONGEST} are enough for one job"));
            }
            if lines <= LONGEST && long {
                complaints.push(format!("{name} is short again: take it off the list"));
            }
        }
    }
    nothing(&complaints);
}

#[test]
fn every_module_says_what_comes_in_and_what_goes_out() {
    let mut complaints = Vec::new();
    for dir in ["src", "runtime/src"] {
        for (file, text) in sources(dir) {
            let is_head = file.ends_with("/mod.rs") || !file.contains('/');
            if is_head && !text.starts_with("//!") {
                complaints.push(format!("{dir}/{file} does not say what it is for"));
            }
        }
    }
    nothing(&complaints);
}

/// Every code has a page, and a place where it is seen to be reported.
#[test]
fn every_code_has_a_page_and_a_failing_case() {
    let variants = syn::parse_file(&fs::read_to_string(root().join("src/diag/code.rs")).expect("code.rs"))
        .expect("Rust")
        .items
        .into_iter()
        .find_map(|item| match item {
            syn::Item::Enum(item) if item.ident == "Code" => Some(item.variants.len()),
            _ => None,
        });
    assert_eq!(variants, Some(Code::ALL.len()), "`Code::ALL` does not list all codes");
    let ids: BTreeSet<&str> = Code::ALL.iter().map(|code| code.id()).collect();
    assert_eq!(ids.len(), Code::ALL.len(), "two codes have one id");

    let page = fs::read_to_string(root().join("docs/reference/diagnostics.md")).expect("the page");
    let cases = tree(&root().join("tests/cases"));
    let cases: String =
        cases.into_iter().filter(|(file, _)| file.ends_with("/stderr")).map(|(_, text)| text).collect();
    let tests = tree(&root().join("tests"));
    let is_test = |file: &str| file.ends_with(".rs") && !file.contains('/') && file != "tidy.rs";
    let tests: String = tests.into_iter().filter(|(file, _)| is_test(file)).map(|(_, text)| text).collect();
    let mut complaints = Vec::new();
    for id in &ids {
        if !page.lines().any(|line| line.starts_with("## ") && line.contains(id)) {
            complaints.push(format!("{id} has no section in docs/reference/diagnostics.md"));
        }
        if !cases.contains(&format!("[{id}]")) && !tests.contains(id) {
            complaints.push(format!("{id} is reported by no case of tests/cases and asked for by no test"));
        }
    }
    for line in page.lines().filter_map(|line| line.strip_prefix("## J")) {
        let id = format!("J{}", line.split([' ', ':']).next().unwrap_or_default());
        if !ids.contains(id.as_str()) {
            complaints.push(format!("docs/reference/diagnostics.md speaks of {id}, which there is not"));
        }
    }
    nothing(&complaints);
}

/// The text files that people write, by their name in the repository.
fn texts() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let folders = [
        ".ci",
        "benches",
        "docs",
        "examples",
        "proto-plugins",
        "runtime/proto",
        "runtime/src",
        "runtime/tests",
        "src",
        "templates",
        "tests",
    ];
    for dir in folders {
        let inside = tree(&root().join(dir)).into_iter().filter(|(name, _)| !is_of_a_machine(name));
        files.extend(inside.map(|(name, text)| (format!("{dir}/{name}"), text)));
    }
    for entry in fs::read_dir(root()).expect("the repository") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        // In a worktree, `.git` is a file that names a folder of the machine.
        if path.is_file() && name != "Cargo.lock" && name != ".git" {
            files.insert(name, fs::read_to_string(&path).expect("a text"));
        }
    }
    files
}

fn is_of_a_machine(name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    parts.iter().any(|part| ["target", "__pycache__", ".jovian", ".venv", "Cargo.lock"].contains(part))
}

#[test]
fn nothing_is_left_to_do_and_no_machine_is_named() {
    // In two parts, or this file would be the first to break the law.
    let words = [("TO", "DO"), ("FIX", "ME"), ("XX", "X:"), ("to", "do!("), ("unimpl", "emented!(")];
    let places = [("/ro", "ot/"), ("/ho", "me/"), ("/Us", "ers/"), ("/wo", "rk/"), ("/tm", "p/")];
    let mut complaints = Vec::new();
    for (file, text) in texts() {
        for (number, line) in text.lines().enumerate() {
            for (first, second) in words.iter().chain(&places) {
                let needle = format!("{first}{second}");
                let found = line.find(&needle).is_some_and(|at| {
                    // A folder of that name inside of a path or a URL is no place of a machine.
                    !needle.starts_with('/')
                        || !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}".contains(c))
                });
                if found {
                    complaints.push(format!("{file}:{}: `{needle}`", number + 1));
                }
            }
        }
    }
    nothing(&complaints);
}

/// Versions stand in the root manifest; members say `workspace = true`.
#[test]
fn every_version_is_written_once() {
    let mut complaints = Vec::new();
    // Projects that were made, and the template they were made from, stand on their own.
    let made = |file: &str| ["templates/", "tests/skeletons/"].iter().any(|dir| file.starts_with(dir));
    let manifests = texts().into_iter().filter(|(file, _)| file.ends_with("/Cargo.toml") && !made(file));
    let runtime = (
        "runtime/Cargo.toml".to_owned(),
        fs::read_to_string(root().join("runtime/Cargo.toml")).expect("a manifest"),
    );
    for (file, text) in manifests.chain([runtime]) {
        let manifest: toml::Table = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, value) in manifest.get(section).and_then(toml::Value::as_table).into_iter().flatten() {
                if value.is_str() || value.get("version").is_some() {
                    complaints.push(format!("{file} gives the version of `{name}`; the root manifest does"));
                }
            }
        }
    }
    nothing(&complaints);
}

/// A crate that is no member of the workspace is tested by nobody.
#[test]
fn every_folder_with_a_manifest_is_a_member() {
    let manifest: toml::Table =
        fs::read_to_string(root().join("Cargo.toml")).expect("a manifest").parse().expect("TOML");
    let members = manifest["workspace"].get("members").and_then(toml::Value::as_array).expect("a list");
    let members: BTreeSet<&str> = members.iter().filter_map(toml::Value::as_str).collect();
    for dir in ["benches", "examples", "tests"] {
        for entry in fs::read_dir(root().join(dir)).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = format!("{dir}/{}", path.file_name().expect("a name").to_string_lossy());
            if path.join("Cargo.toml").is_file() {
                assert!(members.contains(name.as_str()), "{name} is no member of the workspace");
            }
        }
    }
}

/// `cargo run` in the root has to mean one program: README begins with it. A second package that says what it runs makes it
/// an error.
#[test]
fn one_program_is_meant_by_cargo_run() {
    let manifest = |dir: &str| -> toml::Table {
        let path = root().join(dir).join("Cargo.toml");
        fs::read_to_string(path).expect("a manifest").parse().expect("TOML")
    };
    let workspace = manifest(".");
    let members =
        workspace["workspace"].get("default-members").and_then(toml::Value::as_array).expect("a list");
    let says = |dir: &&str| manifest(dir)["package"].get("default-run").is_some();
    let said: Vec<&str> = members.iter().filter_map(toml::Value::as_str).filter(says).collect();
    assert_eq!(said, ["."], "`cargo run` does not know which one to run");
}
