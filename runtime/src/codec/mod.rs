//! Messages on the wire: five bytes, then a message, compressed or not.
//!
//! In: messages, or the pieces in which their bytes arrive. Out: the other one. Everything here knows bytes and no call; it
//! exists once and not once per message type. Never: more memory than a limit allows, whatever a peer announces.

mod encoding;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod limit;
mod messages;
mod read;
mod write;

use bytes::Bytes;
use prost::Message;
use tonic::Status;

pub use encoding::Encoding;
pub(crate) use encoding::{ACCEPT_ENCODING, Accepted, ENCODING};
pub(crate) use limit::{Limit, Side};
pub(crate) use messages::Messages;
pub(crate) use write::{compress, frame, frame_bytes};

/// What a stream buffers before whoever fills it has to wait, and the most that a body hands over at once.
pub(crate) const BATCH: usize = 32 * 1024;

/// The largest message that is read or sent, unless said otherwise.
pub(crate) const MAX_MESSAGE: usize = 8 * 1024 * 1024;

/// The bytes before each message: a compression flag and a length.
pub(crate) const PREFIX: usize = 5;

/// Reads one message; `what` it is goes into the error.
pub(crate) fn decode<T: Message + Default>(bytes: Bytes, what: &str) -> Result<T, Status> {
    T::decode(bytes).map_err(|error| undecodable(&error, what))
}

fn undecodable(error: &prost::DecodeError, what: &str) -> Status {
    Status::internal(format!("cannot decode the {what}: {error}"))
}
