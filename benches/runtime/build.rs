//! Generates the same service twice: by Jovian, and by tonic-prost-build.

use std::path::PathBuf;

use anyhow::Context as _;

fn main() -> anyhow::Result<()> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    jovian::Builder::new()
        .input("proto")
        .out_dir(out.join("jovian"))
        .generate()
        .map_err(|wrong| anyhow::anyhow!("{wrong}"))?;
    let set = protox::compile(["jovian/bench/v1/bench.proto"], ["proto"])?;
    let tonic = out.join("tonic");
    std::fs::create_dir_all(&tonic)?;
    tonic_prost_build::configure().out_dir(&tonic).include_file("mod.rs").compile_fds(set)?;
    Ok(())
}
