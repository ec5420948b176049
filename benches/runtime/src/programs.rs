//! The programs that are measured: this one, and the one that notes allocations, which cargo builds.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::load::{LOAD, Load, Seen};
use crate::process;
use crate::servers::{Kind, SERVE};

/// The program that notes allocations, and its profile: as fast as may be, with lines.
const COUNTED: &str = "jovian-bench-runtime-counted";
const PROFILE: &str = "bench-counted";
const SETTINGS: [&str; 2] = ["inherits=\"release\"", "debug=\"line-tables-only\""];

/// This program.
pub(crate) fn this() -> anyhow::Result<PathBuf> {
    Ok(std::env::current_exe()?)
}

/// Where cargo puts what it builds: this program lies in `TARGET/PROFILE`.
pub(crate) fn target() -> anyhow::Result<PathBuf> {
    Ok(this()?.ancestors().nth(2).context("not run by cargo")?.to_owned())
}

/// Builds the program that notes allocations and says where it is.
pub(crate) fn counted() -> anyhow::Result<PathBuf> {
    eprintln!("building {COUNTED}");
    let target = target()?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).env("CARGO_INCREMENTAL", "0");
    cargo.args(["build", "--quiet", "--package", env!("CARGO_PKG_NAME"), "--bin", COUNTED]);
    cargo.args(["--profile", PROFILE]).arg("--target-dir").arg(&target);
    for setting in SETTINGS {
        cargo.arg("--config").arg(format!("profile.{PROFILE}.{setting}"));
    }
    ensure!(cargo.status()?.success(), "{COUNTED} cannot be built");
    Ok(target.join(PROFILE).join(COUNTED))
}

/// A server of a program of ours, without its port.
pub(crate) fn server(program: &Path, kind: Kind) -> Command {
    let mut command = Command::new(program);
    command.args([SERVE, kind.word()]);
    command
}

/// A process that calls, without what it is told.
pub(crate) fn caller(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg(LOAD);
    command
}

/// Lets a process call on `cores`, and says what it saw.
pub(crate) fn call(caller: &Command, load: &Load, cores: &str) -> anyhow::Result<Seen> {
    let mut command = process::on(cores, caller)?;
    let output = command.arg(serde_json::to_string(load)?).output()?;
    ensure!(output.status.success(), "{load:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).with_context(|| format!("no figures of {load:?}"))
}

/// `rustc 1.95.0 (...), x86_64 linux, 2 cores`
pub(crate) fn machine() -> anyhow::Result<String> {
    let rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .arg("--version")
        .output()?;
    let cores = std::thread::available_parallelism()?;
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    Ok(format!("{}, {arch} {os}, {cores} cores", String::from_utf8_lossy(&rustc.stdout).trim()))
}
