//! What generated code costs to compile: ours and tonic's, by the same rustc, in user CPU seconds.
//!
//! In a folder of its own lies a workspace of crates, three for each side. What they depend on is built first and not counted.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::corpus::{self, Service, Shape};
use crate::handlers::{self, Side};
use crate::measure::{self, median};
use crate::programs::{self, Profile};
use crate::report::{Row, Target, Unit};

/// 40 services and 480 messages.
const TREE: Shape = Shape { packages: 4, files: 10, messages: 12, fields: 57, methods: 5 };
/// The same messages, and nobody who sends them.
const MESSAGES: Shape = Shape { methods: 0, ..TREE };
/// A thousand handlers, and few messages.
const HANDLERS: Shape = Shape { packages: 5, files: 10, messages: 4, fields: 19, methods: 20 };

/// Measures everything.
pub(crate) fn measure(quick: bool) -> anyhow::Result<Vec<Row>> {
    let workspace = Workspace::new()?;
    let mut costs = Costs::default();
    let rounds = if quick { 1 } else { 3 };
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        let mut order = [(Side::Jovian, 0), (Side::Tonic, 1), (Side::Tonic, 2)];
        if round % 2 == 1 {
            order.reverse();
        }
        for (side, index) in order {
            costs.messages[index].push(workspace.compile("check", side, "messages")?);
            costs.tree[index].push(workspace.compile("check", side, "tree")?);
            costs.program[index].push(workspace.compile("build", side, "program")?);
        }
    }
    let part = "compile";
    let [messages, tree, program] =
        [costs.messages, costs.tree, costs.program].map(|costs| costs.map(median));
    let sizes = (workspace.stripped(Side::Jovian)?, workspace.stripped(Side::Tonic)?);
    let row =
        |what, sides: (f64, f64), bound| Row::new(part, what, sides, Unit::Seconds, Target::AtMost(bound));
    let noise = |what, sides: (f64, f64)| Row::new(part, what, sides, Unit::Seconds, Target::None);
    Ok(vec![
        row("check of services alone", (tree[0] - messages[0], tree[1] - messages[1]), 0.5),
        row("check of services and messages", (tree[0], tree[1]), 0.85),
        noise("check of messages alone", (messages[0], messages[1])),
        noise("noise: tonic against itself, check", (tree[2], tree[1])),
        row("debug build of a program with 1,000 handlers", (program[0], program[1]), 0.55),
        noise("noise: tonic against itself, debug build", (program[2], program[1])),
        Row::new(part, "size of that program, stripped", sizes, Unit::Megabytes, Target::AtMost(0.7)),
    ])
}

/// User CPU seconds: ours, the peer's, and the peer's again.
#[derive(Default)]
struct Costs {
    messages: [Vec<f64>; 3],
    tree: [Vec<f64>; 3],
    program: [Vec<f64>; 3],
}

/// The crates that are compiled.
struct Workspace {
    dir: PathBuf,
    jovian: PathBuf,
    peer: PathBuf,
}

impl Workspace {
    /// Generates all crates and compiles what they depend on.
    fn new() -> anyhow::Result<Self> {
        let workspace = Self {
            dir: programs::target()?.join("bench").join("compile"),
            jovian: programs::build("jovian", "jovian", Profile::Release)?,
            peer: programs::build("jovian-bench-peer", "jovian-bench-peer", Profile::Release)?,
        };
        for folder in ["proto", "crates"].map(|folder| workspace.dir.join(folder)) {
            if folder.exists() {
                fs::remove_dir_all(folder)?;
            }
        }
        for (name, shape) in [("tree", TREE), ("messages", MESSAGES), ("program", HANDLERS)] {
            let services = corpus::write(&workspace.dir.join("proto").join(name), shape)?;
            for side in [Side::Jovian, Side::Tonic] {
                workspace.member(side, name, &services)?;
            }
        }
        workspace.manifest()?;
        eprintln!("compiling what generated code depends on");
        for command in ["check", "build"] {
            ensure!(
                workspace.cargo(command).arg("--workspace").status()?.success(),
                "generated code does not compile"
            );
        }
        Ok(workspace)
    }

    /// Generates a crate; the program is the one with handlers.
    fn member(&self, side: Side, name: &str, services: &[Service]) -> anyhow::Result<()> {
        let member = self.dir.join("crates").join(full_name(side, name));
        let (sources, proto) = (member.join("src"), self.dir.join("proto").join(name));
        fs::create_dir_all(&sources)?;
        let out = sources.join("generated");
        let mut generator = match side {
            Side::Jovian => Command::new(&self.jovian),
            Side::Tonic => Command::new(&self.peer),
        };
        match side {
            Side::Jovian => generator.arg("gen").arg("-I").arg(&proto).arg("-o").arg(&out).arg(&proto),
            Side::Tonic => generator.arg("protox").arg(&proto).arg(&out),
        };
        let status = generator.stdout(std::process::Stdio::null()).status()?;
        ensure!(status.success(), "no code for {name}");
        fs::write(sources.join("lib.rs"), "//! What was generated.\npub mod generated;\n")?;
        let runtime = match side {
            Side::Jovian => "jovian-runtime.workspace = true\n",
            Side::Tonic => {
                "tonic = { workspace = true, features = [\"router\"] }\ntonic-prost.workspace = true\n\
                 prost.workspace = true\nprost-types.workspace = true\ntokio-stream.workspace = true\n"
            }
        };
        let manifest = format!(
            "[package]\nname = \"{}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n\
             anyhow.workspace = true\ntokio.workspace = true\n{runtime}",
            full_name(side, name)
        );
        fs::write(member.join("Cargo.toml"), manifest)?;
        if name == "program" {
            let generated = format!("{}::generated", full_name(side, name).replace('-', "_"));
            fs::write(sources.join("main.rs"), handlers::program(side, services, &generated))?;
        }
        Ok(())
    }

    /// The manifest of the workspace: the versions are those of this repository.
    fn manifest(&self) -> anyhow::Result<()> {
        let root = programs::root();
        let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
        let versions =
            manifest.split_once("[workspace.dependencies]").and_then(|(_, rest)| rest.split_once("\n["));
        let (versions, _) = versions.context("the versions are not where they were")?;
        let runtime = format!("path = {:?}", root.join("runtime"));
        let versions = versions.replace("path = \"runtime\"", &runtime);
        let versions: String = versions
            .lines()
            .filter(|line| !line.starts_with("jovian = "))
            .map(|line| format!("{line}\n"))
            .collect();
        let text =
            format!("[workspace]\nmembers = [\"*\"]\nresolver = \"3\"\n\n[workspace.dependencies]{versions}");
        fs::write(self.dir.join("crates").join("Cargo.toml"), text)?;
        fs::copy(root.join("Cargo.lock"), self.dir.join("crates").join("Cargo.lock"))?;
        Ok(())
    }

    fn cargo(&self, command: &str) -> Command {
        let mut cargo = programs::cargo();
        cargo.args([command, "--quiet", "--target-dir"]).arg(self.dir.join("target"));
        cargo.current_dir(self.dir.join("crates"));
        cargo
    }

    /// The user CPU seconds of compiling one crate again.
    fn compile(&self, command: &str, side: Side, name: &str) -> anyhow::Result<f64> {
        let sources = self.dir.join("crates").join(full_name(side, name)).join("src");
        for file in ["lib.rs", "main.rs"].map(|file| sources.join(file)) {
            if file.exists() {
                // Written again, it is newer than what was made of it.
                fs::write(&file, fs::read(&file)?)?;
            }
        }
        let mut cargo = self.cargo(command);
        cargo.args(["--offline", "--package", &full_name(side, name)]);
        Ok(measure::run(&cargo)?.user)
    }

    /// The bytes of the program without symbols.
    fn stripped(&self, side: Side) -> anyhow::Result<f64> {
        let name = full_name(side, "program");
        let program = self.dir.join("target").join("debug").join(&name);
        let stripped = self.dir.join(name);
        let status = Command::new("strip").arg("-o").arg(&stripped).arg(&program).status()?;
        ensure!(status.success(), "cannot strip {}", program.display());
        Ok(fs::metadata(&stripped)?.len() as f64)
    }
}

/// The name of a crate: `tonic-tree`.
fn full_name(side: Side, name: &str) -> String {
    match side {
        Side::Jovian => format!("ours-{name}"),
        Side::Tonic => format!("tonic-{name}"),
    }
}
