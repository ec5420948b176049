//! Puts the templates and the runtime's sources into the program, so that `jovian new` needs nothing but itself.
//!
//! In: `templates/`, the runtime and the files that its manifest inherits from. Out: `embedded.rs`, tables of relative
//! names and texts. Never: a path of this machine.

use std::error::Error;
use std::io::{self, Write as _};
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    if env::var_os("CARGO_FEATURE_CLI").is_none() {
        writeln!(io::stdout(), "cargo::rerun-if-changed=build.rs")?;
        return Ok(());
    }
    let mut code = table("TEMPLATES", &below(Path::new("templates"))?);
    code += &table("RUNTIME_SOURCES", &below(Path::new("runtime/src"))?);
    for (name, file) in [
        ("WORKSPACE_MANIFEST", "Cargo.toml"),
        ("RUNTIME_MANIFEST", "runtime/Cargo.toml"),
        ("RUSTFMT", "rustfmt.toml"),
        ("LICENSE", "LICENSE"),
    ] {
        code += &format!("pub(super) static {name}: &str = {:?};\n", read(Path::new(file))?);
        writeln!(io::stdout(), "cargo::rerun-if-changed={file}")?;
    }
    writeln!(io::stdout(), "cargo::rerun-if-changed=templates\ncargo::rerun-if-changed=runtime/src")?;
    let out = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    fs::write(Path::new(&out).join("embedded.rs"), code)?;
    Ok(())
}

fn table(name: &str, files: &[(String, String)]) -> String {
    let rows: String = files.iter().map(|(name, text)| format!("    ({name:?}, {text:?}),\n")).collect();
    format!("pub(super) static {name}: &[(&str, &str)] = &[\n{rows}];\n")
}

/// All files below `root` in the order of their names, with `/` between the parts.
fn below(root: &Path) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let (mut files, mut open) = (Vec::new(), vec![root.to_owned()]);
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name =
                    path.strip_prefix(root)?.to_str().ok_or("a file name is not UTF-8")?.replace('\\', "/");
                files.push((name, read(&path)?));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The text with the line endings of the repository, whatever those of the checkout.
fn read(path: &Path) -> Result<String, Box<dyn Error>> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text.replace("\r\n", "\n"))
}
