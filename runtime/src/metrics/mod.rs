//! What is counted and measured, as Prometheus reads it.
//!
//! In: calls that ended, gauges that somebody keeps. Out: a page of text in the Prometheus exposition format 0.0.4. The
//! names and labels of calls are those of Jupiter (`pkg/core/metric`), so that its dashboards work; unlike there, `code`
//! is the name of the gRPC code and never a text of the moment. Never: a label without a bound.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

mod calls;
mod histogram;

pub(crate) use calls::{CallMetrics, Family, Side};

/// Everything that this process counts.
static SOURCES: LazyLock<Mutex<Vec<Source>>> = LazyLock::new(Mutex::default);

type Source = Arc<dyn Fn(&mut String) + Send + Sync>;

/// Adds metrics of your own to the page: `source` appends lines in the Prometheus text format.
///
/// It is called for every reading, in the order in which sources were added.
pub fn source(source: impl Fn(&mut String) + Send + Sync + 'static) {
    SOURCES.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(source));
}

/// The page: everything that this process has counted so far.
#[must_use]
pub fn render() -> String {
    let mut page = String::with_capacity(4096);
    calls::render(&mut page);
    // The lock is not held while they write: a source may ask for the page, or add another one.
    let sources = SOURCES.lock().unwrap_or_else(PoisonError::into_inner).clone();
    sources.iter().for_each(|source| source(&mut page));
    page
}

/// Appends one metric without labels, with its help and type: `gauge` or `counter`.
pub fn write_value(page: &mut String, kind: &str, name: &str, help: &str, value: f64) {
    write_values(page, kind, name, help, [([], value)]);
}

/// Appends one metric, with its help and type and a line for each set of labels.
pub fn write_values<'a, L: AsRef<[(&'a str, &'a str)]>>(
    page: &mut String,
    kind: &str,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (L, f64)>,
) {
    // Writing to a string cannot fail.
    let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}");
    for (labels, value) in values {
        let _ = writeln!(page, "{name}{} {value}", Labels(labels.as_ref()));
    }
}

/// Labels as they stand behind a name: `{method="Get",code="OK"}`.
struct Labels<'a>(&'a [(&'a str, &'a str)]);

impl fmt::Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = '{';
        for (name, value) in self.0 {
            write!(f, "{before}{name}=\"{}\"", Escaped(value))?;
            before = ',';
        }
        if self.0.is_empty() { Ok(()) } else { f.write_char('}') }
    }
}

/// The value of a label, with what would end it escaped.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|char| match char {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            other => f.write_char(other),
        })
    }
}

/// A table that gives the same value for the same key for ever.
type Kept<K, V> = Mutex<BTreeMap<K, Arc<V>>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_break_out() {
        let mut page = String::new();
        write_values(&mut page, "gauge", "a", "Some help.", [([("name", "a\"b\\c\nd"), ("of", "")], 1.5)]);
        assert_eq!(page, "# HELP a Some help.\n# TYPE a gauge\na{name=\"a\\\"b\\\\c\\nd\",of=\"\"} 1.5\n");
    }

    #[test]
    fn own_metrics_are_on_the_page() {
        source(|page| write_value(page, "gauge", "own_test_gauge", "Mine.", 7.0));
        assert!(render().contains("\nown_test_gauge 7\n"), "{}", render());
    }
}
