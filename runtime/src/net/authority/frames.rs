//! Frames of HTTP/2, as far as header blocks go (RFC 9113, sections 4 and 6).

use std::borrow::Cow;

use super::Invalid;

pub(super) const HEADERS: u8 = 1;
pub(super) const CONTINUATION: u8 = 9;
pub(super) const END_STREAM: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;
pub(super) const PADDED: u8 = 0x8;
pub(super) const PRIORITY: u8 = 0x20;

/// The longest payload that is read and written: `SETTINGS_MAX_FRAME_SIZE`, which our servers leave as it is.
pub(super) const MAX_PAYLOAD: usize = 16_384;

/// The nine bytes before each payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) length: usize,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

/// What one header block may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The bytes of its frames.
    pub(super) bytes: usize,
    /// How many frames may follow the first one.
    pub(super) continuations: usize,
}

impl Head {
    pub(super) const LENGTH: usize = 9;

    /// Reads what `bytes` begin with; `None` while it has not come whole.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, kind, flags, stream @ ..] = *bytes.first_chunk::<{ Self::LENGTH }>()?;
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        Some(Self { length, kind, flags, stream: u32::from_be_bytes(stream) & 0x7fff_ffff })
    }

    fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Where the payload ends of a frame that begins with this.
    pub(super) fn end(self) -> usize {
        Self::LENGTH + self.length
    }
}

/// Where the header block ends that `bytes` begin with; `None` while it has not come whole.
///
/// # Errors
///
/// Fails as soon as it is seen to be more than is allowed, or when another frame comes between those of the block.
pub(super) fn end_of_block(bytes: &[u8], limits: Limits) -> Result<Option<usize>, Invalid> {
    let Some(first) = Head::read(bytes) else { return Ok(None) };
    let (mut head, mut end, mut continuations) = (first, 0, 0);
    loop {
        end += head.end();
        if head.length > MAX_PAYLOAD || end > limits.bytes {
            return Err(Invalid("its headers are too long"));
        }
        if end > bytes.len() {
            return Ok(None);
        }
        if head.has(END_HEADERS) {
            return Ok(Some(end));
        }
        head = match Head::read(&bytes[end..]) {
            Some(next) => next,
            None => return Ok(None),
        };
        continuations += 1;
        if head.kind != CONTINUATION || head.stream != first.stream {
            return Err(Invalid("something comes between the parts of its headers"));
        }
        if continuations > limits.continuations {
            return Err(Invalid("its headers are in too many parts"));
        }
    }
}

/// What the frames of one whole header block carry, without padding and priority.
pub(super) fn block(frames: &[u8]) -> Result<Cow<'_, [u8]>, Invalid> {
    let mut block = Cow::default();
    let mut rest = frames;
    while let Some(head) = Head::read(rest) {
        let (frame, next) = rest.split_at(head.end());
        let payload = &frame[Head::LENGTH..];
        if head.kind == HEADERS {
            block = Cow::Borrowed(fragment(head, payload)?);
        } else {
            block.to_mut().extend_from_slice(payload);
        }
        rest = next;
    }
    Ok(block)
}

/// What the payload of HEADERS carries beside padding and priority.
fn fragment(head: Head, mut payload: &[u8]) -> Result<&[u8], Invalid> {
    const SHORT: Invalid = Invalid("its headers have more padding than bytes");
    let mut padding = 0;
    if head.has(PADDED) {
        let (length, rest) = payload.split_first().ok_or(SHORT)?;
        (padding, payload) = (usize::from(*length), rest);
    }
    if head.has(PRIORITY) {
        payload = payload.get(5..).ok_or(Invalid("its priority is cut"))?;
    }
    let end = payload.len().checked_sub(padding).ok_or(SHORT)?;
    Ok(&payload[..end])
}

/// The frames of a header block: what `head` begins, with another block.
pub(super) fn write(head: Head, block: &[u8]) -> Vec<u8> {
    let mut frames = Vec::with_capacity(block.len() + Head::LENGTH);
    let (mut kind, mut flags) = (HEADERS, head.flags & END_STREAM);
    let mut rest = block;
    loop {
        let (payload, later) = rest.split_at(rest.len().min(MAX_PAYLOAD));
        if later.is_empty() {
            flags |= END_HEADERS;
        }
        // It fits: no payload is longer than `MAX_PAYLOAD`.
        let [_, length @ ..] = (payload.len() as u32).to_be_bytes();
        frames.extend_from_slice(&length);
        frames.extend_from_slice(&[kind, flags]);
        frames.extend_from_slice(&head.stream.to_be_bytes());
        frames.extend_from_slice(payload);
        if later.is_empty() {
            return frames;
        }
        (rest, kind, flags) = (later, CONTINUATION, 0);
    }
}
