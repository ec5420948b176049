//! The repair of an `:authority` that HTTP/2 refuses.
//!
//! In: what a client says after its preface, however it is cut. Out: the same bytes; or, if the authority of its first
//! call is invalid, the same calls with valid ones. Never: a look at anything after the first call of a client whose
//! authority is valid, or more memory than two header blocks.
//!
//! Some programs name no host there: Jupiter's client sends a prefix of its registry, `grpc:orders:v1:dev/`, and
//! go-zero's its list of etcd hosts, `h1:2379,h2:2379`. h2 resets such calls before anybody sees them, and cannot be
//! told otherwise. So the header blocks of these clients are decoded and written anew, in place of what they sent.

mod frames;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod hpack;
#[cfg(test)]
mod tests;

use std::io;

use bytes::{Buf as _, Bytes, BytesMut};
use http::uri::Authority;
use tokio::io::ReadBuf;

use frames::{HEADERS, Head, Limits, MAX_PAYLOAD};
use hpack::{Decoder, write_literal};

/// How much is read at once.
const READ: usize = 8 << 10;

/// The largest table of a client's encoder: `SETTINGS_HEADER_TABLE_SIZE`, which our servers leave as it is.
const MAX_TABLE: usize = 4096;

/// What a client said that cannot be read, or not within the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client cannot be understood: {0}")]
struct Invalid(&'static str);

/// What stands between a client and HTTP/2: all of the time if its authority is invalid, else until that is known.
#[derive(Debug)]
pub(super) struct Repair {
    state: State,
    /// What was read and not looked at, or begins a header block that has not come whole.
    input: BytesMut,
    /// What HTTP/2 gets next.
    output: Bytes,
    /// How many bytes are left of a frame that is none of ours.
    through: usize,
    limits: Limits,
    decoder: Decoder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The first header block has not come.
    Sniffing,
    /// Every header block is written anew.
    Rewriting,
    /// What is here is handed out as it is, and the rest does not come this way.
    Passing,
}

impl Repair {
    /// For a client that said `said`; `max_header_bytes` is `SETTINGS_MAX_HEADER_LIST_SIZE`, as in RFC 9113, section
    /// 6.5.2.
    pub(super) fn new(said: &'static [u8], max_header_bytes: usize) -> Self {
        // As many as h2 reads.
        let continuations = (max_header_bytes / MAX_PAYLOAD * 5 / 4).max(5);
        Self {
            state: State::Sniffing,
            input: BytesMut::new(),
            output: Bytes::from_static(said),
            through: 0,
            limits: Limits { bytes: max_header_bytes * 2, continuations },
            decoder: Decoder::new(MAX_TABLE, max_header_bytes),
        }
    }

    /// Where to read into.
    pub(super) fn room(&mut self) -> &mut BytesMut {
        self.input.reserve(READ);
        &mut self.input
    }

    /// Nothing more will be read. What was held goes out as it is: whoever reads it sees where it was cut.
    pub(super) fn end(&mut self) {
        self.state = State::Passing;
    }

    /// Nothing is here any more, and nothing more needs to come this way.
    pub(super) fn is_over(&self) -> bool {
        self.state == State::Passing && self.output.is_empty() && self.input.is_empty()
    }

    /// Puts into `buffer` what there is for it, and says whether it was anything.
    ///
    /// # Errors
    ///
    /// Fails with [`InvalidData`](io::ErrorKind::InvalidData) when what comes next cannot be written anew.
    pub(super) fn hand_out(&mut self, buffer: &mut ReadBuf<'_>) -> io::Result<bool> {
        if self.output.is_empty() {
            // One that is empty would keep a part of `input` from being used again.
            self.output = Bytes::new();
            let next = self.next().map_err(|invalid| io::Error::new(io::ErrorKind::InvalidData, invalid))?;
            self.output = next.unwrap_or_default();
        }
        let now = self.output.len().min(buffer.remaining());
        buffer.put_slice(&self.output.split_to(now));
        Ok(now > 0)
    }

    /// What HTTP/2 gets next; `None` when more has to be read first.
    fn next(&mut self) -> Result<Option<Bytes>, Invalid> {
        if self.state != State::Passing {
            match self.next_frame() {
                // HTTP/2 has heard everything so far, and has its own answer to this.
                Err(_) if self.state == State::Sniffing => self.state = State::Passing,
                next => return next,
            }
        }
        Ok((!self.input.is_empty()).then(|| self.input.split().freeze()))
    }

    fn next_frame(&mut self) -> Result<Option<Bytes>, Invalid> {
        if self.through == 0 {
            let Some(head) = Head::read(&self.input) else { return Ok(None) };
            if head.kind == HEADERS {
                return match frames::end_of_block(&self.input, self.limits)? {
                    Some(end) => self.header_block(head, end).map(Some),
                    None => Ok(None),
                };
            }
            self.through = head.end();
        }
        let now = self.through.min(self.input.len());
        self.through -= now;
        Ok((now > 0).then(|| self.input.split_to(now).freeze()))
    }

    /// The header block that ends at `end` of the input, and what there is behind it if it is the last to be looked at.
    fn header_block(&mut self, head: Head, end: usize) -> Result<Bytes, Invalid> {
        let block = frames::block(&self.input[..end])?;
        let mut anew = Vec::with_capacity(block.len() * 2);
        let mut refused = None;
        self.decoder.decode(&block, |name, value| match repaired(name, value) {
            Some(repaired) => {
                write_literal(name, &repaired, &mut anew);
                refused.get_or_insert_with(|| value.to_vec());
            }
            None => write_literal(name, value, &mut anew),
        })?;
        if self.state == State::Sniffing {
            let Some(authority) = refused else {
                self.state = State::Passing;
                return Ok(self.input.split().freeze());
            };
            tracing::debug!(authority = %authority.escape_ascii(), "a client has an invalid authority, which is repaired");
            self.state = State::Rewriting;
        }
        let anew = frames::write(head, &anew);
        self.input.advance(end);
        Ok(Bytes::from(anew))
    }
}

/// A value that HTTP/2 takes, for an authority that it refuses.
fn repaired(name: &[u8], value: &[u8]) -> Option<Vec<u8>> {
    if name != b":authority" || Authority::try_from(value).is_ok() {
        return None;
    }
    if value.is_empty() {
        return Some(b"unknown".to_vec());
    }
    let plain = |byte: &u8| if byte.is_ascii_alphanumeric() || *byte == b'.' { *byte } else { b'-' };
    Some(value.iter().map(plain).collect())
}
