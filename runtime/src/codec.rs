//! Frames: five bytes, then a message.
//!
//! In: messages or their bytes. Out: the other one. Reading (limits, split frames) is tonic's [`Streaming`](tonic::Streaming)
//! over a decoder that leaves the bytes as they are, so that it exists once and not once per message type.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use prost::Message;
use tonic::codec::{BufferSettings, DecodeBuf, Decoder};
use tonic::{Code, Status};

/// What a stream buffers before whoever fills it has to wait, and the most that a body hands over at once.
pub(crate) const BATCH: usize = 32 * 1024;

/// The largest message that is read, unless said otherwise.
pub(crate) const MAX_MESSAGE: usize = 8 * 1024 * 1024;

/// The bytes before each message: a compression flag and a length.
pub(crate) const PREFIX: usize = 5;

/// Hands out the bytes of each message.
#[derive(Debug)]
pub(crate) struct RawDecoder;

impl Decoder for RawDecoder {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, frame: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(frame.copy_to_bytes(frame.remaining())))
    }

    fn buffer_settings(&self) -> BufferSettings {
        // Most calls carry one small message; the buffer grows for the others.
        BufferSettings::new(1024, BATCH)
    }
}

/// Appends one message.
///
/// # Errors
///
/// Fails, and appends nothing, when the length does not fit the prefix.
pub(crate) fn frame<T: Message>(message: &T, buffer: &mut BytesMut) -> Result<(), Status> {
    let length = message.encoded_len();
    open_frame(length, buffer)?;
    message.encode_raw(buffer);
    Ok(())
}

fn open_frame(length: usize, buffer: &mut BytesMut) -> Result<(), Status> {
    let prefix = u32::try_from(length).map_err(|_| {
        Status::resource_exhausted(format!("a message of {length} bytes is too large to send"))
    })?;
    buffer.reserve(PREFIX + length);
    buffer.put_u8(0);
    buffer.put_u32(prefix);
    Ok(())
}

/// Appends one message that is encoded already.
pub(crate) fn frame_bytes(message: &[u8], buffer: &mut BytesMut) -> Result<(), Status> {
    open_frame(message.len(), buffer)?;
    buffer.put_slice(message);
    Ok(())
}

/// Reads one message; `what` it is goes into the error.
pub(crate) fn decode<T: Message + Default>(bytes: Bytes, what: &str) -> Result<T, Status> {
    T::decode(bytes).map_err(|error| undecodable(&error, what))
}

fn undecodable(error: &prost::DecodeError, what: &str) -> Status {
    Status::new(Code::Internal, format!("cannot decode the {what}: {error}"))
}
