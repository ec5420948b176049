//! What a caller says of one call, instead of what it would inherit.

use std::time::Duration;

use tonic::metadata::MetadataMap;

use super::ReplyMetadata;
use super::reply::append;

/// Options for the calls of one client handle: `client.with(CallOptions::new().timeout(..)).get_order(..)`.
///
/// What is said here wins over the deadline of the current [`Call`](crate::Call) and over the timeout of the method.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    pub(crate) timeout: Timeout,
    pub(crate) metadata: MetadataMap,
    pub(crate) capture: Option<ReplyMetadata>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Timeout {
    /// From the current call, else from the method.
    #[default]
    Inherited,
    After(Duration),
    Never,
}

impl CallOptions {
    /// Options that say nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The call is over after this time, whatever its method or the current call says.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Timeout::After(timeout);
        self
    }

    /// The call may take for ever, whatever its method or the current call says.
    #[must_use]
    pub fn without_deadline(mut self) -> Self {
        self.timeout = Timeout::Never;
        self
    }

    /// Sends `key: value` with the request. Names are lower case; a key or value that a header cannot carry is logged and left out.
    #[must_use]
    pub fn metadata(mut self, key: &str, value: &str) -> Self {
        append(&mut self.metadata, key, value);
        self
    }

    /// Puts the headers and trailers of the reply there. The handle holds those of the latest call.
    #[must_use]
    pub fn capture(mut self, reply: &ReplyMetadata) -> Self {
        self.capture = Some(reply.clone());
        self
    }

    /// These options, and `later` where it says more.
    pub(crate) fn and(&self, later: Self) -> Self {
        let mut metadata = self.metadata.clone().into_headers();
        metadata.extend(later.metadata.into_headers());
        Self {
            timeout: match later.timeout {
                Timeout::Inherited => self.timeout,
                said => said,
            },
            metadata: MetadataMap::from_headers(metadata),
            capture: later.capture.or_else(|| self.capture.clone()),
        }
    }
}
