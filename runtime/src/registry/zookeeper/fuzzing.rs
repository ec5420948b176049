//! What is fuzzed of ZooKeeper's protocol: bytes that a server sends. libFuzzer calls it with bytes of its own making (`fuzz/run`), a
//! test with those of the corpus.

use bytes::BytesMut;

use super::wire::{Incoming, Ticket, all_done, names, node};

/// Frames, each read as everything that it may be. However they are cut, the same comes out.
pub fn zookeeper(input: &[u8]) {
    let whole = heard([input]);
    assert_eq!(whole, heard(input.chunks(3)));
    for incoming in whole {
        let Incoming::Reply(_, Ok(body)) = incoming else { continue };
        if let Ok((value, _)) = node(&body) {
            // What is no UTF-8 is replaced by at most three bytes for each.
            assert!(value.len() <= 3 * body.len());
        }
        if let Ok(names) = names(&body) {
            assert!(names.len() <= body.len() / 4);
        }
        let _whatever_it_says = all_done(&body);
    }
    if let Ok((ticket, time)) = Ticket::granted(input) {
        assert!(ticket.session != 0 && time > 0 && ticket.password.len() <= input.len());
    }
}

fn heard<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Incoming> {
    let (mut buffer, mut heard) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match Incoming::take(&mut buffer).and_then(|frame| frame.map(Incoming::of).transpose()) {
                Ok(Some(incoming)) => heard.push(incoming),
                Ok(None) => break,
                // The connection ends there.
                Err(_) => return heard,
            }
        }
    }
    heard
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_of_the_corpus_is_survived() {
        crate::corpus::corpus("zookeeper").iter().for_each(|input| zookeeper(input));
    }
}
