//! What the program that notes allocations knows of them; see `bin/counted.rs`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use serde::Deserialize;

/// The variable that has allocations noted, with the file to write them to when the process ends.
pub(crate) const SITES: &str = "JOVIAN_BENCH_SITES";

/// How much of a stack is kept: from an allocation to the task that it is made in.
const FRAMES: usize = 60;

/// Notes allocations, if [`SITES`] asks for it, until it is dropped.
pub(crate) fn start() -> Option<dhat::Profiler> {
    let file: OsString = std::env::var_os(SITES)?;
    Some(dhat::Profiler::builder().file_name(file).trim_backtraces(Some(FRAMES)).build())
}

/// How many blocks were allocated since then; 0 if nobody counts.
pub(crate) fn blocks() -> u64 {
    match std::env::var_os(SITES) {
        Some(_) => dhat::HeapStats::get().total_blocks,
        None => 0,
    }
}

/// How much of a stack is told.
const FEW: usize = 7;

/// The file of dhat, as far as it is read here: <https://docs.rs/dhat> says what it is made of.
#[derive(Deserialize)]
struct Noted {
    pps: Vec<Place>,
    #[serde(rename = "ftbl")]
    frames: Vec<String>,
}

#[derive(Deserialize)]
struct Place {
    #[serde(rename = "tbk")]
    blocks: u64,
    #[serde(rename = "tb")]
    bytes: u64,
    #[serde(rename = "fs")]
    frames: Vec<usize>,
}

/// Where blocks are allocated in each of `calls` calls: how many, their bytes, and the innermost frames that are worth a look.
pub(crate) fn sites(file: &Path, calls: u64) -> anyhow::Result<String> {
    let noted: Noted = serde_json::from_slice(&std::fs::read(file)?)?;
    let mut sites: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for place in &noted.pps {
        let frames = place.frames.iter().filter_map(|frame| noted.frames.get(*frame));
        let told: Vec<String> = frames.filter_map(|frame| worth_a_look(frame)).take(FEW).collect();
        let site = sites.entry(told.join(" < ")).or_default();
        site.0 += place.blocks as f64 / calls as f64;
        site.1 += place.bytes as f64 / calls as f64;
    }
    let mut sites: Vec<_> = sites.into_iter().filter(|(_, (blocks, _))| *blocks > 0.4).collect();
    sites.sort_by(|one, other| other.1.0.total_cmp(&one.1.0));
    Ok(sites.iter().map(|(site, (blocks, bytes))| format!("{blocks:6.2} {bytes:8.0} B  {site}\n")).collect())
}

/// The places of what allocates for others: the allocator, boxes, vectors, texts.
const DULL: [&str; 9] = [
    "dhat-",
    "alloc/src/",
    "src/raw_vec/",
    "src/vec/",
    "src/fmt/",
    "src/string",
    "src/slice",
    "src/collections/",
    "src/ops/",
];

/// `0x1f: push<u8> (src/server/outbox.rs:71:5)` as `push (src/server/outbox.rs:71)`, unless it is dull.
fn worth_a_look(frame: &str) -> Option<String> {
    let (_, told) = frame.split_once(": ")?;
    let (function, place) = told.rsplit_once(" (")?;
    let line = place.rsplit_once(':').map_or(place, |(line, _)| line);
    let name = function.split('<').find(|part| !part.is_empty()).unwrap_or(function);
    (!DULL.iter().any(|dull| line.starts_with(dull))).then(|| format!("{name} ({line})"))
}
