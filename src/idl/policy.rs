//! What options say of calls.
//!
//! In: the options of a method, or those that a service gives all its methods. Out: a policy of the model, and a complaint
//! about each value that cannot be.

use super::options::{MethodOptions, RetryOptions};
use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::model::{Compress, Policy};

/// The numbers of the codes of failures in google/rpc/code.proto.
const FAILURES: std::ops::RangeInclusive<i32> = 1..=16;

/// Reads the options of `of`, a method or a service, whose name stands at `span`.
pub(super) fn policy(
    options: MethodOptions,
    of: &str,
    span: Option<&Span>,
    diags: &mut Diagnostics,
) -> Policy {
    let mut reader = Reader { of, span, diags };
    let RetryOptions { attempts, codes, backoff, max_backoff } = options.retry.unwrap_or_default();
    Policy {
        timeout_ms: reader.time("timeout", &options.timeout),
        open_timeout_ms: reader.time("open_timeout", &options.open_timeout),
        idle_timeout_ms: reader.time("idle_timeout", &options.idle_timeout),
        max_request_bytes: above_zero(options.max_request_bytes),
        max_reply_bytes: above_zero(options.max_reply_bytes),
        in_flight: Some(options.in_flight).filter(|calls| *calls > 0),
        callers: reader.callers(options.callers),
        retry_attempts: Some(attempts).filter(|attempts| *attempts > 0),
        retry_codes: reader.codes(codes),
        retry_backoff_ms: reader.time("retry.backoff", &backoff),
        retry_max_backoff_ms: reader.time("retry.max_backoff", &max_backoff),
        breaker: options.breaker,
        access_log_ppm: options.access_log.and_then(|share| reader.share(share)),
        slow_log_ms: reader.time("slow_log", &options.slow_log),
        metrics: options.metrics,
        trace: options.trace,
        compress: reader.compress(&options.compress),
    }
}

fn above_zero(bytes: u64) -> Option<u64> {
    Some(bytes).filter(|bytes| *bytes > 0)
}

struct Reader<'a> {
    of: &'a str,
    span: Option<&'a Span>,
    diags: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn refuse(&mut self, message: String, help: &str) {
        let diagnostic = Diagnostic::error(Code::OptionValue, message).at(self.span.cloned()).help(help);
        self.diags.push(diagnostic);
    }

    fn time(&mut self, option: &str, text: &str) -> Option<u64> {
        if text.is_empty() {
            return None;
        }
        let time = milliseconds(text);
        if time.is_none() {
            self.refuse(
                format!("`{text}` is no duration: the {option} of `{}`", self.of),
                "write a whole number above 0 and a unit: `300ms`, `2s`, `1m`",
            );
        }
        time
    }

    fn callers(&mut self, callers: Vec<String>) -> Vec<String> {
        let is_pattern = |caller: &str| {
            let name = caller.strip_suffix('*').unwrap_or(caller);
            !caller.is_empty() && !name.contains('*') && !name.contains(char::is_whitespace)
        };
        if let Some(wrong) = callers.iter().find(|caller| !is_pattern(caller)) {
            self.refuse(
                format!("`{wrong}` names no caller: the callers of `{}`", self.of),
                "write the app id of a caller, or the beginning of some and `*`: `shop.web.site`, `shop.web.*`",
            );
        }
        callers
    }

    fn codes(&mut self, codes: Vec<i32>) -> Vec<i32> {
        if let Some(wrong) = codes.iter().find(|code| !FAILURES.contains(code)) {
            self.refuse(
                format!("{wrong} is no code of a failure: the retry.codes of `{}`", self.of),
                "write codes of google.rpc.Code but `OK`: `codes: [UNAVAILABLE, ABORTED]`",
            );
        }
        codes
    }

    fn compress(&mut self, name: &str) -> Option<Compress> {
        match name {
            "" => None,
            "none" => Some(Compress::None),
            "gzip" => Some(Compress::Gzip),
            "zstd" => Some(Compress::Zstd),
            _ => {
                self.refuse(
                    format!("`{name}` compresses nothing: the compress of `{}`", self.of),
                    "write `gzip`, `zstd` or `none`",
                );
                None
            }
        }
    }

    fn share(&mut self, share: f64) -> Option<u32> {
        if !(0.0..=1.0).contains(&share) {
            self.refuse(
                format!("{share} is no share of all calls: the access_log of `{}`", self.of),
                "write a number from 0 to 1: `0.01` for one call in a hundred",
            );
            return None;
        }
        Some((share * 1e6).round() as u32)
    }
}

/// `300ms`, `2s`, `1m`
fn milliseconds(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok().filter(|number| *number > 0)?;
    match &text[digits..] {
        "ms" => Some(number),
        "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(milliseconds("300ms"), Some(300));
        assert_eq!(milliseconds("2s"), Some(2000));
        assert_eq!(milliseconds("1m"), Some(60_000));
        for wrong in ["", "0s", "5", "s", "1h", "-1s", "1.5s", "99999999999999999999s"] {
            assert_eq!(milliseconds(wrong), None, "{wrong}");
        }
    }
}
