//! When a client tries a call again.

use std::time::Duration;

use tonic::Code;

/// When a call is tried again. What is not said is inherited.
///
/// Without a word, calls of methods that the IDL says are idempotent are tried up to three times when the service is
/// `UNAVAILABLE`, and others not at all. Attempts alone declare that calls of any method may be repeated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retry {
    /// How often a call is tried, the first time included; 1 turns retries off.
    pub attempts: Option<u32>,
    /// The codes after which it is tried again.
    pub codes: Option<Codes>,
    /// The pause before the second attempt; it doubles from there, and each is drawn at random up to its length.
    pub backoff: Option<Duration>,
    /// The longest pause.
    pub max_backoff: Option<Duration>,
}

impl Retry {
    /// Says nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { attempts: None, codes: None, backoff: None, max_backoff: None }
    }

    /// Sets how often a call is tried, the first time included; 1 turns retries off.
    #[must_use]
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts);
        self
    }

    /// Sets the codes after which a call is tried again.
    #[must_use]
    pub const fn codes(mut self, codes: &[Code]) -> Self {
        self.codes = Some(Codes::new(codes));
        self
    }

    /// Sets the pause before the second attempt.
    #[must_use]
    pub const fn backoff(mut self, backoff: Duration) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// Sets the longest pause.
    #[must_use]
    pub const fn max_backoff(mut self, backoff: Duration) -> Self {
        self.max_backoff = Some(backoff);
        self
    }

    /// This, and `weaker` where it says nothing.
    pub(super) fn over(self, weaker: Self) -> Self {
        Self {
            attempts: self.attempts.or(weaker.attempts),
            codes: self.codes.or(weaker.codes),
            backoff: self.backoff.or(weaker.backoff),
            max_backoff: self.max_backoff.or(weaker.max_backoff),
        }
    }
}

/// A set of codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Codes(u32);

impl Codes {
    /// The set of these.
    #[must_use]
    pub const fn new(codes: &[Code]) -> Self {
        let mut set = 0;
        let mut rest = codes;
        while let [first, others @ ..] = rest {
            set |= 1 << (*first as u32);
            rest = others;
        }
        Self(set)
    }

    /// Whether `code` is one of them.
    #[must_use]
    pub const fn contains(self, code: Code) -> bool {
        self.0 & (1 << (code as u32)) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in() {
        const SET: Codes = Codes::new(&[Code::Unavailable, Code::Aborted]);
        assert!(SET.contains(Code::Aborted) && SET.contains(Code::Unavailable));
        assert!(!SET.contains(Code::Ok) && !Codes::default().contains(Code::Ok));
    }
}
