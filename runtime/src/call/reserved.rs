//! Names of metadata that belong to the protocol.
//!
//! In: metadata that a program made, or took over from another call. Out: the same without what would contradict the
//! message it goes with: a length, an encoding, a timeout of somebody else.

use http::HeaderMap;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HOST, HeaderName, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

const NAMES: [HeaderName; 9] =
    [CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// Whether a name is not a program's to set.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.starts_with("grpc-") || NAMES.iter().any(|reserved| reserved == name)
}

/// Takes the reserved names out.
pub(crate) fn strip(headers: &mut HeaderMap) {
    if headers.keys().any(|name| is_reserved(name.as_str())) {
        let names: Vec<HeaderName> =
            headers.keys().filter(|name| is_reserved(name.as_str())).cloned().collect();
        for name in names {
            headers.remove(name);
        }
    }
}
