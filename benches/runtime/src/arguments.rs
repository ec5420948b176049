//! What the command line asks for.

use std::fmt;

use anyhow::bail;

const USAGE: &str = "[server|peers|client|allocations|memory|picks|registry] [--quick] [--free] [--sites]";

/// What can be measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Server,
    Peers,
    Client,
    Allocations,
    Memory,
    Picks,
    Registry,
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Arguments {
    parts: Vec<Part>,
    /// A smaller number of shorter rounds.
    pub quick: bool,
    /// Whether to say where allocations are made.
    pub sites: bool,
    pub cores: Cores,
}

impl Arguments {
    pub(crate) fn parse(arguments: &[String]) -> anyhow::Result<Self> {
        let mut parsed =
            Self { parts: Vec::new(), quick: false, sites: false, cores: Cores::divided(cores()?) };
        for argument in arguments {
            match argument.as_str() {
                "server" => parsed.parts.push(Part::Server),
                "peers" => parsed.parts.push(Part::Peers),
                "client" => parsed.parts.push(Part::Client),
                "allocations" => parsed.parts.push(Part::Allocations),
                "memory" => parsed.parts.push(Part::Memory),
                "picks" => parsed.parts.push(Part::Picks),
                "registry" => parsed.parts.push(Part::Registry),
                "--quick" => parsed.quick = true,
                "--sites" => parsed.sites = true,
                "--free" => parsed.cores = Cores::default(),
                other => bail!("`{other}` is not known: {USAGE}"),
            }
        }
        Ok(parsed)
    }

    /// Whether a part is to be measured: all are, unless some are named.
    pub(crate) fn has(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }
}

fn cores() -> anyhow::Result<usize> {
    Ok(std::thread::available_parallelism()?.get())
}

/// Which processes run on which cores: lists as `taskset` reads them, empty for all of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cores {
    /// Of what is measured.
    pub measured: String,
    /// Of the other end.
    pub other: String,
}

impl Cores {
    /// The first half is for the other end, so that neither takes time from the other.
    fn divided(count: usize) -> Self {
        if count < 2 {
            return Self::default();
        }
        let list =
            |cores: std::ops::Range<usize>| cores.map(|core| core.to_string()).collect::<Vec<_>>().join(",");
        Self { measured: list(count / 2..count), other: list(0..count / 2) }
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.measured.as_str() {
            "" => write!(f, "all processes on all cores"),
            cores => write!(f, "what is measured on core {cores}, the other end on core {}", self.other),
        }
    }
}
