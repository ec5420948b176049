//! Generates code from IDL of others, which is not kept here: crates that ship it are dev-dependencies, and this finds
//! their sources. Google's comes in no crate; `google-protos` fetches it, and `JOVIAN_GOOGLE_PROTOS` says where it is.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let crates = Crates::load()?;
    let health = crates.sources("tonic-health")?.join("proto");
    let reflection = crates.sources("tonic-reflection")?.join("proto");
    let opentelemetry = crates.sources("opentelemetry-proto")?.join("src/proto/opentelemetry-proto");
    let mut builder = jovian::Builder::new().out_dir(out_dir("crates")?);
    for folder in [&health, &reflection, &opentelemetry] {
        builder = builder.include(folder).input(folder);
    }
    builder.generate()?;
    // Where a client in another language compiles the same files.
    println!("cargo::rustc-env=OPENTELEMETRY_PROTOS={}", opentelemetry.display());

    println!("cargo::rustc-check-cfg=cfg(google)");
    println!("cargo::rerun-if-env-changed=JOVIAN_GOOGLE_PROTOS");
    if let Some(google) = env::var_os("JOVIAN_GOOGLE_PROTOS").map(PathBuf::from) {
        println!("cargo::rustc-cfg=google");
        println!("cargo::rustc-env=GOOGLE_PROTOS={}", google.display());
        jovian::Builder::new()
            .include(&google)
            .input(google.join("google/longrunning"))
            .input(google.join("google/pubsub/v1"))
            .out_dir(out_dir("google")?)
            .generate()?;
    }
    Ok(())
}

fn out_dir(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let folder = Path::new(&env::var("OUT_DIR")?).join(name);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// What cargo knows of the crates of this workspace.
struct Crates(Value);

impl Crates {
    fn load() -> Result<Self, Box<dyn Error>> {
        let metadata = |offline: &[&str]| {
            Command::new(env::var_os("CARGO").ok_or("cargo runs build scripts")?)
                .args(["metadata", "--format-version", "1", "--filter-platform", &env::var("HOST")?])
                .args(offline)
                .current_dir(env::var("CARGO_MANIFEST_DIR")?)
                .output()
                .map_err(Box::<dyn Error>::from)
        };
        // Offline is enough unless parts of the workspace that nobody built have other dependencies.
        let mut output = metadata(&["--offline"])?;
        if !output.status.success() {
            output = metadata(&[])?;
        }
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(Self(serde_json::from_slice(&output.stdout)?))
    }

    /// The folder with the sources of a crate.
    fn sources(&self, name: &str) -> Result<PathBuf, Box<dyn Error>> {
        let packages = self.0["packages"].as_array().ok_or("cargo metadata lists packages")?;
        let package = packages
            .iter()
            .find(|package| package["name"] == name)
            .ok_or_else(|| format!("no crate {name}"))?;
        let manifest = package["manifest_path"].as_str().map(Path::new).and_then(Path::parent);
        Ok(manifest.ok_or_else(|| format!("{name} has no manifest"))?.to_owned())
    }
}
