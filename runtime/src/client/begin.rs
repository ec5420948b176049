//! What a call inherits.
//!
//! In: the options of a client, the call that it is made for, the policy of the method. Out: a [`Call`] with a deadline
//! and metadata. Explicit always wins.

use std::time::{Duration, Instant};

use http::HeaderMap;
use tonic::metadata::MetadataMap;
use tracing::Span;

use super::Client;
use crate::call::{Call, CallOptions, Timeout, Trace, hops, now};
use crate::descriptor::{Kind, Method};
use crate::net::Peer;
use crate::observe;
use crate::policy::{Policy, bound};

/// The longest that a unary call takes of which nobody said anything.
const UNARY: Duration = Duration::from_secs(60);

impl Client {
    /// Decides what a call inherits.
    pub(super) fn begin(&self, method: &'static Method, policy: &Policy) -> (Call, Option<Span>) {
        let parent = self.parent.clone().or_else(Call::current);
        let options = self.options.as_deref();
        let deadline = match options.map(|options| options.timeout).unwrap_or_default() {
            Timeout::After(timeout) => now().checked_add(timeout),
            Timeout::Never => None,
            Timeout::Inherited => inherited(parent.as_ref(), method, policy),
        };
        let mut headers = metadata(parent.as_ref(), options);
        if let Some(caller) = &self.caller {
            headers.entry(hops::CALLER).or_insert_with(|| caller.clone());
        }
        self.asked.write(&mut headers);
        let mut span = None;
        if policy.trace.unwrap_or(true) {
            // What came of a trace goes on either way.
            let above = || parent.as_ref().and_then(Call::span).or_else(|| Trace::read(&headers));
            if let Some((trace, entered)) = observe::calling(method, above) {
                trace.write(&mut headers);
                span = Some(entered);
            }
        }
        let call = Call::with(method, MetadataMap::from_headers(headers), Peer::default(), deadline)
            .replying_to(options.and_then(|options| options.capture.clone()))
            .keyed(options.and_then(|options| options.key));
        (call, span)
    }
}

/// The deadline of a call that was given none: the current call's or, for a unary call, that of its method, if that is
/// sooner.
fn inherited(parent: Option<&Call>, method: &Method, policy: &Policy) -> Option<Instant> {
    let parent = parent.and_then(Call::deadline);
    if method.kind != Kind::Unary {
        return parent;
    }
    let own = policy.timeout.or(if parent.is_none() { Some(UNARY) } else { None });
    [parent, bound(own).and_then(|own| now().checked_add(own))].into_iter().flatten().min()
}

/// The metadata of a call: what its options say, and what travels on from the current call.
fn metadata(parent: Option<&Call>, options: Option<&CallOptions>) -> HeaderMap {
    let mut headers = options.map(|options| options.metadata.clone().into_headers()).unwrap_or_default();
    let Some(parent) = parent else {
        return headers;
    };
    let inherited = parent.metadata().as_ref();
    if headers.is_empty() {
        headers.extend(
            inherited
                .iter()
                .filter(|(name, _)| hops::travels(name))
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        return headers;
    }
    let said: Vec<_> = headers.keys().cloned().collect();
    for (name, value) in inherited.iter().filter(|(name, _)| hops::travels(name) && !said.contains(name)) {
        headers.append(name.clone(), value.clone());
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    static QUICK: Method = Method::new("/a.B/Quick", 0, Kind::Unary).timeout_ms(300);
    static PLAIN: Method = Method::new("/a.B/Plain", 1, Kind::Unary);
    static WATCH: Method = Method::new("/a.B/Watch", 2, Kind::ServerStream);

    #[test]
    fn the_nearest_deadline_counts() {
        let parent = |seconds| {
            Call::with(
                &PLAIN,
                MetadataMap::new(),
                Peer::default(),
                now().checked_add(Duration::from_secs(seconds)),
            )
        };
        // In whole seconds, rounded up: the clock goes on meanwhile.
        let left = |parent: Option<&Call>, method: &Method| {
            inherited(parent, method, &method.policy)
                .map(|deadline| deadline.saturating_duration_since(now()).as_secs_f64().ceil())
        };
        let (over, long) = (parent(0), parent(100));
        assert_eq!(left(None, &QUICK), Some(1.0));
        assert_eq!(left(None, &PLAIN), Some(60.0));
        assert_eq!(left(None, &WATCH), None);
        assert_eq!(left(Some(&over), &QUICK), Some(0.0));
        assert_eq!(left(Some(&long), &QUICK), Some(1.0));
        assert_eq!(left(Some(&long), &PLAIN), Some(100.0));
        assert_eq!(left(Some(&long), &WATCH), Some(100.0));
        assert_eq!(inherited(None, &PLAIN, &Policy::new().timeout(Duration::MAX)), None);
    }
}
