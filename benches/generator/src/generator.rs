//! How fast code is generated: the command line, and the same in a build script.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::corpus::{self, Shape};
use crate::measure::{self, Cost, median};
use crate::programs::{self, Profile};
use crate::report::{Row, Target, Unit};

/// A fifth of the corpus for build scripts: without optimization, the whole one takes minutes.
const SMALL: Shape = Shape { packages: 10, ..corpus::FULL };

/// Measures everything.
pub(crate) fn measure(quick: bool) -> anyhow::Result<Vec<Row>> {
    let (full, small, rounds) = if quick { (SMALL, SMALL, 1) } else { (corpus::FULL, SMALL, 3) };
    let mut rows = command_line(full, if quick { 3 } else { 5 })?;
    rows.extend(build_script(small, rounds, Profile::BuildScript, 1.8)?);
    rows.extend(build_script(small, rounds + 2, Profile::BuildScriptOptimized, 3.0)?);
    Ok(rows)
}

/// One program on one corpus, and what its runs cost.
struct Contender {
    program: PathBuf,
    arguments: Vec<PathBuf>,
    /// The folder it works in, and leaves empty before each run.
    project: PathBuf,
    costs: Vec<Cost>,
}

impl Contender {
    fn new(program: &Path, project: PathBuf, arguments: &[&Path]) -> Self {
        let arguments = arguments.iter().map(|argument| argument.to_path_buf()).collect();
        Self { program: program.to_owned(), arguments, project, costs: Vec::new() }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.project);
        command
    }

    /// From an empty folder.
    fn run_cold(&mut self) -> anyhow::Result<()> {
        for folder in ["out", ".jovian"] {
            remove(&self.project.join(folder))?;
        }
        self.costs.push(measure::run(&self.command())?);
        Ok(())
    }

    fn median(&self, of: impl Fn(&Cost) -> f64) -> f64 {
        median(self.costs.iter().map(of).collect())
    }

    fn output(&self) -> anyhow::Result<f64> {
        let mut bytes = 0;
        for entry in fs::read_dir(self.project.join("out"))? {
            let entry = entry?;
            if entry.path().extension().is_some_and(|extension| extension == "rs") {
                bytes += entry.metadata()?.len();
            }
        }
        Ok(bytes as f64)
    }
}

/// Removes a folder, if it is there.
fn remove(dir: &Path) -> anyhow::Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    Ok(())
}

/// A fresh folder for everything of one part, with the IDL in it.
fn prepare(part: &str, shape: Shape) -> anyhow::Result<PathBuf> {
    let dir = programs::target()?.join("bench").join(part);
    remove(&dir)?;
    corpus::write(&dir.join("proto"), shape)?;
    Ok(dir)
}

fn project(dir: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let project = dir.join(name);
    fs::create_dir_all(&project)?;
    Ok(project)
}

/// The peer, twice with our parser and once with protoc. The second one is the noise.
fn peers(dir: &Path, peer: &Path) -> anyhow::Result<Vec<Contender>> {
    let proto = dir.join("proto");
    let of = |(name, parser): (&str, &str)| {
        Ok(Contender::new(peer, project(dir, name)?, &[Path::new(parser), &proto, Path::new("out")]))
    };
    [("peer", "protox"), ("peer-again", "protox"), ("peer-protoc", "protoc")].into_iter().map(of).collect()
}

/// Lets everybody run in turns, every other time in the opposite order.
fn race(contenders: &mut [Contender], rounds: usize) -> anyhow::Result<()> {
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        let mut order: Vec<usize> = (0..contenders.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for index in order {
            contenders[index].run_cold()?;
        }
    }
    Ok(())
}

/// How ours compares with the peers. `wall` and `cpu` are what should be.
fn compare(
    part: &'static str,
    contenders: &[Contender],
    wall: Target,
    cpu: Target,
) -> anyhow::Result<Vec<Row>> {
    let [ours, peer, again, protoc] = contenders else { anyhow::bail!("four take part") };
    let row = |what: &str, of: &dyn Fn(&Cost) -> f64, other: &Contender, unit, target| {
        Row::new(part, what, (other.median(of), ours.median(of)), unit, target)
    };
    let memory = |what: &str, other: &Contender, target| {
        let peak = |cost: &Cost| cost.peak;
        Row::new(part, what, (ours.median(peak), other.median(peak)), Unit::Megabytes, target)
    };
    let (seconds, all, time) = (Unit::Seconds, |cost: &Cost| cost.cpu(), |cost: &Cost| cost.wall);
    let sides = (ours.output()?, peer.output()?);
    Ok(vec![
        row("faster than tonic with protox, wall", &time, peer, seconds, wall),
        row("faster than tonic with protoc, wall", &time, protoc, seconds, wall),
        row("faster than tonic with protox, CPU", &all, peer, seconds, cpu),
        row("faster than tonic with protoc, CPU", &all, protoc, seconds, cpu),
        Row::new(
            part,
            "noise: tonic against itself, CPU",
            (again.median(all), peer.median(all)),
            seconds,
            Target::None,
        ),
        memory("peak memory against tonic with protox", peer, Target::AtMost(1.2)),
        memory("peak memory against tonic with protoc", protoc, Target::AtMost(1.2)),
        Row::new(part, "bytes of code", sides, Unit::Megabytes, Target::None),
    ])
}

fn command_line(shape: Shape, rounds: usize) -> anyhow::Result<Vec<Row>> {
    let part = "command line, release";
    let jovian = programs::build("jovian", "jovian", Profile::Release)?;
    let peer = programs::build("jovian-bench-peer", "jovian-bench-peer", Profile::Release)?;
    let dir = prepare("command-line", shape)?;
    let ours = project(&dir, "ours")?;
    let settings = "inputs = [\"../proto\"]\nincludes = [\"../proto\"]\nout = \"out\"\n";
    fs::write(ours.join("jovian.toml"), settings)?;
    let mut contenders = vec![Contender::new(&jovian, ours, &[Path::new("gen")])];
    contenders.extend(peers(&dir, &peer)?);
    race(&mut contenders, rounds)?;
    let mut rows = compare(part, &contenders, Target::AtLeast(4.0), Target::AtLeast(3.0))?;
    rows.extend(again(part, &contenders[0], &dir.join("proto"), shape, rounds)?);
    Ok(rows)
}

/// What a run costs that has nothing, or little, to do.
fn again(
    part: &'static str,
    ours: &Contender,
    proto: &Path,
    shape: Shape,
    rounds: usize,
) -> anyhow::Result<Vec<Row>> {
    let mut nothing = Vec::new();
    let mut edited = Vec::new();
    for _ in 0..rounds {
        corpus::write(proto, shape)?;
        measure::run(&ours.command())?;
        nothing.push(measure::run(&ours.command())?.cpu());
        corpus::edit(proto, shape)?;
        edited.push(measure::run(&ours.command())?.cpu());
    }
    let cold = ours.median(Cost::cpu);
    let row = |what, costs, bound| {
        Row::new(part, what, (median(costs), cold), Unit::Seconds, Target::AtMost(bound))
    };
    Ok(vec![
        row("nothing changed, of a cold run, CPU", nothing, 0.05),
        row("one file of a thousand edited, of a cold run, CPU", edited, 0.25),
    ])
}

fn build_script(shape: Shape, rounds: usize, profile: Profile, faster: f64) -> anyhow::Result<Vec<Row>> {
    let (part, folder) = match profile {
        Profile::BuildScriptOptimized => ("build script, opt-level 2", "build-script-optimized"),
        _ => ("build script, opt-level 0", "build-script"),
    };
    let script = programs::build("jovian-bench", "jovian-bench-build-script", profile)?;
    let peer = programs::build("jovian-bench-peer", "jovian-bench-peer", profile)?;
    let dir = prepare(folder, shape)?;
    let ours = project(&dir, "ours")?;
    let mut contenders = vec![Contender::new(&script, ours, &[&dir.join("proto"), Path::new("out")])];
    contenders.extend(peers(&dir, &peer)?);
    race(&mut contenders, rounds)?;
    compare(part, &contenders, Target::None, Target::AtLeast(faster))
}
