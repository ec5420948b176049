//! What was measured, as Markdown.

use std::fmt;

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// The first figure minus the second is at most this.
    AtMostMore(f64),
    /// Told beside the others: the noise, a figure that explains another one.
    None,
}

impl Target {
    fn verdict(self, (ours, theirs): (f64, f64)) -> &'static str {
        let met = match self {
            Self::AtLeast(bound) => ours / theirs >= bound,
            Self::AtMost(bound) => ours / theirs <= bound,
            Self::AtMostMore(bound) => ours - theirs <= bound,
            Self::None => return "",
        };
        if met { "met" } else { "MISSED" }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(f, ">= {bound}"),
            Self::AtMost(bound) => write!(f, "<= {bound}"),
            Self::AtMostMore(bound) => write!(f, "<= {bound} more"),
            Self::None => Ok(()),
        }
    }
}

/// How the two sides of a ratio are written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    CallsPerSecond,
    Microseconds,
    Milliseconds,
    Blocks,
    Bytes,
}

impl Unit {
    fn of(self, value: f64) -> String {
        match self {
            Self::CallsPerSecond if value >= 10_000.0 => format!("{:.1}k/s", value / 1e3),
            Self::CallsPerSecond => format!("{value:.0}/s"),
            Self::Microseconds => format!("{value:.0} us"),
            Self::Milliseconds => format!("{value:.0} ms"),
            Self::Blocks => format!("{value:.1}"),
            Self::Bytes => format!("{:.1} kB", value / 1e3),
        }
    }
}

/// One figure: a ratio.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    part: &'static str,
    what: String,
    ratio: f64,
    target: Target,
    verdict: &'static str,
    /// What was divided by what: `124.2k/s / 85.0k/s`.
    of: String,
}

impl Row {
    /// A figure as it is made; people see it at once.
    pub(crate) fn new(
        part: &'static str,
        what: impl Into<String>,
        sides: (f64, f64),
        unit: Unit,
        target: Target,
    ) -> Self {
        let of = format!("{} / {}", unit.of(sides.0), unit.of(sides.1));
        let verdict = target.verdict(sides);
        let row = Self { part, what: what.into(), ratio: sides.0 / sides.1, target, verdict, of };
        eprintln!("{row}");
        row
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, what, ratio, target, verdict, of } = self;
        write!(f, "| {part} | {what} | {ratio:.2} | {target} | {verdict} | {of} |")
    }
}

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Report {
    pub machine: String,
    pub cores: String,
    /// What was on, and what was not measured, a sentence each.
    pub notes: Vec<String>,
    pub rows: Vec<Row>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}; {}.\n", self.machine, self.cores)?;
        self.notes.iter().try_for_each(|note| writeln!(f, "- {note}"))?;
        writeln!(
            f,
            "\n| part | figure | ratio | target | verdict | of |\n| --- | --- | --- | --- | --- | --- |"
        )?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}
