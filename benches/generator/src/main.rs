//! Measures the generator, and what its output costs to compile, against tonic-prost-build.
//!
//! `cargo run --release -p jovian-bench -- [generator|compile] [--quick] [--json]`. What the figures mean, and the last ones:
//! `docs/benchmarks.md`.

mod compile;
mod corpus;
mod generator;
mod handlers;
mod measure;
mod programs;
mod random;
mod report;
mod words;

use std::process::Command;

use anyhow::bail;

use report::Report;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((measure::MEASURE, command)) =
        arguments.split_first().map(|(first, rest)| (first.as_str(), rest))
    {
        return measure::child(command);
    }
    let (mut generator, mut compile, mut quick, mut json) = (false, false, false, false);
    for argument in &arguments {
        match argument.as_str() {
            "generator" => generator = true,
            "compile" => compile = true,
            "--quick" => quick = true,
            "--json" => json = true,
            other => bail!("`{other}` is not known: [generator|compile] [--quick] [--json]"),
        }
    }
    let all = !generator && !compile;
    let mut rows = Vec::new();
    if all || generator {
        rows.extend(generator::measure(quick)?);
    }
    if all || compile {
        rows.extend(compile::measure(quick)?);
    }
    let report = Report { machine: machine()?, rows };
    match json {
        true => println!("{}", serde_json::to_string_pretty(&report)?),
        false => print!("{report}"),
    }
    Ok(())
}

/// `rustc 1.95.0 (...), x86_64 linux, 2 cores`
fn machine() -> anyhow::Result<String> {
    let rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .arg("--version")
        .output()?;
    let cores = std::thread::available_parallelism()?;
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    Ok(format!("{}, {arch} {os}, {cores} cores", String::from_utf8_lossy(&rustc.stdout).trim()))
}
