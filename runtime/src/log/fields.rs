//! Fields of `tracing` as members of a JSON object.

use std::fmt::{self, Display, Write as _};

use tracing::field::{Field, Visit};

/// What a line says of itself: a field with such a name gets an underscore.
const TAKEN: [&str; 4] = ["timestamp", "level", "target", "spans"];

/// Writes fields behind what `text` has already, each with a comma before it.
pub(super) struct Members<'a> {
    pub(super) text: &'a mut String,
}

impl Members<'_> {
    fn name(&mut self, field: &Field) {
        let name = field.name();
        let mark = if TAKEN.contains(&name) { "_" } else { "" };
        self.text.push(',');
        string(self.text, format_args!("{name}{mark}"));
        self.text.push(':');
    }

    fn bare(&mut self, field: &Field, value: impl Display) {
        self.name(field);
        // A `String` takes everything.
        let _ = write!(self.text, "{value}");
    }
}

impl Visit for Members<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no infinity.
        if value.is_finite() { self.bare(field, value) } else { self.bare(field, "null") }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field);
        self.text.push('"');
        escape(self.text, value);
        self.text.push('"');
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // What the crate `log` says of its own events stands in their metadata.
        if field.name().starts_with("log.") {
            return;
        }
        self.name(field);
        string(self.text, format_args!("{value:?}"));
    }
}

/// Writes `value` as a string of JSON.
pub(super) fn string(text: &mut String, value: fmt::Arguments<'_>) {
    text.push('"');
    // A `Debug` that fails leaves what it wrote.
    let _ = Escaped(text).write_fmt(value);
    text.push('"');
}

struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        escape(self.0, part);
        Ok(())
    }
}

/// Writes `part` of a string as JSON wants it (RFC 8259, section 7).
fn escape(text: &mut String, part: &str) {
    let mut rest = part;
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        let (plain, special) = rest.split_at(at);
        text.push_str(plain);
        match special.as_bytes()[0] {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            control => {
                let _ = write!(text, "\\u{control:04x}");
            }
        }
        rest = &special[1..];
    }
    text.push_str(rest);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::string;

    proptest! {
        #[test]
        fn every_text_is_what_a_reader_of_json_reads(value: String) {
            let mut text = String::new();
            string(&mut text, format_args!("{value}"));
            prop_assert_eq!(serde_json::from_str::<String>(&text).ok(), Some(value));
        }
    }
}
