//! What a caller says of one call, instead of what it would inherit.

use std::time::Duration;

use tonic::metadata::MetadataMap;

use super::binary::append_bin;
use super::reply::append;
use super::{ReplyMetadata, hash_of, hops};
use crate::codec::Encoding;

/// Options for the calls of one client handle: `client.with(CallOptions::new().timeout(..)).get_order(..)`.
///
/// What is said here wins over the deadline of the current [`Call`](crate::Call) and over the timeout of the method.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    pub(crate) timeout: Timeout,
    pub(crate) metadata: MetadataMap,
    pub(crate) capture: Option<ReplyMetadata>,
    /// `Some(None)`: not, whatever was said before.
    pub(crate) encoding: Option<Option<Encoding>>,
    pub(crate) max_request: Option<usize>,
    pub(crate) max_reply: Option<usize>,
    pub(crate) key: Option<u64>,
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

    /// Sends bytes with the request, under a name that ends with `-bin`. A name may be given several times; a wrong one is logged
    /// and left out.
    #[must_use]
    pub fn metadata_bin(mut self, key: &str, value: &[u8]) -> Self {
        append_bin(&mut self.metadata, key, value);
        self
    }

    /// Sends `x-md-global-{key}: value`, which travels on with all calls that are made for this one.
    #[must_use]
    pub fn global(self, key: &str, value: &str) -> Self {
        self.metadata(&hops::global_name(key), value)
    }

    /// Sends `x-md-local-{key}: value`, which the called service sees and nobody behind it.
    #[must_use]
    pub fn local(self, key: &str, value: &str) -> Self {
        self.metadata(&hops::local_name(key), value)
    }

    /// Puts the headers and trailers of the reply there. The handle holds those of the latest call.
    #[must_use]
    pub fn capture(mut self, reply: &ReplyMetadata) -> Self {
        self.capture = Some(reply.clone());
        self
    }

    /// Sends requests compressed, or with `None` as they are, which is the default. A message below 1 KiB, or one that would not get
    /// smaller, goes as it is. A server that does not understand the encoding fails the call: mostly with UNIMPLEMENTED, in
    /// Python with INTERNAL. gzip is understood nearly everywhere.
    #[must_use]
    pub fn compress(mut self, encoding: impl Into<Option<Encoding>>) -> Self {
        self.encoding = Some(encoding.into());
        self
    }

    /// The largest request that is sent, in bytes: 8 MiB unless set. A larger one is RESOURCE_EXHAUSTED before it is encoded.
    #[must_use]
    pub fn max_request(mut self, bytes: usize) -> Self {
        self.max_request = Some(bytes);
        self
    }

    /// The largest reply that is read, in bytes: 8 MiB unless set. A larger one is RESOURCE_EXHAUSTED before it is buffered.
    #[must_use]
    pub fn max_reply(mut self, bytes: usize) -> Self {
        self.max_reply = Some(bytes);
        self
    }

    /// Calls with this key go to one instance, as long as the list of instances stays: for clients whose balancer is
    /// `consistent-hash`. Others ignore it. It is not sent.
    #[must_use]
    pub fn hash_key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.key = Some(hash_of(key.as_ref()));
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
            encoding: later.encoding.or(self.encoding),
            max_request: later.max_request.or(self.max_request),
            max_reply: later.max_reply.or(self.max_reply),
            key: later.key.or(self.key),
        }
    }
}
