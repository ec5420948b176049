//! Messages to frames, one after the other in one buffer.

use bytes::{BufMut as _, BytesMut};
use prost::Message;
use tonic::Status;

use super::{Encoding, Limit, PREFIX};

/// Messages below this size go as they are: what a packet carries anyway gains nothing by being smaller.
const WORTH_PACKING: usize = 1024;

/// Appends one message.
///
/// # Errors
///
/// Fails, and appends nothing, when it is too large. Then nothing was encoded, either.
pub(crate) fn frame<T: Message>(message: &T, buffer: &mut BytesMut, limit: Limit) -> Result<(), Status> {
    open_frame(message.encoded_len(), buffer, limit)?;
    message.encode_raw(buffer);
    Ok(())
}

/// Appends one message that is encoded already.
pub(crate) fn frame_bytes(message: &[u8], buffer: &mut BytesMut, limit: Limit) -> Result<(), Status> {
    open_frame(message.len(), buffer, limit)?;
    buffer.put_slice(message);
    Ok(())
}

fn open_frame(length: usize, buffer: &mut BytesMut, limit: Limit) -> Result<(), Status> {
    limit.check(length)?;
    let prefix = u32::try_from(length).map_err(|_| {
        Status::resource_exhausted(format!("a {} of {length} bytes has no place in a frame", limit.what()))
    })?;
    buffer.reserve(PREFIX + length);
    buffer.put_u8(0);
    buffer.put_u32(prefix);
    Ok(())
}

/// Compresses the last message of `buffer`, whose frame begins at `start`, if it is worth it.
pub(crate) fn compress(buffer: &mut BytesMut, start: usize, encoding: Encoding) {
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
