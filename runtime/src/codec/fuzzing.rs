//! What is fuzzed of a runtime: bytes that a peer sends as messages. libFuzzer calls it with bytes of its own making (`fuzz/run`), a
//! test with those of the corpus.

use bytes::Bytes;

use super::read::Frames;
use super::{Encoding, Limit, Side};

/// Small, so that inputs reach it.
const MOST: usize = 4096;

/// The first byte chooses an encoding, the second one says into how large pieces the rest is cut. However it is cut, it
/// gives the same messages or the same error, and none is larger than the limit.
pub fn frames(input: &[u8]) {
    let Some(([choice, cut], rest)) = input.split_first_chunk::<2>() else { return };
    let choices = Encoding::ALL.len() + 1;
    let encoding = Encoding::ALL.get(usize::from(*choice) % choices).copied();
    let rest = Bytes::copy_from_slice(rest);
    let whole = outcome(&rest, rest.len().max(1), encoding);
    let pieces = outcome(&rest, usize::from(*cut) + 1, encoding);
    assert_eq!(whole, pieces);
}

/// What was read: each message, and the error or whether the end is between two messages.
fn outcome(bytes: &Bytes, piece: usize, encoding: Option<Encoding>) -> (Vec<Bytes>, Result<bool, String>) {
    let mut frames = Frames::new(encoding, Limit::new(Side::ServerReads, None, MOST));
    let mut messages = Vec::new();
    let mut rest = bytes.clone();
    while !rest.is_empty() {
        frames.push(rest.split_to(piece.min(rest.len())));
        loop {
            match frames.next() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(status) => return (messages, Err(status.message().to_owned())),
            }
            assert!(messages.last().is_none_or(|message| message.len() <= MOST));
        }
    }
    (messages, Ok(frames.is_between()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_of_the_corpus_is_survived() {
        crate::corpus::corpus("frames").iter().for_each(|input| frames(input));
    }
}
