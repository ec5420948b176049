//! Programs of other frameworks, small ones in `peers/`, built with their own tools where those are installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::programs;

/// Where their sources are.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers");

/// In Go: the folder, its name in the table, and the arguments.
const GO: [(&str, &str, &[&str]); 4] = [
    ("grpc-go", "grpc-go", &[]),
    ("kratos", "Kratos with recovery", &[]),
    ("kratos", "Kratos with recovery, tracing, metrics and a line of log", &["logged"]),
    ("kitex", "Kitex, gRPC", &[]),
];

/// The commands of those that could be built, without their ports. One that cannot be is told and left out.
pub(crate) fn built() -> anyhow::Result<Vec<(&'static str, Command)>> {
    let mut commands = Vec::new();
    let folder = folder()?;
    for (source, name, arguments) in GO {
        if let Some(program) = go(source, &folder) {
            let mut command = Command::new(program);
            command.args(arguments);
            commands.push((name, command));
        }
    }
    if let Some(jar) = java("dubbo-java", &folder) {
        let mut command = Command::new("java");
        command.args(["-XX:+UseParallelGC", "-Xms512m", "-Xmx512m", "-jar"]).arg(jar);
        commands.push(("Dubbo Java, triple", command));
    }
    Ok(commands)
}

/// Where they are built.
pub(crate) fn folder() -> anyhow::Result<PathBuf> {
    let folder = programs::target()?.join("bench/peers");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A program in Go, if it can be built.
pub(crate) fn go(source: &str, folder: &Path) -> Option<PathBuf> {
    let program = folder.join(source);
    let mut build = Command::new("go");
    build.current_dir(Path::new(SOURCES).join(source)).args(["build", "-o"]).arg(&program).arg(".");
    done(source, "go", &mut build).then_some(program)
}

fn java(source: &str, folder: &Path) -> Option<PathBuf> {
    let out = folder.join(source);
    let mut build = Command::new("mvn");
    build.current_dir(Path::new(SOURCES).join(source)).args(["--quiet", "--batch-mode", "package"]);
    build.arg(format!("-Dbench.out={}", out.display()));
    done(source, "mvn", &mut build).then(|| out.join("dubbo-java.jar"))
}

/// Whether a peer was built; if not, one line says why.
fn done(source: &str, tool: &str, build: &mut Command) -> bool {
    eprintln!("building peers/{source}");
    match build.stdin(Stdio::null()).stdout(Stdio::null()).status() {
        Ok(status) if status.success() => true,
        Ok(status) => {
            eprintln!("skipped: peers/{source} cannot be built: {tool} ended with {status}");
            false
        }
        Err(error) => {
            eprintln!("skipped: peers/{source} needs `{tool}`: {error}");
            false
        }
    }
}
