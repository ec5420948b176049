//! The format of pprof, as far as profiles of CPU time need it.
//!
//! Source: `proto/profile.proto` of github.com/google/pprof. Strings are numbers into a table whose first is empty;
//! functions and locations have numbers from 1.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Profile {
    #[prost(message, repeated, tag = "1")]
    sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    sample: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
    #[prost(int64, tag = "9")]
    time_nanos: i64,
    #[prost(int64, tag = "10")]
    duration_nanos: i64,
    #[prost(message, optional, tag = "11")]
    period_type: Option<ValueType>,
    #[prost(int64, tag = "12")]
    period: i64,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    kind: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
    #[prost(int64, tag = "2")]
    line: i64,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
    #[prost(int64, tag = "3")]
    system_name: i64,
    #[prost(int64, tag = "4")]
    filename: i64,
}

/// A place in the program.
pub(super) struct Symbol {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) line: u32,
}

/// Makes a profile, stack by stack.
pub(super) struct Builder {
    profile: Profile,
    strings: HashMap<String, i64>,
    functions: HashMap<(i64, i64), u64>,
    locations: HashMap<Vec<Line>, u64>,
}

impl Builder {
    pub(super) fn new(began: SystemTime, took: Duration, frequency: u32) -> Self {
        let mut builder = Self {
            profile: Profile::default(),
            strings: HashMap::new(),
            functions: HashMap::new(),
            locations: HashMap::new(),
        };
        builder.string("");
        let samples = ValueType { kind: builder.string("samples"), unit: builder.string("count") };
        let time = ValueType { kind: builder.string("cpu"), unit: builder.string("nanoseconds") };
        let since = began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let profile = &mut builder.profile;
        profile.sample_type = vec![samples, time];
        profile.period_type = Some(time);
        profile.period = 1_000_000_000 / i64::from(frequency.max(1));
        profile.time_nanos = nanos(since);
        profile.duration_nanos = nanos(took);
        builder
    }

    /// Adds a stack that was seen `count` times; each frame is one or several functions that were inlined into each other.
    pub(super) fn add(&mut self, frames: impl Iterator<Item = Vec<Symbol>>, count: i64) {
        let location_id = frames.map(|frame| self.location(&frame)).collect();
        let time = count.saturating_mul(self.profile.period);
        self.profile.sample.push(Sample { location_id, value: vec![count, time] });
    }

    pub(super) fn done(self) -> Profile {
        self.profile
    }

    fn location(&mut self, frame: &[Symbol]) -> u64 {
        let line = |symbol: &Symbol| Line { function_id: self.function(symbol), line: symbol.line.into() };
        let lines: Vec<Line> = frame.iter().map(line).collect();
        let Self { profile, locations, .. } = self;
        *locations.entry(lines).or_insert_with_key(|line| {
            let id = profile.location.len() as u64 + 1;
            profile.location.push(Location { id, line: line.clone() });
            id
        })
    }

    fn function(&mut self, symbol: &Symbol) -> u64 {
        let (name, filename) = (self.string(&symbol.name), self.string(&symbol.file));
        let Self { profile, functions, .. } = self;
        *functions.entry((name, filename)).or_insert_with(|| {
            let id = profile.function.len() as u64 + 1;
            profile.function.push(Function { id, name, system_name: name, filename });
            id
        })
    }

    fn string(&mut self, text: &str) -> i64 {
        if let Some(known) = self.strings.get(text) {
            return *known;
        }
        let place = i64::try_from(self.profile.string_table.len()).unwrap_or(i64::MAX);
        self.profile.string_table.push(text.to_owned());
        self.strings.insert(text.to_owned(), place);
        place
    }
}

fn nanos(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}
