//! Messages to frames, one after the other in one buffer.

use prost::Message;
use tonic::Status;

use super::{Encoding, Limit, PREFIX};

/// Messages below this size go as they are: what a packet carries anyway gains nothing by being smaller.
const WORTH_PACKING: usize = 1024;

/// Where a second message follows a first one, more do.
const ROOM: usize = 4 * 1024;

/// Appends one message.
///
/// # Errors
///
/// Fails, and appends nothing, when it is too large. Then nothing was encoded, either.
pub(crate) fn frame<T: Message>(message: &T, buffer: &mut Vec<u8>, limit: Limit) -> Result<(), Status> {
    open_frame(message.encoded_len(), buffer, limit)?;
    message.encode_raw(buffer);
    Ok(())
}

/// Appends one message that is encoded already.
pub(crate) fn frame_bytes(message: &[u8], buffer: &mut Vec<u8>, limit: Limit) -> Result<(), Status> {
    open_frame(message.len(), buffer, limit)?;
    buffer.extend_from_slice(message);
    Ok(())
}

fn open_frame(length: usize, buffer: &mut Vec<u8>, limit: Limit) -> Result<(), Status> {
    limit.check(length)?;
    let Ok(prefix) = u32::try_from(length) else {
        let what = limit.what();
        return Err(Status::resource_exhausted(format!(
            "a {what} of {length} bytes has no place in a frame"
        )));
    };
    let needed = PREFIX + length;
    if buffer.is_empty() {
        // Most have one message, and a buffer without room behind it is sent as it is.
        buffer.reserve_exact(needed);
    } else if buffer.capacity() - buffer.len() < needed {
        buffer.reserve(needed.max(ROOM));
    }
    let [a, b, c, d] = prefix.to_be_bytes();
    buffer.extend_from_slice(&[0, a, b, c, d]);
    Ok(())
}

/// Compresses the last message of `buffer`, whose frame begins at `start`, if it is worth it.
pub(crate) fn compress(buffer: &mut Vec<u8>, start: usize, encoding: Encoding) {
    let message = start + PREFIX;
    if buffer.len() < message + WORTH_PACKING || !encoding.pack(buffer, message) {
        return;
    }
    // It was smaller than its limit, and is smaller now.
    let length = u32::try_from(buffer.len() - message).unwrap_or(u32::MAX);
    if let Some(prefix) = buffer.get_mut(start..message) {
        prefix[0] = 1;
        prefix[1..].copy_from_slice(&length.to_be_bytes());
    }
}
