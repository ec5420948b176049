//! What was measured, as a table for people and as JSON for programs.

use std::fmt;

use serde::Serialize;

/// What a figure should be.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// Told beside the others: the noise of this run, a figure that explains another one.
    None,
}

impl Target {
    fn verdict(self, figure: f64) -> &'static str {
        match self {
            Self::AtLeast(bound) if figure >= bound => "met",
            Self::AtMost(bound) if figure <= bound => "met",
            Self::None => "",
            _ => "MISSED",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(f, ">= {bound}"),
            Self::AtMost(bound) => write!(f, "<= {bound}"),
            Self::None => Ok(()),
        }
    }
}

/// One figure: a ratio.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub part: &'static str,
    pub what: String,
    pub figure: f64,
    pub target: Target,
    pub verdict: &'static str,
    /// What was divided by what: `7.21 s / 1.65 s`.
    pub of: String,
}

/// How the two sides of a ratio are written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    Seconds,
    Megabytes,
}

impl Unit {
    fn of(self, value: f64) -> String {
        match self {
            Self::Seconds => format!("{value:.2} s"),
            Self::Megabytes => format!("{:.1} MB", value / 1e6),
        }
    }
}

impl Row {
    /// A figure as it is made; people see it at once.
    pub(crate) fn new(part: &'static str, what: &str, sides: (f64, f64), unit: Unit, target: Target) -> Self {
        let figure = sides.0 / sides.1;
        let of = format!("{} / {}", unit.of(sides.0), unit.of(sides.1));
        let row = Self { part, what: what.to_owned(), figure, target, verdict: target.verdict(figure), of };
        eprintln!("{row}");
        row
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, what, figure, target, verdict, of } = self;
        write!(f, "| {part} | {what} | {figure:.2} | {target} | {verdict} | {of} |")
    }
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub machine: String,
    pub rows: Vec<Row>,
}

impl fmt::Display for Report {
    /// As a table of Markdown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.machine)?;
        writeln!(
            f,
            "| part | figure | ratio | target | verdict | of |\n| --- | --- | --- | --- | --- | --- |"
        )?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}
