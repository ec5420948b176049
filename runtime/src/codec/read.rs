//! Pieces of bytes to messages.
//!
//! In: what a connection gave, cut anywhere. Out: the bytes of each message, as a part of the piece that it came in where that is
//! possible. A limit is looked at before anything is kept, and what is kept grows with what came, not with what was announced.

use bytes::{Buf as _, Bytes};
use tonic::Status;

use super::{Encoding, Limit, PREFIX};

/// Takes the frames of one call's messages apart.
#[derive(Debug)]
pub(crate) struct Frames {
    limit: Limit,
    encoding: Option<Encoding>,
    /// What came last and is not looked at.
    piece: Bytes,
    /// The beginning of a frame that came in several pieces.
    begun: Vec<u8>,
}

/// What the prefix of a frame says.
struct Head {
    packed: bool,
    length: usize,
}

impl Frames {
    pub(crate) fn new(encoding: Option<Encoding>, limit: Limit) -> Self {
        Self { limit, encoding, piece: Bytes::new(), begun: Vec::new() }
    }

    /// Takes the next piece; the one before it has been read to its end, when [`next`](Self::next) had nothing more.
    pub(crate) fn push(&mut self, piece: Bytes) {
        debug_assert!(self.piece.is_empty(), "the piece before is read to its end");
        self.piece = piece;
    }

    /// The next message, if it is complete.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, Status> {
        loop {
            let known = if self.begun.is_empty() { &*self.piece } else { &*self.begun };
            let head = self.head(known)?;
            let size = head.as_ref().map_or(PREFIX, |head| PREFIX.saturating_add(head.length));
            if let Some(head) = head
                && known.len() >= size
            {
                let mut frame = match std::mem::take(&mut self.begun) {
                    none if none.is_empty() => self.piece.split_to(size),
                    begun => Bytes::from(begun),
                };
                frame.advance(PREFIX);
                return self.message(&head, frame).map(Some);
            }
            if self.piece.is_empty() {
                return Ok(None);
            }
            self.keep(size);
        }
    }

    /// Whether the last message is complete.
    pub(crate) fn is_between(&self) -> bool {
        self.begun.is_empty() && self.piece.is_empty()
    }

    /// Moves what belongs to a frame of `size` bytes out of the piece.
    fn keep(&mut self, size: usize) {
        let part = self.piece.split_to(self.piece.len().min(size - self.begun.len()));
        let needed = self.begun.len() + part.len();
        if needed > self.begun.capacity() {
            // Twice as much each time, and never more than the frame needs.
            let room = needed.max(self.begun.capacity() * 2).min(size);
            self.begun.reserve_exact(room - self.begun.len());
        }
        self.begun.extend_from_slice(&part);
    }

    fn head(&self, known: &[u8]) -> Result<Option<Head>, Status> {
        let Some(([flag, length @ ..], _)) = known.split_first_chunk::<PREFIX>() else {
            return Ok(None);
        };
        let packed = match flag {
            0 => false,
            1 if self.encoding.is_some() => true,
            1 => {
                let what = self.limit.what();
                return Err(Status::internal(format!(
                    "the {what} is compressed, and no `grpc-encoding` says how"
                )));
            }
            flag => {
                return Err(Status::internal(format!(
                    "a {} begins with {flag}, which is no compression flag",
                    self.limit.what()
                )));
            }
        };
        // A length that the machine has no number for is beyond every limit.
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        self.limit.check(length)?;
        Ok(Some(Head { packed, length }))
    }

    fn message(&self, head: &Head, bytes: Bytes) -> Result<Bytes, Status> {
        let Some(encoding) = self.encoding.filter(|_| head.packed) else {
            return Ok(bytes);
        };
        match encoding.unpack(&bytes, self.limit.bytes) {
            Ok(Some(plain)) => Ok(Bytes::from(plain)),
            Ok(None) => Err(self.limit.unpacked()),
            Err(error) => {
                let (what, name) = (self.limit.what(), encoding.name());
                Err(Status::internal(format!("cannot decompress the {what} as {name}: {error}")))
            }
        }
    }
}
