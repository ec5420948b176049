//! Events as objects, a line each.

use std::cell::RefCell;
use std::fmt::Write as _;

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::fields::{Members, string};
use super::out::Out;

/// Makes an object of every event, in one line on standard output:
///
/// ```json
/// {"timestamp":"2026-11-21T10:00:00.000000Z","level":"INFO","target":"jovian::access","message":"call","code":"OK",
///  "spans":[{"name":"serve","method":"/shop.orders.v1.Orders/GetOrder"}]}
/// ```
///
/// The members after `target` are the fields of the event, in its order; `spans` are those around it, the outermost first,
/// and is left out where there is none. A field that has the name of a member gets an underscore: `level_`.
///
/// Fields of a span become text once, when they are recorded, so that an event costs what it says itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonLines(());

impl JsonLines {
    /// A layer for a [`tracing_subscriber::registry()`].
    #[must_use]
    pub fn new() -> Self {
        Self(())
    }
}

/// What a span says, as an object without its last brace.
struct Said(String);

thread_local! {
    /// The line that a thread writes.
    static LINE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// A line of this size does not keep its memory.
const LONG: usize = 16 * 1024;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for JsonLines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut text = String::with_capacity(256);
        text.push_str("{\"name\":");
        string(&mut text, format_args!("{}", span.name()));
        attributes.record(&mut Members { text: &mut text });
        span.extensions_mut().insert(Said(text));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(Said(text)) = span.extensions_mut().get_mut() {
            values.record(&mut Members { text });
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let normal = event.normalized_metadata();
        let metadata = normal.as_ref().unwrap_or_else(|| event.metadata());
        LINE.with(|line| match line.try_borrow_mut() {
            Ok(mut line) => {
                line.clear();
                write(&mut line, event, metadata, &context);
                Out.line(*metadata.level(), line.as_bytes());
                if line.capacity() > LONG {
                    *line = String::new();
                }
            }
            // A value logs while it is written.
            Err(_) => {
                let mut line = String::new();
                write(&mut line, event, metadata, &context);
                Out.line(*metadata.level(), line.as_bytes());
            }
        });
    }
}

fn write<S: Subscriber + for<'a> LookupSpan<'a>>(
    line: &mut String,
    event: &Event<'_>,
    metadata: &Metadata<'_>,
    context: &Context<'_, S>,
) {
    line.push_str("{\"timestamp\":\"");
    // A `String` takes everything, here and below.
    let _ = SystemTime.format_time(&mut Writer::new(line));
    let _ = write!(line, "\",\"level\":\"{}\",\"target\":", metadata.level());
    string(line, format_args!("{}", metadata.target()));
    event.record(&mut Members { text: line });
    let mut before = ",\"spans\":[";
    for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
        if let Some(Said(said)) = span.extensions().get() {
            line.push_str(before);
            line.push_str(said);
            line.push('}');
            before = ",";
        }
    }
    line.push_str(if before == "," { "]}\n" } else { "}\n" });
}
