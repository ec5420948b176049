//! Lists the cases, so that nobody has to.
#![allow(clippy::expect_used, reason = "a test that cannot be built has to say so")]
#![allow(clippy::print_stdout, reason = "cargo listens")]

use std::path::Path;
use std::{env, fs};

fn main() {
    let manifest = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let cases = Path::new(&manifest).join("../cases");
    println!("cargo::rerun-if-changed={}", cases.display());
    let mut names: Vec<String> = fs::read_dir(&cases)
        .expect("tests/cases")
        .map(|case| case.expect("a case").path())
        .filter(|case| case.join("out/mod.rs").is_file())
        .map(|case| case.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    let module = |name: &String| {
        let (ident, file) = (name.replace('-', "_"), cases.join(name).join("out/mod.rs"));
        format!(
            "/// The case `{name}`.\npub mod {ident} {{\n    include!({:?});\n}}\n",
            file.display().to_string()
        )
    };
    let text: String = names.iter().map(module).collect();
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("cases.rs");
    fs::write(out, text).expect("the list of cases");
}
