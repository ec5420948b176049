//! The metadata of a reply, shared by all who care.
//!
//! A server's handler adds to it through [`Call::reply`](crate::Call::reply); a client reads it through
//! [`CallOptions::capture`](crate::CallOptions::capture).

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::HeaderMap;
use tonic::metadata::{Ascii, MetadataKey, MetadataMap, MetadataValue};

use super::binary::{append_bin, values_bin};
use super::hops;
use super::reserved::is_reserved;
use crate::codec::Encoding;

/// The headers and trailers of one reply; clones share them.
///
/// On the server they are what will be sent: headers added after the first message went out are lost. On the client they are what
/// came; a call that failed before it sent anything, and had no headers to send, has trailers only.
#[derive(Clone, Default)]
pub struct ReplyMetadata(Arc<Mutex<Parts>>);

#[derive(Default)]
struct Parts {
    headers: MetadataMap,
    trailers: MetadataMap,
    /// What the handler said of compression, if it did.
    compression: Option<Option<Encoding>>,
}

impl ReplyMetadata {
    /// Empty metadata.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a header, as [`CallOptions::metadata`](crate::CallOptions::metadata) does; a wrong name or value is logged and left out.
    pub fn add_header(&self, key: &str, value: &str) {
        append(&mut self.lock().headers, key, value);
    }

    /// Adds a trailer.
    pub fn add_trailer(&self, key: &str, value: &str) {
        append(&mut self.lock().trailers, key, value);
    }

    /// Adds a header of bytes; its name ends with `-bin`. A name may be added several times.
    pub fn add_header_bin(&self, key: &str, value: &[u8]) {
        append_bin(&mut self.lock().headers, key, value);
    }

    /// Adds a trailer of bytes; its name ends with `-bin`. A name may be added several times.
    pub fn add_trailer_bin(&self, key: &str, value: &[u8]) {
        append_bin(&mut self.lock().trailers, key, value);
    }

    /// On a server: compresses the replies of this call, or with `None` does not, whatever the server is set to. A caller that
    /// cannot read it gets what it can. It has to be said before the first message, as headers have.
    pub fn compress(&self, encoding: impl Into<Option<Encoding>>) {
        self.lock().compression = Some(encoding.into());
    }

    pub(crate) fn has_headers(&self) -> bool {
        !self.lock().headers.is_empty()
    }

    pub(crate) fn compression(&self) -> Option<Option<Encoding>> {
        self.lock().compression
    }

    /// Sends `rpc-backward-{key}: value` back to the caller, one hop, as CloudWeGo does.
    pub fn add_backward(&self, key: &str, value: &str) {
        self.add_trailer(&hops::backward_name(key), value);
    }

    /// What came back under `key`, in a header or a trailer.
    pub fn backward(&self, key: &str) -> Option<String> {
        let name = hops::backward_name(key);
        self.header(&name).or_else(|| self.trailer(&name))
    }

    /// The first header of that name, if it is text.
    pub fn header(&self, key: &str) -> Option<String> {
        text(&self.lock().headers, key)
    }

    /// The first trailer of that name, if it is text.
    pub fn trailer(&self, key: &str) -> Option<String> {
        text(&self.lock().trailers, key)
    }

    /// All values of a header of bytes, in their order; what is no base64 is left out.
    pub fn header_bin(&self, key: &str) -> Vec<Bytes> {
        values_bin(self.lock().headers.as_ref(), key)
    }

    /// All values of a trailer of bytes, in their order; what is no base64 is left out.
    pub fn trailer_bin(&self, key: &str) -> Vec<Bytes> {
        values_bin(self.lock().trailers.as_ref(), key)
    }

    /// All headers, as they are now.
    pub fn headers(&self) -> MetadataMap {
        self.lock().headers.clone()
    }

    /// All trailers, as they are now.
    pub fn trailers(&self) -> MetadataMap {
        self.lock().trailers.clone()
    }

    pub(crate) fn set_headers(&self, headers: MetadataMap) {
        self.lock().headers = headers;
    }

    pub(crate) fn set_trailers(&self, trailers: MetadataMap) {
        self.lock().trailers = trailers;
    }

    pub(crate) fn take_headers(&self) -> HeaderMap {
        std::mem::take(&mut self.lock().headers).into_headers()
    }

    pub(crate) fn take_trailers(&self) -> HeaderMap {
        std::mem::take(&mut self.lock().trailers).into_headers()
    }

    fn lock(&self) -> MutexGuard<'_, Parts> {
        // A map that somebody panicked over is still a map.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ReplyMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.lock();
        f.debug_struct("ReplyMetadata")
            .field("headers", &parts.headers)
            .field("trailers", &parts.trailers)
            .finish()
    }
}

/// Adds a text entry; one that cannot be sent is a mistake of the program that must not fail the call.
pub(crate) fn append(map: &mut MetadataMap, key: &str, value: &str) {
    match (MetadataKey::<Ascii>::from_bytes(key.as_bytes()), MetadataValue::<Ascii>::try_from(value)) {
        (Ok(key), Ok(value)) if !is_reserved(key.as_str()) => {
            map.append(key, value);
        }
        _ => tracing::warn!(
            key,
            "metadata left out: a name of the protocol, no name of a text, or a value that is no header"
        ),
    }
}

fn text(map: &MetadataMap, key: &str) -> Option<String> {
    map.get(key).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
