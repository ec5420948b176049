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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{MAX_MESSAGE, PREFIX, Side, compress, frame_bytes};
    use super::*;

    fn limit(bytes: usize) -> Limit {
        Limit::new(Side::ServerReads, None, bytes)
    }

    /// What comes of `bytes` when they come in pieces of these sizes, again and again.
    fn read(frames: &mut Frames, bytes: &Bytes, sizes: &[usize]) -> Result<Vec<Bytes>, Status> {
        let mut rest = bytes.clone();
        let mut messages = Vec::new();
        let mut sizes = sizes.iter().copied().cycle();
        while !rest.is_empty() {
            let size = sizes.next().unwrap_or(usize::MAX).clamp(1, rest.len());
            frames.push(rest.split_to(size));
            while let Some(message) = frames.next()? {
                messages.push(message);
            }
        }
        Ok(messages)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_does_not_matter_where_the_bytes_are_cut(
            messages in prop::collection::vec((prop::collection::vec(0_u8..4, 0..3000), any::<bool>()), 0..8),
            sizes in prop::collection::vec(1_usize..2000, 1..6),
        ) {
            let mut buffer = Vec::new();
            for (message, packed) in &messages {
                let start = buffer.len();
                frame_bytes(message, &mut buffer, limit(MAX_MESSAGE)).unwrap();
                if *packed {
                    compress(&mut buffer, start, Encoding::Gzip);
                }
            }
            let bytes = Bytes::from(buffer);
            let mut frames = Frames::new(Some(Encoding::Gzip), limit(3000));
            let read = read(&mut frames, &bytes, &sizes).unwrap();
            prop_assert!(frames.is_between());
            prop_assert!(read.iter().map(|message| &**message).eq(messages.iter().map(|(message, _)| &**message)));
        }

        #[test]
        fn whatever_comes_it_is_read_the_same_in_one_piece_and_in_many(
            bytes in prop::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(2), any::<u8>()], 0..400),
            sizes in prop::collection::vec(1_usize..20, 1..6),
        ) {
            let bytes = Bytes::from(bytes);
            let outcome = |sizes: &[usize]| {
                let mut frames = Frames::new(None, limit(100));
                let messages = read(&mut frames, &bytes, sizes).map_err(|status| status.message().to_owned());
                (messages, frames.is_between())
            };
            let (whole, between) = outcome(&[usize::MAX]);
            let (cut, also_between) = outcome(&sizes);
            prop_assert_eq!(&whole, &cut);
            prop_assert!(whole.is_err() || between == also_between);
        }
    }

    #[test]
    fn a_message_that_came_whole_is_not_copied() {
        let bytes = Bytes::from_static(b"\0\0\0\0\x02hi\0\0\0\0\0\0\0\0\0\x03you");
        let mut frames = Frames::new(None, limit(10));
        let messages = read(&mut frames, &bytes, &[usize::MAX]).unwrap();
        assert_eq!(messages, ["hi", "", "you"]);
        assert_eq!(messages[2].as_ptr(), bytes[17..].as_ptr());
    }

    #[test]
    fn what_is_kept_grows_with_what_came() {
        let mut frames = Frames::new(None, limit(MAX_MESSAGE));
        frames.push(Bytes::from_static(b"\0\0\x80\0\0 and no more of the eight mebibytes"));
        assert_eq!(frames.next().unwrap(), None);
        assert!(frames.begun.capacity() < 100, "{}", frames.begun.capacity());
        // And in the end it is what was announced.
        let mut frames = Frames::new(None, limit(MAX_MESSAGE));
        let bytes: Bytes = [b"\0\0\x01\0\0".as_slice(), &[7; 1 << 16]].concat().into();
        for start in (0..bytes.len()).step_by(1000) {
            frames.push(bytes.slice(start..bytes.len().min(start + 1000)));
            assert!(frames.begun.capacity() <= PREFIX + (1 << 16));
            if let Some(message) = frames.next().unwrap() {
                assert_eq!(message, bytes.slice(PREFIX..));
            }
        }
        assert!(frames.is_between());
    }

    #[test]
    fn a_limit_is_looked_at_before_the_message_came() {
        let mut frames = Frames::new(None, limit(4));
        frames.push(Bytes::from_static(b"\0\0\0\0"));
        assert_eq!(frames.next().unwrap(), None);
        frames.push(Bytes::from_static(b"\x05"));
        let error = frames.next().unwrap_err();
        assert_eq!(
            error.message(),
            "the request has 5 bytes, more than the 4 that this server reads (`max_message`)"
        );
        assert!(!frames.is_between());
    }
}
