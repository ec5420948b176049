//! The programs that are measured, built by cargo each on its own, so that none changes the features of another.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

/// How a program is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// What users of a command line have.
    Release,
    /// What a build script is in a debug build.
    BuildScript,
    /// The same with `[profile.dev.build-override] opt-level = 2`, as new projects have it.
    BuildScriptOptimized,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::BuildScript => "bench-build-script",
            Self::BuildScriptOptimized => "bench-build-script-optimized",
        }
    }

    /// Cargo builds build scripts with 256 codegen units and without debug information.
    fn config(self) -> Vec<String> {
        let level = match self {
            Self::Release => return Vec::new(),
            Self::BuildScript => "0",
            Self::BuildScriptOptimized => "2",
        };
        let settings =
            [("inherits", "\"dev\""), ("debug", "false"), ("codegen-units", "256"), ("opt-level", level)];
        settings.iter().map(|(key, value)| format!("profile.{}.{key}={value}", self.name())).collect()
    }
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Where cargo puts what it builds: this program lies in `TARGET/PROFILE`.
pub(crate) fn target() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?;
    Ok(program.ancestors().nth(2).context("not run by cargo")?.to_owned())
}

/// Cargo, without what this run of it told us.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.env("CARGO_INCREMENTAL", "0");
    cargo
}

/// Builds a program of this workspace and says where it is.
pub(crate) fn build(package: &str, program: &str, profile: Profile) -> anyhow::Result<PathBuf> {
    eprintln!("building {program} ({})", profile.name());
    let target = target()?;
    let mut cargo = cargo();
    cargo.current_dir(root()).args(["build", "--quiet", "--package", package, "--bin", program]);
    cargo.args(["--profile", profile.name()]).arg("--target-dir").arg(&target);
    profile.config().iter().for_each(|setting| {
        cargo.args(["--config", setting]);
    });
    ensure!(cargo.status()?.success(), "{program} cannot be built");
    Ok(target.join(profile.name()).join(format!("{program}{}", std::env::consts::EXE_SUFFIX)))
}
