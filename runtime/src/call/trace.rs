//! Where a call stands in a trace.
//!
//! In: the headers of a call. Out: the ids of its span, and the headers for the calls it makes. Formats: W3C Trace
//! Context (`traceparent`, level 1, version 00), and Jaeger's `{trace}:{span}:{parent}:{flags}` under the name that
//! Jupiter gives it (`x-dy-traceid`, `pkg/core/xtrace/propagation.go`).

use std::fmt;

use http::{HeaderMap, HeaderValue};

use crate::chance::draw;

/// W3C's header.
pub(crate) const TRACEPARENT: &str = "traceparent";
/// What vendors add to it.
pub(crate) const TRACESTATE: &str = "tracestate";
/// W3C's header for values that travel with a trace.
pub(crate) const BAGGAGE: &str = "baggage";
/// Jupiter's header.
pub(crate) const JUPITER: &str = "x-dy-traceid";

/// Where a call stands in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trace {
    /// What all calls of the trace share.
    pub trace_id: u128,
    /// The span of this call.
    pub span_id: u64,
    /// The span that it is part of; 0 for the first one of a trace.
    pub parent_id: u64,
    /// Whether somebody upstream decided that the trace is kept.
    pub sampled: bool,
}

impl Trace {
    /// The beginning of a trace.
    pub(crate) fn root() -> Self {
        let trace_id = loop {
            match (u128::from(draw()) << 64) | u128::from(draw()) {
                0 => {}
                id => break id,
            }
        };
        Self { trace_id, span_id: nonzero(), parent_id: 0, sampled: true }
    }

    /// A span that is part of this one.
    pub(crate) fn child(self) -> Self {
        Self { span_id: nonzero(), parent_id: self.span_id, ..self }
    }

    /// What the headers of a call say: the span of its caller. W3C's header counts before Jupiter's.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let of = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        of(TRACEPARENT).and_then(parse_w3c).or_else(|| of(JUPITER).and_then(parse_jaeger))
    }

    /// Says in `headers` that the call is made by this span. Jupiter's header goes along where it came along.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        let flags = u8::from(self.sampled);
        let Self { trace_id, span_id, .. } = self;
        set(headers, TRACEPARENT, format!("00-{trace_id:032x}-{span_id:016x}-{flags:02x}"));
        if headers.contains_key(JUPITER) {
            set(headers, JUPITER, format!("{trace_id:032x}:{span_id:016x}:0:{flags}"));
        }
    }
}

impl fmt::Display for Trace {
    /// The trace id, as logs show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.trace_id)
    }
}

fn set(headers: &mut HeaderMap, name: &'static str, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`; later versions may have more behind it.
fn parse_w3c(text: &str) -> Option<Trace> {
    let mut parts = text.split('-');
    let version = hex(parts.next()?, 2)?;
    let trace_id = hex(parts.next()?, 32)?;
    let span_id = u64::try_from(hex(parts.next()?, 16)?).ok()?;
    let flags = hex(parts.next()?, 2)?;
    let fits = version != 0xff && (version != 0 || parts.next().is_none());
    let trace = Trace { trace_id, span_id, parent_id: 0, sampled: flags & 1 == 1 };
    (fits && trace_id != 0 && span_id != 0).then_some(trace)
}

/// `4bf92f3577b34da6a3ce929d0e0e4736:f067aa0ba902b7:0:1`; leading zeros may be left out.
fn parse_jaeger(text: &str) -> Option<Trace> {
    let mut parts = text.split(':');
    let mut next = |most| {
        let part = parts.next()?;
        if part.is_empty() || part.len() > most { None } else { u128::from_str_radix(part, 16).ok() }
    };
    let trace_id = next(32)?;
    let span_id = u64::try_from(next(16)?).ok()?;
    next(16)?;
    let flags = next(2)?;
    let whole = parts.next().is_none() && trace_id != 0 && span_id != 0;
    whole.then_some(Trace { trace_id, span_id, parent_id: 0, sampled: flags & 1 == 1 })
}

/// Exactly that many lower case digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let lower = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    let whole = text.len() == digits && text.as_bytes().iter().all(lower);
    if whole { u128::from_str_radix(text, 16).ok() } else { None }
}

fn nonzero() -> u64 {
    draw().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const W3C: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())])
    }

    #[test]
    fn both_formats_say_the_same() {
        let expected = Trace {
            trace_id: 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736,
            span_id: 0x00f0_67aa_0ba9_02b7,
            parent_id: 0,
            sampled: true,
        };
        assert_eq!(Trace::read(&headers(TRACEPARENT, W3C)), Some(expected));
        let jaeger = "4bf92f3577b34da6a3ce929d0e0e4736:f067aa0ba902b7:0:1";
        assert_eq!(Trace::read(&headers(JUPITER, jaeger)), Some(expected));
    }

    #[test]
    fn what_the_specification_forbids_is_no_trace() {
        for wrong in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            assert_eq!(Trace::read(&headers(TRACEPARENT, wrong)), None, "{wrong}");
        }
        let later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-more";
        assert!(Trace::read(&headers(TRACEPARENT, later)).is_some_and(|trace| !trace.sampled));
        for wrong in ["a:b", "0:1:0:1", "1:0:0:1", "x:1:0:1", "1:1:0:1:1", "1::0:1"] {
            assert_eq!(Trace::read(&headers(JUPITER, wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn a_child_is_read_as_it_was_written() {
        let (root, mut map) = (Trace::root(), headers(JUPITER, "1:1:0:0"));
        let child = root.child();
        assert_eq!((child.trace_id, child.parent_id), (root.trace_id, root.span_id));
        child.write(&mut map);
        let read = Trace::read(&map).unwrap();
        assert_eq!((read.trace_id, read.span_id, read.sampled), (child.trace_id, child.span_id, true));
        map.remove(TRACEPARENT);
        assert_eq!(Trace::read(&map), Some(read));
    }
}
